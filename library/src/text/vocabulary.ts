import { words } from "./words.ts";

/** Index of padding: no word. */
export const padding = 0;
/** Index of every word that the vocabulary lacks. */
export const unknown = 1;

/** Words and their indices. 0 is padding, 1 an unknown word, 2 the most frequent word. */
export interface Vocabulary {
  /** Number of indices, padding and unknown included: rows of an embedding table. */
  size: number;
  /** Index to word; `words[0]` is "<padding>", `words[1]` "<unknown>". */
  words: string[];
  /** How often each occurred in the texts; 0 for padding, the dropped words' total for unknown. */
  counts: Int32Array;
  /** A word's index, or 1 (`unknown`). */
  index(word: string): number;
  /**
   * Texts to indices, one row each, cut after `length` words, filled up with 0.
   * Default length: that of the longest text.
   */
  encode(texts: readonly string[], length?: number): EncodedTexts;
}

export interface EncodedTexts {
  /** [texts, length], row by row. */
  indices: Int32Array;
  /** Words kept of each text, [texts]. */
  lengths: Int32Array;
  length: number;
}

export interface VocabularyOptions {
  /** Words that occur less often are left out. Default 1: keep all. */
  minCount?: number;
  /** At most this many indices, padding and unknown included. Default: no limit. */
  size?: number;
  /** Text to words. Default: `words` of this folder. */
  tokenize?: (text: string) => string[];
}

/**
 * Builds a vocabulary, most frequent words first, equal counts in code unit order: the same texts
 * give the same indices in any order.
 *
 * @throws RangeError for a size below 2, as padding and unknown take two indices
 */
export function vocabulary(texts: Iterable<string>, options: VocabularyOptions = {}): Vocabulary {
  const { minCount = 1, size = Number.POSITIVE_INFINITY, tokenize = words } = options;
  if (!(size >= 2)) throw new RangeError(`vocabulary: size ${size} must be at least 2 (padding, unknown)`);

  const counts = new Map<string, number>();
  let total = 0;
  for (const text of texts)
    for (const word of tokenize(text)) {
      counts.set(word, (counts.get(word) ?? 0) + 1);
      total++;
    }
  const kept = [...counts]
    .filter(([, count]) => count >= minCount)
    .sort(([a, countA], [b, countB]) => countB - countA || (a < b ? -1 : 1))
    .slice(0, size - 2);
  const indices = new Map(kept.map(([word], i) => [word, i + 2]));
  const keptTotal = kept.reduce((sum, [, count]) => sum + count, 0);
  const index = (word: string) => indices.get(word) ?? unknown;

  return {
    size: kept.length + 2,
    words: ["<padding>", "<unknown>", ...kept.map(([word]) => word)],
    counts: Int32Array.from([0, total - keptTotal, ...kept.map(([, count]) => count)]),
    index,
    encode(texts, length) {
      const rows = texts.map((text) => tokenize(text));
      const width = length ?? rows.reduce((longest, row) => Math.max(longest, row.length), 0);
      if (!(Number.isSafeInteger(width) && width >= 0))
        throw new RangeError(`encode: length ${width} must be an integer of at least 0`);
      const encoded = new Int32Array(rows.length * width);
      rows.forEach((row, i) => {
        for (let j = 0; j < Math.min(row.length, width); j++) encoded[i * width + j] = index(row[j]);
      });
      const lengths = Int32Array.from(rows, (row) => Math.min(row.length, width));
      return { indices: encoded, lengths, length: width };
    },
  };
}
