import { confusionCounts, fromConfusion } from "nearmiss/metrics";
import {
  type NegationPair,
  negationPairs,
  notParityRule,
  type SentenceKind,
  sentenceKinds,
  tokenOverlapRule,
} from "nearmiss/negation";
import { random } from "nearmiss/random";
import { mean } from "nearmiss/stats";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { noWorseBy } from "../decide.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import { judgements, judgeOf, trainJudge } from "../tasks/negation.ts";

export const card: Card = {
  number: 146,
  slug: "xnot360",
  title: "A negation detection assessment of GPTs: analysis with the xNot360 dataset",
  year: 2023,
  family: "negation",
  kind: "benchmark",
  arxiv: "2306.16638",
  link: "https://arxiv.org/abs/2306.16638",
  summary:
    "A test set of 360 sentence pairs asks whether the second sentence is the logical negation of the first, with half of the pairs positive. The pairs come from templates under classical logic and include traps such as negating both parts of a conditional. GPT models answer yes or no zero-shot, and accuracy, precision, recall and F1 are compared.",
  claim:
    "Zero-shot negation detection differs widely in accuracy between GPT generations and stays well short of perfect. Conditionals and other compound forms should be harder than simple sentences if models follow negation words and not meaning.",
  formula: String.raw`\text{label}(\phi,\psi)=\mathbf 1\big[\psi\equiv\neg\phi\big],\qquad \neg(A\to B)\equiv A\land\neg B\not\equiv\neg A\to\neg B`,
  exports: [
    "negation/logic: isNegation",
    "negation/logic: equivalent",
    "negation/logic: render",
    "negation/negation-pairs: negationPairs",
    "negation/negation-pairs: notParityRule",
    "negation/negation-pairs: tokenOverlapRule",
  ],
  notes: [
    "The sentences are written anew from formulas, and every label is computed: over all truth values of the clauses, and over all sets of combinations of properties that a crowd can show, which is exact for sentences that do not count.",
    "Negations and others come in twins with as many negation words modulo 2, so that a rule that counts them is right on exactly half of the pairs of each kind. All forms of a quantified or atomic sentence's negation differ from it by an odd number, so that their traps are odd too.",
    "That accuracy differs between generations of GPT is not tested. Tested is whether a model that has learnt negation on easy pairs follows meaning or negation words. Easy are outer negations, double negations, paraphrases and sentences about something else, of all kinds, so that no word of the test is new.",
    "Test sentences use the words of the training sentences in other combinations: a model trained from nothing has no vectors for words that it has not read.",
    "At the default scale both transformers share one learning rate, chosen before on a seed that the study does not use; they differ in what they are trained on alone. There, 400 steps had not been enough for either to learn which clauses are the same.",
    "The study leaves out sentences with if and only if, which negationPairs can make: their negations are the longest texts by far.",
    "In the default run the model that has learnt easy pairs is right on 81 % of simple and 66 % of compound sentences. It does not count negation words: it judges as that rule does on 54 % of the pairs, and it does worst on conjunctions, whose negations without a leading not it has never seen.",
  ],
};

const easy = ["outer negation", "direct negation", "paraphrase", "double negation", "other clause"];

interface Settings {
  /** Names, and adjectives, that sentences are made of. */
  words: number;
  train: number;
  test: number;
  width: number;
  layers: number;
  steps: number;
  batchSize: number;
  learningRates: number[];
}

const settings: Settings = {
  words: 10,
  train: 3000,
  test: 360,
  width: 32,
  layers: 2,
  steps: 800,
  batchSize: 32,
  learningRates: [5e-3],
};

const rules: Record<string, (pair: NegationPair) => boolean> = {
  parityRule: notParityRule,
  overlapRule: (pair) => tokenOverlapRule(pair),
};

