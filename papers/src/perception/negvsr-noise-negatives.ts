import { compile, evaluate, fromData, item, mean, type Tensor, values } from "nearmiss";
import { type Clip, extractNoiseSequences, mixNoise, rotatePatches, take } from "nearmiss/data";
import { fit, trainingStep, trainingSteps } from "nearmiss/fit";
import { absoluteError, negativeGuidance, ssim } from "nearmiss/losses";
import { psnr } from "nearmiss/metrics";
import { adam, schedules } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy, type Metrics } from "../study.ts";
import {
  drawClip,
  FRAMES,
  LARGE,
  type Noise,
  noises,
  SMALL,
  shrink,
  type Upscaler,
  upscaler,
} from "../tasks/video.ts";

export const card: Card = {
  number: 116,
  slug: "negvsr-noise-negatives",
  title: "NegVSR: Augmenting Negatives for Generalized Noise Modeling in Real-World Video Super-Resolution",
  year: 2023,
  family: "perception",
  kind: "algorithm",
  arxiv: "2305.14669",
  link: "https://arxiv.org/abs/2305.14669",
  code: "https://github.com/NegVSR/NegVSR",
  summary:
    "Noise sequences are cut from flat windows of real video whose variance and mean stay stable over time, and are blended into the low-resolution training clips. The noisy frames are then diversified by turning small patches at random by multiples of 90 degrees. The network learns reconstruction and must also give outputs for the rotated input that agree with those for the unrotated one.",
  claim:
    "Training with extracted noise plus the patch-rotated negatives makes video super-resolution cope better with unfamiliar real degradations than training with blur and Gaussian noise. It also improves on the extracted noise used without the negative augmentation and its consistency loss.",
  formula: String.raw`L=\|G(\tilde x)-y\|_1+\lambda\,\|G(\operatorname{rot}_p(\tilde x))-\operatorname{sg}[G(\tilde x)]\|_1,\quad \tilde x_t=(1-m)x_t+m\,n_t`,
  exports: [
    "data/noise-sequences: extractNoiseSequences",
    "data/noise-sequences: mixNoise",
    "data/rotate-patches: rotatePatches",
    "losses/negative-guidance: negativeGuidance",
    "losses/reconstruction: ssim",
    "metrics/psnr: psnr",
  ],
  notes: [
    "As in the released network, only the recurrent part sees mixed or turned frames; what it puts out is added to the small clip without them, enlarged as it is. With the mixed clip enlarged instead, the network learns to undo the loss of contrast that mixing brings, which no test frame has: on a trial seed it then fell 3 dB below no network at all.",
    "No training code is public. Which frames are compared by the guidance, which side is stopped and its weight are decided here: outputs, those of the clip that is not turned, and 1.",
    "The released files disagree on what is turned: a demonstration turns patches of mixed frames in an 8 by 8 grid, the network has functions that mix turned noise into frames, in a 16 by 16 grid, one of them with k drawn from seven zeros, 1, 2 and 3. Here patches of 4 by 4 pixels of the mixed frame are turned, as in a 16 by 16 grid of 64 pixels, with p = 0.5, k uniform in 0 to 4, and draws of its own for every frame, as there.",
    "The released extraction leaves out the last window of each row and column; here it is taken.",
    "Learning rates are chosen by PSNR with the footage's noise, on a seed that no trial uses. Training noise was raised and batches cut to four clips on a trial seed, before the settings were fixed; all arms were then near one another, and near no network at all where noise is stronger than in training.",
    "Default run: training with blur and white noise stays best, 0.3 dB before the method, which mixes noise at half of the contrast that test frames have. What turned patches and guidance do depends on the length of training: they cost 0.12 dB after 200 steps, but on one trial seed of 1,500 steps the mix alone fell to 23.9 dB, below no network (24.8), and the method kept 24.9, against 25.1 of classical training.",
  ],
};

interface Settings {
  /** Clips to train with, blurred and with white noise of deviation up to 0.05. */
  train: number;
  /** Clips to take noise from. */
  footage: number;
  /** Clips of each kind of noise, of deviation 0.05. */
  test: number;
  channels: number;
  steps: number;
  batchSize: number;
  learningRates: number[];
  /** m: the noise's share of a mixed frame. */
  share: number;
  /** p: how likely a patch is turned. */
  probability: number;
}

const settings: Settings = {
  train: 300,
  footage: 200,
  test: 40,
  channels: 12,
  steps: 200,
  batchSize: 4,
  learningRates: [3e-3, 1e-2],
  share: 0.5,
  probability: 0.5,
};

