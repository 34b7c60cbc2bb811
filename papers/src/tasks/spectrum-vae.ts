/** A variational autoencoder of spectrum images, whose convolutions run over both image axes and the energy axis. */
import {
  add,
  clip,
  compile,
  conv3d,
  convTranspose3d,
  divide,
  fromData,
  gelu,
  multiply,
  negate,
  reshape,
  slice,
  softmax,
  subtract,
  sum,
  type Tensor,
  transpose,
  values,
} from "nearmiss";
import type { SpectrumImage } from "nearmiss/data";
import { fit, trainingStep, trainingSteps } from "nearmiss/fit";
import { betaVae, sampleLatents, standardNormalKL } from "nearmiss/generative";
import { softCrossEntropy } from "nearmiss/losses";
import { type Dense, dense, heNormal } from "nearmiss/nn";
import { adam, schedules } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";

export interface SpectrumVaeOptions {
  /** Height and width of the patches that it sees, a multiple of 4; the image's must be multiples of half of it. */
  patch: number;
  /** Channels of the three convolutions. */
  filters: readonly [number, number, number];
  latents: number;
  beta: number;
  /** Of Adam, falling to 0 along half a cosine. */
  learningRate: number;
  steps: number;
  batchSize: number;
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, loss: number) => void;
}

export interface SpectrumVae {
  /** Shares of channels [pixels, channels], from latents that are not sampled; a mean over the patches of a pixel. */
  reconstruct(image: SpectrumImage): Promise<Float32Array>;
  /** KL(q(z | x) ‖ N(0, 1)) of the image's patches, nats, a mean: near 0 where the latents are not used. */
  divergence(image: SpectrumImage): Promise<number>;
}

interface Params {
  encoder: Tensor[];
  toLatents: Dense;
  fromLatents: Dense;
  decoder: Tensor[];
}

interface Batch {
  /** [n, channels, patch, patch] */
  counts: Tensor;
  /** [n, latents] */
  noise: Tensor;
}

/** Steps of the windows, along the energies and along the image. */
const STRIDES = [
  { depthStride: 2, stride: 2 },
  { depthStride: 2, stride: 2 },
  { depthStride: 2, stride: 1 },
];

/** The model; logits are differences from the mean spectrum's logarithm, so that a new model is near to that. */
function network({ patch, filters, latents }: SpectrumVaeOptions, spectrum: Float32Array) {
  const energies = spectrum.length;
  const column = (x: Float32Array) => fromData(x, [1, energies, 1, 1]);
  const [usual, start] = [column(spectrum), column(spectrum.map(Math.log))];
  const coarse = [filters[2], energies / 8, patch / 4, patch / 4];
  const flat = coarse.reduce((product, size) => product * size, 1);
  const [toLatents, fromLatents] = [dense(flat, 2 * latents), dense(latents, flat)];
  const kernels = (stream: Random) =>
    filters.map((count, i) => heNormal(stream.split(i), [count, i === 0 ? 1 : filters[i - 1]!, 3, 3, 3]));
  return {
    init: (stream: Random): Params => ({
      encoder: kernels(stream.split("encoder")),
      toLatents: toLatents.init(stream.split("to latents")),
      fromLatents: fromLatents.init(stream.split("from latents")),
      decoder: kernels(stream.split("decoder")),
    }),
    /** Means and log-variances [n, latents] of patches [n, channels, patch, patch]. */
    encode: (params: Params, counts: Tensor): [Tensor, Tensor] => {
      const n = counts.shape[0]!;
      const shares = divide(counts, sum(counts, { axis: 1, keepDims: true }));
      const seen = params.encoder.reduce(
        (hidden, kernel, i) => gelu(conv3d(hidden, kernel, STRIDES[i])),
        reshape(subtract(divide(shares, usual), 1), [n, 1, energies, patch, patch]),
      );
      const both = toLatents.apply(params.toLatents, reshape(seen, [n, flat]));
      return [slice(both, [null, [0, latents]]), clip(slice(both, [null, [latents, 2 * latents]]), -8, 8)];
    },
    /** Logits of channels [n, channels, patch, patch]. */
    decode: (params: Params, z: Tensor): Tensor => {
      const n = z.shape[0]!;
      const grown = [2, 1, 0].reduce(
        (hidden, i) => convTranspose3d(gelu(hidden), params.decoder[i]!, STRIDES[i]),
        reshape(fromLatents.apply(params.fromLatents, z), [n, ...coarse]),
      );
      return add(multiply(reshape(grown, [n, energies, patch, patch]), 0.1), start);
    },
  };
}

/** Spectra [n · patch², channels] of patches [n, channels, patch, patch]. */
function asRows(patches: Tensor): Tensor {
  const [n, energies, height, width] = patches.shape as [number, number, number, number];
  return reshape(transpose(patches, [0, 2, 3, 1]), [n * height * width, energies]);
}