/** What a trained arm reads: training pairs, and others of the same sort to choose a rate by. */
const sorts: Record<string, { balanced: boolean; changes?: (change: string) => boolean }> = {
  easyTrained: { balanced: false, changes: (change) => easy.includes(change) },
  allTrained: { balanced: true },
};

/** Without "if and only if", whose negations make the longest texts. */
const kinds = sentenceKinds.filter((kind) => kind !== "biconditional");
const names = "ann bob carl dora emil fay gus hana ivo jane kurt lena".split(" ");
const adjectives = "tall proud calm rich young brave late happy loud clever tired kind".split(" ");

const pairsOf = (words: number, count: number, part: string, seed: number, sort = {}) =>
  negationPairs({
    count,
    kinds,
    random: random(seed).split("negation pairs").split(part),
    names: names.slice(0, words),
    adjectives: adjectives.slice(0, words),
    ...sort,
  });

/** Pairs of a seed and a model that knows all of their words. */
const world = remember(({ words, train, test, width, layers }: Settings, seed: number) => {
  const tested = pairsOf(words, test, "test", seed);
  const asked = new Set(tested.map(read));
  const parts = Object.fromEntries(
    Object.keys(sorts).map((arm) => [
      arm,
      {
        train: pairsOf(words, train, "train", seed, sorts[arm]).filter((pair) => !asked.has(read(pair))),
        validation: pairsOf(words, test, "validation", seed, sorts[arm]),
      },
    ]),
  );
  const texts = [
    ...tested,
    ...Object.values(parts).flatMap((part) => [...part.train, ...part.validation]),
  ].map(read);
  return { tested, parts, judge: judgeOf(texts, { width, layers }) };
}, 2);

const read = ({ first, second }: NegationPair) => `${first} | ${second}`;

