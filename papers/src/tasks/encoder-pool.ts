/**
 * Encoders of text to choose from, and tasks to choose for. The encoders are latent semantic analyses of
 * four corpora, and hashed bags that know no corpus; each is taken as it is.
 */
import {
  type LabelledTexts,
  mobyDick,
  spamAssassin,
  speeches,
  split,
  supersenses,
  take,
  wordnet,
} from "nearmiss/data";
import { random } from "nearmiss/random";
import { fitStaticEncoder, type StaticEncoder } from "nearmiss/retrieval";
import { denseBag, hashedBag, words } from "nearmiss/text";
import { remember } from "../remember.ts";

export interface Encoder {
  name: string;
  width: number;
  /** Words of the corpus that it was fitted on. */
  text: number;
  /** [texts, width] */
  encode: (texts: readonly string[]) => Float32Array;
}

const WIDTHS = [16, 64];

/** The pool: two widths of each corpus's encoder, and of hashed bags. */
export const encoderPool = remember((documents: number): Encoder[] => {
  const corpora: Record<string, string[]> = {
    definitions: wordnet(["noun"]).synsets.map(({ gloss }) => gloss),
    novel: mobyDick().flatMap(({ text }) => text.split(/(?<=[.!?;])\s+/)),
    speeches: paragraphs().map(({ text }) => text),
    emails: spamAssassin().map(({ subject, body }) => `${subject} ${body.slice(0, 500)}`),
  };
  const fitted = Object.entries(corpora).flatMap(([name, corpus]) => {
    const draw = random("encoder pool").split(name);
    const texts = take(
      corpus,
      draw.split("documents").sample(corpus.length, Math.min(documents, corpus.length)),
    );
    const text = texts.reduce((sum, document) => sum + words(document).length, 0);
    return WIDTHS.map((width): Encoder => {
      const encoder = fitStaticEncoder(texts, { random: draw.split(width), width });
      return { name: `${name} ${width}`, width, text, encode: sumOfTerms(encoder) };
    });
  });
  const hashed = WIDTHS.map(
    (width): Encoder => ({
      name: `hashed ${width}`,
      width,
      text: 0,
      encode(texts) {
        const rows = new Float32Array(texts.length * width);
        texts.forEach((text, i) => {
          rows.set(denseBag(hashedBag(text, width, { signed: true }), width), i * width);
        });
        return rows;
      },
    }),
  );
  return [...fitted, ...hashed];
}, 1);

/** Σ ln(1 + count) · vector over a text's known words; unlike `encodeTexts`, nothing is guessed from spelling. */
function sumOfTerms({ terms, width, table }: StaticEncoder): Encoder["encode"] {
  const numbers = new Map(terms.map((term, i) => [term, i]));
  return (texts) => {
    const rows = new Float32Array(texts.length * width);
    texts.forEach((text, row) => {
      const counts = new Map<number, number>();
      for (const word of words(text)) {
        const term = numbers.get(word);
        if (term !== undefined) counts.set(term, (counts.get(term) ?? 0) + 1);
      }
      for (const [term, count] of counts)
        for (let i = 0; i < width; i++)
          rows[row * width + i]! += Math.log1p(count) * table[term * width + i]!;
    });
    return rows;
  };
}

export interface TextTask {
  classes: number;
  train: LabelledTexts;
  test: LabelledTexts;
}

type Labelled = { text: string; label: number }[];

const sources: Record<string, () => Labelled> = {
  "spam or not": () =>
    spamAssassin().map(({ subject, body, spam }) => ({
      text: `${subject} ${body.slice(0, 500)}`,
      label: Number(spam),
    })),
  "supersense of a definition": () => {
    const { train } = supersenses({ train: 8000, test: 0 });
    return train.texts.map((text, i) => ({ text, label: train.labels[i]! }));
  },
  "part of speech of a definition": () =>
    ["noun" as const, "verb" as const, "adjective" as const, "adverb" as const].flatMap((part, label) =>
      take(wordnet([part]).synsets, random("parts of speech").split(part).sample(3600, 2000)).map(
        ({ gloss }) => ({
          text: gloss,
          label,
        }),
      ),
    ),
  "age of a speech": () =>
    paragraphs().map(({ text, year }) => ({
      text,
      label: [1850, 1900, 1950].filter((end) => year >= end).length,
    })),
};

export const textTasks = Object.keys(sources);
const sourceOf = remember((name: string) => sources[name]!());

export function textTask(
  name: string,
  { train, test, seed }: { train: number; test: number; seed: number },
): TextTask {
  const all = sourceOf(name);
  const labels = all.map(({ label }) => label);
  const parts = split(all.length, { sizes: [train, test], random: random(seed).split(name), labels });
  const [a, b] = parts.map(
    (rows): LabelledTexts => ({
      texts: Array.from(rows, (row) => all[row]!.text),
      labels: Int32Array.from(rows, (row) => labels[row]!),
    }),
  );
  return { classes: Math.max(...labels) + 1, train: a!, test: b! };
}

/** Sentences of the addresses of presidents, four at a time. */
const paragraphs = remember((): { text: string; year: number }[] =>
  speeches().flatMap(({ text, year }) => {
    const sentences = text.split(/(?<=[.!?])\s+/);
    const starts = Array.from({ length: Math.floor(sentences.length / 4) }, (_, i) => i * 4);
    return starts.map((start) => ({ text: sentences.slice(start, start + 4).join(" "), year }));
  }),
);
