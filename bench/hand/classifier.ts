import type { Problem } from "../problem.ts";
import { LEARNING_RATE } from "../workloads/classifier.ts";
import { pencil } from "./graph.ts";
import {
  columnSum,
  crossEntropy,
  declare,
  type HandGraph,
  parametersOf,
  reluGradient,
  type Ways,
} from "./parts.ts";

/** Three dense layers, cross-entropy, SGD. */
export function classifierGraph(problem: Problem, ways: Ways = {}): HandGraph {
  const parameters = parametersOf(problem);
  const { x, labels } = problem.batches[0] as Record<string, { shape: readonly [number, number] }>;
  const n = x!.shape[0];
  const p = pencil(ways);
  declare(p, parameters);
  p.input("x", x!.shape);
  p.input("labels", labels!.shape, "int32");
  const shapeOf = (name: string) => parameters.get(name)!.shape as [number, number];

  const first = p.node("Relu", [p.gemm("x", "0.weight", { c: "0.bias" })]);
  const second = p.node("Relu", [p.gemm(first, "1.weight", { c: "1.bias" })]);
  const logits = p.gemm(second, "2.weight", { c: "2.bias" });
  const { loss, gradientTimesN } = crossEntropy(p, logits, "labels", n, shapeOf("2.weight")[1], ways);
  p.output("loss", loss, []);

  let gradient = gradientTimesN;
  const inputs = ["x", first, second];
  for (const layer of [2, 1, 0]) {
    const weight = `${layer}.weight`;
    const bias = `${layer}.bias`;
    const step = LEARNING_RATE / n;
    const nextWeight =
      ways.update === "after"
        ? p.subtract(weight, p.multiply(p.gemm(inputs[layer]!, gradient, { transA: true }), step))
        : p.gemm(inputs[layer]!, gradient, { transA: true, c: weight, alpha: -step });
    p.output(`next.${weight}`, nextWeight, shapeOf(weight));
    const total = columnSum(p, gradient, n, shapeOf(weight)[1], ways.columnSum);
    p.output(`next.${bias}`, p.subtract(bias, p.multiply(total, step)), shapeOf(bias));
    if (layer > 0) {
      const back = p.gemm(gradient, weight, { transB: true });
      gradient = reluGradient(p, back, inputs[layer]!, ways.relu);
    }
  }
  return { bytes: p.bytes(), state: new Map(parameters) };
}
