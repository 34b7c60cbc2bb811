/** Words that belong together, found by their counts. */

/**
 * (count(ab) − δ) / (count(a) count(b)): how much more often two words follow each other than their counts
 * suggest.
 *
 * Source: Mikolov et al. (2013), equation 6.
 *
 * @param discount δ keeps very rare words from forming phrases. Default: 5.
 */
export const phraseScore = (together: number, first: number, second: number, discount = 5): number =>
  (together - discount) / (first * second);

export interface PhraseOptions {
  /** δ. Default: 5. */
  discount?: number;
  /** Word pairs are joined from this score times the number of tokens; one for each pass. Default: [200, 100]. */
  thresholds?: readonly number[];
  /** What stands between joined words. Default: "_". */
  separator?: string;
}

/**
 * Joins word pairs into phrases, pass after pass, so that phrases can grow: "new_york", then "new_york_times".
 * Within a pass pairs are joined from left to right.
 *
 * Source: Mikolov et al. (2013), section 4. As in their program word2phrase, scores are multiplied by the
 * number of tokens, so that thresholds do not depend on the corpus' size, and its default is 100.
 *
 * @param sentences Words; pairs do not cross sentences.
 * @returns Sentences of words and phrases.
 */
export function learnPhrases(
  sentences: readonly (readonly string[])[],
  { discount = 5, thresholds = [200, 100], separator = "_" }: PhraseOptions = {},
): string[][] {
  let current: readonly (readonly string[])[] = sentences;
  for (const threshold of thresholds) {
    const { counts, pairs, tokens } = countPairs(current);
    const joined = (a: string, b: string) => {
      const together = pairs.get(`${a} ${b}`) ?? 0;
      return (
        together > discount &&
        phraseScore(together, counts.get(a)!, counts.get(b)!, discount) * tokens >= threshold
      );
    };
    current = current.map((sentence) => {
      const out: string[] = [];
      for (let i = 0; i < sentence.length; i++) {
        const [a, b] = [sentence[i]!, sentence[i + 1]];
        if (b !== undefined && joined(a, b)) {
          out.push(a + separator + b);
          i++;
        } else out.push(a);
      }
      return out;
    });
  }
  return current.map((sentence) => [...sentence]);
}

/** Counts of words and, under "first second", of neighbours. Words must not hold spaces. */
export function countPairs(sentences: readonly (readonly string[])[]) {
  const counts = new Map<string, number>();
  const pairs = new Map<string, number>();
  let tokens = 0;
  for (const sentence of sentences)
    sentence.forEach((word, i) => {
      tokens++;
      counts.set(word, (counts.get(word) ?? 0) + 1);
      if (i + 1 < sentence.length) {
        const pair = `${word} ${sentence[i + 1]}`;
        pairs.set(pair, (pairs.get(pair) ?? 0) + 1);
      }
    });
  return { counts, pairs, tokens };
}
