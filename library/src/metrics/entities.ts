import { f1FromCounts } from "./classification.ts";

/** An entity by its words and its type. */
export interface NamedEntity {
  text: string;
  type: string;
}

/**
 * Precision, recall and F1 of named entities, counts summed over sentences. An entity is right if the sentence has one
 * of the same text and type; case, punctuation, the articles a, an and the, and how often it occurs in the sentence do
 * not matter.
 *
 * Source: the evaluation of Zhou et al. 2024, "UniversalNER", which Ding et al. 2024 ("GNER") take over.
 *
 * @param predicted of each sentence
 * @param gold of each sentence
 * @throws RangeError unless there are as many sentences.
 */
export function entityF1(
  predicted: readonly (readonly NamedEntity[])[],
  gold: readonly (readonly NamedEntity[])[],
): { precision: number; recall: number; f1: number } {
  if (predicted.length !== gold.length)
    throw new RangeError(
      `entityF1: predicted has ${predicted.length} sentences and gold ${gold.length}; expected as many`,
    );
  const counts = { truePositives: 0, falsePositives: 0, falseNegatives: 0 };
  predicted.forEach((entities, i) => {
    const found = keysOf(entities);
    const wanted = keysOf(gold[i]!);
    const right = [...found].filter((key) => wanted.has(key)).length;
    counts.truePositives += right;
    counts.falsePositives += found.size - right;
    counts.falseNegatives += wanted.size - right;
  });
  return f1FromCounts(counts);
}

const keysOf = (entities: readonly NamedEntity[]) =>
  new Set(entities.map(({ text, type }) => `${normalized(text)}\n${normalized(type)}`));

const normalized = (text: string): string =>
  text
    .toLowerCase()
    .replace(/[!-/:-@[-`{-~]/g, "")
    .replace(/\b(?:a|an|the)\b/g, " ")
    .trim()
    .replace(/\s+/g, " ");
