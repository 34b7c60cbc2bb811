/** How well frozen features suit a task, from the features and the labels alone. */
import { svd } from "../linalg/index.ts";
import { type Tensor, values } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

export interface LogMEOptions {
  /**
   * As the authors' released code: at most 11 rounds, and where there are fewer examples than features
   * the evidence without the term of the features that no example reaches. Default: false, the exact
   * maximum.
   */
  compat?: boolean;
}

/**
 * LogME, the logarithm of the maximum evidence: how likely labels are, for each example, under a
 * Bayesian linear model on the features, w ~ N(0, α⁻¹ I), y ~ N(F w, β⁻¹ I), with the best α and β;
 * mean over the classes that occur, as one-hot columns, or over the columns of targets. Higher is better; scores of
 * different encoders compare on one task only. Features are taken as they are, without an intercept.
 *
 * Source: You, Liu, Wang and Long, "LogME: Practical Assessment of Pre-trained Models for Transfer
 * Learning" (2021), equation 2, with the fixed point of their "Ranking and Tuning Pre-trained Models"
 * (2022), algorithm 3. Used for encoders of text by Bassignana et al., "Evidence > Intuition" (2022).
 *
 * @param features F, concrete, float [n, d]
 * @param targets Classes, concrete int32 [n]; or numbers, float [n] or [n, columns].
 * @throws RangeError for shapes that do not fit, values that are not finite and negative classes.
 */
export function logME(features: Tensor, targets: Tensor, { compat = false }: LogMEOptions = {}): number {
  const n = features.shape[0]!;
  if (features.shape.length !== 2 || targets.shape[0] !== n || targets.shape.length > 2)
    throw new RangeError(
      `logME: features is ${describe(features)} and targets ${describe(targets)}; expected [n, d] and [n] or [n, columns]`,
    );
  const { u, values: singular } = svd(features);
  const basis = values(u);
  const k = singular.shape[0]!;
  // Directions without features tell nothing, and the evidence has no term of them.
  const sigma = Float64Array.from(values(singular), (s) => s ** 2).filter((square) => square > 1e-20);
  const columns = targets.dtype === "int32" ? oneHotColumns(values(targets)) : targetColumns(targets);
  let sum = 0;
  for (const y of columns) {
    // Squares of y along each singular direction, and what of y lies outside of all.
    const along = Float64Array.from(sigma, (_, j) => {
      let product = 0;
      for (let i = 0; i < n; i++) product += basis[i * k + j]! * y[i]!;
      return product ** 2;
    });
    const squares = y.reduce((total, value) => total + value ** 2, 0);
    const outside = Math.max(0, squares - along.reduce((total, value) => total + value, 0));
    sum += maximumEvidence({ sigma, along, outside, n, d: features.shape[1]!, compat });
  }
  return sum / columns.length;
}

/** The fixed point of α and β, and the evidence there, for each example. */
function maximumEvidence(problem: {
  sigma: Float64Array;
  along: Float64Array;
  outside: number;
  n: number;
  d: number;
  compat: boolean;
}): number {
  const { sigma, along, outside, n, d, compat } = problem;
  const total = (term: (i: number) => number) => {
    let sum = 0;
    for (let i = 0; i < sigma.length; i++) sum += term(i);
    return sum;
  };
  let [alpha, beta] = [1, 1];
  let [weights, residual] = [0, 0];
  for (let round = 0; round < (compat ? 11 : 1000); round++) {
    const t = alpha / beta;
    const gamma = total((i) => sigma[i]! / (sigma[i]! + t));
    weights = total((i) => (sigma[i]! * along[i]!) / (t + sigma[i]!) ** 2);
    residual = total((i) => along[i]! / (1 + sigma[i]! / t) ** 2) + outside;
    // The small number keeps both finite where labels are 0 or fitted without rest.
    alpha = gamma / (weights + 1e-5);
    beta = (n - gamma) / (residual + 1e-5);
    if (Math.abs(alpha / beta - t) <= (compat ? 1e-3 : 1e-8) * t) break;
  }
  const determinant = total((i) => Math.log(alpha + beta * sigma[i]!));
  // Features beyond the rank keep their prior variance: their terms in α cancel.
  const features = compat ? d : sigma.length;
  const prior = features === 0 ? 0 : (features / 2) * Math.log(alpha);
  const evidence =
    prior +
    (n / 2) * Math.log(beta) -
    determinant / 2 -
    (beta / 2) * residual -
    (alpha / 2) * weights -
    (n / 2) * Math.log(2 * Math.PI);
  return evidence / n;
}

function oneHotColumns(labels: ArrayLike<number>): Float64Array[] {
  const classes = Math.max(...Array.from(labels)) + 1;
  const columns = Array.from({ length: classes }, () => new Float64Array(labels.length));
  for (let i = 0; i < labels.length; i++) {
    if (labels[i]! < 0) throw new RangeError(`logME: label ${i} is ${labels[i]}; expected at least 0`);
    columns[labels[i]!]![i] = 1;
  }
  return columns.filter((column) => column.includes(1));
}

function targetColumns(targets: Tensor): Float64Array[] {
  const data = values(targets);
  const width = targets.shape[1] ?? 1;
  const at = data.findIndex((value) => !Number.isFinite(value));
  if (at >= 0) throw new RangeError(`logME: target ${at} is ${data[at]}; expected finite numbers`);
  return Array.from({ length: width }, (_, column) =>
    Float64Array.from({ length: targets.shape[0]! }, (_, i) => data[i * width + column]!),
  );
}
