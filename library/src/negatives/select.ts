/**
 * Which of a query's candidates become its negatives. All the rules of `mineHardNegatives`, for one query
 * and on scores alone, so that a miner over any retriever can use them.
 */
import type { Random } from "../random.ts";

export interface SelectionOptions {
  /** Number of negatives. Default 3. */
  count?: number;
  /** Candidates to skip at the top, after all rules on scores. Default 0. */
  rangeMin?: number;
  /** Candidates to consider, from the top, after all rules on scores. Default: all that are given. */
  rangeMax?: number;
  /** Drops candidates with a higher score: too similar to the query. */
  maxScore?: number;
  /** Drops candidates with a lower score: too easy. */
  minScore?: number;
  /** Drops candidates with score > s⁺ − margin. */
  absoluteMargin?: number;
  /** Drops candidates with score > s⁺ − margin · |s⁺|, which is (1 − margin) s⁺ for s⁺ ≥ 0. */
  relativeMargin?: number;
  /** Which of a query's positives s⁺ is: the "min" (default, the cautious one) or the "max". */
  positiveScore?: "min" | "max";
  /** "top" (default) takes the best candidates left, "random" any of them. */
  sampling?: "top" | "random";
  /** Needed for "random". */
  random?: Random;
}

/** Why candidates were not taken; the numbers and `kept` add up to that of the candidates. */
export interface Dropped {
  positive: number;
  absoluteMargin: number;
  relativeMargin: number;
  maxScore: number;
  minScore: number;
  /** Outside of `rangeMin` to `rangeMax`. */
  range: number;
  /** Fit, but `count` were found without them. */
  surplus: number;
}

export interface Selection {
  /** Best first. */
  documents: number[];
  scores: number[];
  dropped: Dropped;
  /** How many of `count` are missing. */
  shortfall: number;
}

export const noneDropped = (): Dropped => ({
  positive: 0,
  absoluteMargin: 0,
  relativeMargin: 0,
  maxScore: 0,
  minScore: 0,
  range: 0,
  surplus: 0,
});

/**
 * The negatives of one query.
 *
 * @param candidates documents with their scores, in any order
 * @param positives the query's known positives with their scores; at least one where a margin is given
 * @throws RangeError for options out of range, and for a margin without a positive
 */
export function selectNegatives(
  candidates: readonly { document: number; score: number }[],
  positives: readonly { document: number; score: number }[],
  options: SelectionOptions = {},
): Selection {
  const { count, rangeMin, rangeMax, sampling, random } = checked(options);
  const known = new Set(positives.map(({ document }) => document));
  const ceilings = ceilingsOf(positives, options);
  const dropped = noneDropped();
  const reasonAgainst = (document: number, score: number): keyof Dropped | undefined => {
    if (known.has(document)) return "positive";
    if (score > ceilings.absolute) return "absoluteMargin";
    if (score > ceilings.relative) return "relativeMargin";
    if (score > (options.maxScore ?? Number.POSITIVE_INFINITY)) return "maxScore";
    if (score < (options.minScore ?? Number.NEGATIVE_INFINITY)) return "minScore";
    return undefined;
  };
  const fit = candidates
    .filter(({ document, score }) => {
      const reason = reasonAgainst(document, score);
      if (reason) dropped[reason]++;
      return reason === undefined;
    })
    .sort((a, b) => b.score - a.score || a.document - b.document);
  const inRange = fit.slice(rangeMin, rangeMax);
  dropped.range = fit.length - inRange.length;
  const taken =
    sampling === "top" || inRange.length <= count
      ? inRange.slice(0, count)
      : [...random!.sample(inRange.length, count)].sort((a, b) => a - b).map((i) => inRange[i]!);
  dropped.surplus = inRange.length - taken.length;
  return {
    documents: taken.map(({ document }) => document),
    scores: taken.map(({ score }) => score),
    dropped,
    shortfall: count - taken.length,
  };
}

function ceilingsOf(
  positives: readonly { score: number }[],
  { absoluteMargin, relativeMargin, positiveScore = "min" }: SelectionOptions,
): { absolute: number; relative: number } {
  const none = { absolute: Number.POSITIVE_INFINITY, relative: Number.POSITIVE_INFINITY };
  if (absoluteMargin === undefined && relativeMargin === undefined) return none;
  if (positives.length === 0)
    throw new RangeError("positives: a margin needs the score of at least one positive; there is none");
  const scores = positives.map(({ score }) => score);
  const positive = positiveScore === "min" ? Math.min(...scores) : Math.max(...scores);
  return {
    absolute: absoluteMargin === undefined ? none.absolute : positive - absoluteMargin,
    relative: relativeMargin === undefined ? none.relative : positive - relativeMargin * Math.abs(positive),
  };
}

function checked(options: SelectionOptions) {
  const { count = 3, rangeMin = 0, rangeMax, sampling = "top", random, positiveScore = "min" } = options;
  const wrong = (name: string, value: unknown, expected: string) =>
    new RangeError(`selectNegatives: ${name} is ${value}; expected ${expected}`);
  if (!(Number.isSafeInteger(count) && count > 0)) throw wrong("count", count, "a positive integer");
  if (!(Number.isSafeInteger(rangeMin) && rangeMin >= 0))
    throw wrong("rangeMin", rangeMin, "an integer of at least 0");
  if (rangeMax !== undefined && !(Number.isSafeInteger(rangeMax) && rangeMax > rangeMin))
    throw wrong("rangeMax", rangeMax, `an integer above rangeMin, ${rangeMin}`);
  if (sampling !== "top" && sampling !== "random") throw wrong("sampling", sampling, '"top" or "random"');
  if (sampling === "random" && !random)
    throw wrong("random", random, 'a stream of draws for sampling "random"');
  if (positiveScore !== "min" && positiveScore !== "max")
    throw wrong("positiveScore", positiveScore, '"min" or "max"');
  for (const name of ["absoluteMargin", "relativeMargin", "maxScore", "minScore"] as const)
    if (Number.isNaN(options[name])) throw wrong(name, options[name], "a number");
  return { count, rangeMin, rangeMax, sampling, random };
}
