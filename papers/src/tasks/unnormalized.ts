/**
 * Models known up to a constant, fitted in four ways: by compositional optimisation (the normaliser by a moving average
 * over batches of noise), by each batch of noise alone, by noise contrast, and by samples of the model from Langevin
 * dynamics. Two things are fitted: the mean of a Gaussian, and densities in the plane by a small energy network whose
 * normaliser a grid gives exactly.
 */
import {
  add,
  compile,
  fromData,
  grad,
  item,
  mean,
  multiply,
  scalar,
  silu,
  square,
  squeeze,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  valueAndGrad,
  values,
} from "nearmiss";
import { fit } from "nearmiss/fit";
import {
  compositionalLikelihood,
  logNormalizerEstimate,
  noiseContrastive,
  trackLogNormalizer,
} from "nearmiss/losses";
import { mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { mean as average } from "nearmiss/stats";
import { remember } from "../remember.ts";

export type Method = "meco" | "miniBatch" | "nce" | "langevin";

/** Weight of the newest batch in the moving average, and of the newest gradient in the momentum. */
const NEWEST = 0.1;
const HALF_LOG_TAU = Math.log(2 * Math.PI) / 2;
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

export interface MeanTask {
  /** Where the data are: N(target, 1). The estimate starts at 0, where the noise is. */
  target: number;
  noiseDeviation: number;
  batchSize: number;
  /** Steps after which it gives up. */
  limit: number;
}

/**
 * Fits the mean of a Gaussian energy −(x − θ)²/2 whose normaliser is not told, with momentum.
 *
 * @returns Steps until the estimate is within 0.1 of the truth and stays there for 20 steps (the limit where it never does),
 *   and the mean distance over the last 20 steps.
 */
export function fitMean(
  method: Method,
  { target, noiseDeviation, batchSize, limit }: MeanTask,
  learningRate: number,
  stream: Random,
): { steps: number; error: number } {
  const [data, noise] = [new Float64Array(batchSize), new Float64Array(batchSize)];
  const chain = stream.split("chain").normal(new Float64Array(batchSize), 0, noiseDeviation);
  const logNoise = (x: number) => -((x / noiseDeviation) ** 2) / 2 - Math.log(noiseDeviation) - HALF_LOG_TAU;
  let [theta, constant, u] = [0, 0, 0];
  let [thetaMomentum, constantMomentum] = [0, 0];
  let inside = 0;
  const recent: number[] = [];
  for (let t = 0; t < limit; t++) {
    stream.normal(data, target);
    stream.normal(noise, 0, noiseDeviation);
    let [slope, constantSlope] = [0, 0];
    if (method === "nce") {
      const ratio = (x: number) => -((x - theta) ** 2) / 2 - constant - logNoise(x);
      for (let i = 0; i < batchSize; i++) {
        const missed = 1 - sigmoid(ratio(data[i]!));
        const mistaken = sigmoid(ratio(noise[i]!));
        slope += mistaken * (noise[i]! - theta) - missed * (data[i]! - theta);
        constantSlope += missed - mistaken;
      }
    } else if (method === "langevin") {
      const step = 0.5;
      for (let i = 0; i < batchSize; i++) {
        for (let k = 0; k < 5; k++)
          chain[i]! += (step ** 2 / 2) * (theta - chain[i]!) + step * stream.normal(1)[0]!;
        slope += chain[i]! - data[i]!;
      }
    } else {
      let [weightSum, pull] = [0, 0];
      for (let i = 0; i < batchSize; i++) {
        const weight = Math.exp(-((noise[i]! - theta) ** 2) / 2 - logNoise(noise[i]!));
        weightSum += weight;
        pull += weight * (noise[i]! - theta);
        slope -= data[i]! - theta;
      }
      const gamma = method === "miniBatch" || t === 0 ? 1 : NEWEST;
      u = (1 - gamma) * u + (gamma * weightSum) / batchSize;
      slope += pull / Math.max(u, 1e-300);
    }
    thetaMomentum += NEWEST * (slope / batchSize - thetaMomentum);
    constantMomentum += NEWEST * (constantSlope / batchSize - constantMomentum);
    theta -= learningRate * thetaMomentum;
    constant -= learningRate * constantMomentum;
    if (!Number.isFinite(theta)) return { steps: limit, error: Math.abs(target) };
    const distance = Math.abs(theta - target);
    recent.push(distance);
    if (recent.length > 20) recent.shift();
    inside = distance < 0.1 ? inside + 1 : 0;
    if (inside === 20) return { steps: t + 1 - 19, error: average(recent) };
  }
  return { steps: limit, error: Math.min(average(recent), Math.abs(target)) };
}

/** Points in the plane [n, 2], a batch from a stream. */
export const densities: Record<string, (n: number, stream: Random) => Float32Array> = {
  rings(n, stream) {
    const points = stream.normal(2 * n, 0, 0.1);
    for (let i = 0; i < n; i++) {
      const [direction, radius] = [2 * Math.PI * stream.next(), stream.integer(1, 3)];
      points[2 * i]! += radius * Math.cos(direction);
      points[2 * i + 1]! += radius * Math.sin(direction);
    }
    return points;
  },
  clusters(n, stream) {
    const points = stream.normal(2 * n, 0, 0.2);
    for (let i = 0; i < n; i++) {
      const direction = (stream.integer(0, 8) * Math.PI) / 4;
      points[2 * i]! += 2 * Math.cos(direction);
      points[2 * i + 1]! += 2 * Math.sin(direction);
    }
    return points;
  },
};

export interface DensityTask {
  density: string;
  steps: number;
  batchSize: number;
  width: number;
  /** Of the validation set and of the test set. */
  points: number;
  learningRate: number;
  seed: number;
  /** Which set the result is of. */
  part: "validation" | "test";
  signal?: AbortSignal;
  onStep?: (step: number, loss: number) => void;
}

/** The data of either density deviate by 1.2 to 1.4 along each axis. */
const NOISE_DEVIATION = 2.5;
const CHAIN_STEPS = 5;
const CHAIN_STEP = 0.2;

/** The plane in squares: what lies outside has no weight to speak of. */
const plane = remember(() => {
  const [half, cells] = [8, 128];
  const side = (2 * half) / cells;
  const points = new Float32Array(2 * cells * cells);
  for (let i = 0; i < cells * cells; i++) {
    points[2 * i] = -half + side * ((i % cells) + 0.5);
    points[2 * i + 1] = -half + side * (Math.floor(i / cells) + 0.5);
  }
  return { points, area: side ** 2, cells };
});

/**
 * Fits an energy network to a density.
 *
 * @returns Negative log-likelihood of held-out points, nats a point, with the normaliser from the grid; and the model's
 *   density on that grid, row by row.
 */
export async function fitDensity(
  method: Method,
  { density, steps, batchSize, width, points, learningRate, seed, part, signal, onStep }: DensityTask,
): Promise<{ nll: number; cells: number; picture: Float64Array }> {
  const draw = densities[density]!;
  const network = mlp([2, width, width, 1], silu);
  type Params = { network: ReturnType<typeof network.init>; logNormalizer: Tensor };
  // Without the last term the network could put its mass where no noise ever falls.
  const energy = (params: Params, x: Tensor) =>
    subtract(squeeze(network.apply(params.network, x), 1), multiply(sum(square(x), { axis: 1 }), 1 / 8));
  const logNoise = (x: Tensor) =>
    subtract(
      multiply(sum(square(x), { axis: 1 }), -1 / (2 * NOISE_DEVIATION ** 2)),
      2 * (Math.log(NOISE_DEVIATION) + HALF_LOG_TAU),
    );
  interface Batch {
    data: Tensor;
    noise: Tensor;
    moves: Tensor[];
    gamma: Tensor;
  }
  const objective = (params: Params, memory: { u: Tensor; chain: Tensor }, batch: Batch) => {
    const data = energy(params, batch.data);
    if (method === "langevin") {
      const chain = batch.moves.reduce((x, move) => {
        const slope = grad((at: Tensor) => sum(energy(params, at)))(x);
        return stopGradient(add(add(x, multiply(slope, CHAIN_STEP ** 2 / 2)), multiply(move, CHAIN_STEP)));
      }, memory.chain);
      return [subtract(mean(energy(params, chain)), mean(data)), { ...memory, chain }] as const;
    }
    const noise = energy(params, batch.noise);
    const logDensities = logNoise(batch.noise);
    if (method === "nce") {
      const real = { scores: data, logDensities: logNoise(batch.data) };
      return [noiseContrastive(real, { scores: noise, logDensities }, params.logNormalizer), memory] as const;
    }
    const u = trackLogNormalizer(memory.u, logNormalizerEstimate(noise, logDensities), batch.gamma);
    return [compositionalLikelihood(data, noise, logDensities, u), { ...memory, u }] as const;
  };
  const optimizer = adam({ learningRate });
  const root = random(seed).split(density);
  const step = compile(
    (state: ReturnType<typeof start>, batch: Batch) => {
      const [[loss, memory], gradients] = valueAndGrad((params: Params) =>
        objective(params, state.memory, batch),
      )(state.params);
      return { state: { ...optimizer.update(state, gradients), memory }, loss };
    },
    { threads: 1 },
  );
  const tensor = (data: Float32Array) => fromData(data, [data.length / 2, 2]);
  const start = () => ({
    ...optimizer.init({ network: network.init(root.split("weights")), logNormalizer: scalar(0) }),
    memory: { u: scalar(0), chain: tensor(root.split("chain").normal(2 * batchSize, 0, NOISE_DEVIATION)) },
  });
  const { state } = await fit({
    state: start(),
    step,
    steps,
    batch: (i): Batch => {
      const stream = root.split(i);
      return {
        data: tensor(draw(batchSize, stream.split("data"))),
        noise: tensor(stream.split("noise").normal(2 * batchSize, 0, NOISE_DEVIATION)),
        moves: Array.from({ length: method === "langevin" ? CHAIN_STEPS : 0 }, (_, k) =>
          tensor(
            stream
              .split("moves")
              .split(k)
              .normal(2 * batchSize),
          ),
        ),
        // The first average is the first batch's.
        gamma: scalar(method === "miniBatch" || i === 0 ? 1 : NEWEST),
      };
    },
    signal,
    onStep,
  });
  const heights = compile((params: Params, x: Tensor) => energy(params, x), { threads: 1 });
  const { points: grid, area, cells } = plane();
  const picture = Float64Array.from(values(await heights(state.params, tensor(grid))));
  const top = picture.reduce((a, b) => Math.max(a, b));
  const logZ = top + Math.log(picture.reduce((total, height) => total + Math.exp(height - top), 0) * area);
  const unseen = tensor(draw(points, root.split(part)));
  const nll = logZ - item(await compile((p: Params, x: Tensor) => mean(energy(p, x)))(state.params, unseen));
  return { nll, cells, picture: picture.map((height) => Math.exp(height - logZ)) };
}
