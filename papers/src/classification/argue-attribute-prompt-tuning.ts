import { add, compile, fromData, item, multiply, reshape, type Tensor, values } from "nearmiss";
import { take } from "nearmiss/data";
import { fit, epochs as inEpochs, trainingStep } from "nearmiss/fit";
import { softmaxCrossEntropy, uniformCrossEntropy } from "nearmiss/losses";
import { accuracy, argMax } from "nearmiss/metrics";
import { attributeLogits, promptLearner, selectAttributes } from "nearmiss/nn";
import { schedules, sgd } from "nearmiss/optim";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  type ColouredDigits,
  colouredDigits,
  EMBEDDING_WIDTH,
  embed,
  encodeTexts,
  type FeatureSet,
  TEMPERATURE,
  type TextModel,
  vocabulary,
} from "../tasks/coloured-digits.ts";

export const card: Card = {
  number: 134,
  slug: "argue-attribute-prompt-tuning",
  title: "ArGue: Attribute-Guided Prompt Tuning for Vision-Language Models",
  year: 2023,
  family: "classification",
  kind: "algorithm",
  arxiv: "2311.16494",
  link: "https://arxiv.org/abs/2311.16494",
  summary:
    "Soft prompts of a frozen image-text model are tuned with several visual attributes per class, and the class logit is the mean over its attribute prompts. Attributes are chosen by clustering the candidates and keeping in each cluster the one closest to the class images. A regulariser holds the tuned text features near hand-written prompts, and a negative-prompt loss asks for a uniform prediction from class-agnostic phrases such as the background.",
  claim:
    "Attribute-guided prompt tuning reaches higher accuracy on unseen classes and under domain shift than CoOp, which tunes with the bare class name. Pushing the prediction of spurious negative prompts to uniform improves it further.",
  formula: String.raw`L=L_{cls}+\beta L_{reg}+\gamma L_{neg},\quad p(c\mid I)\propto\exp\Big(\frac1{J\tau}\sum_j\cos(x,g(t_c^j))\Big),\quad L_{neg}=-\frac1C\sum_c\log p^-(c\mid I)`,
  exports: [
    "nn/prompts: promptLearner",
    "nn/prompts: attributeLogits",
    "nn/prompts: selectAttributes",
    "losses/uniform: uniformCrossEntropy",
  ],
  notes: [
    "No official code was found. Loss weights and the number of attributes are this study's own: three attributes a class, both weights 1.",
    "The image-text model is trained here, on captions that name the digit one time in ten, so that its zero-shot accuracy is about as far from perfect as that of a large model on natural images; how often was set by the zero-shot accuracy on a seed that the study does not use.",
    "The text encoder reads a bag of words. The learnt context starts from the words of the hand-written prompt, for all arms alike.",
    "Attributes of base classes are chosen by their similarity with the training images, those of new classes, which have no images, by similarity with the hand-written prompt of the class.",
    "The learning rate of each arm is the best on validation images that share the colours of training: what shifts and what is new stays unseen.",
  ],
};

interface Settings {
  pretraining: number;
  pretrainingSteps: number;
  shots: number;
  pool: number;
  test: number;
  /** Share of the base digits' images whose ground is the colour of their class. */
  agreement: number;
  attributes: number;
  epochs: number;
  batchSize: number;
  learningRates: number[];
}

interface Prompting {
  attributes: boolean;
  /** β, weight of the text-to-text regulariser. */
  beta: number;
  /** γ, weight of the negative prompts. */
  gamma: number;
}

const arms = {
  argueN: "attributes, regulariser and negative prompts (ArGue-N)",
  argue: "attributes and regulariser (ArGue)",
  coop: "learnt context and class name (CoOp)",
  coopRegularised: "CoOp with the regulariser",
  zeroShot: "hand-written prompt with the class name, nothing learnt",
};
const promptings: Record<string, Prompting> = {
  argueN: { attributes: true, beta: 1, gamma: 1 },
  argue: { attributes: true, beta: 1, gamma: 0 },
  coop: { attributes: false, beta: 0, gamma: 0 },
  coopRegularised: { attributes: false, beta: 1, gamma: 0 },
  zeroShot: { attributes: false, beta: 0, gamma: 0 },
};
const BASE = 7;
const baseDigits = Array.from({ length: BASE }, (_, digit) => digit);
const novelDigits = [7, 8, 9];

