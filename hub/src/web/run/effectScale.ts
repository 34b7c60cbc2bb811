/** The axis on which effects and their intervals are drawn. */
import type { Effect } from "@nearmiss/papers/study";

/**
 * The smallest span that holds zero, every gain and every finite interval, with a margin of a tenth
 * on both sides. An interval of too few seeds is infinite (null in JSON) and does not widen it.
 */
export function effectDomain(effects: Pick<Effect, "gain" | "low" | "high">[]): [number, number] {
  const values = effects
    .flatMap(({ gain, low, high }) => [gain, low, high])
    .filter((value) => Number.isFinite(value));
  const low = Math.min(0, ...values);
  const high = Math.max(0, ...values);
  const margin = (high - low) / 10 || 1;
  return [low - margin, high + margin];
}

/** Place of a value on the axis in percent, within 0 and 100. */
export function placeOn([low, high]: [number, number], value: number): number {
  return Math.min(100, Math.max(0, (100 * (value - low)) / (high - low)));
}
