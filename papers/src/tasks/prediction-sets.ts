/**
 * Tasks whose predictions are sets that grow with a parameter λ: which digits an image holds, and in
 * which branch of WordNet a definition belongs. A network is trained once a seed; what studies get are
 * the losses of its sets on examples that it has not seen.
 */
import { cast, expandDims, floor, multiply, remainder, type Tensor, tensor } from "nearmiss";
import { mnist, split, take, wordnet } from "nearmiss/data";
import { bceWithLogits, softmaxCrossEntropy } from "nearmiss/losses";
import { convNet, mlp } from "nearmiss/nn";
import { type Random, random } from "nearmiss/random";
import { denseBag, hashedBag } from "nearmiss/text";
import {
  falseNegativeRate,
  type Hierarchy,
  hierarchicalDistance,
  type LossTable,
} from "nearmiss/uncertainty";
import { remember } from "../remember.ts";
import { trainNetwork } from "./network.ts";

export interface SetTaskSize {
  train: number;
  /** Examples to calibrate and to test on. */
  pool: number;
  epochs: number;
  batchSize: number;
  learningRate: number;
  seed: number;
}

/**
 * Values of λ: sigmoids of −8 to 8 in steps of 1/4, of 1/100 where the risk is near 0.1, and 1 itself.
 * Coarser steps near the level would show as risk that is left unused.
 */
function lambdasBetween(low: number, high: number): Float64Array {
  const logits = [-8];
  while (logits.at(-1)! < 8)
    logits.push(logits.at(-1)! + (logits.at(-1)! >= low && logits.at(-1)! < high ? 0.01 : 0.25));
  return Float64Array.from([...logits.map((logit) => 1 / (1 + Math.exp(-logit))), 1]);
}

/** Standard deviation of what is added to each pixel of an image, in three levels. */
const NOISE = [0, 0.4, 0.8];
/** How often each level occurs in training and calibration, and after a shift. */
const BEFORE = [0.6, 0.3, 0.1];
const AFTER = [0.1, 0.3, 0.6];

export interface DigitSets {
  /** Share of the digits that a set misses. */
  pool: LossTable;
  /** Digits in each set, [pool, lambdas]. */
  sizes: Float64Array;
  /** The same loss where most images are noisy. */
  shifted: LossTable;
  /** Shifted over unshifted density of each image's level of noise. */
  ratios: { pool: Float64Array; shifted: Float64Array };
}

/** Which of the ten digits does an image of one to four of them hold? */
export const digitSets = remember(async (size: SetTaskSize): Promise<DigitSets> => {
  const { seed } = size;
  const lambdas = lambdasBetween(1.25, 3.5);
  const parts = mnist({ train: 5000, test: 5000, seed, size: 14 });
  const root = random(seed).split("collages");
  const train = collages(parts.train, size.train, BEFORE, root.split("train"));
  const pool = collages(parts.test, size.pool, BEFORE, root.split("pool"));
  const shifted = collages(parts.test, size.pool, AFTER, root.split("shifted"));
  const { outputs } = await trainNetwork({
    ...size,
    network: convNet({ side: 28, filters: [8, 16], head: [64, 10] }),
    train: { x: train.images, labels: train.digits },
    loss: (logits, digits) => bceWithLogits(logits, bits(digits)),
  });
  const table = async ({ images, digits }: Collages) => {
    const probabilities = Float64Array.from(await outputs(images), (logit) => 1 / (1 + Math.exp(-logit)));
    const present = Array.from(digits, (set) => Array.from({ length: 10 }, (_, digit) => (set >> digit) & 1));
    return { probabilities, losses: falseNegativeRate(probabilities, present.flat(), 10, lambdas) };
  };
  const [before, after] = [await table(pool), await table(shifted)];
  const ratio = ({ noise }: Collages) => Float64Array.from(noise, (level) => AFTER[level]! / BEFORE[level]!);
  return {
    pool: before.losses,
    sizes: setSizes(before.probabilities, lambdas),
    shifted: after.losses,
    ratios: { pool: ratio(pool), shifted: ratio(shifted) },
  };
});

function setSizes(probabilities: Float64Array, lambdas: Float64Array): Float64Array {
  const sizes = new Float64Array((probabilities.length / 10) * lambdas.length);
  for (let at = 0; at < probabilities.length; at++)
    for (let j = 0; j < lambdas.length; j++)
      if (probabilities[at]! >= 1 - lambdas[j]!) sizes[Math.floor(at / 10) * lambdas.length + j]!++;
  return sizes;
}

