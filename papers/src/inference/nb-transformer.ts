import { compile, fromData, log1p, mean, square, subtract, type Tensor, values } from "nearmiss";
import { fit, trainingStep } from "nearmiss/fit";
import {
  foldChangeError,
  negativeBinomialMle,
  negativeBinomialMoments,
  type TwoGroupFit,
  twoSetTransformer,
  waldTest,
} from "nearmiss/inference";
import { adam, clipByGlobalNorm, schedules } from "nearmiss/optim";
import { negativeBinomial, type Random, random } from "nearmiss/random";
import { quantile } from "nearmiss/stats";
import type { Card } from "../card.ts";
import { noWorseBy } from "../decide.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";

export const card: Card = {
  number: 24,
  slug: "nb-transformer",
  title: "Negative binomial regression and inference using a pre-trained transformer",
  year: 2025,
  family: "inference",
  kind: "model",
  arxiv: "2508.04111",
  link: "https://arxiv.org/abs/2508.04111",
  code: "https://huggingface.co/valsv/nb-transformer",
  summary:
    "A permutation-invariant transformer takes the counts of two groups as sets and outputs the baseline log mean, the log fold change and the log dispersion of a negative-binomial model. It learns only from simulated data with known parameters. Standard errors and tests then follow from the usual formula, and maximum likelihood and moment estimators serve as references.",
  claim:
    "On simulated two-group counts, the pre-trained transformer estimates negative-binomial parameters more accurately than maximum likelihood and about 20 times faster. Plain moment estimates match the accuracy of maximum likelihood, run about 1000 times faster, and give better calibrated and more powerful tests.",
  formula: String.raw`\min_\theta\;\mathbb E\left\lVert T_\theta(x_0,x_1)-(m,\beta,\log\alpha)\right\rVert^2,\qquad x_{gi}\sim\operatorname{NB}\!\left(e^{m+g\beta},\alpha\right)`,
  exports: [
    "inference/set-transformer: twoSetTransformer",
    "inference/negative-binomial: negativeBinomialMoments",
    "inference/negative-binomial: negativeBinomialMle",
    "inference/negative-binomial: waldTest",
    "inference/negative-binomial: foldChangeError",
    "inference/negative-binomial: negativeBinomialLogPmf",
  ],
  notes: [
    "The official model attends across the two sets in blocks of their own and is given transformed counts; here one encoder reads log(1 + count) of both sets, each member marked by its set. Its published check, with mean absolute errors of 0.15 for the transformer's fold change and 0.28 and 0.29 for maximum likelihood and moments, is of other priors with small counts.",
    "Counts have no exposures (sequencing depths) here. Means of maximum likelihood are then the groups' means, and only the dispersion is searched for.",
    "How fast each estimator is has no verdict, since times do not repeat. Measured once with 6 counts a group on one thread: moments 2 µs a comparison, maximum likelihood 70 µs, the transformer of the default scale 28 µs in batches of 4,000. The ratios of 20 and 1000 are of a slower maximum likelihood, with a general optimiser.",
    "Without exposures moments and maximum likelihood have the same means, so that the errors of m and β are equal and only that of α can tell the two apart. The sizes of training were chosen on a seed that the study does not use.",
    "Power is size-adjusted: the share of |z| above the 95 % quantile of the same estimator's |z| where there is no effect. An estimator that rejects too often when nothing is there would otherwise look powerful.",
    "The transformer learns the mean of the parameters given the counts under the simulations' prior, and is tested under the same: part of its advantage is to know the prior. The metric on a shifted prior (fold changes twice as wide, dispersions e times as large) shows how much.",
    "Default run: the transformer's RMSE is lower than that of maximum likelihood for m by 0.050 (0.040 to 0.059), β by 0.075 (0.060 to 0.089) and α by 0.058 (0.049 to 0.067). Moments: the RMSE of α is 4 % larger (0.2 to 8 %), false positives are nearer to 5 % by 2.3 points (1.7 to 2.9), and size-adjusted power is lower by 2.1 points (interval -4.9 to 0.7): the gain in calibration is seen, that in power is not.",
    "Changing the groups turns the sign of the fold change but does not keep the prior (the first group's mean is uniform in its logarithm, the second's is not), so the network is not made antisymmetric.",
  ],
};

