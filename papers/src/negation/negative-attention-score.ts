import { evaluate } from "nearmiss";
import type { CausalLanguageModelParams, Example } from "nearmiss/language";
import { alignHeads, type Head } from "nearmiss/negation";
import { type Adapters, lora } from "nearmiss/nn";
import { random } from "nearmiss/random";
import { median } from "nearmiss/stats";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { noWorseBy } from "../decide.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  allQuestions,
  answered,
  headScores,
  headTuner,
  learnYesNo,
  statementLoss,
  tuneAnswers,
  yesLogOdds,
  yesNoWorld,
  yesScores,
} from "../tasks/yes-no-questions.ts";

export const card: Card = {
  number: 172,
  slug: "negative-attention-score",
  title: "Correcting Negative Bias in Large Language Models through Negative Attention Score Alignment",
  year: 2024,
  family: "negation",
  kind: "diagnostic",
  arxiv: "2408.00137",
  link: "https://arxiv.org/abs/2408.00137",
  code: "https://github.com/ysw1021/NASA",
  summary:
    "The negative attention score rates each attention head by how much it looks at the two answer words in the instruction, times the log ratio of its attention to no against yes. Heads with the highest scores are taken as carriers of a bias towards no. NASA then tunes only the query and key projections of these heads, one head after another, with checks that stop or roll back.",
  claim:
    "In yes/no reasoning tasks language models lean to the answer no, so that yes has a precision far above its recall. The lean sits in a few heads that attend to the word no regardless of the question. Tuning only the query and key projections of those heads closes the gap between precision and recall without harming other abilities.",
  formula: String.raw`\operatorname{NAS}^{l,h}(x)=\sum_{i=p}^{T}\big(A^{l,h}_{i,t_Y}+A^{l,h}_{i,t_N}\big)\log\frac{A^{l,h}_{i,t_N}}{A^{l,h}_{i,t_Y}}`,
  exports: [
    "negation/negative-attention-score: negativeAttentionScore",
    "negation/align-heads: alignHeads",
    "negation/align-heads: headMask",
    "language/attention-maps: attentionMaps",
  ],
  notes: [
    "The authors' code could not be compared with: no copy of it was at hand. The score is summed from the first position behind the instruction to the last, a mean is taken over questions, and 1e-9 is added to each weight.",
    "The paper stops and rolls back by validation checks whose constants are not known here. A head is tuned for at most three rounds, until its score is no longer positive, and set back if validation accuracy falls by more than a point or the gap does not shrink.",
    "Every question is asked with yes and with no named first, in equal parts, so that the place of the words in the instruction does not count.",
    "The bias is made: 60 % of the questions in the training text have the answer no. All tuned models see the same questions: those with the answer yes that the model answers no, and as many that it rightly answers no.",
    "Random heads are drawn among the others and tuned by the same procedure. Rates are chosen by F1 on validation questions of a seed that the study does not use.",
    "Tried beforehand on a seed that the study does not use: rates from 0.01 to 0.2 move the scores of the two heads but hardly an answer, which is why the rates to choose from go up to 0.05. The score can also grow while a head learns the answers.",
    "The threshold on the log-odds of yes is the median over the validation questions, of which half are true: a correction that needs no tuning at all.",
    "In the default run tuning the two heads takes the gap from 0.52 to 0.18, random heads to 0.38; three seeds cannot tell these two apart. A threshold brings it to 0.02 with the same F1 (0.54) and without touching the weights, and tuning more weights on the same questions does better in F1 (LoRA 0.69, all weights 0.66) but forgets more of the questions that were taught.",
    "The scores of the tuned heads do not fall on the way: tuned on answers, a head may look at no even more. What closes the gap here is not the alignment of the score.",
  ],
};

interface Settings {
  countries: number;
  width: number;
  layers: number;
  steps: number;
  batchSize: number;
  learningRate: number;
  /** Share of the training questions that are true. */
  yesShare: number;
  /** How many heads are tuned. */
  heads: number;
  /** Rounds a head, and steps a round. */
  rounds: number;
  roundSteps: number;
  tuningBatch: number;
  /** Rates of the tuned arms. */
  tuningRates: number[];
}

