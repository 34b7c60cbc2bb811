/** Bounds on what a language model loses on new text, from how shortly the model itself can be written. */

export interface SmoothedOptions {
  /** Number of tokens V, at least 2. */
  vocabulary: number;
  /** Share α of the uniform distribution, above 0, at most 1. */
  smoothing: number;
}

/**
 * −log₂((1 − α) p + α / V): the bits of a token of probability p under a prediction that is mixed with the uniform
 * distribution. At most log₂(V / α).
 *
 * Source: Lotfi et al., "Non-Vacuous Generalization Bounds for Large Language Models" (2023), section 4.
 */
export function smoothedBits(p: number, { vocabulary, smoothing }: SmoothedOptions): number {
  requireSmoothed("smoothedBits", { vocabulary, smoothing });
  return -Math.log2((1 - smoothing) * p + smoothing / vocabulary);
}

/** Δ = log₂(1 + (1 − α) V / α): how far apart the smallest and the largest of `smoothedBits` are. */
export function smoothedRange({ vocabulary, smoothing }: SmoothedOptions): number {
  requireSmoothed("smoothedRange", { vocabulary, smoothing });
  return Math.log2(1 + ((1 - smoothing) * vocabulary) / smoothing);
}

export interface CompressionBoundOptions {
  /** Mean loss on `sampled` of the training units, drawn by chance. */
  risk: number;
  /** K, the length of the model's prefix-free code, bits; those that tell settings chosen by trying included. */
  bits: number;
  /** m, the number of training units that are independent of each other: documents or pieces, not tokens. */
  units: number;
  /** n, of how many of them the risk is known. */
  sampled: number;
  /** Δ, in the units of the risk: how far apart two losses can be. */
  range: number;
  /** δ, the chance that the bound fails. Default: 0.05. */
  delta?: number;
}

export interface CompressionBound {
  bound: number;
  /** What the model's length adds: Δ √((K ln 2 + ln 1/(rδ)) / 2m). */
  complexity: number;
  /** What knowing the risk from a sample adds: Δ √(ln 1/((1 − r)δ) / 2n). */
  subsampling: number;
}

/**
 * Bound on the mean loss of new units, risk + complexity + subsampling, which holds at once for all models that have a
 * code: a union bound in which a model of K bits has a share of 2^−K, after Hoeffding. The chance δ is divided between
 * the two terms by r = n / (n + m).
 *
 * Source: Lotfi et al. (2023), theorem 1 and the bound with subsampling.
 */
export function compressionBound(options: CompressionBoundOptions): CompressionBound {
  const { risk, bits, units, sampled, range, delta = 0.05 } = options;
  for (const [name, value] of Object.entries({ units, sampled, range }))
    if (!(value > 0))
      throw new RangeError(`compressionBound: ${name} is ${value}; expected a number above 0`);
  if (!(bits >= 0))
    throw new RangeError(`compressionBound: bits is ${bits}; expected a number of at least 0`);
  if (!(delta > 0 && delta < 1))
    throw new RangeError(`compressionBound: delta is ${delta}; expected a number between 0 and 1`);
  const r = sampled / (sampled + units);
  const complexity = range * Math.sqrt((bits * Math.LN2 - Math.log(r * delta)) / (2 * units));
  const subsampling = range * Math.sqrt(-Math.log((1 - r) * delta) / (2 * sampled));
  return { bound: risk + complexity + subsampling, complexity, subsampling };
}

function requireSmoothed(name: string, { vocabulary, smoothing }: SmoothedOptions): void {
  if (!(Number.isInteger(vocabulary) && vocabulary >= 2))
    throw new RangeError(`${name}: vocabulary is ${vocabulary}; expected a whole number of at least 2`);
  if (!(smoothing > 0 && smoothing <= 1))
    throw new RangeError(`${name}: smoothing is ${smoothing}; expected above 0, at most 1`);
}
