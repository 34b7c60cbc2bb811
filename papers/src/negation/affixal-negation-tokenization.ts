import { affixalPairs, negativeAffixes, nonceWords, segmentationCategory } from "nearmiss/negation";
import { random } from "nearmiss/random";
import { type FourfoldTable, mean, stratifiedOddsRatio } from "nearmiss/stats";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { noWorseBy } from "../decide.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  affixedWords,
  bytePairs,
  type Cut,
  judgeWords,
  type LabelledWord,
  learnMeanings,
  learnNegations,
  splitting,
  wordReader,
} from "../tasks/affixes.ts";

export const card: Card = {
  number: 163,
  slug: "affixal-negation-tokenization",
  title: "Revisiting subword tokenization: A case study on affixal negation in large language models",
  year: 2024,
  family: "negation",
  kind: "benchmark",
  arxiv: "2404.02421",
  link: "https://arxiv.org/abs/2404.02421",
  code: "https://github.com/joey234/affixal-negation",
  summary:
    "The study asks whether subword tokenizers isolate the negative affix in words such as unhappy or careless, and whether that matters. Each word is labelled as correctly, under- or over-segmented for each tokenizer, on about 2,100 affixal negations and a similar number of non-negated counterparts. Models then classify the words as negated or not, and sentiment is tested on sentences that contain them.",
  claim:
    "Subword tokenizers often fail to separate the negative affix from its stem. Models nevertheless recognise most affixal negations, so the correctness of the tokenization is only loosely related to the accuracy of negation detection.",
  formula: String.raw`\operatorname{acc}(c)=\Pr\big(\hat y(w)=y(w)\,\big|\,\operatorname{seg}(w)=c\big),\qquad c\in\{\text{correct},\text{under},\text{over}\}`,
  exports: [
    "negation/affixes: affixalPairs",
    "negation/affixes: pseudoAffixWords",
    "negation/affixes: nonceWords",
    "negation/affixes: segmentationCategory",
    "stats/stratified-odds-ratio: stratifiedOddsRatio",
    "text/bpe: trainBpe",
  ],
  notes: [
    "The paper's words that are not negated are the counterparts of the negations, which a rule on the string tells apart. Here they are words that begin or end like a negation but are none, as many for each affix, so that such a rule is right on half of them.",
    "In the public code an affix counts as found where any token equals it, and a word that is one token counts as correct in one script and as under-segmented in the analysis. Here the token must stand at the affix's end of the word, and a word of one token is a category of its own.",
    "The public code cuts words as they begin a text; here they are cut as after a space, as they stand in sentences.",
    "Frequent words are single tokens and also better known. The study therefore compares the same words under two tokenizers, and reports the odds ratio within a tokenizer by affix.",
    "Always splitting what looks like an affix does not tell negations from look-alikes by itself: it splits un from uncle, too. A tokenizer that splits negations alone would give the answer away, and is left out.",
    "WordPiece and unigram tokenizers, hyphenated forms and sentiment are left out.",
    "Tried beforehand on two seeds that the study does not use: without learning from definitions all models were right on 66 to 71 % of the words. They learn from definitions at one rate, and choose the one for negations.",
    "In the default run a third of the negations keep no token for their affix. The model that reads such tokens is right on 74 % of the words, short of the 80 % asked for; always splitting makes 76 %, letters 69 %. Five seeds are too few to tell the first two apart within 5 points.",
  ],
};

interface Settings {
  /** Tokens of the byte-pair encoding. */
  large: number;
  /** Every which definition they learn from. */
  every: number;
  perAffix: number;
  testShare: number;
  width: number;
  layers: number;
  meaningSteps: number;
  steps: number;
  batchSize: number;
  meaningRate: number;
  learningRates: number[];
}

const cuts: Record<string, (settings: Settings) => Cut> = {
  bpe: ({ large, every }) => bytePairs(large, every),
  split: ({ large, every }) => splitting(bytePairs(large, every)),
  characters: () => (word) => [...word],
};

const settings: Settings = {
  large: 8000,
  every: 4,
  perAffix: 400,
  testShare: 0.4,
  width: 32,
  layers: 1,
  meaningSteps: 400,
  steps: 150,
  batchSize: 64,
  meaningRate: 5e-3,
  learningRates: [1e-3, 3e-3],
};

