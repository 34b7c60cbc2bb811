import type { CausalLanguageModelParams } from "nearmiss/language";
import { negatedPromptScores } from "nearmiss/negation";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  askBoth,
  learnText,
  questionModel,
  questionWorld,
  tuneOnQuestions,
} from "../tasks/negated-questions.ts";

export const card: Card = {
  number: 133,
  slug: "negated-prompts",
  title: "Can Large Language Models Truly Understand Prompts? A Case Study with Negated Prompts",
  year: 2022,
  family: "negation",
  kind: "benchmark",
  arxiv: "2209.12711",
  link: "https://arxiv.org/abs/2209.12711",
  code: "https://github.com/joeljang/negated-prompts-for-llms",
  summary:
    "Nine language tasks are asked in two forms that differ by one cue, the original instruction and a negated one such as a request for the wrong answer. The model picks the candidate with the highest log-likelihood under the prompt, and a negated item counts as solved if any candidate other than the gold one wins. Model size, number of demonstrations and tuning on negated prompts are varied.",
  claim:
    "As language models grow, accuracy on the original prompts rises while accuracy on the negated ones falls, an inverse scaling trend. Fine-tuning on negated prompts raises one form at the expense of the other and does not solve both.",
  formula: String.raw`\hat c=\operatorname*{arg\,max}_{c}\frac1{|c|}\log p(c\mid\text{prompt}),\qquad \text{chance}_{\text{orig}}=\frac1C,\quad \text{chance}_{\text{neg}}=\frac{C-1}{C}`,
  exports: [
    "negation/negated-prompts: negatedPromptScores",
    "negation/negated-prompts: chanceCorrected",
    "language/candidate-scores: candidateScores",
  ],
  notes: [
    "The public code takes the first of candidates with equal scores and reports sums and means of log-probabilities; here equal scores are drawn by a seed, and candidates are one token, so that sum and mean agree.",
    "Who does not read the prompt is right on 1 minus as many negated items as original ones, whatever he knows: his average is 1/2 at any size, and inverse scaling is the mirror of knowing more. The study therefore also reports the average and how often the answer changes with the prompt.",
    "One in a hundred training sentences denies a fact or answers a negated prompt, so that no word of the prompts is new to the models.",
    "Scaling is judged by the largest and the smallest model. The curve has the one between.",
    "In the default run the trend is the reverse: the smallest model answers 92 % of the original prompts and 19 % of the negated ones, the largest 97 and 51 %. The small one does as if there were no prompt, while one negated sentence in a hundred is enough for the larger ones to change half of their answers. What they then prefer is still the right answer about as often as not.",
    "Tuning on negated prompts costs the large model 9 points on original ones, within what seeds vary, and gains nothing on negated ones about other facts.",
  ],
};

interface Settings {
  countries: number;
  /** Width and blocks of the models. */
  small: [width: number, layers: number];
  middle: [width: number, layers: number];
  large: [width: number, layers: number];
  /** Share of the training sentences that deny or ask for a wrong answer. */
  negated: number;
  steps: number;
  tuningSteps: number;
  tuningRate: number;
  batchSize: number;
  learningRates: number[];
}

type Size = "small" | "middle" | "large";

/** Which model an arm asks and what it is tuned on after it has read the text. */
const recipes: Record<string, { size: Size; forms?: ("original" | "negated")[] }> = {
  large: { size: "large" },
  small: { size: "small" },
  middle: { size: "middle" },
  tunedNegated: { size: "large", forms: ["negated"] },
  tunedOriginal: { size: "large", forms: ["original"] },
  tunedBoth: { size: "large", forms: ["original", "negated"] },
};

const settings: Settings = {
  countries: 60,
  small: [8, 1],
  middle: [16, 1],
  large: [48, 2],
  negated: 0.01,
  steps: 400,
  tuningSteps: 80,
  tuningRate: 1e-3,
  batchSize: 64,
  learningRates: [3e-3, 1e-2],
};

