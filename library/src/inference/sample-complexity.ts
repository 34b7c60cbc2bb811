/** How many examples a learner needs. */

export interface SampleComplexityOptions {
  /** The error that is good enough. */
  target: number;
  /** The number of examples to begin with, at least 1. */
  start: number;
  /** Each number of examples is this many times the one before, rounded up. Default: 1.5. */
  factor?: number;
  /** The largest number of examples to try. Default: 1,000,000. */
  most?: number;
}

/**
 * The number of examples from which on the error is at most the target: numbers of examples grow by a constant
 * factor until the error is low enough; between the last two, log m is interpolated along the error.
 *
 * @param error The (mean) error of a learner that has seen that many examples.
 * @returns At least `start`, which stands for "no more than that" where the first error is low enough.
 * @throws RangeError if the error is above the target up to `most`.
 */
export function sampleComplexity(
  error: (examples: number) => number,
  options: SampleComplexityOptions,
): number {
  const { target, start, factor = 1.5, most = 1e6 } = options;
  if (!(factor > 1)) throw new RangeError(`sampleComplexity: factor is ${factor}; expected a number above 1`);
  if (!(Number.isInteger(start) && start >= 1))
    throw new RangeError(`sampleComplexity: start is ${start}; expected a whole number of at least 1`);
  let [before, errorBefore] = [0, 0];
  for (let examples = start; examples <= most; examples = Math.ceil(examples * factor)) {
    const now = error(examples);
    if (now <= target) {
      if (before === 0) return examples;
      const way = (errorBefore - target) / (errorBefore - now);
      return before * (examples / before) ** way;
    }
    [before, errorBefore] = [examples, now];
  }
  throw new RangeError(
    `sampleComplexity: the error with ${before} examples is ${errorBefore}, still above ${target}`,
  );
}
