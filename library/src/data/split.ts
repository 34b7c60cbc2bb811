import type { Random } from "../random.ts";

export interface SplitOptions {
  /** How many items go to each part. What is left over goes to none. */
  sizes: readonly number[];
  random: Random;
  /**
   * Class of each item. Where given, every part holds each class in proportion to the whole, to
   * within two items of exact.
   */
  labels?: ArrayLike<number>;
}

/**
 * Splits the items 0 … count - 1 into disjoint parts of the given sizes, each in random order.
 *
 * @returns indices, one array a part
 * @throws RangeError where the sizes ask for more items than there are
 */
export function split(count: number, { sizes, random, labels }: SplitOptions): Int32Array[] {
  const wanted = sizes.reduce((sum, size) => sum + size, 0);
  if (sizes.some((size) => !(Number.isSafeInteger(size) && size >= 0)))
    throw new RangeError(`split: sizes [${sizes.join(", ")}] must be integers of at least 0`);
  if (wanted > count)
    throw new RangeError(`split: sizes [${sizes.join(", ")}] ask for ${wanted} items, there are ${count}`);
  if (labels && labels.length !== count)
    throw new RangeError(`split: labels has ${labels.length} entries for ${count} items`);

  const shuffled = random.permutation(count);
  const order = labels ? interleave(shuffled, labels, random) : shuffled;
  let start = 0;
  return sizes.map((size) => {
    const part = order.slice(start, start + size);
    start += size;
    return random.permutation(size).map((i) => part[i]);
  });
}

/**
 * Reorders the items so that any run of neighbours holds the classes in proportion: the k-th of a
 * class's n items goes to the place (k + u) / n of the way, with one random u for each class.
 */
function interleave(items: Int32Array, labels: ArrayLike<number>, random: Random): Int32Array {
  const totals = new Map<number, number>();
  for (const item of items) totals.set(labels[item], (totals.get(labels[item]) ?? 0) + 1);
  const offsets = new Map([...totals.keys()].sort((a, b) => a - b).map((label) => [label, random.next()]));
  const seen = new Map<number, number>();
  const places = new Float64Array(items.length);
  for (const item of items) {
    const label = labels[item];
    const rank = seen.get(label) ?? 0;
    seen.set(label, rank + 1);
    places[item] = (rank + offsets.get(label)!) / totals.get(label)!;
  }
  return items.slice().sort((a, b) => places[a] - places[b]);
}
