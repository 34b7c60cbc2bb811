import fCdf from "@stdlib/stats-base-dists-f-cdf";
import { mean, median } from "./moments.ts";

/**
 * Levene's test: do groups vary alike? An analysis of variance of the distances to each group's
 * centre. Source: Levene 1960; with the median as centre, Brown and Forsythe 1974.
 *
 * @param center "median" (default, robust) or "mean"
 * @returns F statistic, its degrees of freedom and p
 * @throws RangeError with fewer than two groups, or where a group has fewer than two values
 */
export function leveneTest(
  groups: readonly ArrayLike<number>[],
  options: { center?: "median" | "mean" } = {},
): { statistic: number; degreesOfFreedom: [number, number]; p: number } {
  const centerOf = options.center === "mean" ? mean : median;
  if (groups.length < 2) throw new RangeError(`leveneTest: ${groups.length} groups, at least two are needed`);
  const distances = groups.map((group, i) => {
    if (group.length < 2)
      throw new RangeError(`leveneTest: group ${i} has ${group.length} values, at least two are needed`);
    const center = centerOf(group);
    return Float64Array.from(group, (value) => Math.abs(value - center));
  });
  const total = distances.reduce((sum, group) => sum + group.length, 0);
  const means = distances.map(mean);
  const grand = distances.reduce((sum, group, i) => sum + group.length * means[i], 0) / total;
  let between = 0;
  let within = 0;
  distances.forEach((group, i) => {
    between += group.length * (means[i] - grand) ** 2;
    for (const distance of group) within += (distance - means[i]) ** 2;
  });
  const degreesOfFreedom: [number, number] = [groups.length - 1, total - groups.length];
  const statistic = between / degreesOfFreedom[0] / (within / degreesOfFreedom[1]);
  return { statistic, degreesOfFreedom, p: 1 - fCdf(statistic, ...degreesOfFreedom) };
}
