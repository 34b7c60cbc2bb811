/** Near misses of sequences: what one or two edits make of a word. */
import { editDistance } from "../metrics/edit-distance.ts";

/**
 * For each sequence the positions of the others at an edit distance from 1 to `maxDistance`, rising: minimal pairs,
 * such as "bat" and "pat". Equal sequences (homophones) are nobody's negatives.
 *
 * Two sequences within k edits share what is left of both after at most k deletions (Garbe 2012), so that only those
 * are compared: time grows with the pairs that share something, not with all pairs.
 *
 *     const near = editNeighbours(words.map(({ phonemes }) => phonemes));
 *
 * Source: El-Geish, "Learning Joint Acoustic-Phonetic Word Embeddings" (2019), whose hard negatives differ in few
 * phonemes.
 *
 * @param sequences Of elements that are compared as strings, [n].
 * @param options.among Where the neighbours are looked for. Default: `sequences` themselves.
 * @param options.maxDistance 1 (default) or 2; more would compare almost all.
 * @returns Positions in `among`, [n].
 */
export function editNeighbours<T extends string | number>(
  sequences: readonly (readonly T[])[],
  { among = sequences, maxDistance = 1 }: { among?: readonly (readonly T[])[]; maxDistance?: 1 | 2 } = {},
): number[][] {
  if (maxDistance !== 1 && maxDistance !== 2)
    throw new RangeError(`editNeighbours: maxDistance is ${maxDistance}; expected 1 or 2`);
  const sharing = new Map<string, number[]>();
  among.forEach((sequence, i) => {
    for (const rest of withDeletions(sequence, maxDistance)) {
      const known = sharing.get(rest);
      if (known) known.push(i);
      else sharing.set(rest, [i]);
    }
  });
  return sequences.map((sequence) => {
    const candidates = new Set(
      [...withDeletions(sequence, maxDistance)].flatMap((rest) => sharing.get(rest) ?? []),
    );
    return [...candidates]
      .filter((i) => {
        const distance = editDistance(sequence, among[i]!);
        return distance >= 1 && distance <= maxDistance;
      })
      .sort((a, b) => a - b);
  });
}

/** What is left of a sequence after at most so many deletions, as strings. */
function withDeletions(sequence: readonly (string | number)[], deletions: number): Set<string> {
  const found = new Set([sequence.join(" ")]);
  if (deletions > 0)
    sequence.forEach((_, i) => {
      for (const rest of withDeletions(sequence.toSpliced(i, 1), deletions - 1)) found.add(rest);
    });
  return found;
}
