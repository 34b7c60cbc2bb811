/** How rows are added up at positions in ONNX; apart, since sums fold it (`matmul.ts`) as well as `gather.ts`. */
import { type DType, type GraphWriter, type Shape, sameShape, sizeOf, type Tensor } from "../tensor.ts";
import { expandSource } from "./shape.ts";

// Above this many elements a one-hot matrix costs more than scattering.
const ONE_HOT_LIMIT = 1 << 22;

export interface Rows {
  /** Name of int32 positions [count]. */
  indices: string;
  /** Name of what is added there, [count, ...row]. */
  updates: string;
  count: number;
}

/** Zeros of a shape [size, ...row] with rows added at their positions. */
export function emitScatteredRows(
  graph: GraphWriter,
  { indices, updates, count }: Rows,
  shape: Shape,
  dtype: DType,
): string {
  const [size, ...row] = shape as [number, ...number[]];
  const width = sizeOf(row);
  const zeros = () => graph.node("Expand", [graph.scalar(0, dtype), graph.integers([size, width])]);
  const flat = graph.node("Reshape", [updates, graph.integers([count, width])], { allowzero: 1 });
  const column = () => graph.node("Reshape", [indices, graph.integers([count, 1])]);
  let total: string;
  if (size * count <= ONE_HOT_LIMIT) {
    const positions = graph.constant(
      Int32Array.from({ length: size }, (_, i) => i),
      [size, 1],
      "int32",
    );
    const hit = graph.node("Equal", [positions, indices]);
    total = graph.node("Gemm", [graph.node("Cast", [hit], { to: dtype === "float64" ? 11 : 1 }), flat]);
  } else if (graph.sequential) {
    const places = graph.node("Cast", [column()], { to: 7 });
    total = graph.node("ScatterND", [zeros(), places, flat], { reduction: "add" });
  } else {
    // On several threads ScatterND loses updates where rows repeat (onnxruntime issue 18048).
    const wide = graph.node("Expand", [column(), graph.integers([count, width])]);
    total = graph.node("ScatterElements", [zeros(), wide, flat], { axis: 0, reduction: "add" });
  }
  return graph.node("Reshape", [total, graph.integers(shape)], { allowzero: 1 });
}

/**
 * The sum of scattered rows that nothing else reads, scattered at once: a table that is read twice needs one
 * pass over it, not two and an addition. Undefined where either operand is something else.
 */
export function emitSumOfScatteredRows(graph: GraphWriter, sum: Tensor): string | undefined {
  const parts = scatteredParts(graph, sum);
  if (parts === undefined) return undefined;
  const indices = emitJoined(
    graph,
    parts.map((part) => part.inputs[0]!),
  );
  const updates = parts.map((part) => part.inputs[1]!);
  const count = parts.reduce((total, part) => total + part.inputs[0]!.shape[0]!, 0);
  const rows = { indices, updates: emitJoinedRepeats(graph, updates) ?? emitJoined(graph, updates), count };
  return emitScatteredRows(graph, rows, sum.shape, sum.dtype);
}

const emitJoined = (graph: GraphWriter, tensors: readonly Tensor[]): string =>
  graph.node(
    "Concat",
    tensors.map((x) => graph.name(x)),
    { axis: 0 },
  );

/** Rows that are repeats of fewer (each token of a bag gets the bag's gradient): joined first, then repeated. */
function emitJoinedRepeats(graph: GraphWriter, updates: readonly Tensor[]): string | undefined {
  const repeats = updates.map((x) => (x.operation.name === "reshape" ? x.inputs[0]! : x));
  const sources = repeats.map((x) => expandSource(x));
  const [, ...repeat] = repeats[0]!.shape;
  const [, ...once] = sources[0]?.shape ?? [];
  const alike = repeats.every((x, i) => {
    const source = sources[i];
    return (
      source?.shape.length === x.shape.length &&
      source.shape[0] === x.shape[0] &&
      sameShape(x.shape.slice(1), repeat) &&
      sameShape(source.shape.slice(1), once)
    );
  });
  if (!alike) return undefined;
  const count = repeats.reduce((total, x) => total + x.shape[0]!, 0);
  return graph.node("Expand", [emitJoined(graph, sources as Tensor[]), graph.integers([count, ...repeat])]);
}

function scatteredParts(graph: GraphWriter, sum: Tensor): Tensor[] | undefined {
  const parts: Tensor[] = [];
  for (const operand of sum.inputs) {
    if (graph.uses(operand) !== 1 || !sameShape(operand.shape, sum.shape)) return undefined;
    if (operand.operation.name === "scatterAdd") parts.push(operand);
    else {
      const inner = operand.operation.name === "add" ? scatteredParts(graph, operand) : undefined;
      if (inner === undefined) return undefined;
      parts.push(...inner);
    }
  }
  return parts;
}
