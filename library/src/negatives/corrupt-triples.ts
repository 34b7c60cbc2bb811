/** Negatives of facts: the head or the tail is replaced by another entity. */
import type { Triple } from "../data/knowledge-graph.ts";
import type { Random } from "../random.ts";

/** A function that tells whether (h, r, t) is one of the given facts. */
export function knownTriples(triples: Iterable<Triple>): (triple: Triple) => boolean {
  const keys = new Set<string>();
  for (const triple of triples) keys.add(triple.join());
  return (triple) => keys.has(triple.join());
}

/** How many tails a head has on average, and heads a tail, for each relation. */
export interface RelationCounts {
  tailsPerHead: number;
  headsPerTail: number;
}

export function relationCounts(triples: readonly Triple[], relations: number): RelationCounts[] {
  const heads = Array.from({ length: relations }, () => new Set<number>());
  const tails = Array.from({ length: relations }, () => new Set<number>());
  const facts = new Int32Array(relations);
  for (const [head, relation, tail] of triples) {
    if (!heads[relation])
      throw new RangeError(`relationCounts: relation ${relation}; expected 0 to ${relations - 1}`);
    heads[relation].add(head);
    tails[relation]!.add(tail);
    facts[relation]!++;
  }
  return heads.map((set, r) => ({
    tailsPerHead: set.size === 0 ? 0 : facts[r]! / set.size,
    headsPerTail: tails[r]!.size === 0 ? 0 : facts[r]! / tails[r]!.size,
  }));
}

/**
 * The probability with which the head is the one to be replaced, by the Bernoulli rule: of relations with many
 * tails per head more often the head, as a random tail might be true.
 *
 * Source: Wang et al., "Knowledge graph embedding by translating on hyperplanes" (2014).
 */
export const headProbability = ({ tailsPerHead, headsPerTail }: RelationCounts): number =>
  tailsPerHead + headsPerTail === 0 ? 0.5 : tailsPerHead / (tailsPerHead + headsPerTail);

export interface CorruptOptions {
  /** Number of entities. */
  entities: number;
  random: Random;
  /** Corrupted facts that are true are drawn again, 50 times at most. Default: nothing is known. */
  isKnown?: (triple: Triple) => boolean;
  /** Probability of replacing the head, of each relation; see `headProbability`. Default: 1/2. */
  headProbabilities?: ArrayLike<number>;
  /**
   * For each entity those that may replace it; where they do not suffice, any may. Default: any.
   * See `clusterMembers`.
   */
  replacements?: readonly ArrayLike<number>[];
  /** Share of the negatives that are drawn from `replacements`, 0 to 1. Default: 1. */
  share?: number;
}

/**
 * n corrupted versions of a fact, all on one side. An entity is never replaced by itself.
 *
 * Sources: Bordes et al. (2013) for uniform corruption; with `replacements` from clusters of text embeddings
 * "LEMON: LanguagE ModeL for negative sampling of knowledge graph embeddings" (2022).
 */
export function corruptTriple(triple: Triple, n: number, options: CorruptOptions): Triple[] {
  const { entities, random, isKnown, headProbabilities, replacements, share = 1 } = options;
  if (!(entities >= 2)) throw new RangeError(`corruptTriple: entities is ${entities}; expected at least 2`);
  if (!(share >= 0 && share <= 1))
    throw new RangeError(`corruptTriple: share is ${share}; expected a number from 0 to 1`);
  const [head, relation, tail] = triple;
  const replaceHead = random.next() < (headProbabilities?.[relation] ?? 0.5);
  const old = replaceHead ? head : tail;
  const near = replacements?.[old];
  const corrupted = (entity: number): Triple =>
    replaceHead ? [entity, relation, tail] : [head, relation, entity];
  return Array.from({ length: n }, () => {
    const inside = near !== undefined && near.length > 0 && random.next() < share;
    let found: Triple | undefined;
    for (let attempt = 0; attempt < 50; attempt++) {
      // Half of the attempts go to the near ones, then any entity will do.
      const entity = inside && attempt < 25 ? random.choice(near) : random.integer(0, entities);
      found = corrupted(entity);
      if (entity !== old && !isKnown?.(found)) break;
    }
    return found!;
  });
}

/** For each entity the other members of its cluster, ascending. */
export function clusterMembers(assignments: ArrayLike<number>): Int32Array[] {
  const members = new Map<number, number[]>();
  for (let entity = 0; entity < assignments.length; entity++) {
    const cluster = members.get(assignments[entity]!);
    if (cluster) cluster.push(entity);
    else members.set(assignments[entity]!, [entity]);
  }
  return Array.from(assignments, (cluster, entity) =>
    Int32Array.from(members.get(cluster)!.filter((other) => other !== entity)),
  );
}
