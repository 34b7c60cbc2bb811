/**
 * Trains the encoder that the hub searches by meaning with, and writes it to hub/src/catalog/search-encoder.bin:
 *
 *     node scripts/train-search-encoder.ts [--out FILE] [--steps 2000]
 *
 * Nothing is downloaded and no imported text is read: it learns from the shipped cards and from WordNet. Vectors
 * start from which terms stand together in cards and definitions, and are then trained by InfoNCE on pairs:
 * a word with its definition, an example with the word that it shows, synonyms, definitions of related words;
 * and a sentence of a card, with words left out or replaced by WordNet's synonyms, as a reader might put it,
 * with the card. On one machine the same texts give the same file, bit for bit.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { encoderBytes, encoderFile } from "../hub/src/catalog/encoder.ts";
import { isStopTerm, termsOf } from "../hub/src/catalog/terms.ts";
import { type Relation, type Synset, type WordNet, wordnet } from "../library/src/data/index.ts";
import { type Random, random } from "../library/src/random.ts";
import {
  fitStaticEncoder,
  givenPairs,
  mixedPairs,
  type PairSource,
  type StaticEncoder,
  trainStaticEncoder,
} from "../library/src/retrieval/index.ts";
import type { Card } from "../papers/src/card.ts";
import { readCards } from "../papers/src/index.ts";

const SEED = "search encoder";
const WIDTH = 96;
const TERMS = 30_000;
const BATCH = 512;
const LEARNING_RATE = 2e-3;
const TEMPERATURE = 0.07;
/** Terms of a text that a step looks at. */
const LENGTH = 48;
/** How often a card's text stands among the definitions when vectors start: the cards are few. */
const CARD_COPIES = 6;
/** How often a term is replaced by a synonym. */
const REPLACED = 0.5;
/** The least share of a sentence's terms that a made-up query keeps. */
const LEAST_KEPT = 0.2;

interface Pair {
  query: string;
  document: string;
}

const { values: options } = parseArgs({
  options: { out: { type: "string" }, steps: { type: "string", default: "2000" } },
});

const net = wordnet();
const cards = readCards();
const seeds = random(SEED);
const encoder = fitStaticEncoder([...net.synsets.map(synsetText), ...cards.flatMap(cardTexts)], {
  random: seeds.split("start"),
  width: WIDTH,
  maxTerms: TERMS,
});
const source = mixedPairs([
  { source: readersOf(cards, encoder, net), weight: 0.5 },
  { source: givenPairs(encoder, cards.flatMap(cardPairs)), weight: 0.1 },
  { source: givenPairs(encoder, definitionPairs(net)), weight: 0.2 },
  { source: givenPairs(encoder, synonymPairs(net)), weight: 0.1 },
  { source: givenPairs(encoder, relatedPairs(net)), weight: 0.1 },
]);
await trainStaticEncoder(encoder, source, {
  random: seeds.split("train"),
  steps: Number(options.steps),
  batchSize: BATCH,
  learningRate: LEARNING_RATE,
  temperature: TEMPERATURE,
  length: LENGTH,
  // More threads add up in another order, and the last bits differ.
  threads: 1,
  onStep: (step, steps, loss) => {
    if (step % 250 === 0) console.log(`step ${step} of ${steps}: loss ${loss.toFixed(3)}`);
  },
});
const bytes = encoderBytes(encoder.terms, encoder.width, encoder.table);
writeFileSync(options.out ?? encoderFile, bytes);
console.log(
  `${encoder.terms.length} terms of ${encoder.width} numbers, ${(bytes.length / 1e6).toFixed(2)} MB`,
);

/** The terms of a text that say something, as a text of their own. */
function plain(text: string): string {
  return termsOf(text)
    .filter((name) => !isStopTerm(name))
    .join(" ");
}

function sentencesOf(text: string): string[] {
  return text.split(/(?<=[.?!])\s+/);
}

function synsetText({ words, gloss, examples }: Synset): string {
  return plain([...words, gloss, ...examples].join(" "));
}

/** The sentences of a card, without its notes, which change with its study. */
function cardSentences({ summary, claim }: Card): string[] {
  return [...sentencesOf(summary), ...sentencesOf(claim)].map(plain);
}

function cardTexts(card: Card): string[] {
  const whole = plain([card.title, card.summary, card.claim].join(" "));
  const title = plain(card.title);
  return [
    ...Array<string>(CARD_COPIES).fill(whole),
    ...cardSentences(card).flatMap((sentence) => [sentence, `${title} ${sentence}`]),
  ];
}

