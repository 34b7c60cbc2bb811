/** Knowledge graphs: facts (head, relation, tail) over numbered entities. */
import { type Random, random } from "../random.ts";
import { countries } from "./countries.ts";
import { type Relation, type Synset, wordnet } from "./wordnet.ts";

/** Numbers of head, relation and tail. */
export type Triple = readonly [head: number, relation: number, tail: number];

export interface KnowledgeGraph {
  /** What the entities are called. */
  entities: string[];
  /** A description of each entity. */
  texts: string[];
  relations: string[];
  triples: Triple[];
}

export interface WordNetGraphOptions {
  /** Number of synsets, at most. */
  entities: number;
  /** Synsets with fewer facts among the chosen ones are left out. Default: 2. */
  minimumDegree?: number;
  /** Supersense of the synset that the graph grows from. Default: "noun.artifact". */
  supersense?: string;
  seed: number;
}

/**
 * One direction of each relation, as the other one would tell the answer. "hyponym" is "hypernym" read
 * backwards, and symmetric relations are kept from the smaller to the larger number.
 */
const kept: readonly Relation[] = [
  "hypernym",
  "instance hypernym",
  "member meronym",
  "part meronym",
  "topic",
  "derivation",
  "see also",
  "similar",
  "verb group",
  "attribute",
];
const symmetric: readonly Relation[] = ["derivation", "see also", "similar", "verb group", "attribute"];

/**
 * A connected part of WordNet, grown breadth first over all relations from a random synset. Texts are the
 * words and the definition of a synset.
 *
 * Inverse duplicates are left out before anything is split, unlike in WN18, whose test facts were readable
 * off the training facts (Toutanova and Chen 2015; Dettmers et al. 2018).
 */
export function wordnetGraph({
  entities,
  minimumDegree = 2,
  supersense = "noun.artifact",
  seed,
}: WordNetGraphOptions): KnowledgeGraph {
  if (!(Number.isSafeInteger(entities) && entities >= 2))
    throw new RangeError(`wordnetGraph: entities is ${entities}; expected a whole number of at least 2`);
  const { synsets, get } = wordnet();
  const starts = synsets.filter((synset) => synset.supersense === supersense && synset.pointers.length >= 10);
  if (starts.length === 0)
    throw new RangeError(`wordnetGraph: supersense is "${supersense}"; expected one such as "noun.artifact"`);
  const draw = random(seed).split("wordnet graph");
  const chosen = new Set<Synset>([draw.choice(starts)]);
  for (const synset of chosen) {
    const linked = synset.pointers.map(({ target }) => target);
    for (const id of draw.shuffle([...new Set(linked)])) if (chosen.size < entities) chosen.add(get(id)!);
    if (chosen.size >= entities) break;
  }
  const facts = factsAmong([...chosen]);
  // Leaving out what has few facts takes facts from others.
  let members = new Set([...chosen].map(({ id }) => id));
  for (;;) {
    const degrees = new Map<string, number>();
    const among = facts.filter(({ head, tail }) => members.has(head) && members.has(tail));
    for (const { head, tail } of among)
      for (const id of [head, tail]) degrees.set(id, (degrees.get(id) ?? 0) + 1);
    const left = new Set([...members].filter((id) => (degrees.get(id) ?? 0) >= minimumDegree));
    if (left.size === members.size) break;
    members = left;
  }
  return numbered(
    [...members],
    facts.filter(({ head, tail }) => members.has(head) && members.has(tail)),
    (id) => get(id)!.words[0]!,
    (id) => `${get(id)!.words.join(", ")}: ${get(id)!.gloss}`,
  );
}

interface NamedFact {
  head: string;
  relation: string;
  tail: string;
}