const compare = (baseline: string) =>
  ["accuracy, new", "accuracy, shifted"].map((metric) => ({
    metric,
    method: "argueN",
    baseline,
    better: "higher" as const,
  }));

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      pretraining: 300,
      pretrainingSteps: 10,
      shots: 4,
      pool: 150,
      test: 200,
      agreement: 0.9,
      attributes: 3,
      epochs: 2,
      batchSize: 14,
      learningRates: [1e-2],
      seeds: 2,
    },
    default: {
      pretraining: 6000,
      pretrainingSteps: 250,
      shots: 16,
      pool: 1500,
      test: 2500,
      agreement: 0.9,
      attributes: 3,
      epochs: 50,
      batchSize: 28,
      learningRates: [1e-2, 1e-1, 1, 10],
      seeds: 8,
    },
    full: {
      pretraining: 6000,
      pretrainingSteps: 250,
      shots: 16,
      pool: 1500,
      test: 2500,
      agreement: 0.9,
      attributes: 3,
      epochs: 200,
      batchSize: 28,
      learningRates: [1e-2, 3e-2, 1e-1, 3e-1, 1, 3, 10],
      seeds: 30,
    },
  },
  metrics: {
    "accuracy, base":
      "fraction of test images of the base digits 0 to 6, grounds as in training, classified correctly",
    "accuracy, shifted": "the same with grounds at random",
    "accuracy, new":
      "fraction of test images of the new digits 7 to 9 classified correctly among them, grounds at random",
    "harmonic mean": "of the accuracies on base and on new digits",
    "negative cross-entropy":
      "mean cross-entropy of the uniform distribution under the prediction from negative prompts, base test images, nats; at least log 7 = 1.946",
  },
  curves: { "training loss": { x: "step", y: "loss, nats" } },
  claims: [
    {
      id: "attributes",
      statement:
        "Tuning with attributes (ArGue-N) is more accurate on new classes and under a shift of grounds than CoOp.",
      rule: "Accuracies on new and on shifted images, paired by seed. Supports if both 95 % intervals lie above 0, contradicts if either lies below 0, else inconclusive.",
      comparisons: compare("coop"),
    },
    {
      id: "negative",
      statement: "The loss on negative prompts raises both accuracies further (ArGue-N against ArGue).",
      rule: "As for attributes.",
      comparisons: compare("argue"),
    },
  ],
  distance:
    "The paper tunes prompts of CLIP ViT-B/16 on 11 data sets and ImageNet with four shifted versions, with attributes from a language model; here is a home-made image-text model of 14 by 14 pixel digits on coloured grounds, with 6 attributes a digit written by hand, 16 shots of 7 base classes and 3 new ones.",
  async run({ arm, seed, settings, report, signal }) {
    const prompting = promptings[arm]!;
    const learningRate = arm === "zeroShot" ? 0 : await choose(arm, settings, signal);
    const data = await load(settings, seed);
    const base = await classPrompts(data, prompting, settings, seed, baseDigits);
    const novel = await classPrompts(data, prompting, settings, seed, novelDigits);
    const context = await tune({
      data,
      prompting,
      prompts: base,
      settings,
      learningRate,
      seed,
      signal,
      onStep: (step, steps, loss) => {
        report.progress(step / steps);
        if (step % 5 === 0 || step === steps) report.point("training loss", step, loss);
      },
    });
    const onBase = await accuracyOf(data, context, base, data.base);
    const onNew = await accuracyOf(data, context, novel, data.novel);
    const negative = await predict(data.model, context, negativePrompts, imagesOf(data.base));
    return {
      "accuracy, base": onBase,
      "accuracy, shifted": await accuracyOf(data, context, base, data.shifted),
      "accuracy, new": onNew,
      "harmonic mean": onBase + onNew > 0 ? (2 * onBase * onNew) / (onBase + onNew) : 0,
      "negative cross-entropy": item(await uninformed(negative)),
    };
  },
});

