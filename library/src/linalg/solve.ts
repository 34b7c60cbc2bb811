/** Systems of linear equations, outside of graphs. None of these forms an inverse. */
import { LuDecomposition, Matrix } from "ml-matrix";
import { reshape, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { toMatrix, toSquare, toTensor } from "./matrix.ts";

/** Right-hand sides [n] or [n, k] as columns, and the way back. */
function rightHandSides(operation: string, b: Tensor, rows: number) {
  const isVector = b.shape.length === 1;
  const columns = toMatrix(operation, "b", isVector ? reshape(b, [b.shape[0]!, 1]) : b);
  if (columns.rows !== rows) {
    throw new RangeError(`${operation}: b is ${describe(b)}; expected ${rows} rows, as a has`);
  }
  const back = (x: Matrix): Tensor => {
    const result = toTensor(x);
    return isVector ? reshape(result, [x.rows]) : result;
  };
  return { columns, back };
}

/**
 * x with A x = b, by LU decomposition.
 *
 * @param a Concrete, float [n, n].
 * @param b Concrete, float [n] or [n, k].
 * @returns float64 in the shape of b.
 * @throws RangeError if A is singular.
 */
export function solve(a: Tensor, b: Tensor): Tensor {
  const matrix = toSquare("solve", "a", a);
  const { columns, back } = rightHandSides("solve", b, matrix.rows);
  const decomposition = new LuDecomposition(matrix);
  if (decomposition.isSingular()) throw new RangeError(`solve: a, ${describe(a)}, is singular`);
  return back(decomposition.solve(columns));
}

/**
 * x with T x = b for a triangular T, by substitution; the other triangle is not read.
 *
 * @param t Concrete, float [n, n].
 * @param b Concrete, float [n] or [n, k].
 * @param options.upper Whether T is upper triangular. Default: false.
 * @param options.transpose Whether to solve Tᵀ x = b instead. Default: false.
 * @returns float64 in the shape of b.
 * @throws RangeError if there is a 0 on the diagonal.
 */
export function triangularSolve(
  t: Tensor,
  b: Tensor,
  { upper = false, transpose = false }: { upper?: boolean; transpose?: boolean } = {},
): Tensor {
  const matrix = toSquare("triangularSolve", "t", t);
  const n = matrix.rows;
  const { columns, back } = rightHandSides("triangularSolve", b, n);
  const at = (i: number, j: number) => (transpose ? matrix.get(j, i) : matrix.get(i, j));
  const x = new Matrix(n, columns.columns);
  // Unknowns are found in the order in which rows depend on each other.
  const order = Array.from({ length: n }, (_, i) => (upper === transpose ? i : n - 1 - i));
  order.forEach((i, step) => {
    if (at(i, i) === 0) throw new RangeError(`triangularSolve: t has 0 on its diagonal at ${i}`);
    for (let k = 0; k < columns.columns; k++) {
      let rest = columns.get(i, k);
      for (const j of order.slice(0, step)) rest -= at(i, j) * x.get(j, k);
      x.set(i, k, rest / at(i, i));
    }
  });
  return back(x);
}
