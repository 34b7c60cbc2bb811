import { type PartOfSpeech, wordnet } from "./wordnet.ts";

/**
 * Of each word of a vocabulary its synonyms in the vocabulary: the other words of its WordNet synsets, in any sense.
 * So the senses are mixed ("bank" has "rely" of the verb beside "cant" of the noun), and being a synonym is mutual.
 *
 * @param vocabulary Words; none may stand twice, in any case. Synonyms of several words are left out with the rest.
 * @param partsOfSpeech Default: all.
 * @returns For each word the indices of its synonyms, ascending; the word itself is not among them.
 * @throws RangeError for a word that stands twice.
 */
export function synonymLists(
  vocabulary: readonly string[],
  partsOfSpeech?: readonly PartOfSpeech[],
): Int32Array[] {
  const indices = new Map<string, number>();
  vocabulary.forEach((word, i) => {
    const lower = word.toLowerCase();
    if (indices.has(lower))
      throw new RangeError(
        `synonymLists: vocabulary holds ${JSON.stringify(word)} at ${indices.get(lower)} and ${i}; expected it once`,
      );
    indices.set(lower, i);
  });
  const net = wordnet(partsOfSpeech);
  return vocabulary.map((word, own) => {
    const found = new Set(net.senses(word).flatMap(({ words }) => words.map((each) => each.toLowerCase())));
    const synonyms = [...found].flatMap((each) => indices.get(each) ?? []).filter((each) => each !== own);
    return Int32Array.from(synonyms).sort();
  });
}