interface Collages {
  images: Float32Array;
  /** Bit d is set where digit d is in the image. */
  digits: Int32Array;
  /** Level of noise, as a place in NOISE. */
  noise: Int32Array;
}

/** Images of 28 × 28 with one to four digits of 14 × 14, and noise. */
function collages(
  { images, labels }: { images: Float32Array; labels: Int32Array },
  count: number,
  levels: number[],
  draw: Random,
): Collages {
  const out = { images: new Float32Array(count * 784), digits: new Int32Array(count) };
  const noise = draw.split("levels").categorical(levels, count);
  for (let i = 0; i < count; i++) {
    const image = draw.normal(784, 0, NOISE[noise[i]!]!);
    const corners = draw.permutation(4).map((place) => (place >> 1) * 14 * 28 + (place & 1) * 14);
    draw.sample(labels.length, draw.integer(1, 5)).forEach((digit, k) => {
      for (let at = 0; at < 196; at++)
        image[corners[k]! + Math.floor(at / 14) * 28 + (at % 14)]! += images[digit * 196 + at]!;
      out.digits[i]! |= 1 << labels[digit]!;
    });
    out.images.set(image, i * 784);
  }
  return { ...out, noise };
}

/** The ten lowest bits of whole numbers: [n] to float [n, 10]. */
function bits(numbers: Tensor): Tensor {
  const powers = tensor(Array.from({ length: 10 }, (_, bit) => 2 ** -bit));
  return remainder(floor(multiply(expandDims(cast(numbers, "float32"), 1), powers)), 2);
}

const BUCKETS = 1024;

/** Under which of 31 nouns does a definition belong? Sets are branches of the tree above them. */
export const branchSets = remember(async (size: SetTaskSize): Promise<{ pool: LossTable }> => {
  const { seed } = size;
  const { glosses, labels, hierarchy } = categories();
  const parts = split(glosses.length, {
    sizes: [size.train, size.pool],
    random: random(seed).split("branches"),
    labels,
  });
  const [train, pool] = parts.map((rows) => {
    const x = new Float32Array(rows.length * BUCKETS);
    rows.forEach((row, i) => {
      const bag = denseBag(hashedBag(glosses[row]!, BUCKETS), BUCKETS);
      x.set(bag.map(Math.log1p), i * BUCKETS);
    });
    return { x, labels: take(labels, rows) };
  });
  const { outputs } = await trainNetwork({
    ...size,
    network: mlp([BUCKETS, 64, hierarchy.classes]),
    train: train!,
    loss: softmaxCrossEntropy,
  });
  const probabilities = softmaxRows(await outputs(pool!.x), hierarchy.classes);
  return { pool: hierarchicalDistance(probabilities, pool!.labels, hierarchy, lambdasBetween(-1.75, 0.5)) };
});

function softmaxRows(logits: Float32Array, classes: number): Float64Array {
  const out = Float64Array.from(logits, Math.exp);
  for (let start = 0; start < out.length; start += classes) {
    const row = out.subarray(start, start + classes);
    const total = row.reduce((sum, value) => sum + value, 0);
    row.forEach((value, i) => {
      row[i] = value / total;
    });
  }
  return out;
}

/** Nouns with 800 kinds or more, none of which has that many itself, and everything above them. */
const categories = remember((): { glosses: string[]; labels: Int32Array; hierarchy: Hierarchy } => {
  const LARGE = 800;
  const { synsets, get } = wordnet(["noun"]);
  const above = (id: string) => get(id)!.hypernyms[0];
  const kinds = new Map<string, number>();
  for (const { id } of synsets)
    for (let at: string | undefined = id; at; at = above(at)) kinds.set(at, (kinds.get(at) ?? 0) + 1);
  const large = synsets.map(({ id }) => id).filter((id) => kinds.get(id)! >= LARGE);
  const inner = new Set(large.map(above));
  // Leaves come first, as the hierarchy wants it.
  const nodes = [...large.filter((id) => !inner.has(id)), ...large.filter((id) => inner.has(id))];
  const place = new Map(nodes.map((id, i) => [id, i]));
  const classes = nodes.length - large.filter((id) => inner.has(id)).length;
  const parents = nodes.map((id) => place.get(above(id) ?? "") ?? -1);
  const rows = synsets.flatMap(({ id, gloss }) => {
    let at: string | undefined = id;
    while (at && !(place.get(at)! < classes)) at = above(at);
    return at ? [{ gloss, label: place.get(at)! }] : [];
  });
  return {
    glosses: rows.map(({ gloss }) => gloss),
    labels: Int32Array.from(rows, ({ label }) => label),
    hierarchy: { parents, classes },
  };
});