interface Settings {
  /** Counts in each group. */
  replicates: number[];
  /** Simulated comparisons for each number of replicates, in each test. */
  contrasts: number;
  width: number;
  steps: number;
  batchSize: number;
  learningRate: number;
}

interface Parameters {
  logMean: number;
  logFoldChange: number;
  dispersion: number;
}

interface Prior {
  /** Of β. */
  foldChange: { mean: number; deviation: number };
  /** Of log α. */
  logDispersion: { mean: number; deviation: number };
}

const [LOW, HIGH] = [Math.log(2), Math.log(200)];
const usual: Prior = {
  foldChange: { mean: 0, deviation: 1 },
  logDispersion: { mean: -1.5, deviation: 0.7 },
};
const fixed = (foldChange: number): Prior => ({ ...usual, foldChange: { mean: foldChange, deviation: 0 } });
const shifted: Prior = {
  foldChange: { mean: 0, deviation: 2 },
  logDispersion: { mean: -0.5, deviation: 0.7 },
};

interface Contrasts {
  truth: Parameters[];
  /** [contrasts, replicates] */
  first: Float32Array;
  second: Float32Array;
}

function simulate(prior: Prior, contrasts: number, replicates: number, stream: Random): Contrasts {
  const drawn = {
    first: new Float32Array(contrasts * replicates),
    second: new Float32Array(contrasts * replicates),
  };
  const truth = Array.from({ length: contrasts }, (_, i): Parameters => {
    const [logMean] = stream.uniform(new Float64Array(1), LOW, HIGH) as unknown as [number];
    const [a, b] = stream.normal(new Float64Array(2)) as unknown as [number, number];
    const logFoldChange = prior.foldChange.mean + prior.foldChange.deviation * a;
    const dispersion = Math.exp(prior.logDispersion.mean + prior.logDispersion.deviation * b);
    const fill = (counts: Float32Array, mean: number) => {
      for (let j = 0; j < replicates; j++)
        counts[i * replicates + j] = negativeBinomial(stream, 1 / dispersion, 1 / (1 + dispersion * mean));
    };
    fill(drawn.first, Math.exp(logMean));
    fill(drawn.second, Math.exp(logMean + logFoldChange));
    return { logMean, logFoldChange, dispersion };
  });
  return { truth, ...drawn };
}

/** Fits of all contrasts. */
type Estimator = (contrasts: Contrasts) => Promise<TwoGroupFit[]> | TwoGroupFit[];

const oneByOne =
  (fitOne: typeof negativeBinomialMle): Estimator =>
  ({ truth, first, second }) => {
    const size = first.length / truth.length;
    return truth.map((_, i) =>
      fitOne(first.subarray(i * size, (i + 1) * size), second.subarray(i * size, (i + 1) * size)),
    );
  };

/** Mean and deviation of m, β and log α under the prior, in whose units the network learns. */
const centers = [(LOW + HIGH) / 2, usual.foldChange.mean, usual.logDispersion.mean];
const scales = [(HIGH - LOW) / Math.sqrt(12), usual.foldChange.deviation, usual.logDispersion.deviation];

