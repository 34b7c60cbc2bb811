import { fromData } from "../../library/src/tensor/index.ts";
import type { Problem } from "../problem.ts";
import { LEARNING_RATE, TEMPERATURE } from "../workloads/two-towers.ts";
import { pencil } from "./graph.ts";
import {
  adam,
  adamScalars,
  adamState,
  columnSum,
  declare,
  type HandGraph,
  infoNce,
  lengthOf,
  parametersOf,
  type Ways,
} from "./parts.ts";

/** A dense layer for queries, one for passages, InfoNCE, Adam. */
export function twoTowersGraph(problem: Problem, ways: Ways = {}): HandGraph {
  const parameters = parametersOf(problem);
  const { queries } = problem.batches[0] as Record<string, { shape: readonly [number, number] }>;
  const n = queries!.shape[0];
  const width = parameters.get("query.weight")!.shape[1]!;
  const p = pencil(ways);
  declare(p, parameters);
  p.input("queries", queries!.shape);
  p.input("passages", queries!.shape);

  const anchors = p.gemm("queries", "query.weight", { c: "query.bias" });
  const positives = p.gemm("passages", "passage.weight", { c: "passage.bias" });
  const { loss, anchorGradient, positiveGradient } = infoNce(p, anchors, positives, n, TEMPERATURE, ways);
  p.output("loss", loss, []);
  const gradients = new Map([
    ["query.weight", p.gemm("queries", anchorGradient, { transA: true })],
    ["query.bias", columnSum(p, anchorGradient, n, width, ways.columnSum)],
    ["passage.weight", p.gemm("passages", positiveGradient, { transA: true })],
    ["passage.bias", columnSum(p, positiveGradient, n, width, ways.columnSum)],
  ]);
  adam(p, parameters, gradients, { learningRate: LEARNING_RATE });
  return {
    bytes: p.bytes(),
    state: adamState(parameters, (shape) => fromData(new Float32Array(lengthOf(shape)), shape)),
    scalars: adamScalars({ learningRate: LEARNING_RATE }),
  };
}