export const study = defineStudy<Settings>({
  arms: {
    large: "two blocks of width 48, about 67,000 weights",
    small: "one block of width 8, about 3,000 weights",
    middle: "one block of width 16, about 7,000 weights",
    tunedNegated: "the large model, tuned on negated prompts of other facts",
    tunedOriginal: "the large model, tuned on original prompts of other facts",
    tunedBoth: "the large model, tuned on both",
  },
  scales: {
    smoke: {
      ...settings,
      countries: 6,
      large: [16, 1],
      middle: [8, 1],
      small: [4, 1],
      steps: 2,
      tuningSteps: 2,
      batchSize: 8,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: { ...settings, seeds: 5 },
    full: {
      ...settings,
      countries: 150,
      large: [128, 3],
      steps: 1500,
      tuningSteps: 200,
      learningRates: [1e-3, 3e-3, 1e-2],
      seeds: 10,
    },
  },
  metrics: {
    "original accuracy": "fraction of original prompts whose right answer is the likeliest of four",
    "negated accuracy": "fraction of negated prompts where any other answer is the likeliest",
    average: "mean of the two; 0.5 without reading the prompt",
    "flip rate": "fraction of the facts where the answer differs between the prompts",
    "original above chance": "(accuracy − 1/4) / (3/4)",
    "negated above chance": "(accuracy − 3/4) / (1/4)",
  },
  curves: {
    "original prompts": { x: "parameters, power of ten", y: "accuracy" },
    "negated prompts": { x: "parameters, power of ten", y: "accuracy" },
  },
  claims: [
    {
      id: "inverse-scaling",
      statement:
        "The larger model is better at original prompts and worse at negated ones than the smaller model.",
      rule: "The differences of both accuracies between the largest and the smallest model, paired by seed. Supports if the 95 % interval of the original one lies above 0 and that of the negated one below, contradicts if one lies on the other side, else inconclusive.",
      comparisons: [
        { metric: "original accuracy", method: "large", baseline: "small", better: "higher" },
        { metric: "negated accuracy", method: "large", baseline: "small", better: "lower" },
      ],
    },
    {
      id: "trade-off",
      statement:
        "Tuning on negated prompts raises the accuracy on negated prompts and lowers it on original ones.",
      rule: "The differences of both accuracies between the large model tuned on negated prompts and the same without tuning, paired by seed. Supports if the 95 % interval of the negated one lies above 0 and that of the original one below, contradicts if one lies on the other side, else inconclusive.",
      comparisons: [
        { metric: "negated accuracy", method: "tunedNegated", baseline: "large", better: "higher" },
        { metric: "original accuracy", method: "tunedNegated", baseline: "large", better: "lower" },
      ],
    },
  ],
  distance:
    "The paper asks models of 125 million to 175 billion weights nine tasks of up to 300 questions each. Here models of 3,000 to 67,000 weights learn 240 facts of 60 countries in some 26,000 short sentences from nothing, one in a hundred of them negated, and are asked 120 of these facts with four candidates. How much negation such a model meets is set here; in the text of the web it is not known.",
  async run({ arm, seed, settings, report, signal }) {
    const { size, forms } = recipes[arm]!;
    const learningRate = await chooseOnce(
      ["negated prompts", size, settings],
      settings.learningRates,
      async (rate) => {
        const { world, model, params } = await reader(settings, size, rate, TUNING_SEED);
        const items = await askBoth(world, model, params, TUNING_SEED);
        return negatedPromptScores(items, { random: random(TUNING_SEED) }).original;
      },
    );
    signal.throwIfAborted();
    const { world, model, params } = await reader(settings, size, learningRate, seed);
    report.progress(0.7);
    const tuned = forms
      ? await tuneOnQuestions({
          ...settings,
          world,
          model,
          from: params,
          forms,
          steps: settings.tuningSteps,
          learningRate: settings.tuningRate,
          seed,
          signal,
        })
      : params;
    const items = await askBoth(world, model, tuned, seed);
    const scores = negatedPromptScores(items, { random: random(seed).split("ties") });
    if (!forms) {
      const parameters = Math.log10(weightsOf(settings[size], world.vocabulary));
      report.point("original prompts", parameters, scores.original);
      report.point("negated prompts", parameters, scores.negated);
    }
    return {
      "original accuracy": scores.original,
      "negated accuracy": scores.negated,
      average: scores.average,
      "flip rate": scores.flipRate,
      "original above chance": scores.originalCorrected,
      "negated above chance": scores.negatedCorrected,
    };
  },
});

/** A model that has read the seed's text; what is tuned starts from the same weights. */
const reader = remember(async (settings: Settings, size: Size, learningRate: number, seed: number) => {
  const world = questionWorld(settings.countries, seed);
  const [width, layers] = settings[size];
  const model = questionModel(world.vocabulary, width, layers);
  const params: CausalLanguageModelParams = await learnText({
    ...settings,
    world,
    model,
    learningRate,
    seed,
  });
  return { world, model, params };
});

/** About: tables of tokens and positions, and twelve squares of the width a block. */
const weightsOf = ([width, layers]: readonly [number, number], vocabulary: number) =>
  width * (vocabulary + 8) + 12 * layers * width ** 2;