async function pretrain(
  { replicates, width, steps, batchSize, learningRate }: Settings,
  seed: number,
  signal: AbortSignal,
  onStep: (step: number, loss: number) => void,
): Promise<Estimator> {
  const network = twoSetTransformer({ outputs: 3, width });
  type Params = ReturnType<typeof network.init>;
  const answer = (params: Params, first: Tensor, second: Tensor) =>
    network.apply(params, log1p(first), log1p(second));
  const optimizer = adam({ learningRate: schedules.cosine({ from: learningRate, steps }) });
  const root = random(seed).split("pretraining");
  const { state } = await fit({
    state: optimizer.init(network.init(root.split("weights"))),
    step: trainingStep({
      loss: (params: Params, batch: { first: Tensor; second: Tensor; targets: Tensor }) =>
        mean(square(subtract(answer(params, batch.first, batch.second), batch.targets))),
      optimizer,
      change: (gradients) => clipByGlobalNorm(gradients, 1),
      compile: { threads: 1 },
    }),
    steps,
    batch: (i) => {
      const size = replicates[i % replicates.length]!;
      const { truth, first, second } = simulate(usual, batchSize, size, root.split(i));
      const targets = truth.flatMap(({ logMean, logFoldChange, dispersion }) =>
        [logMean, logFoldChange, Math.log(dispersion)].map((x, k) => (x - centers[k]!) / scales[k]!),
      );
      return {
        first: fromData(first, [batchSize, size]),
        second: fromData(second, [batchSize, size]),
        targets: fromData(Float32Array.from(targets), [batchSize, 3]),
      };
    },
    signal,
    onStep,
  });
  const predict = compile(answer, { threads: 1 });
  return async ({ truth, first, second }) => {
    const size = first.length / truth.length;
    const sets = [first, second].map((counts) => fromData(counts, [truth.length, size]));
    const out = values(await predict(state.params, sets[0]!, sets[1]!));
    return truth.map((_, i) => {
      const [logMean, logFoldChange, logDispersion] = [0, 1, 2].map(
        (k) => centers[k]! + scales[k]! * out[i * 3 + k]!,
      ) as [number, number, number];
      const parameters = { logMean, logFoldChange, dispersion: Math.exp(logDispersion) };
      return { ...parameters, standardError: foldChangeError(parameters, [size, size]) };
    });
  };
}

/** What estimators are tested on, for each number of replicates. */
const tests = remember(
  ({ replicates, contrasts }: Pick<Settings, "replicates" | "contrasts">, seed: number) =>
    replicates.map((size) => {
      const stream = random(seed).split("tests").split(size);
      const draw = (name: string, prior: Prior) => simulate(prior, contrasts, size, stream.split(name));
      return {
        usual: draw("usual", usual),
        shifted: draw("shifted", shifted),
        none: draw("none", fixed(0)),
        effect: draw("effect", fixed(1)),
      };
    }),
);

const rootMeanSquare = (fits: readonly Parameters[], { truth }: Contrasts, key: keyof Parameters) =>
  Math.sqrt(fits.reduce((total, fitted, i) => total + (fitted[key] - truth[i]![key]) ** 2, 0) / fits.length);

const share = (p: readonly number[], level: number) => p.filter((each) => each < level).length / p.length;

async function measure(
  estimate: Estimator,
  sets: ReturnType<typeof tests>[0],
): Promise<Record<string, number>> {
  const [known, other] = [await estimate(sets.usual), await estimate(sets.shifted)];
  const z = async (contrasts: Contrasts) => (await estimate(contrasts)).map((each) => waldTest(each));
  const [none, effect] = [await z(sets.none), await z(sets.effect)];
  const sizes = none.map(({ statistic }) => Math.abs(statistic));
  const falsePositives = share(
    none.map(({ p }) => p),
    0.05,
  );
  const critical = quantile(sizes, 0.95);
  return {
    "RMSE m": rootMeanSquare(known, sets.usual, "logMean"),
    "RMSE β": rootMeanSquare(known, sets.usual, "logFoldChange"),
    "RMSE α": rootMeanSquare(known, sets.usual, "dispersion"),
    "RMSE β, shifted prior": rootMeanSquare(other, sets.shifted, "logFoldChange"),
    "false positives": falsePositives,
    miscalibration: Math.abs(falsePositives - 0.05),
    power: effect.filter(({ statistic }) => Math.abs(statistic) > critical).length / effect.length,
  };
}

const parameters = ["m", "β", "α"];

