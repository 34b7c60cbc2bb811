import { hash32 } from "./hash.ts";
import { words } from "./words.ts";

/** A bag of hashed features: bucket and value of each, sorted by bucket, no bucket twice. */
export interface HashedBag {
  indices: Int32Array;
  values: Float32Array;
}

export interface HashedBagOptions {
  /** Text to features. Default: its words. */
  features?: (text: string) => Iterable<string>;
  /**
   * Each feature counts +1 or -1 by another hash, so that collisions cancel on average and inner
   * products are unbiased. Default false: plain counts.
   */
  signed?: boolean;
}

/**
 * Feature hashing (Weinberger et al. 2009, "Feature Hashing for Large Scale Multitask Learning"):
 * each feature of the text counts in bucket hash32(feature) mod `buckets`. The same everywhere, with
 * no vocabulary to keep.
 *
 * @param buckets number of buckets, at least 1
 * @throws RangeError unless `buckets` is a positive integer
 */
export function hashedBag(text: string, buckets: number, options: HashedBagOptions = {}): HashedBag {
  if (!(Number.isSafeInteger(buckets) && buckets > 0))
    throw new RangeError(`hashedBag: buckets ${buckets} must be an integer of at least 1`);
  const { features = words, signed = false } = options;
  const counts = new Map<number, number>();
  for (const feature of features(text)) {
    const bucket = hash32(feature) % buckets;
    const sign = signed && hash32(feature, 1) & 1 ? -1 : 1;
    counts.set(bucket, (counts.get(bucket) ?? 0) + sign);
  }
  const indices = Int32Array.from(counts.keys()).sort();
  return { indices, values: Float32Array.from(indices, (bucket) => counts.get(bucket)!) };
}

/**
 * Character n-grams of each word with its ends marked: with n = 3, "cat" gives "<ca", "cat", "at>".
 * Words shorter than n - 2 give one n-gram, the whole marked word. A feature extractor for `hashedBag`.
 */
export function characterNgrams(text: string, n = 3): string[] {
  return words(text).flatMap((word) => {
    const marked = ["<", ...word, ">"];
    const count = Math.max(1, marked.length - n + 1);
    return Array.from({ length: count }, (_, start) => marked.slice(start, start + n).join(""));
  });
}

/** The bag as one row of length `buckets`. */
export function denseBag(bag: HashedBag, buckets: number): Float32Array {
  const row = new Float32Array(buckets);
  for (let i = 0; i < bag.indices.length; i++) row[bag.indices[i]] = bag.values[i];
  return row;
}
