/** Decompositions of matrices, outside of graphs. */
import { CholeskyDecomposition, EigenvalueDecomposition, SingularValueDecomposition } from "ml-matrix";
import { fromData, type Tensor } from "../tensor/index.ts";
import { toMatrix, toSymmetric, toTensor } from "./matrix.ts";

/**
 * The lower triangular L with A = L Lᵀ.
 *
 * @param a Concrete, float [n, n], symmetric positive definite.
 * @returns float64 [n, n]
 * @throws RangeError if A is not symmetric or not positive definite.
 */
export function cholesky(a: Tensor): Tensor {
  const decomposition = new CholeskyDecomposition(toSymmetric("cholesky", "a", a));
  if (!decomposition.isPositiveDefinite()) {
    throw new RangeError(
      "cholesky: a is not positive definite; add a small multiple of the identity if it is nearly so",
    );
  }
  return toTensor(decomposition.lowerTriangularMatrix);
}

export interface Eigen {
  /** float64 [n], rising. */
  values: Tensor;
  /** float64 [n, n]: column i belongs to value i; columns are orthonormal. */
  vectors: Tensor;
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix: A = V diag(values) Vᵀ.
 *
 * @param a Concrete, float [n, n], symmetric.
 * @throws RangeError if A is not symmetric.
 */
export function eigh(a: Tensor): Eigen {
  const matrix = toSymmetric("eigh", "a", a);
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  });
  return {
    values: fromData(Float64Array.from(realEigenvalues), [matrix.rows]),
    vectors: toTensor(eigenvectorMatrix),
  };
}

export interface Svd {
  /** float64 [n, k] with k = min(n, m); columns are orthonormal. */
  u: Tensor;
  /** float64 [k], falling, none negative. */
  values: Tensor;
  /** float64 [m, k]; columns are orthonormal. */
  v: Tensor;
}

/**
 * The singular value decomposition A = U diag(values) Vᵀ.
 *
 * @param a Concrete, float [n, m].
 */
export function svd(a: Tensor): Svd {
  const matrix = toMatrix("svd", "a", a);
  const decomposition = new SingularValueDecomposition(matrix, { autoTranspose: true });
  const count = Math.min(matrix.rows, matrix.columns);
  const columns = (all: typeof decomposition.leftSingularVectors) =>
    toTensor(all.subMatrix(0, all.rows - 1, 0, count - 1));
  return {
    u: columns(decomposition.leftSingularVectors),
    values: fromData(Float64Array.from(decomposition.diagonal.slice(0, count)), [count]),
    v: columns(decomposition.rightSingularVectors),
  };
}