function factsAmong(synsets: readonly Synset[]): NamedFact[] {
  const order = new Map(synsets.map(({ id }, at) => [id, at]));
  const seen = new Set<string>();
  return synsets.flatMap(({ id, pointers }) =>
    pointers.flatMap(({ relation, target }) => {
      if (!kept.includes(relation) || !order.has(target) || target === id) return [];
      const turned = symmetric.includes(relation) && order.get(target)! < order.get(id)!;
      const [head, tail] = turned ? [target, id] : [id, target];
      const key = `${head} ${relation} ${tail}`;
      // "computer" and "computer science" are each other's topic: that, too, would give the answer away.
      if (seen.has(key) || seen.has(`${tail} ${relation} ${head}`)) return [];
      seen.add(key);
      return [{ head, relation, tail }];
    }),
  );
}

/**
 * Countries, their regions, languages and currencies: "borders" (once a pair), "in region", "in subregion",
 * "speaks", "pays with". Texts repeat the names.
 */
export function countryGraph(): KnowledgeGraph {
  const all = countries();
  const nameOf = new Map(all.map(({ cca3, name }) => [cca3, name.common]));
  const facts = all.flatMap(({ cca3, name, region, subregion, languages, currencies, borders }) => {
    const head = name.common;
    const fact = (relation: string, tail: string): NamedFact => ({ head, relation, tail });
    return [
      ...borders.filter((other) => cca3 < other).map((other) => fact("borders", nameOf.get(other)!)),
      ...(region ? [fact("in region", region)] : []),
      // Micronesia is a country and a subregion.
      ...(subregion ? [fact("in subregion", `${subregion} (subregion)`)] : []),
      ...Object.values(languages ?? {}).map((language) => fact("speaks", `${language} language`)),
      ...Object.values(currencies ?? {}).map((currency) => fact("pays with", currency.name)),
    ];
  });
  const names = [...new Set(facts.flatMap(({ head, tail }) => [head, tail]))];
  return numbered(
    names,
    facts,
    (name) => name,
    (name) => name,
  );
}

function numbered(
  ids: readonly string[],
  facts: readonly NamedFact[],
  nameOf: (id: string) => string,
  textOf: (id: string) => string,
): KnowledgeGraph {
  const number = new Map(ids.map((id, at) => [id, at]));
  const relations = [...new Set(facts.map(({ relation }) => relation))].sort();
  return {
    entities: ids.map(nameOf),
    texts: ids.map(textOf),
    relations,
    triples: facts.map(({ head, relation, tail }) => [
      number.get(head)!,
      relations.indexOf(relation),
      number.get(tail)!,
    ]),
  };
}

/**
 * Facts read backwards: for each (h, r, t) also (t, r + relations, h), so that every question asks for a tail.
 *
 * @param relations Number of relations before; there are twice as many after.
 */
export const withInverses = (triples: readonly Triple[], relations: number): Triple[] => [
  ...triples,
  ...triples.map(([head, relation, tail]): Triple => [tail, relation + relations, head]),
];

/**
 * Splits facts at random into parts of the given shares, and a last one of the rest. Every entity stays in at
 * least one fact of the first part, as nothing could be learned of it otherwise.
 */
export function splitTriples(
  triples: readonly Triple[],
  shares: readonly number[],
  draw: Random,
): Triple[][] {
  const total = shares.reduce((sum, share) => sum + share, 0);
  if (!(shares.length > 0 && shares.every((share) => share > 0) && total <= 1 + 1e-9))
    throw new RangeError(`splitTriples: shares are ${shares}; expected numbers above 0, at most 1 in all`);
  const order = draw.shuffle(triples);
  const covered = new Set<number>();
  // A fact that is the first to name an entity goes to the first part.
  const [needed, free] = [[] as Triple[], [] as Triple[]];
  for (const triple of order) {
    const [head, , tail] = triple;
    (covered.has(head) && covered.has(tail) ? free : needed).push(triple);
    covered.add(head).add(tail);
  }
  const line = [...needed, ...free];
  const firstEnd = Math.max(needed.length, Math.round(shares[0]! * line.length));
  const parts = [line.slice(0, firstEnd)];
  let from = firstEnd;
  for (const share of shares.slice(1)) {
    const to = Math.min(line.length, from + Math.round(share * line.length));
    parts.push(line.slice(from, to));
    from = to;
  }
  parts.push(line.slice(from));
  return parts;
}
