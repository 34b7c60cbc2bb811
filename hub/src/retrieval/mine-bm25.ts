/** Hard negatives out of what BM25 finds: the rules of `mineHardNegatives` on its scores. */
import { type Mined, type MiningData, type MiningOptions, selectNegatives } from "nearmiss/negatives";
import { bm25Index, scores } from "nearmiss/retrieval";
import type { Scorer } from "./models.ts";

type Options = Omit<MiningOptions, "rescore" | "similarity" | "queryPrompt" | "corpusPrompt"> & {
  rescore?: Scorer;
};

/** As `mineHardNegatives`: repeated texts are one candidate, a positive's text is a positive. */
export async function mineBm25(data: MiningData, options: Options): Promise<Mined[]> {
  const { includePositives = false, rescore, onProgress, signal } = options;
  const { count = 3, rangeMin = 0 } = options;
  const index = bm25Index(data.corpus);
  const first = new Map<string, number>();
  const original = data.corpus.map((text, i) => {
    if (!first.has(text)) first.set(text, i);
    return first.get(text)!;
  });
  const mostPositives = data.positives.reduce((most, list) => Math.max(most, list.length), 0);
  const dropping = [options.absoluteMargin, options.relativeMargin, options.maxScore].some(
    (rule) => rule !== undefined,
  );
  const rangeMax = options.rangeMax ?? rangeMin + count * (dropping ? 10 : 1) + mostPositives;
  const mined: Mined[] = [];
  for (const [query, text] of data.queries.entries()) {
    signal?.throwIfAborted();
    const all = scores(index, text);
    const scored = async (documents: readonly number[]) => {
      const again = await rescore?.(
        text,
        documents.map((i) => data.corpus[i]!),
      );
      return documents.map((document, i) => ({ document, score: again ? again[i]! : all[document]! }));
    };
    const known = [...new Set(data.positives[query]!.map((document) => original[document]!))];
    const found = [...all.keys()]
      .filter((document) => all[document]! > 0 && original[document] === document)
      .sort((a, b) => all[b]! - all[a]! || a - b)
      .slice(0, rangeMax + mostPositives);
    const positives = await scored(known);
    const candidates = await scored(found);
    const selection = selectNegatives(
      candidates,
      includePositives ? positives.map(({ score }) => ({ document: -1, score })) : positives,
      { ...options, rangeMax },
    );
    mined.push({
      ...selection,
      query,
      positives: known,
      positiveScores: positives.map(({ score }) => score),
      candidates: candidates.length,
    });
    onProgress?.(query + 1, data.queries.length);
    // Ctrl-C is heard in between.
    if (query % 50 === 49) await new Promise((resolve) => setImmediate(resolve));
  }
  return mined;
}