const settings: Settings = {
  countries: 100,
  width: 48,
  layers: 2,
  steps: 700,
  batchSize: 64,
  learningRate: 5e-3,
  yesShare: 0.4,
  heads: 2,
  rounds: 3,
  roundSteps: 10,
  tuningBatch: 32,
  tuningRates: [1e-3, 1e-2, 5e-2],
};

const tunedArms = ["nasa", "randomHeads", "lora", "full"];

export const study = defineStudy<Settings>({
  arms: {
    nasa: "queries and keys of the two heads with the highest negative attention score are tuned",
    randomHeads: "the same with two other heads, drawn at random",
    lora: "corrections of rank 4 to the queries and keys of all heads are tuned",
    full: "all weights are tuned",
    threshold: "the model as it was, with another threshold on the log-odds of yes",
    before: "the model as it was",
  },
  scales: {
    smoke: {
      ...settings,
      countries: 8,
      width: 8,
      layers: 1,
      steps: 2,
      batchSize: 8,
      rounds: 1,
      roundSteps: 1,
      tuningBatch: 4,
      tuningRates: [1e-2],
      seeds: 2,
    },
    default: { ...settings, seeds: 3 },
    full: {
      ...settings,
      countries: 180,
      width: 128,
      layers: 4,
      steps: 2000,
      learningRate: 1e-3,
      heads: 4,
      tuningRates: [3e-4, 1e-3, 1e-2, 5e-2],
      seeds: 8,
    },
  },
  metrics: {
    "absolute gap":
      "|precision − recall| of yes on questions about facts that no training question asked for",
    precision: "of yes",
    recall: "of yes",
    F1: "of yes",
    accuracy: "fraction of these questions answered correctly, half of them true",
    "taught accuracy": "the same on questions about facts that training questions asked for",
    "statement loss": "mean negative log-likelihood of the objects of all facts as statements, nats",
    score: "negative attention score, mean over heads, summed over positions, nats",
    "largest score": "that of the head which had the highest one before tuning, nats",
  },
  curves: { F1: { x: "steps of tuning", y: "F1 of yes on validation questions" } },
  claims: [
    {
      id: "gap",
      statement:
        "Tuning the queries and keys of the heads with the highest scores brings precision and recall of yes closer, more so than tuning as many random heads.",
      rule: "The differences of |precision − recall|, paired by seed. Supports if both 95 % intervals lie below 0, contradicts if one lies above, else inconclusive.",
      comparisons: ["before", "randomHeads"].map((baseline) => ({
        metric: "absolute gap",
        method: "nasa",
        baseline,
        better: "lower",
      })),
    },
    {
      id: "harmless",
      statement: "Doing so raises the perplexity of statements by less than 2 %.",
      rule: "The difference of the statement loss, paired by seed. Supports if its 95 % interval lies below ln 1.02, contradicts if above, else inconclusive.",
      comparisons: [{ metric: "statement loss", method: "nasa", baseline: "before", better: "lower" }],
      decide: noWorseBy(Math.log(1.02)),
    },
  ],
  distance:
    "The paper corrects chat models of 7 billion weights and more, of whose thousand heads it tunes a few, on five sets of questions that take reasoning. Here a transformer with 8 heads and about 80,000 weights learns 400 facts and to answer questions about half of them; its lean to no comes from the training text and not from nature, and whether it sits in heads that look at the word no is left to training.",
  async run({ arm, seed, settings, report, signal }) {
    const rate = tunedArms.includes(arm)
      ? await chooseOnce(["negative attention", arm, settings], settings.tuningRates, async (candidate) => {
          const { params } = await tuned(arm, settings, TUNING_SEED, candidate);
          const { world, validation } = await biased(settings, TUNING_SEED);
          return yesScores(await yesLogOdds(world, params, validation), validation).F1;
        })
      : 0;
    signal.throwIfAborted();
    const { world, validation, test, taught, params: start, scores: before } = await biased(settings, seed);
    const { params } = await tuned(arm, settings, seed, rate, (step, F1) => report.point("F1", step, F1));
    report.progress(0.9);
    const threshold = arm === "threshold" ? median(await yesLogOdds(world, start, validation)) : 0;
    const found = yesScores(await yesLogOdds(world, params, test), test, threshold);
    const onTaught = yesScores(await yesLogOdds(world, params, taught), taught, threshold);
    const scores = await headScores(world, params, validation);
    const highest = ranked(before)[0]!;
    report.table("scores", {
      caption: "Negative attention score of each head on validation questions, before and after tuning",
      columns: ["block", "head", "before", "after"],
      rows: before.flatMap((row, block) =>
        row.map((score, head) => [block + 1, head + 1, score, scores[block]![head]!]),
      ),
    });
    const all = scores.flat();
    return {
      "absolute gap": Math.abs(found.gap),
      precision: found.precision,
      recall: found.recall,
      F1: found.F1,
      accuracy: found.accuracy,
      "taught accuracy": onTaught.accuracy,
      "statement loss": await statementLoss(world, params),
      score: all.reduce((sum, each) => sum + each, 0) / all.length,
      "largest score": scores[highest.block]![highest.head]!,
    };
  },
});