const arms = {
  negatives: "noise of footage mixed in, patches turned, and guidance by the outputs for what was not turned",
  mix: "noise of footage mixed in",
  classical: "blur and white noise",
};

const unseen = ["blotches", "photons", "stripes"] as const;
const families = ["footage", ...unseen] as const;

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      train: 10,
      footage: 30,
      test: 2,
      channels: 2,
      steps: 5,
      batchSize: 2,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: { ...settings, seeds: 5 },
    full: { ...settings, train: 2000, footage: 1000, test: 200, channels: 32, steps: 5000, seeds: 10 },
  },
  metrics: {
    ...Object.fromEntries(
      families.map((family) => [
        `PSNR, ${family}`,
        `peak signal-to-noise ratio of enlarged test frames with noise of ${family}, dB`,
      ]),
    ),
    "PSNR, unseen": "mean over the three kinds of noise that no arm has seen, dB",
    "SSIM, unseen": "structural similarity, likewise",
    "PSNR, white": "the same for white noise, as in the training of all arms, dB",
    "enlarged as it is": "PSNR of small frames with unseen noise enlarged without a network, dB",
  },
  curves: { "training loss": { x: "step", y: "absolute error, guidance included" } },
  claims: [
    {
      id: "classical",
      statement:
        "On noise that was not trained with, the method enlarges better than training with blur and white noise.",
      rule: "The difference of PSNR, a mean over three kinds of noise, paired by seed. Supports if its 95 % interval lies above 0, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "PSNR, unseen", method: "negatives", baseline: "classical", better: "higher" }],
    },
    {
      id: "negatives",
      statement:
        "It does so better than with the noise of footage alone, without turned patches and guidance.",
      rule: "As above, against the arm with mixed noise.",
      comparisons: [{ metric: "PSNR, unseen", method: "negatives", baseline: "mix", better: "higher" }],
    },
  ],
  distance:
    "The paper trains BasicVSR with 64 channels and optical flow on REDS, with noise of FLIR and VideoLQ footage, and judges real videos by measures without a reference; here are drawn grey clips of three frames, doubled from 16 by 16 pixels by a recurrent network of 3,200 weights without flow in 200 steps, simulated cameras, and PSNR against the truth.",
  async run({ arm, seed, settings, report, signal }) {
    const key = ["negvsr", arm, settings];
    const learningRate = await chooseOnce(key, settings.learningRates, async (learningRate) => {
      const params = await train(arm, settings, learningRate, TUNING_SEED, signal);
      return (await judge(params, settings, TUNING_SEED))["PSNR, footage"]!;
    });
    const params = await train(arm, settings, learningRate, seed, signal, (step, loss) => {
      report.progress((0.9 * step) / settings.steps);
      if (step % 5 === 0) report.point("training loss", step, loss);
    });
    return judge(params, settings, seed, (pixels) =>
      report.image("stripes", {
        caption: "A test clip with striped noise, enlarged.",
        width: LARGE,
        height: LARGE * FRAMES,
        pixels,
      }),
    );
  },
});

const LARGE_CLIP = FRAMES * LARGE * LARGE;
const SMALL_CLIP = FRAMES * SMALL * SMALL;

interface Pairs {
  /** [n, FRAMES, LARGE, LARGE] */
  large: Float32Array;
  /** [n, FRAMES, SMALL, SMALL] */
  small: Float32Array;
}

function pairs(count: number, stream: Random, spoil: Noise, level: (random: Random) => number): Pairs {
  const large = new Float32Array(count * LARGE_CLIP);
  const small = new Float32Array(count * SMALL_CLIP);
  for (let i = 0; i < count; i++) {
    const each = stream.split(i);
    const clip = drawClip(each.split("clip"));
    const draw = each.split("camera");
    const shrunk = shrink(clip, 0.4 + 0.6 * draw.next());
    large.set(clip.pixels, i * LARGE_CLIP);
    small.set(spoil(shrunk, level(draw), draw), i * SMALL_CLIP);
  }
  return { large, small };
}

const load = remember(({ train, footage, test }: Settings, seed: number) => {
  const root = random(seed);
  const sequences: Clip[] = [];
  for (let i = 0; i < footage; i++) {
    const each = root.split("footage").split(i);
    const clip = drawClip(each.split("clip"));
    const pixels = noises.footage(clip, 0.01 + 0.02 * each.next(), each.split("noise"));
    sequences.push(...extractNoiseSequences({ ...clip, pixels }, { window: SMALL }));
  }
  const testOf = (noise: Noise) => pairs(test, root.split("test"), noise, () => 0.05);
  return {
    sequences,
    train: pairs(train, root.split("train"), noises.white, (draw) => 0.05 * draw.next()),
    tests: Object.fromEntries(
      [...families, "white" as const].map((family) => [family, testOf(noises[family])]),
    ),
  };
}, 2);

