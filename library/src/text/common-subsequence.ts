/**
 * For each element of a the index of the element of b that it is matched with, or −1: a longest common subsequence.
 *
 * The pairs of equal elements, in the order of a and backwards in b, are a sequence of places in b whose longest
 * strictly increasing part is the answer; it takes O(r log r) for r such pairs (Hunt and Szymanski 1977), which is
 * fast where few words repeat. Elements are compared as keys of a `Map`.
 *
 *     commonSubsequence(["a", "b", "c"], ["b", "x", "c"])  // [-1, 0, 2]
 *
 * Source: Ding et al. 2024, "Rethinking Negative Instances for Generative Named Entity Recognition", on matching.
 */
export function commonSubsequence<T>(a: ArrayLike<T>, b: ArrayLike<T>): Int32Array {
  const places = new Map<T, number[]>();
  for (let j = b.length - 1; j >= 0; j--) places.set(b[j]!, [...(places.get(b[j]!) ?? []), j]);

  /** A pair of equal elements, and the one before it in the longest sequence that ends with it. */
  interface Pair {
    i: number;
    j: number;
    before?: Pair;
  }
  // ends[k] ends, among sequences of k + 1 pairs, the one whose last place in b comes first.
  const ends: Pair[] = [];
  for (let i = 0; i < a.length; i++)
    for (const j of places.get(a[i]!) ?? []) {
      let low = 0;
      let high = ends.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (ends[middle]!.j < j) low = middle + 1;
        else high = middle;
      }
      ends[low] = { i, j, before: ends[low - 1] };
    }

  const matched = new Int32Array(a.length).fill(-1);
  for (let pair = ends.at(-1); pair; pair = pair.before) matched[pair.i] = pair.j;
  return matched;
}
