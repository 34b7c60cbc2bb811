/** EnsLoss: binary training on a new random calibrated loss at each step, known by its derivatives alone. */
import type { Random } from "../random.ts";
import { mean, multiply, stopGradient, type Tensor } from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";

/**
 * Inverse of the Box-Cox transform: max(0, 1 + λu)^{1/λ}, and eᵘ for λ = 0. Infinite where λ < 0 and
 * 1 + λu ≤ 0.
 *
 * Source: Dai, "EnsLoss: Stochastic Calibrated Loss Ensembles for Preventing Overfitting in
 * Classification" (2024), section 3.
 */
export function inverseBoxCox(u: number, lambda: number): number {
  // So near to 0 the power has no digits left, and its limit is exact.
  if (Math.abs(lambda) < 1e-12) return Math.exp(u);
  if (1 + lambda * u <= 0) return lambda > 0 ? 0 : Number.POSITIVE_INFINITY;
  return Math.exp(Math.log1p(lambda * u) / lambda);
}

export interface EnsLossOptions {
  /** λ of the inverse Box-Cox transform. Default: 0. */
  lambda?: number;
  /** Subtracted from all derivatives, so that none is 0. Default: 1e-6. */
  epsilon?: number;
}

/**
 * Derivatives φ'(z_i) of a random convex, classification-calibrated loss at the margins z of a batch.
 * Values −T_λ(u) of normal draws u are held at −1 or above, sorted, and given to the margins in order,
 * the most negative to the smallest; above a margin of 1 they are divided by the margin.
 *
 * Source: Dai (2024), algorithm 1, and the official code at github.com/statmlben/ensLoss.
 *
 * @param margins z = y f with labels y of ± 1, [n]
 * @param random Where the draws come from: another stream for each step.
 * @returns [n], all negative; without the factor of large margins they do not fall as margins grow.
 */
export function ensLossDerivatives(
  margins: ArrayLike<number>,
  random: Random,
  { lambda = 0, epsilon = 1e-6 }: EnsLossOptions = {},
): Float64Array {
  return derivativesOf(margins, random.normal(new Float64Array(margins.length)), { lambda, epsilon });
}

/** `ensLossDerivatives` with the normal draws given, one for each margin. */
export function derivativesOf(
  margins: ArrayLike<number>,
  draws: ArrayLike<number>,
  { lambda = 0, epsilon = 1e-6 }: EnsLossOptions = {},
): Float64Array {
  if (draws.length !== margins.length)
    throw new RangeError(`ensLossDerivatives: draws has ${draws.length} values; expected ${margins.length}`);
  if (!Number.isFinite(lambda))
    throw new RangeError(`ensLossDerivatives: lambda is ${lambda}; expected a number`);
  if (!(epsilon >= 0)) throw new RangeError(`ensLossDerivatives: epsilon is ${epsilon}; expected at least 0`);
  const values = Float64Array.from(draws, (u) => Math.max(-1, -inverseBoxCox(u, lambda))).sort();
  const order = Array.from(margins, (_, i) => i).sort((i, j) => margins[i]! - margins[j]!);
  const derivatives = new Float64Array(margins.length);
  order.forEach((i, rank) => {
    derivatives[i] = values[rank]! / Math.max(1, margins[i]!) - epsilon;
  });
  return derivatives;
}

/**
 * Mean of g_i z_i with the derivatives g held constant: its value means nothing, its gradient is that of
 * every loss whose derivatives at these margins are g.
 *
 * @param margins z, [n]
 * @param derivatives g, [n]
 * @returns A scalar.
 */
export function surrogateStep(margins: Tensor, derivatives: Tensor): Tensor {
  if (margins.shape.length !== 1 || !sameShape(margins.shape, derivatives.shape))
    throw new RangeError(
      `surrogateStep: derivatives is ${describe(derivatives)}; expected the shape of margins, ${describe(margins)}, [n]`,
    );
  return mean(multiply(margins, stopGradient(derivatives)));
}