const load = ({ pretraining, pretrainingSteps, shots, pool, test, agreement }: Settings, seed: number) =>
  colouredDigits({
    pretraining,
    pretrainingSteps,
    batchSize: 100,
    shots,
    pool,
    test,
    baseClasses: BASE,
    agreement,
    seed,
  });

/** int32 [classes, J, length] of equally long prompts, without the context. */
const promptIds = (ids: readonly (readonly (readonly number[])[])[]): Tensor =>
  fromData(Int32Array.from(ids.flat(2)), [ids.length, ids[0]!.length, ids[0]![0]!.length]);

/** The hand-written prompt of each class. */
const written = (digits: readonly number[]): Tensor =>
  promptIds(digits.map((digit) => [[...vocabulary.opening, vocabulary.name(digit)]]));

/** What tells nothing of a digit: the ground of each base class. */
const negativePrompts = promptIds(baseDigits.map((digit) => [[vocabulary.name(digit), vocabulary.ground]]));

/** Features [classes, J, d] of prompts, with a context in front if there is one. */
function features(model: TextModel, ids: Tensor, context?: Tensor): Tensor {
  const [classes, perClass, length] = ids.shape as [number, number, number];
  const words = embed(model, reshape(ids, [classes * perClass, length]));
  const learner = promptLearner({ length: vocabulary.opening.length, width: EMBEDDING_WIDTH });
  const texts = encodeTexts(model, context ? learner.apply(context, words) : words);
  return reshape(texts, [classes, perClass, -1]);
}

const logitsOf = (model: TextModel, context: Tensor, ids: Tensor, images: Tensor): Tensor =>
  attributeLogits(images, features(model, ids, context), { temperature: TEMPERATURE });

// Compiled once: models, prompts and images are inputs.
const predict = compile(logitsOf, { threads: 1 });
const encode = compile((model: TextModel, ids: Tensor) => features(model, ids), { threads: 1 });
const uninformed = compile((logits: Tensor) => uniformCrossEntropy(logits), { threads: 1 });

const imagesOf = ({ features, labels }: FeatureSet): Tensor =>
  fromData(features, [labels.length, features.length / labels.length]);

async function accuracyOf(
  data: ColouredDigits,
  context: Tensor,
  prompts: Tensor,
  set: FeatureSet,
): Promise<number> {
  const logits = await predict(data.model, context, prompts, imagesOf(set));
  return accuracy(argMax(values(logits) as Float32Array, logits.shape[1]!), set.labels);
}

/** The prompts of classes: names, with chosen attributes if asked for. */
async function classPrompts(
  { model, train, width }: ColouredDigits,
  { attributes }: Prompting,
  settings: Settings,
  seed: number,
  digits: readonly number[],
): Promise<Tensor> {
  if (!attributes) return promptIds(digits.map((digit) => [[vocabulary.name(digit)]]));
  const candidates = digits.map((digit) => vocabulary.attributes(digit));
  const texts = await encode(
    model,
    promptIds(
      digits.map((digit, k) =>
        candidates[k]!.map((word) => [...vocabulary.opening, vocabulary.name(digit), word]),
      ),
    ),
  );
  const hand = await encode(model, written(digits));
  const block = (x: Tensor, k: number) => {
    const rows = x.shape[1]!;
    return fromData(values(x).slice(k * rows * width, (k + 1) * rows * width), [rows, width]);
  };
  return promptIds(
    digits.map((digit, k) => {
      const shots = [...train.labels.keys()].filter((i) => train.labels[i] === digit);
      const images = fromData(take(train.features, shots, width), [shots.length, width]);
      const chosen = selectAttributes({
        texts: block(texts, k),
        references: digit < BASE ? images : block(hand, k),
        clusters: settings.attributes,
        random: random(seed).split("attributes").split(digit),
      });
      return chosen.map((i) => [vocabulary.name(digit), candidates[k]![i]!]);
    }),
  );
}

