/**
 * Simpson's bias: a metric that is no mean over examples (F1, Dice, BLEU of a corpus) differs from the
 * mean of its values over parts of the data, and may rank two models the other way round.
 */

export interface SimpsonsBias {
  /** The metric of all examples together. */
  population: number;
  /** The mean of its values over the batches. */
  mean: number;
  /** population − mean */
  bias: number;
  /** Batches for which the metric is NaN, 0 by 0 for instance: they do not enter the mean. */
  skipped: number;
}

/**
 * How far the mean of a metric over batches is from the metric of the population.
 *
 * Source: Yuan, Zhang, Bojun and Liang, "Simpson's bias in NLP training" (2021), section 2.
 *
 * @param metric From examples to a number. NaN leaves a batch out.
 * @param batches All examples, in the batches over which the mean is taken.
 * @throws RangeError where no batch is left.
 */
export function simpsonsBias<T>(
  metric: (examples: readonly T[]) => number,
  batches: readonly (readonly T[])[],
): SimpsonsBias {
  const values = batches.map(metric).filter((value) => !Number.isNaN(value));
  if (values.length === 0)
    throw new RangeError(
      `simpsonsBias: the metric is NaN for each of the ${batches.length} batches; one at least must have a value`,
    );
  const population = metric(batches.flat());
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { population, mean, bias: population - mean, skipped: batches.length - values.length };
}

/**
 * Share of the pairs of models that two measures order differently: 0 where they agree on all, 1 where
 * one is the reverse of the other. Pairs that either measure ties are left out.
 *
 * @param a One measure of each model, [models].
 * @param b The other measure.
 * @returns NaN where every pair is tied.
 */
export function reversalRate(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length)
    throw new RangeError(`reversalRate: a has ${a.length} entries, b ${b.length}; as many are needed`);
  let [pairs, reversed] = [0, 0];
  for (let i = 0; i < a.length; i++)
    for (let j = 0; j < i; j++) {
      const agreement = Math.sign(a[i]! - a[j]!) * Math.sign(b[i]! - b[j]!);
      if (agreement === 0) continue;
      pairs++;
      if (agreement < 0) reversed++;
    }
  return reversed / pairs;
}