export const study = defineStudy<Settings>({
  arms: {
    bpe: "reads words as byte-pair encoding with 8,000 tokens cuts them",
    split: "whatever looks like a negative affix is a token, the rest is cut as by bpe",
    characters: "reads letters",
    stringRule: "takes every word that looks so for a negation; nothing is trained",
  },
  scales: {
    smoke: {
      ...settings,
      large: 400,
      every: 100,
      perAffix: 20,
      width: 8,
      meaningSteps: 2,
      steps: 2,
      learningRates: [1e-3],
      seeds: 2,
    },
    default: { ...settings, seeds: 5 },
    full: {
      ...settings,
      every: 1,
      width: 64,
      layers: 2,
      meaningSteps: 1000,
      steps: 400,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 10,
    },
  },
  metrics: {
    accuracy: "fraction of the test words told right, negations and look-alikes counting half each",
    recall: "fraction of the test negations recognised",
    "recall, not separated":
      "the same of the test negations whose affix byte-pair encoding does not separate",
    "not separated": "fraction of all negations whose affix is no token of its own",
    "nonce words": "fraction of invented words with a negative affix that are taken for negations",
  },
  curves: { "training loss": { x: "step", y: "cross-entropy, nats" } },
  claims: [
    {
      id: "segmentation",
      statement: "A subword tokenizer fails to separate the affix of more than a quarter of the negations.",
      rule: "The share that byte-pair encoding with 8,000 tokens does not separate, minus that of the tokenizer that always splits, which is 0. Supports if its 95 % interval lies above 0.25, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "not separated", method: "bpe", baseline: "split", better: "higher" }],
      decide: noWorseBy(-0.25),
    },
    {
      id: "recognition",
      statement:
        "A model that reads such tokens nevertheless tells negations from look-alikes, with more than 80 % right.",
      rule: "The difference of the accuracy to the string rule, which is right on half, paired by seed. Supports if its 95 % interval lies above 0.3, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "accuracy", method: "bpe", baseline: "stringRule", better: "higher" }],
      decide: noWorseBy(-0.3),
    },
    {
      id: "loosely-related",
      statement:
        "Separating the affix would not help by more than 5 points, neither in all nor on the negations whose affix was not separated.",
      rule: "The differences of the accuracy and of the recall on negations that byte-pair encoding does not separate, between the model that reads these tokens and the one whose tokenizer always splits, paired by seed. Supports if both 95 % intervals lie above −0.05, contradicts if one lies below, else inconclusive.",
      comparisons: ["accuracy", "recall, not separated"].map((metric) => ({
        metric,
        method: "bpe",
        baseline: "split",
        better: "higher",
      })),
      decide: noWorseBy(0.05),
    },
  ],
  distance:
    "The paper asks language models of up to 70 billion weights, which have read words of all sorts billions of times, without or with few examples, about 4,100 words. Here transformers of one layer and at most some 150,000 weights learn some 2,300 words from the words of their definitions, and then about 1,000 labelled ones. So small a model may depend on how words are cut far more than a large one does: a contradiction here does not refute the paper at its scale.",
  async run({ arm, seed, settings, report, signal }) {
    const { train, test } = affixedWords(settings.perAffix, settings.testShare, seed);
    const separated = separatedBy(settings, cuts[arm] ? arm : "bpe");
    const missed = separatedBy(settings, "bpe");
    const nonce = nonceWords({ count: 200, random: random(seed).split("nonce words") });
    const asked = [...test, ...nonce].map(({ word }) => word);
    const answers = cuts[arm] ? await answersOf(arm, seed, asked) : asked.map(() => true);

    const negations = test.flatMap((word, i) => (word.isNegation ? [{ ...word, found: answers[i]! }] : []));
    const recall = (wanted: (word: string) => boolean) =>
      mean(negations.filter(({ word }) => wanted(word)).map(({ found }) => Number(found)));
    if (cuts[arm]) report.table("by segmentation", segmentationTable(negations, cuts[arm](settings)));
    return {
      accuracy: balancedAccuracy(test, answers),
      recall: recall(() => true),
      "recall, not separated": recall((word) => !missed.has(word)),
      "not separated": 1 - separated.size / affixalPairs().length,
      "nonce words": mean(answers.slice(test.length).map(Number)),
    };

    async function answersOf(name: string, of: number, asked: readonly string[]) {
      const learningRate = await chooseOnce(
        ["affixes", name, settings],
        settings.learningRates,
        async (rate) => {
          const { train, test } = affixedWords(settings.perAffix, settings.testShare, TUNING_SEED);
          const { reader, weights } = await informed(name, settings, TUNING_SEED);
          const tuned = await learnNegations({
            ...settings,
            reader,
            weights,
            words: train,
            learningRate: rate,
            seed: TUNING_SEED,
            signal,
          });
          const told = await judgeWords(
            reader,
            tuned,
            test.map(({ word }) => word),
          );
          return balancedAccuracy(test, told);
        },
      );
      const { reader, weights } = await informed(name, settings, of);
      report.progress(0.5);
      const tuned = await learnNegations({
        ...settings,
        reader,
        weights,
        words: train,
        learningRate,
        seed: of,
        signal,
        onStep: (step, steps, loss) => {
          report.progress(0.5 + (0.5 * step) / steps);
          report.point("training loss", step, loss);
        },
      });
      return judgeWords(reader, tuned, asked);
    }
  },
});

