/** Which queries train, which choose settings, and which are held back to measure with. */
import type { Random } from "nearmiss/random";
import { words } from "nearmiss/text";
import type { Document } from "./corpus.ts";
import type { JudgedQuery } from "./pairs.ts";

export interface QuerySets {
  /** Where the held-back queries come from. */
  source: "judged" | "pairs" | "self-made";
  training: JudgedQuery[];
  /** Choose the step to keep, whether hard negatives help, and the weight of the fusion. */
  validation: JudgedQuery[];
  heldBack: JudgedQuery[];
  /** The documents to search: for self-made queries, without the words that became the query. */
  documents: readonly Document[];
  /** Positions of documents that may make training pairs of themselves. */
  ownPairs: number[];
  notes: string[];
}

/** Fewer queries than this measure nothing. */
export const LEAST_PAIRS = 20;
const MOST_HELD_BACK = 500;
const MOST_VALIDATION = 300;

/**
 * Divides what is given: judged queries are all held back, pairs are divided by document where they can be, and where there is
 * neither, a tenth of the documents make queries of themselves.
 *
 * @throws RangeError where there are too few
 */
export function querySets(
  documents: readonly Document[],
  given: { pairs?: readonly JudgedQuery[]; judged?: readonly JudgedQuery[] },
  random: Random,
): QuerySets {
  const all = documents.map((_, i) => i);
  if (given.judged) {
    const known = new Set(given.judged.map(({ text }) => key(text)));
    const pairs = (given.pairs ?? []).filter(({ text }) => !known.has(key(text)));
    const dropped = (given.pairs?.length ?? 0) - pairs.length;
    // A few pairs cannot spare any to choose settings with.
    const validated =
      pairs.length >= LEAST_PAIRS
        ? shareQueries(pairs, 0.15, MOST_VALIDATION, random)
        : { part: [], rest: pairs, notes: [] };
    return {
      source: "judged",
      training: validated.rest,
      validation: validated.part,
      heldBack: [...given.judged],
      documents,
      ownPairs: all,
      notes: [
        ...(dropped > 0
          ? [`${dropped} of the pairs ask a judged query: they were left out, so that it stays unseen.`]
          : []),
        ...validated.notes,
      ],
    };
  }
  if (given.pairs) {
    if (given.pairs.length < LEAST_PAIRS)
      throw new RangeError(
        `pairs: ${given.pairs.length} different queries; expected at least ${LEAST_PAIRS}, of which some are held back`,
      );
    const first = shareQueries(given.pairs, 0.2, MOST_HELD_BACK, random.split("held back"));
    const second = shareQueries(first.rest, 0.15, MOST_VALIDATION, random.split("validation"));
    return {
      source: "pairs",
      training: second.rest,
      validation: second.part,
      heldBack: first.part,
      documents,
      ownPairs: all,
      notes: first.notes,
    };
  }
  return selfMade(documents, random);
}

const key = (text: string) => words(text).join(" ");

/**
 * A part of the queries that shares no document with the rest, so that it tells how well the retriever does on
 * documents that no pair names; where queries share documents too much for that, any of the queries.
 */
function shareQueries(queries: readonly JudgedQuery[], fraction: number, most: number, random: Random) {
  const groups = groupsByDocument(queries);
  const wanted = Math.min(most, Math.max(4, Math.round(fraction * queries.length)));
  const chosen = new Set<JudgedQuery>();
  for (const i of random.permutation(groups.length)) {
    const group = groups[i]!;
    if (chosen.size + group.length <= wanted) for (const query of group) chosen.add(query);
    if (chosen.size === wanted) break;
  }
  if (chosen.size < wanted / 2) {
    const note =
      "The pairs share documents so much that they were divided by query alone: held-back queries may ask for documents that training pairs name.";
    return { ...share(queries, fraction, most, random), notes: [note] };
  }
  const part = queries.filter((query) => chosen.has(query));
  return { part, rest: queries.filter((query) => !chosen.has(query)), notes: [] };
}

/** Queries that are connected by documents which they share. */
function groupsByDocument(queries: readonly JudgedQuery[]): JudgedQuery[][] {
  // Each query points to another one of its group, the first of it to itself.
  const parent = queries.map((_, i) => i);
  const find = (i: number): number => {
    while (parent[i] !== i) {
      parent[i] = parent[parent[i]!]!;
      i = parent[i]!;
    }
    return i;
  };
  const owner = new Map<number, number>();
  queries.forEach(({ grades }, i) => {
    for (const document of grades.keys()) {
      const known = owner.get(document);
      if (known === undefined) owner.set(document, i);
      else parent[find(i)] = find(known);
    }
  });
  const groups = new Map<number, JudgedQuery[]>();
  queries.forEach((query, i) => {
    const first = find(i);
    const group = groups.get(first);
    if (group) group.push(query);
    else groups.set(first, [query]);
  });
  return [...groups.values()];
}

function share<T>(list: readonly T[], fraction: number, most: number, random: Random) {
  const count = Math.min(most, Math.max(4, Math.round(fraction * list.length)));
  const chosen = new Set(random.sample(list.length, count));
  return { part: list.filter((_, i) => chosen.has(i)), rest: list.filter((_, i) => !chosen.has(i)) };
}

/** Titles and sentences that become queries are taken out of their documents. */
function selfMade(documents: readonly Document[], random: Random): QuerySets {
  const able = documents.flatMap((document, i) => (queriesIn(document).length > 0 ? [i] : []));
  if (able.length < LEAST_PAIRS)
    throw new RangeError(
      `no pairs can be made: ${able.length} of ${documents.length} documents have a title of three words with a text, or two sentences of four; expected at least ${LEAST_PAIRS}, or --pairs`,
    );
  const { part: chosen } = share(able, 0.1, MOST_HELD_BACK, random.split("documents"));
  const held = new Set(chosen);
  const draws = random.split("queries");
  const shortened = [...documents];
  const heldBack = chosen.map((i): JudgedQuery => {
    const choices = queriesIn(documents[i]!);
    const { query, rest } = choices[draws.integer(0, choices.length)]!;
    shortened[i] = { ...documents[i]!, ...rest };
    return { text: query, grades: new Map([[i, 1]]) };
  });
  const ownPairs = documents.flatMap((_, i) => (held.has(i) ? [] : [i]));
  return {
    source: "self-made",
    training: [],
    validation: [],
    heldBack,
    documents: shortened,
    ownPairs,
    notes: [],
  };
}

/** A title against its text, and a sentence from the middle against the rest, where a document has them. */
function queriesIn({ title, text }: Document) {
  const choices: { query: string; rest: { title: string; text: string } }[] = [];
  if (words(title).length >= 3 && words(text).length >= 4)
    choices.push({ query: title, rest: { title: "", text } });
  const sentences = text.split(/(?<=[.?!])\s+/);
  const middle = sentences.findIndex(
    (sentence, i) => i >= Math.floor(sentences.length / 2) && words(sentence).length >= 4,
  );
  const others = sentences.filter((_, i) => i !== middle).join(" ");
  if (middle >= 0 && words(others).length >= 4)
    choices.push({ query: sentences[middle]!, rest: { title, text: others } });
  return choices;
}
