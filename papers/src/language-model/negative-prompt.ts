import { relativeGain } from "nearmiss/metrics";
import { expectedMaximum, mean, standardDeviation } from "nearmiss/stats";
import { words } from "nearmiss/text";
import type { Card } from "../card.ts";
import { defineStudy } from "../study.ts";
import {
  type Feeling,
  type FollowerSize,
  scoreWith,
  stimuli,
  trainFollower,
  wordNorms,
} from "../tasks/stimulus-prompts.ts";

export const card: Card = {
  number: 118,
  slug: "negative-prompt",
  title:
    "NegativePrompt: Leveraging Psychology for Large Language Models Enhancement via Negative Emotional Stimuli",
  year: 2024,
  family: "language-model",
  kind: "benchmark",
  arxiv: "2405.02814",
  link: "https://arxiv.org/abs/2405.02814",
  code: "https://github.com/wangxu0820/NegativePrompt",
  summary:
    "Ten sentences with negative emotional content, based on cognitive dissonance, social comparison and stress theory, are appended one at a time to a task instruction. Language models answer instruction-induction and BIG-Bench items with and without the sentence, in zero-shot and few-shot form. The influence of single words on the answer is read from gradient norms.",
  claim:
    "Appending a negative emotional sentence raises task scores over the plain instruction, with a reported relative gain of 12.9% on instruction induction and 46% on BIG-Bench tasks. If emotion is the cause, the mean score over the ten sentences must also exceed that of neutral suffixes of equal length.",
  formula: String.raw`\text{gain}=\frac{\bar s_{NP}-s_0}{s_0},\qquad \bar s_{NP}=\frac1{10}\sum_{j=1}^{10}s_{NP_j}`,
  exports: [
    "metrics/relative-gain: relativeGain",
    "stats/expected-maximum: expectedMaximum",
    "diagnostics/input-gradient-norms: inputGradientNorms",
  ],
  notes: [
    "The ten negative, neutral and positive sentences are our own, on the paper's themes, with equal numbers of words one by one, and equally many of these that occur in instructions and items. In a first default run the latter was not so: the neutral sentences held words of the instructions such as two and second, and negative ones came out 0.3 points better (95 % interval 0.1 to 0.6), which this model cannot owe to emotion. The intervals are over models, not over sentences.",
    "The model knows the words of all sentences, but as words in random order that say nothing about the answer. It has no notion of emotion: that it finds no difference says nothing about large models. What the study adds is the control with neutral sentences, which the paper lacks, and which any model can be put through.",
    "The official code draws test items and demonstrations without a seed, so that where there are more than 100 items the plain instruction and each sentence are scored on different ones; here all are scored on the same.",
    "The official code joins the sentence to the instruction without a space. Few-shot prompts and BIG-Bench are left out.",
    "The best of ten sentences, chosen on the test items, is shown beside what ten numbers with their mean and deviation would give by chance.",
    "In the default run any sentence behind the instruction costs 3 points, negative or not; and the best of ten is as good as chance lets it be.",
  ],
};

interface Settings extends FollowerSize {
  /** Of each of eight instructions. */
  items: number;
}

const size = { width: 48, layers: 2, learningRate: 3e-3 };

export const study = defineStudy<Settings>({
  arms: {
    negative: "ten negative sentences, one at a time behind the instruction",
    plain: "the instruction alone",
    neutral: "ten sentences without feeling, as long as the negative ones",
    positive: "ten encouraging sentences, as long as the negative ones",
  },
  scales: {
    smoke: { ...size, width: 16, layers: 1, steps: 5, items: 2, seeds: 2 },
    default: { ...size, steps: 400, items: 40, seeds: 8 },
    full: { ...size, width: 96, layers: 3, steps: 3000, items: 200, seeds: 20 },
  },
  metrics: {
    accuracy: "share of items answered rightly, mean over the sentences",
    "relative gain": "the change of accuracy over the plain instruction, as a share of it",
    "best sentence": "accuracy with the sentence that is best on these same items",
    "best by chance":
      "mean and deviation of the ten accuracies, as the mean of the largest of ten normal numbers would have it",
  },
  curves: { "training loss": { x: "step", y: "loss, nats a token" } },
  claims: [
    {
      id: "gain",
      statement: "A negative sentence behind the instruction raises accuracy.",
      rule: "The difference of the mean accuracy over ten sentences to that of the plain instruction, paired by seed. Supports if its 95 % interval lies above 0, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "accuracy", method: "negative", baseline: "plain", better: "higher" }],
    },
    {
      id: "emotion",
      statement: "Negative sentences raise accuracy more than neutral ones of equal length.",
      rule: "As above, with the mean over ten neutral sentences.",
      comparisons: [{ metric: "accuracy", method: "negative", baseline: "neutral", better: "higher" }],
    },
  ],
  distance:
    "The paper asks Flan-T5, Vicuna, Llama 2, ChatGPT and GPT-4 to do 45 tasks; here a model of 70,000 weights, trained on 13,000 made-up prompts and on no text, follows 8 instructions whose answer is one word.",
  async run({ arm, seed, settings, report, signal }) {
    const params = await trainFollower(settings, seed, signal, (step, steps, loss) => {
      report.progress(step / steps);
      report.point("training loss", step, loss);
    });
    const scores = async (sentences: readonly string[]) => {
      const found: number[] = [];
      for (const sentence of sentences)
        found.push(await scoreWith(settings, params, sentence, { seed, items: settings.items }));
      return found;
    };
    const [plain] = (await scores([""])) as [number];
    const each = arm === "plain" ? [plain] : await scores(stimuli[arm as Feeling]);
    const accuracy = mean(each);
    if (arm === "negative") {
      const sentence = stimuli.negative[0];
      const norms = await wordNorms(settings, params, sentence, seed);
      report.table("gradient norms", {
        caption: "How strongly each word of the first negative sentence moves the answer's log-probability.",
        columns: ["word", "gradient norm"],
        rows: words(sentence).map((word, i) => [word, norms[i]!]),
      });
    }
    return {
      accuracy,
      "relative gain": relativeGain(accuracy, plain) ?? 0,
      "best sentence": Math.max(...each),
      "best by chance":
        accuracy + (each.length > 1 ? expectedMaximum(each.length, standardDeviation(each)) : 0),
    };
  },
});
