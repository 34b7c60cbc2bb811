import { mean } from "nearmiss/stats";

/** The slope of the least-squares line: on logarithms, the exponent of a power law. */
export function slope(x: readonly number[], y: readonly number[]): number {
  const center = mean(x);
  const squares = x.reduce((sum, value) => sum + (value - center) ** 2, 0);
  return x.reduce((sum, value, i) => sum + (value - center) * y[i]!, 0) / squares;
}