/** Heads by falling score. */
const ranked = (scores: readonly (readonly number[])[]): Head[] =>
  scores
    .flatMap((row, block) => row.map((score, head) => ({ block, head, score })))
    .sort((a, b) => b.score - a.score)
    .map(({ block, head }) => ({ block, head }));

/** A model that leans to no, its questions, and what it is tuned on. */
const biased = remember(async (settings: Settings, seed: number) => {
  const world = yesNoWorld(settings.countries, settings.width, settings.layers, seed);
  const params = await learnYesNo({ ...settings, world, seed });
  const root = random(seed).split("questions of use");
  const [tuning, validation, test, taught] = (["tuning", "validation", "test", "taught"] as const).map(
    (part) => allQuestions(world, world[part], root.split(part)),
  );
  const odds = await yesLogOdds(world, params, tuning!);
  const missed = tuning!.filter(({ isTrue }, i) => isTrue && odds[i]! <= 0);
  const anchors = tuning!.filter(({ isTrue }, i) => !isTrue && odds[i]! <= 0);
  const scores = await headScores(world, params, validation!);
  return {
    world,
    params,
    validation: validation!,
    test: test!,
    taught: taught!,
    scores,
    /** The batch of a step: questions wrongly and rightly answered "no", in equal parts. */
    batch: (step: number): Example[] => {
      const draw = root.split("batches").split(step);
      return Array.from({ length: settings.tuningBatch }, (_, row) => {
        const from = row % 2 === 0 ? missed : anchors;
        return answered(world, draw.choice(from.length > 0 ? from : tuning!));
      });
    },
  };
}, 2);

async function tuned(
  arm: string,
  settings: Settings,
  seed: number,
  learningRate: number,
  onCheck?: (step: number, F1: number) => void,
): Promise<{ params: CausalLanguageModelParams }> {
  const { world, params, validation, scores, batch } = await biased(settings, seed);
  if (!tunedArms.includes(arm)) return { params };
  const steps = settings.heads * settings.rounds * settings.roundSteps;
  if (arm === "full")
    return { params: await tuneAnswers({ params, modelOf: (p) => p, world, steps, learningRate, batch }) };
  if (arm === "lora") {
    const adapt = lora({ rank: 4, where: (path) => /attention\.(query|key)\.weight$/.test(path) });
    const modelOf = (adapters: Adapters) => adapt.apply(params, adapters);
    const start = adapt.init(params, random(seed).split("adapters"));
    const adapters = await tuneAnswers({ params: start, modelOf, world, steps, learningRate, batch });
    return { params: await evaluate(modelOf(adapters)) };
  }
  const order = ranked(scores);
  const chosen = order.slice(0, settings.heads).filter(({ block, head }) => scores[block]![head]! > 0);
  const heads =
    arm === "nasa"
      ? chosen
      : random(seed).split("random heads").shuffle(order.slice(settings.heads)).slice(0, settings.heads);
  const tune = headTuner(world, learningRate, batch);
  let taken = 0;
  return alignHeads({
    params,
    heads,
    rounds: settings.rounds,
    tune: (weights, head, round) => {
      taken = (round + 1) * settings.roundSteps;
      return tune(weights, head, taken - settings.roundSteps, taken);
    },
    measure: async (weights) => {
      const now = await headScores(world, weights, validation);
      const { gap, accuracy, F1 } = yesScores(await yesLogOdds(world, weights, validation), validation);
      onCheck?.(taken, F1);
      return { score: ({ block, head }) => now[block]![head]!, gap, accuracy };
    },
  });
}
