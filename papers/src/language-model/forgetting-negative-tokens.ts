import { influenceScores, partitionTokens } from "nearmiss/language";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy, type Report } from "../study.ts";
import {
  type NoisySpellingSize,
  type NoisyWord,
  noisySpelling,
  readingLosses,
  tuneSigned,
} from "../tasks/noisy-spelling.ts";
import { phonemeErrorRate, readAloud } from "../tasks/spelling.ts";

export const card: Card = {
  number: 131,
  slug: "forgetting-negative-tokens",
  title: "Forgetting: A New Mechanism Towards Better Large Language Model Fine-tuning",
  year: 2025,
  family: "language-model",
  kind: "objective",
  arxiv: "2508.04329",
  link: "https://arxiv.org/abs/2508.04329",
  code: "https://github.com/AliTaheri2002/Forgetting-A-New-Mechanism-Towards-Better-Large-Language-Model-Fine-tuning",
  summary:
    "A reference model is tuned on a small separate subset, and each response token of the main set is scored by how far its cross-entropy falls from the base model to the reference. The top share of tokens over the corpus is trained as usual. The remaining tokens get their loss ascended, with a weight that grows linearly during training from almost zero.",
  claim:
    "Learning the high-score tokens and actively unlearning the low-score ones gives higher fine-tuned accuracy than supervised fine-tuning on all tokens. It also does better than leaving the low-score tokens out of the loss.",
  formula: String.raw`L=\frac1{|P_b|}\sum_{t\in P_b}\ell_t-\lambda(s)\frac1{|N_b|}\sum_{t\in N_b}\ell_t,\quad \lambda(s)=\lambda_{min}+(\lambda_{max}-\lambda_{min})\frac sS`,
  exports: [
    "losses/signed-tokens: signedTokenLoss",
    "language/partition-tokens: influenceScores",
    "language/partition-tokens: partitionTokens",
    "optim/schedules: linear",
  ],
  notes: [
    "The authors' code leaves the smallest weight out of the sum, so that its weight rises from 0 to just below 0.25; here it rises from 0.00001, as the paper's formula says. Their code rounds both numbers of tokens down, which leaves out a token or two of the corpus; here all that are not positive are negative.",
    "The study needs a task on which an oracle, which learns the clean tokens and unlearns the noise, is ahead of all tokens; a first one, in which a model that knows facts learns a new form of question, was not and was taken out. Settings here were found on a seed that the study does not use, by looking at that oracle and at how many wrong phonemes turn out negative.",
    "Two things made the scores tell noise from the rest. The base model must have read words that are as noisy: after clean ones it is so sure of itself that a reference tuned on noisy words gains most on the wrong phonemes, of which then only 7 % are negative. And it must be young, for on what it has learnt already the reference gains nothing. So the base takes 25 steps, and the reference learns from as many words as the arms, where the paper's has a fifth as many.",
    "All weights are tuned, not low-rank adapters. The reference takes over the learning rate that is best for all tokens; each arm has its own, chosen on the seed of tuning. The share of positive tokens and the weights of unlearning are the paper's, and were not chosen.",
    "Splits by chance or by one model's loss alone, and the diversity of responses, are left out.",
    "In the default run the scores find three quarters of the wrong phonemes, and 61 % of the negative tokens are wrong. Leaving these out lowers the error rate from 34.7 % to 32.4 %, which is the gain of the split; unlearning them loses it again, 4.1 points above leaving them out (interval 2.6 to 5.7). The oracle, whose negative tokens are all wrong, gains nothing by unlearning either that leaving out tokens by score does not: at 32.9 % it is level with it.",
  ],
};

/** Share of positive tokens, and the first and the last weight of unlearning: the paper's. */
const POSITIVE = 0.7;
const WEIGHTS = [1e-5, 0.25] as const;

const arms = {
  forgetting: "tokens of high influence learnt, the others unlearnt",
  ignoring: "tokens of high influence learnt, the others left out",
  allTokens: "all tokens learnt",
  oracle: "right tokens learnt, wrong ones unlearnt, by who knows which are wrong",
};

interface Settings extends NoisySpellingSize {
  steps: number;
  batchSize: number;
  learningRates: number[];
}

const settings: Settings = {
  layers: 1,
  width: 48,
  known: 1000,
  pretraining: 25,
  reference: 1200,
  main: 1200,
  test: 500,
  wrong: 0.3,
  steps: 250,
  batchSize: 32,
  learningRates: [4e-3, 8e-3, 1.6e-2],
};

const claim = (id: string, baseline: string, statement: string) => ({
  id,
  statement,
  rule: "The difference of the phoneme error rate, paired by seed. Supports if its 95 % interval lies below 0, contradicts if it lies above 0, else inconclusive.",
  comparisons: [{ metric: "phoneme error rate", method: "forgetting", baseline, better: "lower" as const }],
});

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      width: 16,
      known: 40,
      pretraining: 2,
      reference: 30,
      main: 30,
      test: 30,
      steps: 3,
      batchSize: 8,
      learningRates: [8e-3],
      seeds: 2,
    },
    default: { ...settings, seeds: 5 },
    full: {
      ...settings,
      layers: 2,
      width: 128,
      known: 4000,
      pretraining: 100,
      reference: 4000,
      main: 8000,
      test: 1500,
      steps: 2000,
      batchSize: 64,
      learningRates: [5e-4, 1e-3, 2e-3, 4e-3],
      seeds: 20,
    },
  },
  metrics: {
    "phoneme error rate": "edits a phoneme between the likeliest readings and the dictionary, on new words",
    "words right": "share of new words whose likeliest reading is the dictionary's",
    "noise loss": "cross-entropy of the wrong phonemes of fine-tuning after it, mean, nats",
    precision: "share of negative tokens that are wrong; 0 where none is negative",
    recall: "share of wrong tokens that are negative",
  },
  curves: { loss: { x: "step", y: "fine-tuning loss, nats" } },
  claims: [
    claim("all-tokens", "allTokens", "It reads new words better than fine-tuning on all tokens."),
    claim("ignoring", "ignoring", "Unlearning the negative tokens does better than leaving them out."),
  ],
  distance:
    "The paper tunes LLaMA and other models of 1 to 13 billion weights on 50,000 instructions for one epoch, with a reference tuned on 10,000; here a model of about 0.03 million weights sees 1,200 words six to seven times, of whose phonemes 30 % were replaced by others.",
  async run({ arm, seed, settings, report, signal }) {
    const all = await bestRate("allTokens", settings, signal);
    const rates = { all, own: await bestRate(arm, settings, signal) };
    return tuned(arm, settings, seed, rates, signal, report);
  },
});

