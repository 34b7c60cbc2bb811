/** An output layer whose training step costs the same for ten classes as for a million. */
import { LEAST_VARIANCE } from "./spherical.ts";

/** What a spherical loss sees of the outputs of one example. */
export interface Outputs {
  /** Number of classes. */
  classes: number;
  /** Σ o_k */
  sum: number;
  /** Σ o_k² */
  squares: number;
  /** o_c, of the true class. */
  target: number;
}

/** A spherical loss and its derivatives with respect to what it sees. */
export type SphericalFunction = (outputs: Outputs) => {
  loss: number;
  bySum: number;
  bySquares: number;
  byTarget: number;
};

/** `zScoreLoss` of one example. */
export function zScoreFunction({ a, b }: { a: number; b: number }): SphericalFunction {
  return ({ classes, sum, squares, target }) => {
    const mean = sum / classes;
    const variance = squares / classes - mean * mean;
    const floored = variance < LEAST_VARIANCE;
    const deviation = Math.sqrt(floored ? LEAST_VARIANCE : variance);
    const z = (target - mean) / deviation;
    const t = a * (b - z);
    const loss = (Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)))) / a;
    const byZ = -1 / (1 + Math.exp(-t));
    const byVariance = floored ? 0 : (-byZ * z) / (2 * deviation * deviation);
    return {
      loss,
      byTarget: byZ / deviation,
      bySum: -byZ / (deviation * classes) - (byVariance * 2 * mean) / classes,
      bySquares: byVariance / classes,
    };
  };
}

/** Squared error Σ (o_k − 1[k = c])² of one example. */
export const squaredErrorFunction: SphericalFunction = ({ squares, target }) => ({
  loss: squares - 2 * target + 1,
  bySum: 0,
  bySquares: 1,
  byTarget: -2,
});

export interface FactoredSpherical {
  /**
   * One step of gradient descent on one example.
   *
   * @param hidden h, [inputs]
   * @param label c, 0 to classes − 1
   * @returns The loss before the step, and its gradient with respect to h, [inputs].
   */
  step(hidden: ArrayLike<number>, label: number): { loss: number; gradient: Float64Array };
  /** The layer's weights as they are now, [classes, inputs] row by row. Costs classes · inputs². */
  weights(): Float64Array;
}

/**
 * Trains a linear layer o = W h on a spherical loss in O(inputs²) a step: W is kept as V U + 1 ωᵀ, of which
 * a step changes one row of V, and U and ω whole; the loss needs only WᵀW and Wᵀ1, which are kept as well.
 * The weights are those of ordinary gradient descent, up to rounding.
 *
 * Source: Vincent, de Brébisson and Bouthillier, "Efficient Exact Gradient Update for Training Deep Networks
 * with Very Large Sparse Targets" (2015), section 3; de Brébisson and Vincent (2016), section 2.
 *
 * @param options.weights W at the start, [classes, inputs] row by row; it is copied.
 * @param options.classes Number of classes.
 * @param options.learningRate η > 0; η · 2 · bySquares · |h|² must not come to 1 exactly.
 */
