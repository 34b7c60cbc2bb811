/**
 * Digits on coloured grounds with captions, and a small image-text model that is trained on them and then
 * frozen: something to tune prompts for.
 */
import { add, compile, fromData, gather, matmul, mean, multiply, type Tensor, values } from "nearmiss";
import { mnist, take } from "nearmiss/data";
import { fit, trainingStep } from "nearmiss/fit";
import { infoNCE } from "nearmiss/losses";
import { convNet, mlp, normal } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";

const SIDE = 14;
/** Red, green and blue of ten grounds. */
const grounds = {
  red: [0.8, 0.1, 0.1],
  green: [0.1, 0.6, 0.1],
  blue: [0.1, 0.2, 0.8],
  yellow: [0.7, 0.7, 0.1],
  purple: [0.5, 0.1, 0.6],
  cyan: [0.1, 0.6, 0.7],
  orange: [0.8, 0.4, 0.1],
  black: [0, 0, 0],
  grey: [0.4, 0.4, 0.4],
  brown: [0.4, 0.2, 0.1],
};
const names = ["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
const filler = ["a", "photo", "of", "the"];
/** Said of digits at random: true of all or none. */
const idle = ["handwritten", "white-ink"];
/** What there is to see of each digit. */
const shapes = [
  ["one-loop", "closed-curve", "round", "no-straight-stroke"],
  ["vertical-stroke", "no-loop", "single-stroke", "narrow"],
  ["bar-at-bottom", "open-curve", "curve-at-top", "no-loop"],
  ["two-open-curves", "open-to-the-left", "no-loop", "curve-at-top"],
  ["vertical-stroke", "crossing-strokes", "open-at-top", "bar-in-middle"],
  ["bar-at-top", "belly-at-bottom", "open-to-the-left", "no-loop"],
  ["one-loop", "loop-at-bottom", "tail-at-top", "belly-at-bottom"],
  ["bar-at-top", "diagonal-stroke", "no-loop", "corner"],
  ["two-loops", "closed-curve", "crossing-strokes", "loop-at-bottom"],
  ["one-loop", "loop-at-top", "vertical-stroke", "tail-at-bottom"],
];
const words = [...filler, "ground", ...names, ...Object.keys(grounds), ...new Set(shapes.flat()), ...idle];
const idOf = new Map(words.map((word, id) => [word, id]));

/** Words of prompts as ids. */
export const vocabulary = {
  size: words.length,
  /** "a photo of the" */
  opening: filler.map((word) => idOf.get(word)!),
  ground: idOf.get("ground")!,
  name: (digit: number): number => idOf.get(names[digit]!)!,
  /** The attributes that a knowledge source has of a digit, idle ones among them. */
  attributes: (digit: number): number[] => [...shapes[digit]!, ...idle].map((word) => idOf.get(word)!),
};

const ROW = 3 * SIDE * SIDE;

/** White ink on a ground: [n, 3 · 14 · 14], channel by channel. */
export function coloured(images: Float32Array, colours: ArrayLike<number>): Float32Array {
  const pixels = SIDE * SIDE;
  const palette = Object.values(grounds);
  const out = new Float32Array((images.length / pixels) * ROW);
  for (let i = 0; i * pixels < images.length; i++) {
    for (let channel = 0; channel < 3; channel++) {
      const ground = palette[colours[i]!]![channel]!;
      for (let p = 0; p < pixels; p++) {
        const ink = images[i * pixels + p]!;
        out[i * ROW + channel * pixels + p] = ink + (1 - ink) * ground;
      }
    }
  }
  return out;
}

/** How often a caption names the digit: seldom, so that the model knows names less well than what there is to see. */
const NAMED = 0.1;

/** Counts of a caption's words over their number: each is there by chance, so that captions say different things. */
function caption(digit: number, colour: number, draw: Random): Float32Array {
  const said = [...filler];
  if (draw.next() < NAMED) said.push(names[digit]!);
  for (const shape of shapes[digit]!) if (draw.next() < 0.5) said.push(shape);
  for (const word of idle) if (draw.next() < 0.2) said.push(word);
  if (draw.next() < 0.5) said.push(Object.keys(grounds)[colour]!, "ground");
  const bag = new Float32Array(words.length);
  for (const word of said) bag[idOf.get(word)!]! += 1 / said.length;
  return bag;
}

const EMBEDDING = 32;
const FEATURES = 64;
/** Of the image-text model, in training and after. */
export const TEMPERATURE = 0.07;

const imageTower = convNet({ side: SIDE, channels: 3, filters: [16, 32], head: [FEATURES] });
const textTower = mlp([EMBEDDING, 128, FEATURES]);

const initial = (draw: Random) => ({
  image: imageTower.init(draw.split("image")),
  text: textTower.init(draw.split("text")),
  table: normal(0.5)(draw.split("words"), [words.length, EMBEDDING]),
});

export type ImageTextModel = ReturnType<typeof initial>;

/** The text half of the model. */
export type TextModel = Pick<ImageTextModel, "text" | "table">;

/** Embeddings of words, ids int32 [n, length]: [n, length, width]. */
export const embed = ({ table }: TextModel, ids: Tensor): Tensor => gather(table, ids);

/** Text features [n, d] of embeddings [n, length, width]: the model reads a text as a bag of words. */
export const encodeTexts = ({ text }: TextModel, embeddings: Tensor): Tensor =>
  textTower.apply(text, mean(embeddings, { axis: 1 }));

/** The width of word embeddings. */
export const EMBEDDING_WIDTH = EMBEDDING;

export interface FeatureSet {
  /** [n, d] */
  features: Float32Array;
  labels: Int32Array;
}

export interface ColouredDigits {
  model: TextModel;
  width: number;
  /** `shots` images of each base digit, grounds mostly its own. */
  train: FeatureSet;
  validation: FeatureSet;
  /** Base digits, grounds as in training. */
  base: FeatureSet;
  /** The same digits on grounds at random. */
  shifted: FeatureSet;
  /** The other digits on grounds at random, with labels from 0. */
  novel: FeatureSet;
}

export interface ColouredDigitsOptions {
  pretraining: number;
  pretrainingSteps: number;
  batchSize: number;
  shots: number;
  /** Images to draw shots and validation from. */
  pool: number;
  test: number;
  /** Digits below this number are base classes. */
  baseClasses: number;
  /** How often the ground of a base digit is the one of its class. */
  agreement: number;
  seed: number;
}

// Compiled once: every seed's model has the same shapes.
const pretrainingOptimizer = adam({ learningRate: 2e-3 });
const pretrainingStep = trainingStep({
  loss: (params: ImageTextModel, batch: { x: Tensor; bags: Tensor }) => {
    const images = imageTower.apply(params.image, batch.x);
    const texts = textTower.apply(params.text, matmul(batch.bags, params.table));
    const options = { temperature: TEMPERATURE };
    return multiply(add(infoNCE(images, texts, options), infoNCE(texts, images, options)), 0.5);
  },
  optimizer: pretrainingOptimizer,
  compile: { threads: 1 },
});
const encodeImages = compile((params: ImageTextModel["image"], x: Tensor) => imageTower.apply(params, x), {
  threads: 1,
});

/** Trains the image-text model on captions whose colours tell nothing of digits, and encodes all images with it. */
export const colouredDigits = remember(async (options: ColouredDigitsOptions): Promise<ColouredDigits> => {
  const { pretraining, pretrainingSteps, batchSize, shots, pool, test, baseClasses, agreement, seed } =
    options;
  const parts = mnist({ train: pretraining, validation: pool, test, seed, size: SIDE });
  const root = random(seed).split("coloured digits");
  const { state } = await fit({
    state: pretrainingOptimizer.init(initial(root.split("weights"))),
    step: pretrainingStep,
    steps: pretrainingSteps,
    batch: (i) => {
      const draw = root.split("batches").split(i);
      const rows = draw.sample(parts.train.labels.length, batchSize);
      const colours = Array.from(rows, () => draw.integer(0, 10));
      const bags = rows.reduce<number[]>((all, row, k) => {
        all.push(...caption(parts.train.labels[row]!, colours[k]!, draw));
        return all;
      }, []);
      return {
        x: fromData(coloured(take(parts.train.images, rows, SIDE * SIDE), colours), [batchSize, ROW]),
        bags: fromData(Float32Array.from(bags), [batchSize, words.length]),
      };
    },
  });
  const model = state.params;

  type Part = (typeof parts)["train"];
  const featuresOf = async (part: Part, rows: number[], agree: number, name: string): Promise<FeatureSet> => {
    const draw = root.split(name);
    const labels = Int32Array.from(rows, (row) => part.labels[row]!);
    const colours = Array.from(labels, (label) => (draw.next() < agree ? label : draw.integer(0, 10)));
    const x = coloured(take(part.images, rows, SIDE * SIDE), colours);
    const features = values(await encodeImages(model.image, fromData(x, [rows.length, ROW]))) as Float32Array;
    return { features, labels: labels.map((label) => (label < baseClasses ? label : label - baseClasses)) };
  };
  const rowsOf = ({ labels }: Part, keep: (label: number) => boolean) =>
    [...labels.keys()].filter((row) => keep(labels[row]!));
  const isBase = (label: number) => label < baseClasses;
  const poolRows = rowsOf(parts.validation, isBase);
  const chosen = new Set(
    Array.from({ length: baseClasses }, (_, digit) => {
      const own = poolRows.filter((row) => parts.validation.labels[row] === digit);
      return take(own, root.split("shots").split(digit).sample(own.length, shots));
    }).flat(),
  );
  const baseRows = rowsOf(parts.test, isBase);
  const otherRows = rowsOf(parts.test, (label) => !isBase(label));
  return {
    model: { text: model.text, table: model.table },
    width: FEATURES,
    train: await featuresOf(parts.validation, [...chosen], agreement, "train"),
    validation: await featuresOf(
      parts.validation,
      poolRows.filter((row) => !chosen.has(row)),
      agreement,
      "validation",
    ),
    base: await featuresOf(parts.test, baseRows, agreement, "base"),
    shifted: await featuresOf(parts.test, baseRows, 0, "shifted"),
    novel: await featuresOf(parts.test, otherRows, 0, "novel"),
  };
});