interface Batch {
  model: TextModel;
  /** Of the base classes. */
  prompts: Tensor;
  /** [classes, 1, d]: what the tuned texts shall stay near. */
  hand: Tensor;
  x: Tensor;
  labels: Tensor;
}

/** A step on the context, which is the only parameter: model and prompts come with the batch. */
const stepOf = remember(({ beta, gamma }: Prompting, learningRate: number, steps: number) => {
  const optimizer = sgd({ learningRate: schedules.cosine({ from: learningRate, steps }), momentum: 0.9 });
  const step = trainingStep({
    loss: (context: Tensor, { model, prompts, hand, x, labels }: Batch) => {
      let loss = softmaxCrossEntropy(logitsOf(model, context, prompts, x), labels);
      if (beta > 0) {
        const texts = features(model, prompts, context);
        const [classes, perClass, width] = texts.shape as [number, number, number];
        const logits = attributeLogits(reshape(texts, [classes * perClass, width]), hand, {
          temperature: TEMPERATURE,
        });
        const classOf = Int32Array.from({ length: classes * perClass }, (_, i) => Math.floor(i / perClass));
        loss = add(loss, multiply(softmaxCrossEntropy(logits, fromData(classOf, [classOf.length])), beta));
      }
      if (gamma > 0)
        loss = add(loss, multiply(uniformCrossEntropy(logitsOf(model, context, negativePrompts, x)), gamma));
      return loss;
    },
    optimizer,
    compile: { threads: 1 },
  });
  return { optimizer, step };
}, 20);

interface TuneOptions {
  data: ColouredDigits;
  prompting: Prompting;
  /** Of the base classes. */
  prompts: Tensor;
  settings: Settings;
  /** 0 leaves the hand-written context as it is. */
  learningRate: number;
  seed: number;
  signal: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** Tunes the context by SGD on the shots of the base classes. */
async function tune(options: TuneOptions): Promise<Tensor> {
  const { data, prompting, prompts, settings, learningRate, seed, signal, onStep } = options;
  const { model, train, width } = data;
  const hand = await encode(model, written(baseDigits));
  const order = inEpochs({
    count: train.labels.length,
    size: settings.batchSize,
    random: random(seed).split("tuning"),
    epochs: settings.epochs,
  });
  const { optimizer, step } = stepOf(prompting, learningRate, order.steps);
  const opening = take(values(model.table) as Float32Array, vocabulary.opening, EMBEDDING_WIDTH);
  const { state } = await fit({
    state: optimizer.init(fromData(opening, [vocabulary.opening.length, EMBEDDING_WIDTH])),
    step,
    steps: order.steps,
    batch: (i) => ({
      model,
      prompts,
      hand,
      x: fromData(take(train.features, order.indices(i), width), [settings.batchSize, width]),
      labels: fromData(take(train.labels, order.indices(i)), [settings.batchSize]),
    }),
    signal,
    onStep: (i, loss) => onStep?.(i, order.steps, loss),
  });
  return state.params;
}

/** The learning rate by validation accuracy on base digits with grounds as in training. */
function choose(arm: string, settings: Settings, signal: AbortSignal): Promise<number> {
  return chooseOnce(
    ["argue-attribute-prompt-tuning", arm, settings],
    settings.learningRates,
    async (learningRate) => {
      const data = await load(settings, TUNING_SEED);
      const prompting = promptings[arm]!;
      const prompts = await classPrompts(data, prompting, settings, TUNING_SEED, baseDigits);
      const seed = TUNING_SEED;
      const context = await tune({ data, prompting, prompts, settings, learningRate, seed, signal });
      return accuracyOf(data, context, prompts, data.validation);
    },
  );
}
