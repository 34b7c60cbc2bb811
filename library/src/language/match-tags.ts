import { commonSubsequence } from "../text/index.ts";
import type { TaggedWords } from "./bio-tags.ts";

/**
 * The tags of a sentence's words, out of what a model has written, which may leave words out, add some or change them.
 * Three levels, of which the first that fits is taken; case does not matter:
 *
 * 1. the words are the sentence: the tags are taken over;
 * 2. they are a part of it in order: each is matched with the first word that is left, the others are O;
 * 3. otherwise the words of a longest common subsequence are matched, the others are O.
 *
 * Source: Ding et al. 2024, "Rethinking Negative Instances for Generative Named Entity Recognition", hierarchical
 * matching, as in its code but without the detour by a tokenizer.
 *
 * @returns one tag for each word of the sentence.
 * @throws RangeError unless there are as many tags as written words.
 */
export function matchTags(sentence: readonly string[], { words, tags }: TaggedWords): string[] {
  if (words.length !== tags.length)
    throw new RangeError(`matchTags: got ${words.length} words and ${tags.length} tags; expected as many`);
  const a = sentence.map((word) => word.toLowerCase());
  const b = words.map((word) => word.toLowerCase());
  const matched = inOrder(a, b) ?? commonSubsequence(a, b);
  return Array.from(matched, (j) => (j < 0 ? "O" : tags[j]!));
}

/** The first two levels, of which the first is the second where nothing is left out. */
function inOrder(a: readonly string[], b: readonly string[]): Int32Array | undefined {
  let j = 0;
  const matched = Int32Array.from(a, (word) => (j < b.length && word === b[j] ? j++ : -1));
  return j === b.length ? matched : undefined;
}
