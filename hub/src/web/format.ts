/** Numbers, spans and dates in words, the same on every page. */
import type { Metrics } from "@nearmiss/papers/study";

const minus = "\u2212";

/** A number to `digits` significant digits, without exponent where it stays short. */
export function formatNumber(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || Number.isNaN(value)) return "\u2013";
  if (!Number.isFinite(value)) return value > 0 ? "\u221e" : `${minus}\u221e`;
  const size = Math.abs(value);
  const text =
    size !== 0 && (size < 1e-4 || size >= 1e6)
      ? value.toExponential(digits - 1)
      : value.toFixed(decimalsFor(size, digits));
  return text.replace("-", minus).replace("e+", "e");
}

/** As `formatNumber`, with a plus sign before what is above zero. */
export function formatSigned(value: number | null | undefined, digits = 3): string {
  const text = formatNumber(value, digits);
  return typeof value === "number" && value > 0 ? `+${text}` : text;
}

/**
 * A mean with its standard deviation. Both have as many decimals as show two digits of the
 * deviation; without a deviation the mean has four significant digits.
 */
export function formatMean(
  mean: number,
  deviation: number | undefined,
): { mean: string; deviation?: string } {
  const size = Math.abs(mean);
  if (!deviation || !Number.isFinite(deviation)) {
    const shown = deviation === 0 ? "0" : undefined;
    return { mean: formatNumber(mean, 4), deviation: shown };
  }
  if (size >= 1e6 || deviation < 1e-6)
    return { mean: formatNumber(mean, 4), deviation: formatNumber(deviation, 2) };
  const decimals = decimalsFor(deviation, 2);
  return { mean: mean.toFixed(decimals).replace("-", minus), deviation: deviation.toFixed(decimals) };
}

/** Mean, sample standard deviation (from two values on) and count of a metric's values. */
export function summarize(
  trials: { metrics: Metrics }[],
  metric: string,
): { mean: number; deviation?: number; count: number } {
  const values = trials.map((trial) => trial.metrics[metric]).filter((value) => typeof value === "number");
  const count = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / count;
  const squares = values.reduce((sum, value) => sum + (value - mean) ** 2, 0);
  return { mean, deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : undefined, count };
}

/**
 * An effect and the ends of its interval, signed, with as many decimals as show two digits of the
 * interval's half width. Without a finite interval: the gain alone, to three significant digits.
 */
export function formatInterval(
  gain: number,
  low: number | null,
  high: number | null,
): { gain: string; low?: string; high?: string } {
  if (!Number.isFinite(low) || !Number.isFinite(high)) return { gain: formatSigned(gain) };
  const half = (high! - low!) / 2;
  if (half < 1e-6) return { gain: formatSigned(gain), low: formatSigned(low), high: formatSigned(high) };
  const decimals = decimalsFor(half, 2);
  const show = (value: number) => `${value > 0 ? "+" : ""}${value.toFixed(decimals).replace("-", minus)}`;
  return { gain: show(gain), low: show(low!), high: show(high!) };
}

/** A span of seconds: "0.4 s", "12 s", "3 min 5 s", "2 h 10 min". */
export function formatSeconds(seconds: number): string {
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return join(Math.floor(whole / 60), "min", whole % 60, "s");
  const minutes = Math.round(whole / 60);
  return join(Math.floor(minutes / 60), "h", minutes % 60, "min");
}

/** Seconds between two ISO dates, undefined while either is missing. */
export function secondsBetween(start: string | undefined, end: string | undefined): number | undefined {
  if (start === undefined || end === undefined) return undefined;
  return Math.max(0, (Date.parse(end) - Date.parse(start)) / 1000);
}

/** How long ago an ISO date was, to the nearest unit: "just now", "5 minutes ago", "yesterday". */
export function formatAgo(date: string, now = Date.now()): string {
  const seconds = (now - Date.parse(date)) / 1000;
  if (!(seconds >= 45)) return "just now";
  const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ["minute", 60],
    ["hour", 3600],
    ["day", 86400],
    ["month", 2629746],
    ["year", 31556952],
  ];
  const [unit, span] = units.findLast(([, span]) => Math.round(seconds / span) >= 1) ?? units[0]!;
  return new Intl.RelativeTimeFormat("en", { numeric: "auto" }).format(-Math.round(seconds / span), unit);
}

export function formatDate(date: string): string {
  return new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short" }).format(new Date(date));
}

/** "1 seed", "2 seeds". */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** A key such as "language-model" or "testAccuracy" as words: "language model", "test accuracy". */
export function asWords(key: string): string {
  return key
    .replaceAll(/[-_]+/g, " ")
    .replaceAll(
      /([a-z0-9])([A-Z][a-z])/g,
      (_, before: string, after: string) => `${before} ${after.toLowerCase()}`,
    );
}

export function capitalize(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

function decimalsFor(size: number, digits: number): number {
  if (size === 0) return 0;
  return Math.min(8, Math.max(0, digits - 1 - Math.floor(Math.log10(size))));
}

function join(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${large} ${largeUnit}` : `${large} ${largeUnit} ${small} ${smallUnit}`;
}
