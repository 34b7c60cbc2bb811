/** Hard negatives that are relevant in truth: found by a cascade of two judges, then removed or made positives. */
import type { Random } from "../random.ts";

/** A training example for retrieval; documents of any kind, as texts or numbers. */
export interface RetrievalItem<Query, Document> {
  query: Query;
  positives: readonly Document[];
  negatives: readonly Document[];
}

/**
 * Says for each document whether it is relevant to the query. It must not learn which of the documents are
 * labelled. `positives` are known relevant documents to compare with.
 */
export type Judge<Query, Document> = (
  query: Query,
  documents: readonly Document[],
  positives: readonly Document[],
) => readonly boolean[] | Promise<readonly boolean[]>;

export interface RelabelOptions<Query, Document> {
  /** Sees every item with negatives. */
  cheap: Judge<Query, Document>;
  /** Decides again for the items in which `cheap` found something. Default: `cheap` has the last word. */
  strong?: Judge<Query, Document>;
  /**
   * What becomes of false negatives F: "rlhn" (default) makes them positives, "hn-remove" drops them, and
   * "remove" drops every item that has any.
   */
  mode?: "rlhn" | "hn-remove" | "remove";
}

export interface RelabelReport {
  /** For each item given, the places of its false negatives among its negatives. */
  falseNegatives: number[][];
  /** How many items each judge has seen. */
  judged: { cheap: number; strong: number };
  /** Items of `items`, in its order, that were kept: places among the items given. */
  kept: number[];
}

/**
 * Repairs a training set whose hard negatives may be relevant (RLHN). The strong judge decides for all
 * negatives of an item in which the cheap one found any, also for those that the cheap one let pass.
 *
 * Train with one positive of an item at a time, and keep its other positives out of the denominator.
 *
 * Source: Thakur et al. 2025, "Fixing Data That Hurts Performance: Cascading LLMs to Relabel Hard Negatives
 * for Robust Information Retrieval", section 3.
 *
 * @throws RangeError where a judge gives another number of answers than there are documents
 */
export async function relabelHardNegatives<Query, Document>(
  items: readonly RetrievalItem<Query, Document>[],
  { cheap, strong, mode = "rlhn" }: RelabelOptions<Query, Document>,
): Promise<{ items: RetrievalItem<Query, Document>[]; report: RelabelReport }> {
  if (mode !== "rlhn" && mode !== "hn-remove" && mode !== "remove")
    throw new RangeError(
      `relabelHardNegatives: mode is ${JSON.stringify(mode)}; expected "rlhn", "hn-remove" or "remove"`,
    );
  const report: RelabelReport = { falseNegatives: [], judged: { cheap: 0, strong: 0 }, kept: [] };
  const repaired: RetrievalItem<Query, Document>[] = [];
  for (const [place, item] of items.entries()) {
    const { query, positives, negatives } = item;
    let found: number[] = [];
    if (negatives.length > 0) {
      report.judged.cheap++;
      found = await relevantOnes("cheap", cheap, item);
    }
    if (found.length > 0 && strong) {
      report.judged.strong++;
      found = await relevantOnes("strong", strong, item);
    }
    report.falseNegatives.push(found);
    if (mode === "remove" && found.length > 0) continue;
    report.kept.push(place);
    const wrong = new Set(found);
    repaired.push({
      query,
      positives: mode === "rlhn" ? [...positives, ...found.map((i) => negatives[i]!)] : positives,
      negatives: negatives.filter((_, i) => !wrong.has(i)),
    });
  }
  return { items: repaired, report };
}

async function relevantOnes<Query, Document>(
  name: string,
  judge: Judge<Query, Document>,
  { query, positives, negatives }: RetrievalItem<Query, Document>,
): Promise<number[]> {
  const answers = await judge(query, negatives, positives);
  if (answers.length !== negatives.length)
    throw new RangeError(
      `relabelHardNegatives: the ${name} judge gave ${answers.length} answers; expected ${negatives.length}, one a document`,
    );
  return answers.flatMap((relevant, i) => (relevant ? [i] : []));
}

