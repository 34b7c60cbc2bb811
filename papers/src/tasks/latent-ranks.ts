/** Ranks and neighbours in the world of latent intents, for studies of miners that look again. */
import type { IntentRows, LatentIntentWorld } from "nearmiss/data";
import { nearestNegatives } from "nearmiss/negatives";
import type { Vectors } from "nearmiss/retrieval";
import { encodeRows, type Towers } from "./latent-retrieval.ts";

/**
 * Rank of each query's labelled document among those that are irrelevant to it: whether unlabelled relevant
 * documents stand above it is chance.
 */
export async function ranksOf(towers: Towers, data: LatentIntentWorld, part: IntentRows): Promise<number[]> {
  const queries = await encodeRows(towers.query, part);
  const documents = await encodeRows(towers.document, data.documents);
  return Array.from(part.intents, (intent, query) => {
    const best = cosine(queries, query, documents, data.labelled[intent]!);
    let rank = 1;
    for (let document = 0; document < documents.count; document++)
      if (data.documents.intents[document] !== intent && cosine(queries, query, documents, document) > best)
        rank++;
    return rank;
  });
}

export const mrrOf = (ranks: readonly number[]) =>
  ranks.reduce((sum, rank) => sum + (rank <= 10 ? 1 / rank : 0), 0) / ranks.length;

/** The nearest documents of each training query, without its labelled one. */
export async function nearestOf(
  towers: Towers,
  { train, documents, labelled }: LatentIntentWorld,
  depth: number,
): Promise<Int32Array[]> {
  return nearestNegatives(
    await encodeRows(towers.query, train),
    await encodeRows(towers.document, documents),
    Array.from(train.intents, (intent) => [labelled[intent]!]),
    { depth, threads: 1 },
  );
}

/** The cosine of two rows of length 1. */
export function cosine(a: Vectors, i: number, b: Vectors, j: number): number {
  let sum = 0;
  for (let k = 0; k < a.width; k++) sum += a.data[i * a.width + k]! * b.data[j * a.width + k]!;
  return sum;
}
