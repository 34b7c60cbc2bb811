import { divide, multiply, sqrt, square, sum, type Tensor, tensor, values } from "../tensor/index.ts";
import { mapTree } from "../tree.ts";

/** Lengths of columns by the path of their matrix: `{ "cell.input": [outputs] }`. */
export type ColumnLengths = Record<string, Tensor>;

/** The lengths of the columns of a tree's matrices as they are, to be trained beside them. */
export function columnLengths(params: unknown, where: (path: string) => boolean): ColumnLengths {
  const lengths: ColumnLengths = {};
  mapTree(params, (weight, _, path) => {
    if (!where(path)) return;
    if (weight.shape.length !== 2)
      throw new RangeError(
        `columnLengths: where chooses ${path} of shape [${weight.shape}]; expected a matrix`,
      );
    const [rows, columns] = weight.shape as [number, number];
    const data = values(weight);
    const squares = new Float64Array(columns);
    for (let i = 0; i < rows * columns; i++) squares[i % columns]! += Number(data[i]) ** 2;
    lengths[path] = tensor(
      squares.map((each) => Math.sqrt(each)),
      { dtype: weight.dtype },
    );
  });
  if (Object.keys(lengths).length === 0)
    throw new RangeError("columnLengths: where chooses no tensor of params; expected at least one");
  return lengths;
}

/**
 * Weight normalisation: g V / ‖V‖ for each column of the matrices that have lengths, so that length and direction are
 * trained apart. Apply it once, before a recurrent cell is unrolled.
 *
 * Source: Salimans and Kingma, "Weight Normalization" (2016), equation 2.
 *
 * @throws RangeError where the tree lacks a matrix that has lengths.
 */
export function weightNorm<P>(params: P, lengths: ColumnLengths): P {
  const left = new Set(Object.keys(lengths));
  const normalized = mapTree(params, (weight, _, path) => {
    const length = lengths[path];
    if (!length) return weight;
    left.delete(path);
    return multiply(divide(weight, sqrt(sum(square(weight), { axis: 0, keepDims: true }))), length);
  });
  if (left.size > 0)
    throw new RangeError(`weightNorm: params has no ${[...left].join(", ")}, of which there are lengths`);
  return normalized;
}
