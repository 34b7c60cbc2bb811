/**
 * Linear separators without a bias term: perceptrons, and gradient descent on the logistic loss, which large
 * steps turn into one. All stop as soon as every point is on its side.
 */
import type { Random } from "../random.ts";
import type { Features } from "./linear-classifier.ts";

export interface Separator {
  /** θ, [features] */
  weights: Float64Array;
  /** Number of updates made. */
  iterations: number;
  /** Whether yᵢ xᵢ·θ > 0 for all points. */
  separated: boolean;
}

export interface SeparatorOptions {
  /** Default: 10,000. */
  maxIterations?: number;
  /**
   * Called with each θ from the first update on, its number (1 after the first update) and its margins
   * yᵢ xᵢ·θ, [n]. The arrays are reused: copy what you keep.
   */
  onIteration?: (iteration: number, weights: Float64Array, margins: Float64Array) => void;
}

/**
 * Gradient descent on the logistic loss f(θ) = 1/n Σ log(1 + exp(−yᵢ xᵢ·θ)) from θ = 0:
 * θ ← θ − γ ∇f(θ), or θ ← θ − γ β ∇f(θ) with β = 1 / (1/n Σ σ(−yᵢ xᵢ·θ)) if normalised.
 *
 * As γ grows, θ / γ comes to the iterates of the batch perceptron. With points of norm R at most and the margin
 * μ, the normalised form needs at most R²/μ² + 2 log(2n − 1) / (γ μ²) updates.
 *
 * Source: Tyurin, "From Logistic Regression to the Perceptron Algorithm" (2024).
 *
 * @param x [n, features]
 * @param signs y, [n], each 1 or −1
 * @param options.stepSize γ.
 * @param options.normalized Default: false.
 * @throws RangeError for x and signs that do not fit, signs other than ±1, a step size that is not positive.
 */
export function logisticGradientDescent(
  x: Features,
  signs: ArrayLike<number>,
  options: SeparatorOptions & { stepSize: number; normalized?: boolean },
): Separator {
  const { stepSize, normalized = false } = options;
  if (!(stepSize > 0 && stepSize < Number.POSITIVE_INFINITY))
    throw new RangeError(`logisticGradientDescent: stepSize is ${stepSize}; expected a number above 0`);
  return descend("logisticGradientDescent", x, signs, options, (_iteration, margins, shares) => {
    let total = 0;
    for (let i = 0; i < shares.length; i++) {
      // exp overflows to infinity, and the share to 0, as it should.
      shares[i] = 1 / (1 + Math.exp(margins[i]!));
      total += shares[i]!;
    }
    const factor = normalized ? stepSize / total : stepSize / shares.length;
    for (let i = 0; i < shares.length; i++) shares[i]! *= factor;
  });
}

/**
 * The batch perceptron: from θ = 1/(2n) Σ yᵢ xᵢ, adds 1/n times the sum of yᵢ xᵢ over all points on the wrong
 * side (yᵢ xᵢ·θ ≤ 0); at most n R²/μ² updates, the first one included. If normalised, starts from 0 and adds their
 * mean; at most R²/μ² updates.
 *
 * Source: Tyurin (2024).
 *
 * @param x [n, features]
 * @param signs y, [n], each 1 or −1
 * @param options.normalized Default: false.
 * @throws RangeError for x and signs that do not fit, signs other than ±1.
 */
export function batchPerceptron(
  x: Features,
  signs: ArrayLike<number>,
  options: SeparatorOptions & { normalized?: boolean } = {},
): Separator {
  const { normalized = false } = options;
  return descend("batchPerceptron", x, signs, options, (iteration, margins, shares) => {
    let wrong = 0;
    for (let i = 0; i < shares.length; i++) {
      shares[i] = margins[i]! <= 0 ? 1 : 0;
      wrong += shares[i]!;
    }
    // At θ = 0 the gradient of the logistic loss has half of every point.
    const factor = normalized ? 1 / wrong : (iteration === 1 ? 0.5 : 1) / shares.length;
    for (let i = 0; i < shares.length; i++) shares[i]! *= factor;
  });
}

/**
 * The perceptron (Rosenblatt 1958): adds yᵢ xᵢ of one point on the wrong side, drawn at random, until there is
 * none; at most R²/μ² updates (Novikoff 1962).
 *
 * @param x [n, features]
 * @param signs y, [n], each 1 or −1
 * @throws RangeError for x and signs that do not fit, signs other than ±1.
 */
export function perceptron(
  x: Features,
  signs: ArrayLike<number>,
  options: SeparatorOptions & { random: Random },
): Separator {
  return descend("perceptron", x, signs, options, (_iteration, margins, shares) => {
    const wrong: number[] = [];
    for (let i = 0; i < margins.length; i++) if (margins[i]! <= 0) wrong.push(i);
    shares.fill(0);
    shares[options.random.choice(wrong)] = 1;
  });
}

/** The mean logistic loss of margins, 1/n Σ log(1 + exp(−mᵢ)), without overflow. */
export function logisticLoss(margins: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < margins.length; i++)
    sum += Math.max(0, -margins[i]!) + Math.log1p(Math.exp(-Math.abs(margins[i]!)));
  return sum / margins.length;
}

/** θ ← θ + Σ sharesᵢ yᵢ xᵢ, with shares that depend on the margins, until all margins are positive. */
function descend(
  name: string,
  x: Features,
  signs: ArrayLike<number>,
  { maxIterations = 10_000, onIteration }: SeparatorOptions,
  setShares: (iteration: number, margins: Float64Array, shares: Float64Array) => void,
): Separator {
  const rows = signs.length;
  if (rows === 0 || x.length === 0 || x.length % rows !== 0)
    throw new RangeError(`${name}: x has ${x.length} values for ${rows} signs; expected [signs, features]`);
  for (let i = 0; i < rows; i++)
    if (Math.abs(signs[i]!) !== 1)
      throw new RangeError(`${name}: sign ${i} is ${signs[i]}; expected 1 or -1`);
  const width = x.length / rows;
  const weights = new Float64Array(width);
  const margins = new Float64Array(rows);
  const shares = new Float64Array(rows);
  let [iterations, separated] = [0, false];
  while (!separated && iterations < maxIterations) {
    iterations++;
    setShares(iterations, margins, shares);
    for (let i = 0; i < rows; i++) {
      const share = shares[i]! * signs[i]!;
      if (share === 0) continue;
      for (let j = 0; j < width; j++) weights[j]! += share * x[i * width + j]!;
    }
    separated = true;
    for (let i = 0; i < rows; i++) {
      let product = 0;
      for (let j = 0; j < width; j++) product += weights[j]! * x[i * width + j]!;
      margins[i] = signs[i]! * product;
      if (!(margins[i]! > 0)) separated = false;
    }
    onIteration?.(iterations, weights, margins);
  }
  return { weights, iterations, separated };
}