function balancedAccuracy(words: readonly LabelledWord[], answers: readonly boolean[]): number {
  const shareRight = (of: boolean) =>
    mean(words.flatMap(({ isNegation }, i) => (isNegation === of ? [Number(answers[i] === of)] : [])));
  return (shareRight(true) + shareRight(false)) / 2;
}

/** A reader of one tokenizer that knows definitions, of the negations' counterparts too. */
const informed = remember(async (name: string, settings: Settings, seed: number) => {
  const { train, test } = affixedWords(settings.perAffix, settings.testShare, seed);
  const own = new Set([...train, ...test].map(({ word }) => word));
  const positives = affixalPairs().flatMap(({ word, positive }) => (own.has(word) ? [positive] : []));
  const words = [...new Set([...own, ...positives])];
  const reader = wordReader(cuts[name]!(settings), words, settings.width, settings.layers);
  const weights = await learnMeanings({
    ...settings,
    reader,
    words,
    steps: settings.meaningSteps,
    learningRate: settings.meaningRate,
    seed,
  });
  return { reader, weights };
}, 2);

/** The negations whose affix a tokenizer separates. */
const separatedBy = remember((settings: Settings, name: string): ReadonlySet<string> => {
  const cut = cuts[name]!(settings);
  const separated = affixalPairs().filter(
    ({ word, affix }) => segmentationCategory(cut(word), affix) === "separated",
  );
  return new Set(separated.map(({ word }) => word));
});

/** Recall by how a word is cut, and the odds ratio of being recognised when separated, within affixes. */
function segmentationTable(
  negations: readonly { word: string; affix: (typeof negativeAffixes)[number]; found: boolean }[],
  cut: Cut,
) {
  const kinds = ["separated", "whole", "under", "over"] as const;
  const all = negations.map((each) => ({ ...each, kind: segmentationCategory(cut(each.word), each.affix) }));
  const count = (wanted: (each: (typeof all)[number]) => boolean) => all.filter(wanted).length;
  const { estimate, low, high } = stratifiedOddsRatio(
    negativeAffixes.map((affix): FourfoldTable => {
      const cell = (separated: boolean, found: boolean) =>
        count((e) => e.affix === affix && (e.kind === "separated") === separated && e.found === found);
      return [cell(true, true), cell(true, false), cell(false, true), cell(false, false)];
    }),
  );
  return {
    caption: `How the affix of the test negations is cut, and how many are recognised. Odds ratio of being recognised if separated, within affixes: ${estimate.toFixed(2)} (95 % interval ${low.toFixed(2)} to ${high.toFixed(2)}).`,
    columns: ["affix", "words", "recognised"],
    rows: kinds.map((kind) => [
      kind,
      count((e) => e.kind === kind),
      count((e) => e.kind === kind && e.found),
    ]),
  };
}
