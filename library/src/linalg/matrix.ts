/** Between concrete tensors and matrices of ml-matrix. Computation is in float64 throughout. */
import { Matrix } from "ml-matrix";
import { fromData, type Tensor, values } from "../tensor/index.ts";
import { describe, isFloat } from "../tensor/tensor.ts";

/**
 * A concrete float tensor [n, m] as a matrix.
 *
 * @throws TypeError if it is not concrete or holds no floats, RangeError if it is not a matrix or holds
 *   what is not finite, on which the decompositions would not end.
 */
export function toMatrix(operation: string, argument: string, x: Tensor): Matrix {
  if (!isFloat(x.dtype)) throw new TypeError(`${operation}: ${argument} is ${describe(x)}; expected floats`);
  if (x.shape.length !== 2 || x.shape.includes(0)) {
    throw new RangeError(`${operation}: ${argument} is ${describe(x)}; expected a matrix [n, m]`);
  }
  const data = values(x);
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) {
    const place = [Math.floor(at / x.shape[1]!), at % x.shape[1]!];
    throw new RangeError(
      `${operation}: ${argument} holds ${data[at]} at [${place}]; expected finite numbers`,
    );
  }
  return Matrix.from1DArray(x.shape[0]!, x.shape[1]!, Array.from(data));
}

/** As `toMatrix`, for square matrices. */
export function toSquare(operation: string, argument: string, x: Tensor): Matrix {
  const matrix = toMatrix(operation, argument, x);
  if (!matrix.isSquare()) {
    throw new RangeError(`${operation}: ${argument} is ${describe(x)}; expected a square matrix`);
  }
  return matrix;
}

/**
 * As `toSquare`, for symmetric matrices.
 *
 * @throws RangeError naming the place where the two halves differ by more than rounding in float32.
 */
export function toSymmetric(operation: string, argument: string, x: Tensor): Matrix {
  const matrix = toSquare(operation, argument, x);
  const size = Math.max(Math.abs(matrix.max()), Math.abs(matrix.min()));
  for (let i = 0; i < matrix.rows; i++) {
    for (let j = 0; j < i; j++) {
      const [below, above] = [matrix.get(i, j), matrix.get(j, i)];
      if (Math.abs(below - above) > 1e-5 * size) {
        throw new RangeError(
          `${operation}: ${argument} is not symmetric: ${below} at [${i}, ${j}] but ${above} at [${j}, ${i}]`,
        );
      }
    }
  }
  return matrix;
}

/** A matrix as a concrete float64 tensor. */
export const toTensor = (matrix: Matrix): Tensor =>
  fromData(Float64Array.from(matrix.to1DArray()), [matrix.rows, matrix.columns]);
