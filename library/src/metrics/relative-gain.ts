/**
 * (score − baseline) / |baseline|. Undefined where the baseline is 0, and large for next to nothing where it is near 0:
 * report the difference as well.
 */
export function relativeGain(score: number, baseline: number): number | undefined {
  return baseline === 0 ? undefined : (score - baseline) / Math.abs(baseline);
}