export function factoredSpherical(options: {
  weights: ArrayLike<number>;
  classes: number;
  loss: SphericalFunction;
  learningRate: number;
}): FactoredSpherical {
  const { weights, classes, loss: lossOf, learningRate: rate } = options;
  const d = weights.length / classes;
  if (!(Number.isInteger(classes) && classes >= 1 && Number.isInteger(d) && d >= 1))
    throw new RangeError(
      `factoredSpherical: weights has ${weights.length} values; expected classes · inputs, with ${classes} classes`,
    );
  if (!(rate > 0))
    throw new RangeError(`factoredSpherical: learningRate is ${rate}; expected a number above 0`);
  const v = Float64Array.from(weights);
  const u = identity(d);
  const uInverse = identity(d);
  const shift = new Float64Array(d);
  const gram = new Float64Array(d * d);
  const total = new Float64Array(d);
  for (let k = 0; k < classes; k++)
    for (let i = 0; i < d; i++) {
      total[i]! += v[k * d + i]!;
      for (let j = 0; j < d; j++) gram[i * d + j]! += v[k * d + i]! * v[k * d + j]!;
    }

  /** Row c of W. */
  const row = (c: number) => {
    const found = timesLeft(v.subarray(c * d, c * d + d), u);
    for (let j = 0; j < d; j++) found[j]! += shift[j]!;
    return found;
  };

  return {
    step(hidden, label) {
      if (hidden.length !== d)
        throw new RangeError(`factoredSpherical: hidden has ${hidden.length} values; expected ${d}`);
      if (!(Number.isInteger(label) && label >= 0 && label < classes))
        throw new RangeError(`factoredSpherical: label is ${label}; expected 0 to ${classes - 1}`);
      const h = Float64Array.from(hidden);
      const gramH = timesRight(gram, h);
      const target = row(label);
      const outputs = { classes, sum: dot(total, h), squares: dot(gramH, h), target: dot(target, h) };
      const { loss, bySum, bySquares, byTarget } = lossOf(outputs);
      // The gradient of the outputs is g = 2 bySquares o + bySum 1 + byTarget e_c; this is Wᵀ g.
      const gradient = h.map((_, i) => 2 * bySquares * gramH[i]! + bySum * total[i]! + byTarget * target[i]!);

      const sumOfG = 2 * bySquares * outputs.sum + bySum * classes + byTarget;
      const squaresOfG =
        4 * bySquares ** 2 * outputs.squares +
        bySum ** 2 * classes +
        byTarget ** 2 +
        4 * bySquares * (bySum * outputs.sum + byTarget * outputs.target) +
        2 * bySum * byTarget;
      // W ← W − η g hᵀ, for its Gram matrix and its column sums.
      for (let i = 0; i < d; i++)
        for (let j = 0; j < d; j++)
          gram[i * d + j]! +=
            rate * (rate * squaresOfG * h[i]! * h[j]! - gradient[i]! * h[j]! - h[i]! * gradient[j]!);
      for (let i = 0; i < d; i++) total[i]! -= rate * sumOfG * h[i]!;

      // The same in the factors: W (I − α h hᵀ) by U and ω, then the shift, then row c.
      const alpha = 2 * rate * bySquares;
      const uH = timesRight(u, h);
      const shiftH = dot(shift, h);
      for (let i = 0; i < d; i++) {
        shift[i]! -= (alpha * shiftH + rate * bySum) * h[i]!;
        for (let j = 0; j < d; j++) u[i * d + j]! -= alpha * uH[i]! * h[j]!;
      }
      const hInverse = timesLeft(h, uInverse);
      const factor = alpha / (1 - alpha * dot(h, h));
      for (let i = 0; i < d; i++)
        for (let j = 0; j < d; j++) uInverse[i * d + j]! += factor * h[i]! * hInverse[j]!;
      const change = timesLeft(h, uInverse);
      for (let j = 0; j < d; j++) v[label * d + j]! -= rate * byTarget * change[j]!;
      return { loss, gradient };
    },
    weights() {
      const all = new Float64Array(classes * d);
      for (let c = 0; c < classes; c++) all.set(row(c), c * d);
      return all;
    },
  };
}

function identity(d: number): Float64Array {
  const matrix = new Float64Array(d * d);
  for (let i = 0; i < d; i++) matrix[i * d + i] = 1;
  return matrix;
}

function dot(a: Float64Array, b: Float64Array): number {
  let total = 0;
  for (let i = 0; i < a.length; i++) total += a[i]! * b[i]!;
  return total;
}

/** A x */
function timesRight(matrix: Float64Array, x: Float64Array): Float64Array {
  const d = x.length;
  const result = new Float64Array(d);
  for (let i = 0; i < d; i++) {
    let total = 0;
    for (let j = 0; j < d; j++) total += matrix[i * d + j]! * x[j]!;
    result[i] = total;
  }
  return result;
}

/** xᵀ A */
function timesLeft(x: Float64Array, matrix: Float64Array): Float64Array {
  const d = x.length;
  const result = new Float64Array(d);
  for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) result[j]! += x[i]! * matrix[i * d + j]!;
  return result;
}