export const study = defineStudy<Settings>({
  arms: {
    easyTrained: "a transformer trained on easy pairs of all kinds of sentences",
    allTrained: "the same, trained on all pairs, traps included",
    parityRule: "takes an odd number of negation words for a negation",
    overlapRule: "the same where the sentences share most of their other words",
  },
  scales: {
    smoke: {
      ...settings,
      train: 48,
      test: 48,
      width: 8,
      layers: 1,
      steps: 2,
      batchSize: 8,
      learningRates: [1e-3],
      seeds: 2,
    },
    default: { ...settings, seeds: 5 },
    full: {
      ...settings,
      train: 4000,
      words: 12,
      test: 3600,
      width: 64,
      layers: 4,
      steps: 4000,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 10,
    },
  },
  metrics: {
    accuracy: "fraction of the test pairs judged correctly, half of them negations",
    "simple accuracy": "the same for sentences of one clause",
    "compound accuracy": "the same for all other kinds, mean of the kinds",
    drop: "simple minus compound accuracy",
    ...Object.fromEntries(kinds.map((kind) => [`accuracy, ${kind}`, "fraction judged correctly"])),
    precision: "of the pairs judged negations, fraction that are",
    recall: "of the negations, fraction judged so",
    F1: "harmonic mean of the two",
    "agreement with parity": "fraction of the pairs judged as by the number of negation words",
  },
  curves: { "training loss": { x: "step", y: "cross-entropy, nats" } },
  claims: [
    {
      id: "compound",
      statement:
        "A model that has learnt negation on easy pairs falls behind on compound sentences and stays below 80 % in all.",
      rule: "The drop from simple to compound sentences minus that of the rule that counts negation words, which is 0, and the accuracy minus that of the rule, which is 0.5, paired by seed. Supports if the 95 % interval of the former lies above 0 and that of the latter below 0.3, contradicts if the former lies below 0 or the latter above 0.3, else inconclusive.",
      comparisons: [
        { metric: "drop", method: "easyTrained", baseline: "parityRule", better: "higher" },
        { metric: "accuracy", method: "easyTrained", baseline: "parityRule", better: "higher" },
      ],
      decide: ([drop, accuracy]) => {
        if (drop!.low > 0 && accuracy!.high < 0.3) return "supports";
        return drop!.high < 0 || accuracy!.low > 0.3 ? "contradicts" : "inconclusive";
      },
    },
    {
      id: "traps",
      statement:
        "That is not for want of capacity: trained on all pairs, the same model is more than 10 points better on compound sentences.",
      rule: "The difference of the compound accuracy, paired by seed. Supports if its 95 % interval lies above 0.1, contradicts if below, else inconclusive.",
      comparisons: [
        { metric: "compound accuracy", method: "allTrained", baseline: "easyTrained", better: "higher" },
      ],
      decide: noWorseBy(-0.1),
    },
  ],
  distance:
    "The paper asks GPT-2 to GPT-4 without examples about 360 pairs. Here a transformer of about 30,000 weights learns from nothing what negation is, on 3,000 pairs in stiff sentences about ten people and six trades, and is asked 360 others. It says nothing about GPT models.",
  async run({ arm, seed, settings, report, signal }) {
    const { tested } = world(settings, seed);
    const answers = rules[arm] ? tested.map(rules[arm]) : await judged();
    const right = (kind: SentenceKind) =>
      mean(tested.flatMap((pair, i) => (pair.kind === kind ? [Number(pair.isNegation === answers[i])] : [])));
    const byKind = kinds.map((kind) => [kind, right(kind)] as const);
    const compound = mean(byKind.slice(1).map(([, accuracy]) => accuracy));
    const counts = confusionCounts(
      answers.map(Number),
      tested.map(({ isNegation }) => Number(isNegation)),
    );
    const changes = [...new Set(tested.map(({ kind, change }) => `${kind}: ${change}`))].sort();
    report.table("by change", {
      caption: "How the second sentence comes from the first, and the fraction judged correctly",
      columns: ["change", "is a negation", "pairs", "correct"],
      rows: changes.map((name) => {
        const own = tested.flatMap((pair, i) =>
          `${pair.kind}: ${pair.change}` === name ? [{ pair, answer: answers[i]! }] : [],
        );
        const correct = mean(own.map(({ pair, answer }) => Number(pair.isNegation === answer)));
        return [name, own[0]!.pair.isNegation ? "yes" : "no", own.length, correct];
      }),
    });
    return {
      accuracy: mean(byKind.map(([, accuracy]) => accuracy)),
      "simple accuracy": byKind[0]![1],
      "compound accuracy": compound,
      drop: byKind[0]![1] - compound,
      ...Object.fromEntries(byKind.map(([kind, accuracy]) => [`accuracy, ${kind}`, accuracy])),
      precision: fromConfusion("precision", counts),
      recall: fromConfusion("recall", counts),
      F1: fromConfusion("fBeta", counts),
      "agreement with parity": mean(tested.map((pair, i) => Number(notParityRule(pair) === answers[i]))),
    };

    async function judged(): Promise<boolean[]> {
      const train = async (of: number, learningRate: number, live: boolean) => {
        const { judge, parts } = world(settings, of);
        const weights = await trainJudge({
          ...settings,
          judge,
          examples: parts[arm]!.train.map((pair) => ({ text: read(pair), label: pair.isNegation })),
          learningRate,
          seed: of,
          signal,
          onStep: (step, steps, loss) => {
            if (!live) return;
            report.progress(step / steps);
            report.point("training loss", step, loss);
          },
        });
        return (pairs: readonly NegationPair[]) => judgements(judge, weights, pairs.map(read));
      };
      const learningRate = await chooseOnce(["xnot", arm, settings], settings.learningRates, async (rate) => {
        const { validation } = world(settings, TUNING_SEED).parts[arm]!;
        const told = await (await train(TUNING_SEED, rate, false))(validation);
        return mean(validation.map(({ isNegation }, i) => Number(isNegation === told[i])));
      });
      return (await train(seed, learningRate, true))(tested);
    }
  },
});
