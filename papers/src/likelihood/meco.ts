import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import { densities, fitDensity, fitMean, type MeanTask, type Method } from "../tasks/unnormalized.ts";

export const card: Card = {
  number: 13,
  slug: "meco",
  title: "Learning Unnormalized Statistical Models via Compositional Optimization",
  year: 2023,
  family: "likelihood",
  kind: "algorithm",
  arxiv: "2306.07485",
  link: "https://arxiv.org/abs/2306.07485",
  summary:
    "The log-partition function of an energy model is written as the logarithm of an expectation under a noise distribution q with known density. A moving average u tracks that inner expectation across mini-batches and supplies the denominator of the gradient, with momentum on top. Each step needs only one batch of data and one batch of noise, so maximum likelihood runs in a single loop without MCMC.",
  claim:
    "With the partition function tracked by a moving average, direct maximum likelihood is about as easy to run as NCE and its loss surface is better conditioned. Estimating a Gaussian mean takes far fewer steps than with NCE, and density estimates improve over NCE and MCMC-based training.",
  formula: String.raw`u_t=(1-\gamma)u_{t-1}+\gamma\hat g_t,\quad \hat\nabla_t=-\frac1B\sum_i\nabla\phi(x_i)+\frac1{u_tB}\sum_i\frac{e^{\phi(\tilde x_i)}}{q(\tilde x_i)}\nabla\phi(\tilde x_i)`,
  exports: [
    "losses/unnormalized-likelihood: compositionalLikelihood",
    "losses/unnormalized-likelihood: trackLogNormalizer",
    "losses/unnormalized-likelihood: logNormalizerEstimate",
    "losses/noise-contrastive: noiseContrastive",
    "metrics/importance: effectiveSampleFraction",
  ],
  notes: [
    "No public code of the authors was found. This is the form with one moving average for the normaliser and momentum for the gradient, both with weight 0.1 on the newest batch; the first average is the first batch's estimate. All in logarithms.",
    "For the Gaussian mean all arms use that momentum and choose a learning rate from six, separately for wide and narrow noise; for densities all use Adam, whose first moment has the same weight, and choose from three.",
    "The weights of noise that is much narrower than the way to the data vary without bound (their relative second moment is e^(θ²) for N(θ, 1) against N(0, 1)), so a second claim asks the same with such noise.",
    "The sizes, the grids and the step of the Langevin chains (0.2, the best of 0.1, 0.2 and 0.35) were chosen on a seed that the study does not use. Chains are persistent, with 5 steps for each step of training, which takes about twice the time of the other arms.",
    "The normaliser of a fitted density comes from a grid of 128 by 128 over a square of side 16, for all arms alike.",
    "Default run: with wide noise MECO takes 83 steps fewer than NCE (45 to 121); with narrow noise it often does not arrive (627 steps against 55, interval of the difference -62 to 1208, mean error 0.37), and single batches never do. Densities are better than with Langevin training by 0.75 nats (0.49 to 1.02) and not told apart from NCE's (worse by 0.04, interval -0.21 to 0.30) nor from those of single batches.",
  ],
};

interface Settings {
  wide: MeanTask;
  narrow: MeanTask;
  meanRates: number[];
  density: { steps: number; batchSize: number; width: number; points: number };
  densityRates: number[];
}

const settings: Settings = {
  wide: { target: 8, noiseDeviation: 4, batchSize: 256, limit: 1000 },
  narrow: { target: 3, noiseDeviation: 1, batchSize: 256, limit: 1000 },
  meanRates: [0.03, 0.1, 0.3, 1, 3, 10],
  density: { steps: 400, batchSize: 256, width: 64, points: 2000 },
  densityRates: [3e-3, 1e-2, 3e-2],
};

const lower = (metric: string, baselines: string[]) =>
  baselines.map((baseline) => ({ metric, method: "meco", baseline, better: "lower" as const }));