/** How often a judge calls a relevant document relevant, and how often an irrelevant one. */
export interface JudgeRates {
  truePositiveRate: number;
  falsePositiveRate: number;
}

/**
 * A judge with known error rates, for data whose truth is known. Its errors are independent of each other
 * and of those of other judges; those of language models are not.
 */
export function simulatedJudge<Query, Document>({
  relevant,
  random,
  ...rates
}: JudgeRates & {
  relevant: (query: Query, document: Document) => boolean;
  random: Random;
}): Judge<Query, Document> {
  requireRates("simulatedJudge", rates);
  return (query, documents) =>
    documents.map((document) => {
      const { truePositiveRate, falsePositiveRate } = rates;
      return random.next() < (relevant(query, document) ? truePositiveRate : falsePositiveRate);
    });
}

/**
 * Precision and recall of the false negatives that a cascade finds, if all errors are independent. With p the
 * chance that the cheap judge flags a negative, an item of n negatives comes before the strong judge with
 * 1 − (1 − t₁)(1 − p)^(n−1) given that one of them is relevant, and with f₁ for t₁ given that it is not; with
 * n = 1 these are t₁ and f₁.
 *
 * @param baseRate share of the negatives that are relevant
 * @param negatives n. Default 1.
 */
export function cascadeQuality({
  baseRate,
  cheap,
  strong,
  negatives = 1,
}: {
  baseRate: number;
  cheap: JudgeRates;
  strong: JudgeRates;
  negatives?: number;
}): { precision: number; recall: number; escalated: number } {
  if (!(baseRate > 0 && baseRate < 1))
    throw new RangeError(`cascadeQuality: baseRate is ${baseRate}; expected a share between 0 and 1`);
  if (!(Number.isSafeInteger(negatives) && negatives > 0))
    throw new RangeError(`cascadeQuality: negatives is ${negatives}; expected a positive integer`);
  requireRates("cascadeQuality: cheap", cheap);
  requireRates("cascadeQuality: strong", strong);
  const flagged = baseRate * cheap.truePositiveRate + (1 - baseRate) * cheap.falsePositiveRate;
  const seen = (own: number) => 1 - (1 - own) * (1 - flagged) ** (negatives - 1);
  const recall = seen(cheap.truePositiveRate) * strong.truePositiveRate;
  const right = baseRate * recall;
  const wrong = (1 - baseRate) * seen(cheap.falsePositiveRate) * strong.falsePositiveRate;
  return { precision: right / (right + wrong), recall, escalated: 1 - (1 - flagged) ** negatives };
}

function requireRates(name: string, rates: JudgeRates): void {
  for (const key of ["truePositiveRate", "falsePositiveRate"] as const)
    if (!(rates[key] >= 0 && rates[key] <= 1))
      throw new RangeError(`${name}: ${key} is ${rates[key]}; expected a share from 0 to 1`);
}

/**
 * Drops whole sources of training data as long as that helps: of all sources left, the one whose removal
 * raises the score most, again and again.
 *
 * @param evaluate score of a model trained on some of the sources, for instance validation nDCG@10, higher
 *   being better; called about sources² / 2 times
 * @returns the sources that are left, and those dropped, in the order of dropping, with the score after each
 */
export async function pruneSources<Source>(
  sources: readonly Source[],
  evaluate: (kept: readonly Source[]) => number | Promise<number>,
): Promise<{ kept: Source[]; dropped: { source: Source; score: number }[] }> {
  if (sources.length === 0) throw new RangeError("pruneSources: sources is empty; expected at least one");
  let kept = [...sources];
  let score = await evaluate(kept);
  const dropped: { source: Source; score: number }[] = [];
  while (kept.length > 1) {
    let best: { place: number; score: number } | undefined;
    for (const place of kept.keys()) {
      const without = await evaluate(kept.filter((_, i) => i !== place));
      if (without > (best?.score ?? score)) best = { place, score: without };
    }
    if (!best) break;
    const { place } = best;
    score = best.score;
    dropped.push({ source: kept[place]!, score });
    kept = kept.filter((_, i) => i !== place);
  }
  return { kept, dropped };
}