/** Trains on random patches of an image without anomalies. */
export async function trainSpectrumVae(
  image: SpectrumImage,
  options: SpectrumVaeOptions,
): Promise<SpectrumVae> {
  const { patch, latents, beta, learningRate, steps, batchSize, seed, signal, onStep } = options;
  const { height, width, channels } = image;
  const spectrum = meanSpectrum(image);
  const model = network(options, spectrum);
  const usualLogits = fromData(spectrum.map(Math.log), [1, channels]);
  const optimizer = adam({ learningRate: schedules.cosine({ from: learningRate, steps }) });
  const training = {
    optimizer,
    compile: { threads: 1 },
    loss: (params: Params, { counts, noise }: Batch) => {
      const [mu, logVariance] = model.encode(params, counts);
      const logits = model.decode(params, sampleLatents(mu, logVariance, noise));
      const spectra = softCrossEntropy(asRows(logits), asRows(counts), { reduction: "none" });
      // What the mean spectrum costs is taken off: a constant, beside which nothing of the rest would be seen.
      const usual = negate(sum(multiply(asRows(counts), usualLogits), { axis: 1 }));
      const perPatch = reshape(subtract(spectra, usual), [counts.shape[0]!, patch * patch]);
      return betaVae(sum(perPatch, { axis: 1 }), mu, logVariance, { beta });
    },
  };
  const root = random(seed).split("spectrum VAE");
  const { state } = await fit({
    state: optimizer.init(model.init(root.split("weights"))),
    step: trainingStep(training),
    together: { count: 5, step: trainingSteps(training) },
    batch: (i): Batch => {
      const stream = root.split("batches").split(i);
      const corners = Array.from({ length: batchSize }, () => [
        stream.integer(0, height - patch + 1),
        stream.integer(0, width - patch + 1),
      ]);
      return {
        counts: cut(image, corners, patch),
        noise: fromData(stream.normal(batchSize * latents), [batchSize, latents]),
      };
    },
    steps,
    signal,
    onStep,
  });
  const see = compile(
    (params: Params, counts: Tensor) => {
      const [mu, logVariance] = model.encode(params, counts);
      return {
        shares: softmax(asRows(model.decode(params, mu))),
        divergence: standardNormalKL(mu, logVariance),
      };
    },
    { threads: 1 },
  );
  /** Calls back with what the model sees in overlapping patches. */
  const scan = async (
    { height, width, ...rest }: SpectrumImage,
    read: (corner: number[], shares: Float32Array, divergence: number) => void,
  ) => {
    const step = patch / 2;
    const down = Array.from({ length: (height - patch) / step + 1 }, (_, i) => i * step);
    const across = Array.from({ length: (width - patch) / step + 1 }, (_, i) => i * step);
    for (const top of down) {
      const corners = across.map((left) => [top, left]);
      const seen = await see(state.params, cut({ height, width, ...rest }, corners, patch));
      const [shares, divergence] = [values(seen.shares) as Float32Array, values(seen.divergence)[0]!];
      const size = patch * patch * channels;
      for (const [i, corner] of corners.entries())
        read(corner, shares.subarray(i * size, (i + 1) * size), divergence);
    }
  };
  return {
    reconstruct: async (some) => {
      const [sums, times] = [new Float32Array(some.counts.length), new Uint8Array(some.mask.length)];
      await scan(some, ([top, left], shares) => {
        for (let at = 0; at < patch * patch; at++) {
          const pixel = (top! + Math.floor(at / patch)) * some.width + left! + (at % patch);
          times[pixel]!++;
          for (let e = 0; e < channels; e++) sums[pixel * channels + e]! += shares[at * channels + e]!;
        }
      });
      return sums.map((share, at) => share / times[Math.floor(at / channels)]!);
    },
    divergence: async (some) => {
      const all: number[] = [];
      await scan(some, (_corner, _shares, divergence) => all.push(divergence));
      return all.reduce((a, b) => a + b, 0) / all.length;
    },
  };
}

/** Shares of channels over the whole image. */
export function meanSpectrum({ counts, channels }: SpectrumImage): Float32Array {
  const sums = new Float64Array(channels);
  for (let at = 0; at < counts.length; at++) sums[at % channels]! += counts[at]!;
  const total = sums.reduce((a, b) => a + b, 0);
  return Float32Array.from(sums, (n) => n / total);
}

/** Patches [n, channels, patch, patch] by their top left corners. */
function cut({ counts, channels, width }: SpectrumImage, corners: number[][], patch: number): Tensor {
  const out = new Float32Array(corners.length * channels * patch * patch);
  for (const [i, [top, left]] of corners.entries())
    for (let at = 0; at < patch * patch; at++) {
      const pixel = (top! + Math.floor(at / patch)) * width + left! + (at % patch);
      for (let e = 0; e < channels; e++)
        out[(i * channels + e) * patch * patch + at] = counts[pixel * channels + e]!;
    }
  return fromData(out, [corners.length, channels, patch, patch]);
}
