import { mnist } from "nearmiss/data";
import { dcl, dclw, ntXent } from "nearmiss/losses";
import { nearestNeighbourAccuracy } from "nearmiss/metrics";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import { type Encoder, trainOnViews, type ViewLoss } from "../tasks/views.ts";

export const card: Card = {
  number: 164,
  slug: "decoupled-contrastive",
  title: "Decoupled Contrastive Learning",
  year: 2021,
  family: "contrastive",
  kind: "objective",
  arxiv: "2110.06848",
  link: "https://arxiv.org/abs/2110.06848",
  code: "https://github.com/raminnakhli/Decoupled-Contrastive-Learning",
  summary:
    "DCL is InfoNCE with the positive pair taken out of the softmax denominator, so the loss is the negated scaled similarity of the two views plus a log-sum over negatives alone. This deletes a multiplier in the gradient that becomes tiny when the positive is easy or negatives are few. A variant, DCLW, also weights the positive term by how dissimilar the two views are.",
  claim:
    "Dropping the positive pair from the denominator gives higher self-supervised accuracy than InfoNCE when batches are small. Accuracy then depends much less on the batch size.",
  formula: String.raw`L_i=-\frac{\langle z^{(1)}_i,z^{(2)}_i\rangle}{\tau}+\log\sum_{l\in\{1,2\}}\sum_{j\ne i}e^{\langle z^{(1)}_i,\,z^{(l)}_j\rangle/\tau}`,
  exports: ["losses: dcl", "losses: dclw", "losses: ntXent", "losses: npcMultiplier"],
  notes: [
    "Masked scores are left out exactly; the authors' code adds about -103 to them, which leaks at very small temperatures.",
    "Each arm's learning rate is chosen at each batch size, once, by validation accuracy on a seed that the study does not use: the coupling factor also acts like a smaller learning rate, so an untuned comparison would flatter the method.",
    "The verdict at small batches hangs on details at this scale: a first run, before relu and max pooling changed places in the network (equal values, other gradients at ties), said contradicts with a difference of -0.016 [-0.024, -0.008]. Settings and rule are unchanged since before that run.",
    "The weight of the weighted variant is treated as a constant, as the paper writes it; the authors' code lets the gradient through it.",
  ],
};

const arms: Record<string, { about: string; loss: ViewLoss }> = {
  dcl: { about: "decoupled: the positive is not in the denominator", loss: dcl },
  ntXent: { about: "NT-Xent, the loss of SimCLR", loss: ntXent },
  dclw: { about: "decoupled, with more weight on distant positives", loss: dclw },
};

interface Settings {
  train: number;
  validation: number;
  test: number;
  smallBatch: number;
  largeBatch: number;
  imagesSeen: number;
  learningRates: number[];
}

export const study = defineStudy<Settings>({
  arms: Object.fromEntries(Object.entries(arms).map(([name, { about }]) => [name, about])),
  scales: {
    smoke: {
      train: 500,
      validation: 200,
      test: 200,
      smallBatch: 8,
      largeBatch: 32,
      imagesSeen: 128,
      learningRates: [1e-3],
      seeds: 2,
    },
    default: {
      train: 4000,
      validation: 500,
      test: 1000,
      smallBatch: 8,
      largeBatch: 128,
      imagesSeen: 3000,
      learningRates: [5e-4, 2e-3],
      seeds: 5,
    },
    full: {
      train: 7500,
      validation: 500,
      test: 2000,
      smallBatch: 8,
      largeBatch: 512,
      imagesSeen: 60_000,
      learningRates: [2e-4, 5e-4, 1e-3, 2e-3],
      seeds: 10,
    },
  },
  metrics: {
    "accuracy, small batches":
      "20-nearest-neighbour accuracy of test digits after training with the small batch size",
    "accuracy, large batches": "the same after training with the large batch size, equally many images seen",
    dependence:
      "accuracy gained by each doubling of the batch size, (large - small) / log2 of the sizes' ratio",
  },
  curves: { "loss, small batches": { x: "step", y: "loss (may be negative)" } },
  claims: [
    {
      id: "small-batch",
      statement: "At small batches the decoupled loss gives better representations than NT-Xent.",
      rule: "Supports if the paired 95 % interval of the accuracy difference lies above 0, contradicts if below, else inconclusive.",
      comparisons: [
        { metric: "accuracy, small batches", method: "dcl", baseline: "ntXent", better: "higher" },
      ],
    },
    {
      id: "batch-size",
      statement: "The accuracy of the decoupled loss depends less on the batch size than that of NT-Xent.",
      rule: "Supports if the paired 95 % interval of the difference in accuracy gained per doubling lies below 0, contradicts if above, else inconclusive.",
      comparisons: [{ metric: "dependence", method: "dcl", baseline: "ntXent", better: "lower" }],
    },
  ],
  distance:
    "The paper trains a ResNet-50 on ImageNet with batches of 256 and more for 200 epochs; here a convolutional network of about 100,000 weights sees 3,000 digits of 14 × 14 pixels in batches of 8 and 128.",
  async run({ arm, seed, settings, report, signal }) {
    const { smallBatch, largeBatch } = settings;
    const accuracy: number[] = [];
    for (const [index, batchSize] of [smallBatch, largeBatch].entries()) {
      const learningRate = await chooseLearningRate(arm, batchSize, settings, signal);
      const { train, test } = load(settings, seed);
      const encode = await trainOnViews({
        images: train.images,
        side: 14,
        loss: arms[arm]!.loss,
        learningRate,
        batchSize,
        imagesSeen: settings.imagesSeen,
        seed,
        signal,
        onStep: (step, steps, value) => {
          report.progress((index + step / steps) / 2);
          if (batchSize === smallBatch && step % 10 === 0) report.point("loss, small batches", step, value);
        },
      });
      accuracy.push(await neighbourAccuracy(encode, train, test));
    }
    const [small, large] = accuracy as [number, number];
    return {
      "accuracy, small batches": small,
      "accuracy, large batches": large,
      dependence: (large - small) / Math.log2(largeBatch / smallBatch),
    };
  },
});

type Digits = ReturnType<typeof mnist>["train"];

const load = ({ train, validation, test }: Settings, seed: number) =>
  mnist({ train, validation, test, seed, size: 14 });

async function neighbourAccuracy(encode: Encoder, known: Digits, unknown: Digits): Promise<number> {
  return nearestNeighbourAccuracy(
    { embeddings: await encode(known.images), labels: known.labels },
    { embeddings: await encode(unknown.images), labels: unknown.labels },
  );
}

/** The learning rate with the best validation accuracy, for each arm and batch size. */
function chooseLearningRate(
  arm: string,
  batchSize: number,
  settings: Settings,
  signal: AbortSignal,
): Promise<number> {
  const { learningRates, imagesSeen } = settings;
  return chooseOnce(
    ["decoupled-contrastive", arm, batchSize, settings],
    learningRates,
    async (learningRate) => {
      const { train, validation } = load(settings, TUNING_SEED);
      const { loss } = arms[arm]!;
      const options = {
        images: train.images,
        side: 14,
        loss,
        learningRate,
        batchSize,
        imagesSeen,
        seed: TUNING_SEED,
        signal,
      };
      return neighbourAccuracy(await trainOnViews(options), train, validation);
    },
  );
}