export const study = defineStudy<Settings>({
  arms: {
    meco: "maximum likelihood, the normaliser by a moving average over batches of noise",
    nce: "noise-contrastive estimation, the normaliser learned",
    langevin: "maximum likelihood with samples of the model from persistent Langevin chains",
    miniBatch: "as the first, but every batch of noise stands for itself",
  },
  scales: {
    smoke: {
      wide: { ...settings.wide, batchSize: 32, limit: 30 },
      narrow: { ...settings.narrow, batchSize: 32, limit: 30 },
      meanRates: [0.1],
      density: { steps: 5, batchSize: 32, width: 8, points: 100 },
      densityRates: [1e-2],
      seeds: 1,
    },
    default: { ...settings, seeds: 5 },
    full: {
      wide: { ...settings.wide, limit: 5000 },
      narrow: { ...settings.narrow, limit: 5000 },
      meanRates: [0.01, 0.03, 0.1, 0.3, 1, 3, 10, 30],
      density: { steps: 10_000, batchSize: 512, width: 128, points: 10_000 },
      densityRates: [3e-4, 1e-3, 3e-3, 1e-2, 3e-2],
      seeds: 10,
    },
  },
  metrics: {
    "steps, wide noise":
      "steps until the estimated mean is within 0.1 of the truth for 20 steps; data N(8, 1), noise N(0, 16)",
    "error, wide noise": "mean distance from the truth over the last 20 of those steps",
    "steps, narrow noise":
      "the same with data N(3, 1) and noise N(0, 1); the limit where it does not get there",
    "error, narrow noise": "mean distance from the truth over the last 20 of those steps",
    NLL: "negative log-likelihood of unseen points, nats, mean of two densities in the plane",
    "NLL, rings": "of two rings: about 2.0 at best",
    "NLL, clusters": "of eight clusters on a circle: about 1.7 at best",
  },
  curves: { loss: { x: "step", y: "loss on the rings, on a scale of each arm's own" } },
  claims: [
    {
      id: "steps",
      statement: "With noise that covers the data, MECO finds a Gaussian's mean in fewer steps than NCE.",
      rule: "Supports if the paired 95 % interval of the difference in steps lies below 0, contradicts if above, else inconclusive.",
      comparisons: lower("steps, wide noise", ["nce"]),
    },
    {
      id: "narrow",
      statement: "So it does with noise as narrow as the data, three deviations away.",
      rule: "As before, with the narrow noise.",
      comparisons: lower("steps, narrow noise", ["nce"]),
    },
    {
      id: "density",
      statement: "MECO's densities are better than those of NCE and of Langevin training.",
      rule: "Supports if both paired 95 % intervals of the difference in NLL lie below 0, contradicts if one lies above, else inconclusive.",
      comparisons: lower("NLL", ["nce", "langevin"]),
    },
    {
      id: "moving average",
      statement: "The moving average gives better densities than the same gradient from each batch alone.",
      rule: "As before, with the single batches.",
      comparisons: lower("NLL", ["miniBatch"]),
    },
  ],
  distance:
    "The paper estimates a Gaussian mean, fits densities in the plane and learns images of MNIST, CIFAR-10 and CelebA with a learned noise network. Here the mean is fitted with batches of 256, two densities in the plane by a network of 4,400 weights in 400 steps, and no images.",
  async run({ arm, seed, settings, report, signal }) {
    const method = arm as Method;
    const metrics: Record<string, number> = {};
    for (const noise of ["wide", "narrow"] as const) {
      const task = settings[noise];
      const search = (rate: number) => {
        const stream = random(TUNING_SEED).split(noise);
        const found = [0, 1, 2].map((i) => fitMean(method, task, rate, stream.split(i)));
        return -found.reduce((total, { steps, error }) => total + steps + error, 0);
      };
      const key = ["meco", "mean", arm, task, settings.meanRates];
      const rate = await chooseOnce(key, settings.meanRates, async (rate) => search(rate));
      const { steps, error } = fitMean(method, task, rate, random(seed).split(noise));
      metrics[`steps, ${noise} noise`] = steps;
      metrics[`error, ${noise} noise`] = error;
    }
    const names = Object.keys(densities);
    metrics.NLL = 0;
    for (const [i, density] of names.entries()) {
      const task = { ...settings.density, density, signal };
      const key = ["meco", density, arm, settings.density, settings.densityRates];
      const learningRate = await chooseOnce(key, settings.densityRates, async (learningRate) => {
        const tuning = { ...task, learningRate, seed: TUNING_SEED, part: "validation" } as const;
        return -(await fitDensity(method, tuning)).nll;
      });
      const { nll, cells, picture } = await fitDensity(method, {
        ...task,
        learningRate,
        seed,
        part: "test",
        onStep: (step, loss) => {
          report.progress((i + step / task.steps) / names.length);
          if (density === "rings") report.point("loss", step, loss);
        },
      });
      metrics[`NLL, ${density}`] = nll;
      metrics.NLL += nll / names.length;
      // The middle of the plane, from -4 to 4.
      const half = cells / 2;
      report.image(density, {
        caption: `The fitted density of the ${density} from -4 to 4, brighter where it is higher.`,
        width: half,
        height: half,
        pixels: Float32Array.from({ length: half * half }, (_, p) => {
          const [row, column] = [Math.floor(p / half) + half / 2, (p % half) + half / 2];
          return Math.min(1, Math.sqrt(picture[row * cells + column]! / 0.4));
        }),
      });
    }
    return metrics;
  },
});
