/** Teleportation negatives: hard negatives of now, of earlier and of what is likely to come. */
import type { Random } from "../random.ts";
import { rowsOf, type Vectors } from "../retrieval/vectors.ts";
import { type NearestOptions, nearestNegatives } from "./refresh.ts";

export interface TeleportOptions extends NearestOptions {
  /** Negatives drawn from the nearest of each kind, of the query and of its positive. Default 30. */
  count?: number;
  /** Pools of the episode before: momentum. Default: none, as in the first episode. */
  previous?: readonly ArrayLike<number>[];
  /** Whether the neighbours of the positive are searched too. Default true. */
  lookahead?: boolean;
  random: Random;
}

/**
 * For each query the pool that an episode of training draws its negatives from: `count` of the `depth` nearest
 * documents of the query; `count` of the nearest of its positive, which the query encoder will come to confuse with
 * it once query and positive are close (lookahead); and the pool of the episode before, that one's own past
 * included (momentum). A document that stands in several of these stays there as often, and is drawn as often.
 * Positives never stand in a pool. Each episode trains anew from the first model:
 *
 *     let pools: number[][] | undefined;
 *     for (const steps of [100, 100, 1000]) {
 *       pools = await teleportationPools(queries(model), documents(model), positives, { previous: pools, random });
 *       model = await train(initial, pools, steps);
 *     }
 *
 * Source: Sun et al., "Reduce catastrophic forgetting of dense retrieval training with teleportation negatives"
 * (2022), section 4.
 *
 * @param queries [n, d]
 * @param documents [m, d], of the same model
 * @param positives For each query its known positives, as positions in `documents`; lookahead starts at the first.
 * @throws RangeError where a query has no positive to look ahead from
 */
export async function teleportationPools(
  queries: Vectors,
  documents: Vectors,
  positives: readonly ArrayLike<number>[],
  { count = 30, previous, lookahead = true, random, ...search }: TeleportOptions,
): Promise<number[][]> {
  if (!(Number.isSafeInteger(count) && count > 0))
    throw new RangeError(`teleportationPools: count is ${count}; expected a positive integer`);
  if (previous && previous.length !== queries.count)
    throw new RangeError(
      `teleportationPools: previous has ${previous.length} pools; expected ${queries.count}, one a query`,
    );
  const sources = [queries];
  if (lookahead) {
    const without = positives.findIndex((list) => list.length === 0);
    if (without >= 0)
      throw new RangeError(`teleportationPools: query ${without} has no positive to look ahead from`);
    sources.push(
      rowsOf(
        documents,
        positives.map((list) => list[0]!),
      ),
    );
  }
  const pools = positives.map((): number[] => []);
  for (const [kind, source] of sources.entries()) {
    const draws = random.split(kind);
    const lists = await nearestNegatives(source, documents, positives, search);
    lists.forEach((list, query) => {
      const drawn = draws.split(query).sample(list.length, Math.min(count, list.length));
      pools[query]!.push(...Array.from(drawn, (i) => list[i]!));
    });
  }
  previous?.forEach((pool, query) => {
    pools[query]!.push(...Array.from(pool));
  });
  return pools;
}