interface Batch {
  large: Tensor;
  small: Tensor;
  mixed: Tensor;
  turned: Tensor;
}

const training = remember((arm: string, { channels, steps }: Settings, learningRate: number) => {
  const network = upscaler(channels);
  const optimizer = adam({ learningRate: schedules.cosine({ from: learningRate, steps }) });
  const loss = (params: Upscaler, { large, small, mixed, turned }: Batch) => {
    const outputs = network.apply(params, mixed, small);
    if (arm !== "negatives") return absoluteError(outputs, large);
    return negativeGuidance(outputs, network.apply(params, turned, small), large);
  };
  const options = { loss, optimizer, compile: { threads: 1 } };
  return {
    init: (stream: Random) => optimizer.init(network.init(stream)),
    step: trainingStep(options),
    together: { count: 10, step: trainingSteps(options) },
    enlarge: compile((params: Upscaler, small: Tensor) => network.apply(params, small), { threads: 1 }),
  };
});

async function train(
  arm: string,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
) {
  const { share, probability, steps, batchSize } = settings;
  const { train, sequences } = load(settings, seed);
  const { init, step, together, enlarge } = training(arm, settings, learningRate);
  const root = random(seed).split("training");
  const clipsOf = (data: Float32Array, side: number) => fromData(data, [batchSize, FRAMES, side, side]);
  const { state } = await fit({
    state: init(root.split("weights")),
    step,
    together,
    steps,
    signal,
    onStep,
    batch: (i): Batch => {
      const stream = root.split("batches").split(i);
      const rows = Int32Array.from({ length: batchSize }, () =>
        stream.integer(0, train.large.length / LARGE_CLIP),
      );
      const small = take(train.small, rows, SMALL_CLIP);
      const [mixed, turned] = [small.slice(), small.slice()];
      for (let row = 0; arm !== "classical" && row < batchSize; row++) {
        const pixels = small.subarray(row * SMALL_CLIP, (row + 1) * SMALL_CLIP);
        const clip = { frames: FRAMES, height: SMALL, width: SMALL, pixels };
        const blended = mixNoise(clip, stream.choice(sequences), share);
        mixed.set(blended.pixels, row * SMALL_CLIP);
        const negative = rotatePatches(blended, { grid: 4, probability, random: stream.split(row) });
        turned.set(negative.pixels, row * SMALL_CLIP);
      }
      return {
        large: clipsOf(take(train.large, rows, LARGE_CLIP), LARGE),
        small: clipsOf(small, SMALL),
        mixed: clipsOf(mixed, SMALL),
        turned: clipsOf(turned, SMALL),
      };
    },
  });
  return (small: Tensor) => enlarge(state.params, small);
}

async function judge(
  enlarge: (small: Tensor) => Promise<Tensor>,
  settings: Settings,
  seed: number,
  show?: (pixels: Float32Array) => void,
): Promise<Metrics> {
  const metrics: Metrics = { "PSNR, unseen": 0, "SSIM, unseen": 0, "enlarged as it is": 0 };
  const untrained = upscaler(1);
  const asItIs = untrained.init(random(0));
  for (const [family, { large, small }] of Object.entries(load(settings, seed).tests)) {
    const input = fromData(small, [settings.test, FRAMES, SMALL, SMALL]);
    const outputs = values(await enlarge(input)) as Float32Array;
    const size = LARGE * LARGE;
    metrics[`PSNR, ${family}`] = psnr(outputs, large, { size });
    if (!(unseen as readonly string[]).includes(family)) continue;
    const part = 1 / unseen.length;
    const frames = (pixels: Float32Array) => fromData(pixels, [settings.test * FRAMES, 1, LARGE, LARGE]);
    const plain = values(await evaluate(untrained.apply(asItIs, input))) as Float32Array;
    metrics["PSNR, unseen"]! += part * metrics[`PSNR, ${family}`]!;
    metrics["enlarged as it is"]! += part * psnr(plain, large, { size });
    metrics["SSIM, unseen"]! += part * item(await evaluate(mean(ssim(frames(outputs), frames(large)))));
    if (family === "stripes") show?.(outputs.slice(0, LARGE_CLIP));
  }
  return metrics;
}
