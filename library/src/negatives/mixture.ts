/** Negatives drawn jointly from the lists of several retrievers. */
import type { Random } from "../random.ts";

export interface MixtureOptions {
  /** Weight of each list, at least 0. Default: all equal. */
  weights?: readonly number[];
}

/**
 * The mixture of uniform distributions over several lists: P(d) = Σ_j w_j [d ∈ N_j] / |N_j|. A document that several
 * retrievers found is as many times as probable. Empty lists are left out.
 *
 * Source: Zhou et al., "Towards robust ranker for text retrieval" (2022), section 3.2.
 *
 * @param lists for each retriever its negatives of one query, without labelled positives
 * @returns Probabilities that sum to 1, by document; empty where all lists are.
 */
export function mixtureProbabilities(
  lists: readonly ArrayLike<number>[],
  options: MixtureOptions = {},
): Map<number, number> {
  const weights = weightsOf(lists, options);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const probabilities = new Map<number, number>();
  for (const [j, list] of lists.entries())
    if (weights[j]! > 0)
      for (let i = 0; i < list.length; i++) {
        const before = probabilities.get(list[i]!) ?? 0;
        probabilities.set(list[i]!, before + weights[j]! / total / list.length);
      }
  return probabilities;
}

export interface MixtureSampleOptions extends MixtureOptions {
  /** Whether a document can be drawn again. Default: false. */
  replace?: boolean;
}

/**
 * Draws negatives from the mixture of several lists; see `mixtureProbabilities`. With one list it draws uniformly
 * from that.
 *
 * @returns `count` documents; without replacement fewer, where the lists have fewer.
 */
export function mixtureSample(
  lists: readonly ArrayLike<number>[],
  count: number,
  random: Random,
  { replace = false, ...options }: MixtureSampleOptions = {},
): number[] {
  if (!(Number.isSafeInteger(count) && count >= 0))
    throw new RangeError(`mixtureSample: count is ${count}; expected an integer of at least 0`);
  const weights = weightsOf(lists, options);
  if (weights.every((weight) => weight === 0)) return [];
  const taken: number[] = [];
  const seen = new Set<number>();
  const different = new Set(lists.flatMap((list, j) => (weights[j]! > 0 ? Array.from(list) : []))).size;
  const wanted = replace ? count : Math.min(count, different);
  while (taken.length < wanted) {
    const document = random.choice(lists[random.categorical(weights)]!);
    if (!replace && seen.has(document)) continue;
    seen.add(document);
    taken.push(document);
  }
  return taken;
}

/** A weight for each list, 0 for an empty one. */
function weightsOf(lists: readonly ArrayLike<number>[], { weights }: MixtureOptions): number[] {
  if (weights && weights.length !== lists.length)
    throw new RangeError(
      `mixture: weights has ${weights.length} numbers; expected ${lists.length}, one a list`,
    );
  const wrong = weights?.find((weight) => !(weight >= 0 && weight < Infinity));
  if (wrong !== undefined)
    throw new RangeError(`mixture: weights has ${wrong}; expected numbers of at least 0`);
  return lists.map((list, j) => (list.length > 0 ? (weights?.[j] ?? 1) : 0));
}
