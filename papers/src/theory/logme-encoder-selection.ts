import { fromData, tensor, values } from "nearmiss";
import { logME } from "nearmiss/diagnostics";
import { solve } from "nearmiss/linalg";
import { softmaxCrossEntropy } from "nearmiss/losses";
import {
  accuracy,
  argMax,
  type EmbeddedItems,
  nearestNeighbourAccuracy,
  pearson,
  weightedTau,
} from "nearmiss/metrics";
import { mean, standardDeviation } from "nearmiss/stats";
import type { Card } from "../card.ts";
import { remember } from "../remember.ts";
import { defineStudy, type Metrics } from "../study.ts";
import { trainClassifier } from "../tasks/classification.ts";
import { encoderPool, textTask, textTasks } from "../tasks/encoder-pool.ts";
import { standardizer } from "../tasks/fixed-predictor.ts";

export const card: Card = {
  number: 153,
  slug: "logme-encoder-selection",
  title: "Evidence > Intuition: Transferability Estimation for Encoder Selection",
  year: 2022,
  family: "theory",
  kind: "score",
  arxiv: "2210.11255",
  link: "https://arxiv.org/abs/2210.11255",
  code: "https://github.com/thuml/LogME",
  summary:
    "To choose a pretrained encoder, its frozen features are computed on the task data and a Bayesian linear model is placed on top. LogME is the log evidence of the labels per sample, maximised over prior and noise precision by a fixed-point iteration after one SVD. Encoders are then ranked by this score before any fine-tuning.",
  claim:
    "LogME correlates positively with the performance reached after fine-tuning in 94% of the tested task setups. Choosing an encoder by the score gives better results than choosing by practitioners' intuition.",
  formula: String.raw`\mathrm{LogME}=\frac1N\max_{\alpha,\beta}\log\int\mathcal N(w;0,\alpha^{-1}I)\,\mathcal N(y;Fw,\beta^{-1}I)\,dw`,
  exports: [
    "diagnostics/logme: logME",
    "metrics/weighted-tau: weightedTau",
    "metrics: nearestNeighbourAccuracy",
  ],
  notes: [
    "The authors' released fixed point stops after eleven rounds, and where there are fewer examples than features it leaves a term out of the evidence, (d - n)/2 ln α; The library finds the exact maximum and reproduces the code with compat: true. The study's encoders have fewer features than examples, where both agree.",
    "Practitioners' intuition is replaced by two rules: the widest encoder, and the one fitted on the most text. Of encoders that a rule does not tell apart, the mean accuracy counts.",
    "An encoder's worth is the test accuracy of a small network on its frozen features; nothing is fine-tuned through the encoder.",
    "Encoders are the same for all seeds; seeds draw the tasks' examples and the heads' weights. The intervals are thus for this pool of ten encoders.",
  ],
};

const arms = {
  logME: "maximum evidence of the labels, for each example",
  probe: "accuracy of a least-squares classifier fitted on half of the training examples, on the other half",
  neighbours: "accuracy of the nearest neighbours, likewise",
  widest: "number of features",
  mostText: "words of the corpus that the encoder was fitted on",
  random: "no score: correlation 0, and the mean encoder",
};

interface Settings {
  /** Of each corpus, for fitting the encoders. */
  documents: number;
  train: number;
  test: number;
  epochs: number;
}

const measures = {
  correlation: "Pearson's correlation of score and accuracy over the encoders, mean of the tasks",
  "weighted tau": "rank correlation of score and accuracy in which the top counts most, mean of the tasks",
  regret: "accuracy of the best encoder minus that of the encoder with the highest score, mean of the tasks",
  ...Object.fromEntries(
    textTasks.map((task) => [`correlation, ${task}`, "Pearson's correlation over the encoders"]),
  ),
  ...Object.fromEntries(
    textTasks.map((task) => [`best accuracy, ${task}`, "share of test examples, best encoder"]),
  ),
};

