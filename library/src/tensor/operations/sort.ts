/** Sorting and the largest elements. */
import { describe, expression, normalizeAxis, type Operation, type Tensor } from "../tensor.ts";
import { alongAxis } from "./batch.ts";
import { gatherElements } from "./gather.ts";
import { numbers, requireType } from "./types.ts";

const topKOperation: Operation = {
  name: "topK",
  emit: (graph, [x], node) => {
    const { k, axis, largest } = node.attributes as { k: number; axis: number; largest: boolean };
    const attributes = { axis, largest: largest ? 1 : 0, sorted: 1 };
    const positions = graph.nodeOutput("TopK", [x!, graph.integers([k])], attributes, 2, 1);
    return graph.node("Cast", [positions], { to: 6 });
  },
  batch: alongAxis,
};

export interface TopK {
  /** The elements, in order. */
  values: Tensor;
  /** Their positions along the axis, int32. */
  indices: Tensor;
}

/**
 * The k largest elements along an axis, in falling order; equal ones in the order of their positions.
 *
 * @param options.axis Default: the last.
 * @param options.largest False for the k smallest, in rising order.
 * @throws RangeError unless 1 ≤ k ≤ length of the axis.
 */
export function topK(
  x: Tensor,
  k: number,
  { axis = -1, largest = true }: { axis?: number; largest?: boolean } = {},
): TopK {
  requireType("topK", numbers, x);
  const a = normalizeAxis("topK", axis, x.shape.length);
  if (!Number.isInteger(k) || k < 1 || k > x.shape[a]!) {
    throw new RangeError(
      `topK: k = ${k} must be a whole number from 1 to ${x.shape[a]}, the length of axis ${a} of ${describe(x)}`,
    );
  }
  const shape = x.shape.map((length, i) => (i === a ? k : length));
  const indices = expression(topKOperation, [x], shape, "int32", { k, axis: a, largest });
  return { values: gatherElements(x, indices, { axis: a }), indices };
}

/** The elements along an axis (default: the last) in rising order, or falling. */
export function sort(
  x: Tensor,
  { axis = -1, descending = false }: { axis?: number; descending?: boolean } = {},
): Tensor {
  const a = normalizeAxis("sort", axis, x.shape.length);
  return topK(x, x.shape[a]!, { axis: a, largest: descending }).values;
}

/** The positions that sort an axis (default: the last), int32. */
export function argSort(
  x: Tensor,
  { axis = -1, descending = false }: { axis?: number; descending?: boolean } = {},
): Tensor {
  const a = normalizeAxis("argSort", axis, x.shape.length);
  return topK(x, x.shape[a]!, { axis: a, largest: descending }).indices;
}