/** Peak learning rates: of fine-tuning on all tokens, which the reference takes over, and of the arm. */
interface Rates {
  all: number;
  own: number;
}

async function bestRate(arm: string, settings: Settings, signal: AbortSignal): Promise<number> {
  const all = arm === "allTokens" ? undefined : await bestRate("allTokens", settings, signal);
  const key = { study: "forgetting-negative-tokens", arm, settings };
  return chooseOnce(key, settings.learningRates, async (own) => {
    const rates = { all: all ?? own, own };
    return -(await tuned(arm, settings, TUNING_SEED, rates, signal))["phoneme error rate"]!;
  });
}

/** Of each token of the main set: 1 where it is learnt. */
const byInfluence = remember(async (settings: Settings, learningRate: number, seed: number) => {
  const { steps: all, batchSize } = settings;
  const task = await noisySpelling(sizeOf(settings), seed);
  const { base, reference: words, main } = task;
  // As many epochs as the arms take.
  const steps = Math.max(1, Math.round((all * words.length) / main.length));
  const tuning = { words, weight: () => 0, steps, batchSize, learningRate, seed };
  const tuned = await tuneSigned(task, settings, tuning);
  const before = await readingLosses(settings, base, main);
  const after = await readingLosses(settings, tuned, main);
  return partitionTokens(
    before.map((losses, i) => influenceScores(losses, after[i]!)),
    { positiveShare: POSITIVE },
  );
});

/** Of each token of a word, its end included, whether it is wrong. */
const flags = ({ wrong }: NoisyWord) => [...wrong, false];

async function split(
  arm: string,
  settings: Settings,
  main: readonly NoisyWord[],
  rate: number,
  seed: number,
) {
  if (arm === "allTokens") return undefined;
  if (arm === "oracle") return main.map((word) => flags(word).map((wrong) => (wrong ? 0 : 1)));
  return byInfluence(settings, rate, seed);
}

async function tuned(
  arm: string,
  settings: Settings,
  seed: number,
  rates: Rates,
  signal: AbortSignal,
  report?: Report,
): Promise<Record<string, number>> {
  const { steps, batchSize } = settings;
  const task = await noisySpelling(sizeOf(settings), seed);
  const { main, policy, test } = task;
  const positive = await split(arm, settings, main, rates.all, seed);
  const unlearns = arm === "forgetting" || arm === "oracle";
  const [first, last] = WEIGHTS;
  const params = await tuneSigned(task, settings, {
    words: main,
    positive,
    weight: (step) => (unlearns ? first + ((last - first) * step) / steps : 0),
    steps,
    batchSize,
    learningRate: rates.own,
    seed,
    signal,
    onStep: (step, loss) => {
      report?.progress(step / steps);
      report?.point("loss", step, loss);
    },
  });
  const readings = await readAloud(policy, params, test);
  const errors = phonemeErrorRate(readings, test);
  if (!report) return { "phoneme error rate": errors };

  const losses = await readingLosses(settings, params, main);
  const tokens = main.flatMap((word, i) =>
    flags(word).map((wrong, j) => ({
      kind: wrong ? "wrong phoneme" : j < word.phonemes.length ? "right phoneme" : "end",
      negative: positive?.[i]?.[j] === 0,
      loss: losses[i]![j]!,
    })),
  );
  report.table("tokens", {
    caption:
      "Tokens of fine-tuning by kind: how many are negative, and their cross-entropy after fine-tuning.",
    columns: ["kind", "tokens", "negative, %", "loss, nats"],
    rows: ["right phoneme", "wrong phoneme", "end"].map((kind) => {
      const own = tokens.filter((token) => token.kind === kind);
      return [
        kind,
        own.length,
        Math.round(100 * negativeShare(own)),
        round(mean(own.map(({ loss }) => loss))),
      ];
    }),
  });
  const wrong = tokens.filter(({ kind }) => kind === "wrong phoneme");
  return {
    "phoneme error rate": errors,
    "words right": mean(readings.map((reading, i) => Number(`${reading}` === `${test[i]!.phonemes}`))),
    "noise loss": mean(wrong.map(({ loss }) => loss)),
    precision: mean(
      tokens.filter(({ negative }) => negative).map(({ kind }) => Number(kind === "wrong phoneme")),
    ),
    recall: negativeShare(wrong),
  };
}

/** What the task depends on: without learning rates, so that all of tuning shares it. */
const sizeOf = ({ steps: _, batchSize: __, learningRates: ___, ...size }: Settings): NoisySpellingSize =>
  size;

const mean = (xs: readonly number[]) => xs.reduce((sum, x) => sum + x, 0) / Math.max(1, xs.length);
const negativeShare = (tokens: readonly { negative: boolean }[]) =>
  mean(tokens.map(({ negative }) => Number(negative)));
const round = (x: number) => Math.round(100 * x) / 100;
