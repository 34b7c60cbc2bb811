import { fromData } from "../../library/src/tensor/index.ts";
import type { Problem } from "../problem.ts";
import { LEARNING_RATE, TEMPERATURE } from "../workloads/retriever.ts";
import { pencil } from "./graph.ts";
import {
  adam,
  adamScalars,
  adamState,
  declare,
  type HandGraph,
  infoNce,
  lengthOf,
  parametersOf,
  type Ways,
} from "./parts.ts";

/**
 * One table for queries and passages, bags averaged, InfoNCE, Adam over the whole table.
 *
 * ScatterND with reduction "add" is fast but loses updates where several threads add to one row, so this
 * graph must run on one thread; with `scatter: "scatterElements"` it may run on more, and is slower.
 */
export function retrieverGraph(problem: Problem, ways: Ways = {}): HandGraph {
  const parameters = parametersOf(problem);
  const [rows, width] = parameters.get("table")!.shape as [number, number];
  const { queries } = problem.batches[0] as Record<string, { shape: readonly [number, number] }>;
  const [n, length] = queries!.shape;
  const p = pencil(ways);
  declare(p, parameters);
  p.input("queries", queries!.shape, "int32");
  p.input("passages", queries!.shape, "int32");

  const encode = (bags: string) =>
    p.node("ReduceMean", [p.node("Gather", ["table", bags]), p.integers(1)], { keepdims: 0 });
  const { loss, anchorGradient, positiveGradient } = infoNce(
    p,
    encode("queries"),
    encode("passages"),
    n,
    TEMPERATURE,
    ways,
  );
  p.output("loss", loss, []);

  // Each token of a bag gets the bag's gradient over the bag's length.
  const perBag = p.multiply(p.node("Concat", [anchorGradient, positiveGradient], { axis: 0 }), 1 / length);
  const perToken = p.reshape(
    p.node("Expand", [p.reshape(perBag, 2 * n, 1, width), p.integers(2 * n, length, width)]),
    2 * n * length,
    width,
  );
  const positions = p.reshape(p.node("Concat", ["queries", "passages"], { axis: 0 }), 2 * n * length, 1);
  const zeros = p.node("Expand", [p.scalar(0), p.integers(rows, width)]);
  const gradient =
    ways.scatter === "scatterElements"
      ? p.node(
          "ScatterElements",
          [zeros, p.node("Expand", [positions, p.integers(2 * n * length, width)]), perToken],
          {
            axis: 0,
            reduction: "add",
          },
        )
      : p.node("ScatterND", [zeros, p.node("Cast", [positions], { to: 7 }), perToken], { reduction: "add" });
  adam(p, parameters, new Map([["table", gradient]]), { learningRate: LEARNING_RATE });
  return {
    bytes: p.bytes(),
    state: adamState(parameters, (shape) => fromData(new Float32Array(lengthOf(shape)), shape)),
    scalars: adamScalars({ learningRate: LEARNING_RATE }),
    threads: ways.scatter === "scatterElements" ? undefined : 1,
  };
}