function cardPairs(card: Card): Pair[] {
  const [title, summary, claim] = [card.title, card.summary, card.claim].map(plain);
  return [
    { query: title, document: summary },
    { query: title, document: claim },
    { query: claim, document: summary },
    { query: summary, document: `${title} ${claim}` },
  ];
}

/** Names of people, places and kinds of plants are left out: "Adam", "genus Rosa". */
function isCommon({ words }: Synset): boolean {
  return words.every((word) => !/\p{Lu}/u.test(word));
}

function definitionPairs({ synsets }: WordNet): Pair[] {
  return synsets.filter(isCommon).flatMap(({ words, gloss, examples }) => {
    const lemmas = plain(words.join(" "));
    const definition = plain(gloss);
    const shown = plain(examples.join(" "));
    return [
      { query: lemmas, document: definition },
      ...(shown === "" ? [] : [{ query: shown, document: `${lemmas} ${definition}` }]),
    ];
  });
}

function synonymPairs(net: WordNet): Pair[] {
  return net.synsets.filter(isCommon).flatMap((synset) => {
    const own = synset.words.map(plain);
    const others =
      own.length > 1 ? own.map((query, at) => ({ query, document: own.toSpliced(at, 1).join(" ") })) : [];
    const near = relatives(net, synset, ["derivation", "similar"]).map((relative) => ({
      query: own.join(" "),
      document: plain(relative.words.join(" ")),
    }));
    return [...others, ...near];
  });
}

function relatedPairs(net: WordNet): Pair[] {
  const relations: Relation[] = [
    "hypernym",
    "derivation",
    "similar",
    "entailment",
    "cause",
    "pertains to",
    "verb group",
    "see also",
    "attribute",
    "topic",
  ];
  const text = ({ words, gloss }: Synset) => plain([...words, gloss].join(" "));
  return net.synsets.filter(isCommon).flatMap((synset) =>
    relatives(net, synset, relations).map((relative) => ({
      query: text(synset),
      document: text(relative),
    })),
  );
}

function relatives(net: WordNet, { pointers }: Synset, relations: readonly Relation[]): Synset[] {
  return pointers.flatMap(({ relation, target }) =>
    relations.includes(relation) ? (net.get(target) ?? []) : [],
  );
}

/**
 * Queries as readers might type them: a title or sentence of a card of which terms are left out, few or most,
 * and others are replaced by words of like meaning; with the card, whose sentence stands there or not.
 */
function readersOf(cards: readonly Card[], encoder: StaticEncoder, net: WordNet): PairSource {
  const numbers = new Map(encoder.terms.map((name, number) => [name, number]));
  const known = (text: string) => text.split(" ").flatMap((name) => numbers.get(name) ?? []);
  const like = likeTerms(net, numbers);
  const texts = cards.map((card) => {
    const sentences = cardSentences(card).map(known);
    return { title: known(plain(card.title)), sentences };
  });
  const reworded = (draw: Random, terms: number[]): number[] => {
    const kept = LEAST_KEPT + (1 - LEAST_KEPT) * draw.next();
    return terms
      .filter(() => draw.next() < kept)
      .map((number) => {
        const others = like.get(number);
        return others !== undefined && draw.next() < REPLACED ? draw.choice(others) : number;
      });
  };
  return (draw) => {
    const { title, sentences } = draw.choice(texts);
    const chosen = draw.integer(-1, sentences.length);
    const asked = chosen < 0 ? title : sentences[chosen];
    const query = reworded(draw, asked);
    const hidden = draw.next() < 0.5 ? chosen : -1;
    const document = [...title, ...sentences.flatMap((terms, at) => (at === hidden ? [] : terms))];
    return { query: Int32Array.from(query.length > 0 ? query : asked), document: Int32Array.from(document) };
  };
}

/** For each term the terms of like meaning: synonyms twice, then a few of what is above, below or derived. */
function likeTerms(net: WordNet, numbers: ReadonlyMap<string, number>): Map<number, number[]> {
  const near: Relation[] = ["hypernym", "hyponym", "derivation", "similar", "verb group", "pertains to"];
  const single = ({ words }: Synset) => words.flatMap((word) => numbers.get(plain(word)) ?? []);
  const like = new Map<number, number[]>();
  for (const synset of net.synsets.filter(isCommon)) {
    const own = single(synset);
    const around = relatives(net, synset, near).flatMap(single);
    for (const number of own) {
      const others = [...own, ...own, ...around.slice(0, 6)].filter((other) => other !== number);
      if (others.length > 0) like.set(number, [...(like.get(number) ?? []), ...others]);
    }
  }
  return like;
}