const settings = { documents: 4000, train: 600, test: 1000, epochs: 15 };

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: { documents: 100, train: 60, test: 100, epochs: 1, seeds: 1 },
    default: { ...settings, seeds: 5 },
    full: { documents: 20_000, train: 1500, test: 2000, epochs: 30, seeds: 20 },
  },
  metrics: measures,
  curves: {
    "accuracy by score": { x: "score, standardised", y: "test accuracy, supersense of a definition" },
  },
  claims: [
    {
      id: "correlation",
      statement: "LogME correlates positively with the accuracy of a trained head in nearly all tasks.",
      rule: "Supports if the 95 % interval of the correlation lies above 0 in at least three of the four tasks and below 0 in none, contradicts if it lies below 0 in two or more, else inconclusive.",
      comparisons: textTasks.map((task) => ({
        metric: `correlation, ${task}`,
        method: "logME",
        baseline: "random",
        better: "higher" as const,
      })),
      decide(effects) {
        const negative = effects.filter(({ high }) => high < 0).length;
        if (negative >= 2) return "contradicts";
        return negative === 0 && effects.filter(({ low }) => low > 0).length >= 3
          ? "supports"
          : "inconclusive";
      },
    },
    {
      id: "intuition",
      statement: "The encoder with the highest LogME is more accurate than those that intuition picks.",
      rule: "The paired difference in regret. Supports if its 95 % interval lies below 0 against the widest encoder and against the one with the most text, contradicts if it lies above 0 against one, else inconclusive.",
      comparisons: ["widest", "mostText"].map((baseline) => ({
        metric: "regret",
        method: "logME",
        baseline,
        better: "lower" as const,
      })),
    },
  ],
  distance:
    "The paper ranks seven pretrained language models on ten tasks against twelve practitioners, with heads alone and with full fine-tuning; here ten static encoders of 16 or 64 features are ranked on four classifications of texts with 600 training examples each, with heads alone.",
  async run({ arm, seed, settings, report, signal }) {
    const metrics: Metrics = Object.fromEntries(Object.keys(measures).map((metric) => [metric, 0]));
    for (const [index, task] of textTasks.entries()) {
      signal.throwIfAborted();
      const judged = await judge(task, settings, seed);
      const accuracies = judged.map(({ worth }) => worth);
      const best = Math.max(...accuracies);
      const scores = judged.map(({ scores }) => scores[arm] ?? 0);
      const random = arm === "random";
      const top = Math.max(...scores);
      const chosen = accuracies.filter((_, i) => scores[i] === top);
      metrics[`correlation, ${task}`] = random ? 0 : pearson(scores, accuracies);
      metrics[`best accuracy, ${task}`] = best;
      metrics.correlation! += metrics[`correlation, ${task}`]! / textTasks.length;
      metrics["weighted tau"]! += (random ? 0 : weightedTau(scores, accuracies)) / textTasks.length;
      metrics.regret! += (best - mean(chosen)) / textTasks.length;
      report.progress((index + 1) / textTasks.length);
      if (task !== "supersense of a definition") continue;
      const spread = standardDeviation(scores) || 1;
      const order = scores.map((_, i) => i).sort((i, j) => scores[i]! - scores[j]!);
      for (const i of order)
        report.point("accuracy by score", (scores[i]! - mean(scores)) / spread, accuracies[i]!);
    }
    return metrics;
  },
});

interface Judged {
  scores: Record<string, number>;
  /** Test accuracy of a trained head. */
  worth: number;
}

/** Every encoder's scores and worth on a task; all arms of a seed read the same. */
const judge = remember(async (name: string, settings: Settings, seed: number): Promise<Judged[]> => {
  const { documents, train: count, test: testCount, epochs } = settings;
  const { classes, train, test } = textTask(name, { train: count, test: testCount, seed });
  const judged: Judged[] = [];
  for (const { width, text, encode } of encoderPool(documents)) {
    const [x, testX] = [encode(train.texts), encode(test.texts)];
    const half = Math.floor(count / 2);
    const part = (from: number, to: number) => ({
      // A text without any known word has no direction; this gives it one.
      embeddings: x.slice(from * width, to * width).map((value) => value + 1e-9),
      labels: train.labels.subarray(from, to),
    });
    const scores = {
      logME: logME(fromData(x, [count, width]), fromData(train.labels, [count])),
      probe: probe(part(0, half), part(half, count), width, classes),
      neighbours: nearestNeighbourAccuracy(part(0, half), part(half, count), { k: 5, vote: "majority" }),
      widest: width,
      mostText: text,
    };
    const scale = standardizer(x, width);
    const [own, other] = [
      { x: scale(x), labels: train.labels },
      { x: scale(testX), labels: test.labels },
    ];
    const predict = await trainClassifier({
      task: { inputs: width, classes, hidden: [32], train: own, validation: other, test: other },
      loss: softmaxCrossEntropy,
      learningRate: 3e-3,
      epochs,
      batchSize: 50,
      seed,
    });
    judged.push({ scores, worth: accuracy(argMax(await predict(other.x), classes), other.labels) });
  }
  return judged;
}, 8);

/** Test accuracy of least squares on one-hot labels, with an intercept and a small penalty. */
function probe(train: EmbeddedItems, test: EmbeddedItems, width: number, classes: number): number {
  const scale = standardizer(train.embeddings, width);
  const rows = ({ embeddings, labels }: EmbeddedItems) => {
    const scaled = scale(embeddings);
    return Array.from(labels, (_, i) => [...scaled.subarray(i * width, (i + 1) * width), 1]);
  };
  const [a, b] = [rows(train), rows(test)];
  const gram = a[0]!.map((_, i) =>
    a[0]!.map((_, j) => a.reduce((sum, row) => sum + row[i]! * row[j]!, i === j ? 1 : 0)),
  );
  const sums = a[0]!.map((_, i) => {
    const sum = new Array<number>(classes).fill(0);
    a.forEach((row, n) => {
      sum[train.labels[n]!]! += row[i]!;
    });
    return sum;
  });
  const weights = values(solve(tensor(gram), tensor(sums)));
  const outputs = b.map((row) =>
    Array.from({ length: classes }, (_, c) =>
      row.reduce((sum, x, i) => sum + x * weights[i * classes + c]!, 0),
    ),
  );
  return accuracy(argMax(outputs.flat(), classes), test.labels);
}
