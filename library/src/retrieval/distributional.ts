/** Retrieval with texts as normal distributions: means and variances in place of points, ranked by divergence. */
import {
  add,
  concat,
  divide,
  exp,
  expandDims,
  log,
  matmul,
  minimum,
  multiply,
  negate,
  ones,
  reciprocal,
  softplus,
  square,
  subtract,
  sum,
  type Tensor,
  transpose,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";

/** Normal distributions with independent components: both [n, k], variances above 0. */
export interface Gaussians {
  mean: Tensor;
  variance: Tensor;
}

/**
 * Variances out of any numbers: log(1 + e^{βx}) / β, and at least `floor`, so that the scores that divide by them stay
 * bounded.
 *
 * Source: Zamani and Bendersky, "Multivariate representation learning for information retrieval" (2023), section 3.2.
 *
 * @param options.beta β: the larger, the closer to relu. The paper chooses among 0.5 to 10. Default: 1.
 * @param options.floor Is added. Default: 1e-4.
 */
export function positiveVariance(x: Tensor, { beta = 1, floor = 1e-4 } = {}): Tensor {
  if (!(beta > 0)) throw new RangeError(`positiveVariance: beta is ${beta}; expected a number above 0`);
  if (!(floor >= 0))
    throw new RangeError(`positiveVariance: floor is ${floor}; expected a number of at least 0`);
  return add(multiply(softplus(multiply(x, beta)), 1 / beta), floor);
}

/**
 * Divergence of normal distributions, row by row:
 * KL(P‖Q) = ½ Σ_i [ln(q_i/p_i) − 1 + p_i/q_i + (μ_i − ν_i)²/q_i], with variances p and q and means μ and ν.
 *
 * @param p [n, k] @param q [n, k]
 * @returns [n], 0 where both are equal and above 0 elsewhere.
 */
export function gaussianKL(p: Gaussians, q: Gaussians): Tensor {
  requireGaussians("gaussianKL", "p", p);
  requireGaussians("gaussianKL", "q", q);
  if (!sameShape(p.mean.shape, q.mean.shape))
    throw new RangeError(`gaussianKL: q is ${describe(q.mean)}; expected ${describe(p.mean)}, as p`);
  const ratio = divide(p.variance, q.variance);
  const apart = divide(square(subtract(p.mean, q.mean)), q.variance);
  const each = add(subtract(subtract(ratio, 1), log(ratio)), apart);
  return multiply(sum(each, { axis: 1 }), 0.5);
}

export interface GaussianScoreOptions {
  /**
   * "trace" (default), the divergence itself, or "product": with the ratio of the products of variances,
   * Π_i p_i / Π_i q_i, in place of the sum of ratios, as the paper's ranking formula is printed.
   */
  variant?: "trace" | "product";
}

/**
 * Scores of all documents for all queries: −KL(Q‖D), through matrix products.
 *
 * The printed ranking formula of the paper has a ratio of products where the divergence has a sum of ratios. It
 * overflows soon (1.05³⁸¹ is 10⁸), so its logarithm is cut off at 10 here; a document is then hardly ever found.
 *
 * Source: Zamani and Bendersky (2023), equations 5 to 7.
 *
 * @param queries [n, k] @param documents [m, k]
 * @returns [n, m]
 */
export function gaussianScores(
  queries: Gaussians,
  documents: Gaussians,
  { variant = "trace" }: GaussianScoreOptions = {},
): Tensor {
  requireGaussians("gaussianScores", "queries", queries);
  requireGaussians("gaussianScores", "documents", documents);
  const k = queries.mean.shape[1]!;
  if (documents.mean.shape[1] !== k)
    throw new RangeError(`gaussianScores: documents is ${describe(documents.mean)}; expected [m, ${k}]`);
  if (variant !== "trace" && variant !== "product")
    throw new RangeError(
      `gaussianScores: variant is ${JSON.stringify(variant)}; expected "trace" or "product"`,
    );
  const logs = (x: Gaussians) => sum(log(x.variance), { axis: 1 });
  const own = expandDims(logs(queries), 1);
  if (variant === "trace") {
    const products = matmul(queryVectors(queries), transpose(documentVectors(documents)));
    return multiply(add(add(products, own), k), 0.5);
  }
  const precision = reciprocal(documents.variance);
  const query = concat([square(queries.mean), multiply(queries.mean, -2)], 1);
  const document = concat([precision, multiply(documents.mean, precision)], 1);
  const constant = expandDims(sum(multiply(square(documents.mean), precision), { axis: 1 }), 0);
  const distance = add(matmul(query, transpose(document)), constant);
  const logRatio = subtract(own, expandDims(logs(documents), 0));
  const penalty = add(subtract(exp(minimum(logRatio, 10)), logRatio), subtract(distance, k));
  return multiply(penalty, -0.5);
}

/**
 * Queries as vectors [1, σ² + μ², μ], whose inner products with `documentVectors` rank documents as −KL(Q‖D) does:
 * q · d = −2 KL − k − Σ ln σ²_q. So any index for inner products can search them; see `denseIndex` with "dot".
 *
 * @param queries [n, k]
 * @returns [n, 2k + 1]
 */
export function queryVectors(queries: Gaussians): Tensor {
  requireGaussians("queryVectors", "queries", queries);
  const { mean, variance } = queries;
  return concat([ones([mean.shape[0]!, 1], mean.dtype), add(variance, square(mean)), mean], 1);
}

/**
 * Documents as vectors [−Σ(ln σ² + μ²/σ²), −1/σ², 2μ/σ²]; see `queryVectors`.
 *
 * @param documents [m, k]
 * @returns [m, 2k + 1]
 */
export function documentVectors(documents: Gaussians): Tensor {
  requireGaussians("documentVectors", "documents", documents);
  const { mean, variance } = documents;
  const precision = reciprocal(variance);
  const constant = negate(
    sum(add(log(variance), multiply(square(mean), precision)), { axis: 1, keepDims: true }),
  );
  return concat([constant, negate(precision), multiply(multiply(mean, precision), 2)], 1);
}

function requireGaussians(name: string, argument: string, { mean, variance }: Gaussians): void {
  if (mean.shape.length !== 2 || !sameShape(mean.shape, variance.shape))
    throw new RangeError(
      `${name}: ${argument} has means ${describe(mean)} and variances ${describe(variance)}; expected both [n, k]`,
    );
}