export const study = defineStudy<Settings>({
  arms: {
    transformer: "a set transformer, pre-trained on simulations",
    maximumLikelihood: "the groups' means, and the likeliest dispersion",
    moments: "the groups' means, and the pooled dispersion by variances",
  },
  scales: {
    smoke: {
      replicates: [3],
      contrasts: 40,
      width: 8,
      steps: 20,
      batchSize: 32,
      learningRate: 3e-3,
      seeds: 1,
    },
    default: {
      replicates: [3, 6],
      contrasts: 1000,
      width: 32,
      steps: 500,
      batchSize: 128,
      learningRate: 3e-3,
      seeds: 5,
    },
    full: {
      replicates: [2, 3, 6, 10],
      contrasts: 10_000,
      width: 64,
      steps: 20_000,
      batchSize: 256,
      learningRate: 1e-3,
      seeds: 10,
    },
  },
  metrics: {
    "RMSE m": "root mean squared error of the log mean, averaged over numbers of replicates (as all metrics)",
    "RMSE β": "root mean squared error of the log fold change",
    "RMSE α": "root mean squared error of the dispersion",
    "log RMSE m": "natural logarithm of the RMSE of m: differences of 0.05 are 5 %",
    "log RMSE β": "natural logarithm of the RMSE of β",
    "log RMSE α": "natural logarithm of the RMSE of α",
    "RMSE β, shifted prior":
      "RMSE of β where fold changes are twice as wide and dispersions e times as large",
    "false positives": "share of comparisons without an effect in which Wald's z-test has p < 0.05",
    miscalibration: "distance of the share of false positives from 0.05",
    power: "share of comparisons with β = 1 whose |z| is above 95 % of those without an effect",
  },
  curves: { "training loss": { x: "step", y: "mean squared error of standardised parameters" } },
  claims: [
    {
      id: "transformer",
      statement: "The transformer estimates all three parameters more accurately than maximum likelihood.",
      rule: "Supports if the paired 95 % intervals of the differences in RMSE of m, β and α all lie below 0, contradicts if one lies above, else inconclusive.",
      comparisons: parameters.map((name) => ({
        metric: `RMSE ${name}`,
        method: "transformer",
        baseline: "maximumLikelihood",
        better: "lower" as const,
      })),
    },
    {
      id: "moments",
      statement: "Moments are as accurate as maximum likelihood: their RMSE is at most 5 % larger.",
      rule: "Supports if the paired 95 % intervals of the differences in log RMSE of m, β and α all lie below 0.05, contradicts if one lies above, else inconclusive.",
      comparisons: parameters.map((name) => ({
        metric: `log RMSE ${name}`,
        method: "moments",
        baseline: "maximumLikelihood",
        better: "lower" as const,
      })),
      decide: noWorseBy(0.05),
    },
    {
      id: "tests",
      statement:
        "Tests from moments are better calibrated and more powerful than those from maximum likelihood.",
      rule: "Supports if the paired 95 % intervals of the differences lie below 0 for miscalibration and above 0 for power, contradicts if one lies on the other side, else inconclusive.",
      comparisons: [
        { metric: "miscalibration", method: "moments", baseline: "maximumLikelihood", better: "lower" },
        { metric: "power", method: "moments", baseline: "maximumLikelihood", better: "higher" },
      ],
    },
  ],
  distance:
    "The paper trains its transformer on many millions of simulated sets and tests up to genome-wide screens with exposures. Here one of 2 layers and width 32 sees 64,000 simulated sets, and each seed compares the estimators on 1,000 comparisons for each purpose, with 3 and with 6 counts a group.",
  async run({ arm, seed, settings, report, signal }) {
    const estimate =
      arm === "transformer"
        ? await pretrain(settings, seed, signal, (step, loss) => {
            report.progress(step / settings.steps);
            report.point("training loss", step, loss);
          })
        : oneByOne(arm === "moments" ? negativeBinomialMoments : negativeBinomialMle);
    const { replicates, contrasts } = settings;
    const metrics: Record<string, number> = {};
    for (const sets of tests({ replicates, contrasts }, seed))
      for (const [name, value] of Object.entries(await measure(estimate, sets)))
        metrics[name] = (metrics[name] ?? 0) + value / replicates.length;
    for (const name of parameters) metrics[`log RMSE ${name}`] = Math.log(metrics[`RMSE ${name}`]!);
    return metrics;
  },
});
