/** From the points of single trials to the lines of a chart. */
import type { Point, Series } from "./runState.ts";

export interface SeedPoint extends Point {
  arm: string;
  seed: number;
}

export interface MeanPoint extends Point {
  arm: string;
  /** Number of seeds that the mean is over. */
  seeds: number;
}

/** Points of one line beyond which drawing more would only cost time. */
const pointsDrawn = 400;

/**
 * The lines of one curve: one for each arm and seed, and the mean over seeds for each arm. The mean
 * stands wherever at least half of the arm's seeds have a point, so that it neither jumps to a
 * single seed at its end nor waits for the last one.
 */
export function curveLines(series: Series[], curve: string): { seeds: SeedPoint[]; means: MeanPoint[] } {
  const drawn = series
    .filter((one) => one.curve === curve && one.points.length > 0)
    .map((one) => ({ ...one, points: thin(one.points) }));
  const seeds = drawn.flatMap(({ arm, seed, points }) => points.map(({ x, y }) => ({ arm, seed, x, y })));
  const arms = [...new Set(drawn.map((one) => one.arm))];
  const means = arms.flatMap((arm) => {
    const lines = drawn.filter((one) => one.arm === arm);
    return meanOver(lines).map((point) => ({ arm, ...point }));
  });
  return { seeds, means };
}

function meanOver(lines: Series[]): { x: number; y: number; seeds: number }[] {
  const sums = new Map<number, { sum: number; seeds: number }>();
  for (const { points } of lines) {
    for (const { x, y } of points) {
      const entry = sums.get(x) ?? { sum: 0, seeds: 0 };
      sums.set(x, { sum: entry.sum + y, seeds: entry.seeds + 1 });
    }
  }
  return [...sums]
    .filter(([, { seeds }]) => 2 * seeds >= lines.length)
    .map(([x, { sum, seeds }]) => ({ x, y: sum / seeds, seeds }))
    .sort((a, b) => a.x - b.x);
}

/** Every k-th point, and always the last. Trials of one curve share their x, so they thin alike. */
function thin(points: Point[]): Point[] {
  const step = Math.ceil(points.length / pointsDrawn);
  if (step <= 1) return points;
  return points.filter((_, index) => index % step === 0 || index === points.length - 1);
}
