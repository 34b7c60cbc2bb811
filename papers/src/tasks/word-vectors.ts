/** Word vectors from dictionary entries, judged by WordNet's taxonomy and by analogies of word forms. */
import { type Synset, wordnet } from "nearmiss/data";
import { spearman } from "nearmiss/metrics";
import { random } from "nearmiss/random";
import { unitRows, type Vectors } from "nearmiss/retrieval";
import { words } from "nearmiss/text";
import { remember } from "../remember.ts";

export interface WordTask {
  vocabulary: string[];
  /** Entries as numbers of words; rare words are left out. */
  sentences: Int32Array[];
  /** Pairs of nouns and how near they are in the taxonomy, 0 to 1. */
  pairs: { a: number; b: number; similarity: number }[];
  /** a is to b as c is to d: house, houses, car, cars. */
  analogies: { a: number; b: number; c: number; d: number }[];
}

export interface WordTaskSize {
  tokens: number;
  /** Rarer words are left out. */
  minimumCount: number;
  pairs: number;
  /** Of each kind. */
  analogies: number;
}

/** Entries in random order until there are enough tokens: the words defined, the definition, the examples. */
export const wordTask = remember((seed: number, size: WordTaskSize): WordTask => {
  const root = random(seed).split("words");
  const { synsets, senses } = wordnet();
  const counts = new Map<string, number>();
  const texts: string[][] = [];
  let tokens = 0;
  for (const at of root.split("entries").permutation(synsets.length)) {
    const { words: defined, gloss, examples } = synsets[at]!;
    const text = words(`${defined.join(" ")} ${gloss} ${examples.join(" ")}`);
    texts.push(text);
    for (const word of text) counts.set(word, (counts.get(word) ?? 0) + 1);
    tokens += text.length;
    if (tokens >= size.tokens) break;
  }
  const vocabulary = [...counts.keys()].filter((word) => counts.get(word)! >= size.minimumCount);
  const numberOf = new Map(vocabulary.map((word, number) => [word, number]));
  const sentences = texts.map((text) =>
    Int32Array.from(text.flatMap((word) => (numberOf.has(word) ? [numberOf.get(word)!] : []))),
  );
  const nouns = vocabulary.flatMap((word, number) => {
    const nounSenses = senses(word).filter(({ partOfSpeech }) => partOfSpeech === "noun");
    return nounSenses.length > 0 ? [{ number, senses: nounSenses }] : [];
  });
  const draw = root.split("pairs");
  const pairs = Array.from({ length: size.pairs }, () => {
    const [a, b] = Array.from(draw.sample(nouns.length, 2), (i) => nouns[i]!) as [Noun, Noun];
    return { a: a.number, b: b.number, similarity: wuPalmer(a.senses, b.senses) };
  });
  const forms = (ending: string) =>
    vocabulary.flatMap((word, number) => {
      const other = word.length > 2 ? numberOf.get(word + ending) : undefined;
      return other === undefined ? [] : [[number, other] as const];
    });
  const analogies = ["s", "ly"].flatMap((ending) => {
    const known = forms(ending);
    const choice = root.split(`analogies ${ending}`);
    return known.length < 2
      ? []
      : Array.from({ length: size.analogies }, () => {
          const [first, second] = Array.from(choice.sample(known.length, 2), (i) => known[i]!);
          return { a: first![0], b: first![1], c: second![0], d: second![1] };
        });
  });
  return { vocabulary, sentences, pairs, analogies };
}, 3);

interface Noun {
  number: number;
  senses: Synset[];
}

/** Wu and Palmer's similarity of the two nearest senses: twice the depth of what both are, by their depths. */
function wuPalmer(a: readonly Synset[], b: readonly Synset[]): number {
  let best = 0;
  for (const first of a)
    for (const second of b) {
      const [x, y] = [lineOf(first.id), lineOf(second.id)];
      let shared = 0;
      for (const id of x) if (y.has(id)) shared = Math.max(shared, depthOf(id));
      best = Math.max(best, (2 * shared) / (depthOf(first.id) + depthOf(second.id)));
    }
  return best;
}

const lines = new Map<string, Set<string>>();
const depths = new Map<string, number>();

/** A synset and all that it is a kind of. */
function lineOf(id: string): Set<string> {
  let line = lines.get(id);
  if (!line) {
    line = new Set([id, ...wordnet().ancestors(id)]);
    lines.set(id, line);
  }
  return line;
}

/** Number of synsets on the shortest way up to the root. */
function depthOf(id: string): number {
  let depth = depths.get(id);
  if (depth === undefined) {
    const above = wordnet().get(id)!.hypernyms;
    depth = 1 + (above.length === 0 ? 0 : Math.min(...above.map(depthOf)));
    depths.set(id, depth);
  }
  return depth;
}

export interface WordQuality {
  similarity: number;
  analogy: number;
}

/** Spearman's correlation with the taxonomy, and the mean reciprocal rank of d near b − a + c, inputs left out. */
export function wordQuality({ pairs, analogies }: WordTask, raw: Vectors): WordQuality {
  const { data, count, width } = unitRows(raw);
  const cosine = (a: number, b: number) => {
    let sum = 0;
    for (let k = 0; k < width; k++) sum += data[a * width + k]! * data[b * width + k]!;
    return sum;
  };
  const near = Float64Array.from(pairs, ({ a, b }) => cosine(a, b));
  const target = new Float64Array(width);
  let reciprocal = 0;
  for (const { a, b, c, d } of analogies) {
    for (let k = 0; k < width; k++)
      target[k] = data[b * width + k]! - data[a * width + k]! + data[c * width + k]!;
    const score = (word: number) => {
      let sum = 0;
      for (let k = 0; k < width; k++) sum += target[k]! * data[word * width + k]!;
      return sum;
    };
    const right = score(d);
    let rank = 1;
    for (let word = 0; word < count; word++)
      if (word !== a && word !== b && word !== c && word !== d && score(word) >= right) rank++;
    reciprocal += 1 / rank / analogies.length;
  }
  return {
    similarity: spearman(
      near,
      pairs.map(({ similarity }) => similarity),
    ),
    analogy: reciprocal,
  };
}
