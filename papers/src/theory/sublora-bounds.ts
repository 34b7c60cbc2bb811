import {
  compile,
  exp,
  fromData,
  logSoftmax,
  pick,
  scalar,
  type Tensor,
  valueAndGrad,
  values,
} from "nearmiss";
import {
  moveAll,
  moveWithin,
  numbersIn,
  prefixFreeBits,
  randomSubspace,
  type Subspace,
  uniformCodebook,
} from "nearmiss/compression";
import { softmaxCrossEntropy } from "nearmiss/losses";
import { type Adapters, lora } from "nearmiss/nn";
import { adam, clipByGlobalNorm } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { mean } from "nearmiss/stats";
import { compressionBound, smoothedBits, smoothedRange } from "nearmiss/theory";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { noWorseBy } from "../decide.ts";
import { defineStudy } from "../study.ts";
import { type CharacterBatch, type CharacterParams, characterModel } from "../tasks/character-model.ts";
import { CHARACTERS, type TextWindows, textWindows } from "../tasks/text-windows.ts";

export const card: Card = {
  number: 71,
  slug: "sublora-bounds",
  title: "Non-Vacuous Generalization Bounds for Large Language Models",
  year: 2023,
  family: "theory",
  kind: "bound",
  arxiv: "2312.17173",
  link: "https://arxiv.org/abs/2312.17173",
  code: "https://github.com/Sanaelotfi/sublora-bounds-for-llms",
  summary:
    "Trains a language model from scratch in a random low-dimensional subspace of LoRA parameters, then quantises the coordinates to a few levels and entropy-codes them (SubLoRA). The code length K enters a finite-hypothesis bound on expected bits per token. Mixing predictions with the uniform distribution bounds the loss, and a subsampling term lets the training risk be measured on n of m samples.",
  claim:
    "The bound on expected bits per token falls below the base-2 logarithm of the vocabulary size, which is the vacuous level. Combining random subspace and LoRA gives tighter bounds than either form of compression alone, and larger models need not have worse bounds. Predictions are smoothed because the raw loss is unbounded.",
  formula: String.raw`R\le\hat R+\Delta\Big[\sqrt{\tfrac{K\ln2+\ln\frac1{r\delta}}{2m}}+\sqrt{\tfrac{\ln\frac1{(1-r)\delta}}{2n}}\Big],\quad r=\tfrac{n}{n+m}`,
  exports: [
    "theory/compression-bound: compressionBound",
    "theory/compression-bound: smoothedBits",
    "theory/compression-bound: smoothedRange",
    "compression/random-subspace: randomSubspace",
    "compression/random-subspace: moveWithin",
    "compression/random-subspace: moveAll",
    "compression/uniform-codebook: uniformCodebook",
    "compression/arithmetic-code: arithmeticCode",
    "compression/arithmetic-code: decodeArithmeticCode",
    "compression/arithmetic-code: arithmeticCodeBits",
    "compression/arithmetic-code: prefixFreeBits",
    "nn/lora: lora",
  ],
  notes: [
    "Every arm pays for what was tried: dimensions and learning rates in whole bits, two more bits for the share of the uniform distribution, of which each trial takes the one of four with the smallest bound. The authors' code adds the number of shares itself, once more for each share, and so pays more than it must.",
    "The subspace is that of two plain Gaussian factors. The authors' released settings make their columns orthonormal first, permute the result and add a dense block for the remainder; lengths are the same on average.",
    "Counts of symbols take log2(d + 1) bits each, rounded up, where the paper has log2 d: a count can be from 0 to d. An arithmetic coder in whole numbers shows that the told length is enough to read the symbols back.",
    "LoRA alone and the whole model are coded as differences from their random start, with the same 11 levels: the start is known from its seed. Fine-tuning of the levels, k-means and top-k errors are not here.",
    "The wide network takes over dimension and learning rate from the narrow one, so its bound can be looser than need be, not tighter. Grids were laid around the rates that do best on seeds that the study does not use.",
    "Windows are drawn without putting back from all windows of the speeches, so the bound is on the mean loss over all of those; neighbouring windows being alike does no harm to that. Test windows are those that were not drawn.",
    "The default run contradicts the claim that the combination is best: of so small a network, a subspace of all parameters has the tighter bound, by 0.26 bits (0.17 to 0.35), as it loses less on the text at the same length; against LoRA alone there is no difference (-0.11 to 0.12). On four seeds that the study does not use, a rate of 0.02, between two of the grid, gave SubLoRA bounds of 4.94 to 4.98, still above those of the subspace of all parameters.",
  ],
};

const arms = {
  sublora: "random subspace of LoRA parameters",
  lora: "LoRA parameters, every one of them coded",
  subspace: "random subspace of all parameters",
  whole: "all parameters, every one of them coded",
  wide: "random subspace of LoRA parameters in a network of twice the width",
  uniform: "all characters equally likely: the vacuous level",
};

interface Settings {
  /** Characters to be guessed in a window. */
  length: number;
  width: number;
  steps: number;
  batchSize: number;
  /** What is tried where coordinates are those of a subspace, and where every number is one: equally many. */
  subspaces: Candidate[];
  learningRates: number[];
  /** Windows on which the training risk is measured, and the test risk. */
  sampled: number;
}

const settings = {
  length: 32,
  width: 32,
  batchSize: 32,
  subspaces: [
    { dimension: 144, learningRate: 2e-2 },
    { dimension: 576, learningRate: 1e-2 },
    { dimension: 576, learningRate: 3e-2 },
    { dimension: 576, learningRate: 1e-1 },
  ],
  learningRates: [3e-3, 1e-2, 2e-2, 4e-2],
};

const LEVELS = 11;
const SHARES = [0.01, 0.05, 0.1, 0.25];

const bits = "bits a character";
const compare = (baseline: string, metric = "bound", better: "lower" | "higher" = "lower") => ({
  metric,
  method: "sublora",
  baseline,
  better,
});

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      width: 8,
      steps: 3,
      batchSize: 8,
      subspaces: [{ dimension: 36, learningRate: 1e-2 }],
      learningRates: [1e-2],
      sampled: 64,
      seeds: 2,
    },
    default: { ...settings, steps: 200, sampled: 2000, seeds: 4 },
    full: {
      ...settings,
      width: 128,
      batchSize: 64,
      steps: 4000,
      sampled: 10_000,
      seeds: 10,
    },
  },
  metrics: {
    bound: `upper bound on the mean loss over all windows, holding with probability 0.95, ${bits}`,
    margin: `by how much the bound lies above the loss on windows not trained on, ${bits}`,
    "training loss": `of the coded model with smoothed predictions on sampled training windows, ${bits}`,
    "test loss": `likewise on windows not trained on, ${bits}`,
    complexity: `what the model's length adds to the bound, ${bits}`,
    subsampling: `what measuring the training loss on a sample adds to the bound, ${bits}`,
    kilobits: "length of the model's code with all that was tried, 1000 bits",
    coordinates: "numbers that are coded",
    smoothing: "share of the uniform distribution with the smallest bound",
  },
  curves: { "training loss": { x: "step", y: `of the batch, before coding, ${bits}` } },
  claims: [
    {
      id: "non-vacuous",
      statement:
        "The bound of SubLoRA is below the loss of a model that holds all characters for equally likely.",
      rule: "Paired by seed. Supports if the 95 % interval of the difference lies below 0, contradicts if above, else inconclusive.",
      comparisons: [compare("uniform")],
    },
    {
      id: "combination",
      statement:
        "The bound of SubLoRA is below that of LoRA without a subspace, of a subspace without LoRA, and of all parameters.",
      rule: "As for the first claim, against all three; contradicts if one of the intervals lies above 0.",
      comparisons: ["lora", "subspace", "whole"].map((baseline) => compare(baseline)),
    },
    {
      id: "validity",
      statement: "The bound holds: it lies above the loss on windows that the model was not trained on.",
      rule: "The margin against that of the uniform model, which is 0. Supports if its 95 % interval lies above 0, contradicts if below.",
      comparisons: [compare("uniform", "margin", "higher")],
    },
    {
      id: "width",
      statement: "A network of twice the width has no worse a bound, by more than 0.05 bits a character.",
      rule: "Supports if the 95 % interval of the wide network's bound minus the other's lies below 0.05, contradicts if above, else inconclusive.",
      comparisons: [{ metric: "bound", method: "wide", baseline: "sublora", better: "lower" }],
      decide: noWorseBy(0.05),
    },
  ],
  distance:
    "The paper trains GPT-2 of 124 to 849 million weights in 50,000 dimensions on 9 million documents. Here networks of 0.02 and 0.06 million weights learn windows of 32 characters out of 64, in 144 or 576 dimensions, from 324,000 windows, of which 200 steps see 6,400.",
  async run({ arm, seed, settings, report, signal }) {
    if (arm === "uniform") {
      const loss = Math.log2(CHARACTERS);
      return { ...nothing, bound: loss, "training loss": loss, "test loss": loss, smoothing: 1 };
    }
    // The wide network takes over what is best for the narrow one.
    const tuned = arm === "wide" ? "sublora" : arm;
    const direct = arm === "lora" || arm === "whole";
    const candidates: Candidate[] = direct
      ? settings.learningRates.map((learningRate) => ({ learningRate }))
      : settings.subspaces;
    const chosen = await chooseOnce(["SubLoRA", tuned, settings], candidates, async (candidate) => {
      const { bound } = await certify(tuned, settings, candidate, candidates.length, TUNING_SEED, signal);
      return -bound;
    });
    return certify(arm, settings, chosen, candidates.length, seed, signal, (step, loss) => {
      report.progress((0.8 * step) / settings.steps);
      if (step % 10 === 0 || step === settings.steps) report.point("training loss", step, loss);
    });
  },
});

const nothing = { margin: 0, complexity: 0, subsampling: 0, kilobits: 0, coordinates: 0 };

interface Candidate {
  dimension?: number;
  learningRate: number;
}

/** A model's random start, and what of it is trained. */
interface Start {
  params: CharacterParams;
  adapters: Adapters;
}

const adapt = lora({ rank: 4, alpha: 32, where: (path) => /attention.*weight$|^head$/.test(path) });

/** The weights at coordinates, and what training and judging need of them; compiled once for each arm and size. */
function machinery(arm: string, width: number, length: number) {
  const model = characterModel({ vocabulary: CHARACTERS, context: length, width, heads: 4, layers: 1 });
  const onAdapters = arm !== "subspace" && arm !== "whole";
  const weights = ({ params, adapters }: Start, w: Tensor, subspace?: Subspace) => {
    const moved = <T>(base: T) => (subspace ? moveWithin(base, w, subspace) : moveAll(base, w));
    return onAdapters ? adapt.apply(params, moved(adapters)) : moved(params);
  };
  const logitsOf = (params: CharacterParams, inputs: Tensor) =>
    model.logits(params, model.embed(params, inputs));
  const at = (rate: Tensor) => adam({ learningRate: () => rate });
  return {
    init: (seed: number): Start => {
      const draw = random(seed).split("start");
      const params = model.init(draw.split("weights"));
      return { params, adapters: adapt.init(params, draw.split("adapters")) };
    },
    trained: ({ params, adapters }: Start): unknown => (onAdapters ? adapters : params),
    optimizer: adam({ learningRate: 1 }),
    step: compile(
      (
        state: ReturnType<ReturnType<typeof adam>["init"]> & { params: Tensor },
        start: Start,
        subspace: Subspace | undefined,
        batch: CharacterBatch,
        rate: Tensor,
      ) => {
        const [loss, gradient] = valueAndGrad((w: Tensor) =>
          softmaxCrossEntropy(logitsOf(weights(start, w, subspace), batch.inputs), batch.targets),
        )(state.params);
        return { state: at(rate).update(state, clipByGlobalNorm(gradient, 1)), loss };
      },
      { threads: 1 },
    ),
    /** Probabilities of all characters of windows. */
    read: compile(
      (start: Start, w: Tensor, subspace: Subspace | undefined, batch: CharacterBatch) =>
        exp(pick(logSoftmax(logitsOf(weights(start, w, subspace), batch.inputs)), batch.targets)),
      { threads: 1 },
    ),
  };
}
const machineries = new Map<string, ReturnType<typeof machinery>>();

/** Trains, codes and judges a model: the parts of its bound. */
async function certify(
  arm: string,
  { length, width, steps, batchSize, sampled }: Settings,
  { dimension, learningRate }: Candidate,
  tried: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
) {
  const key = [arm === "wide" ? "sublora" : arm, arm === "wide" ? 2 * width : width, length];
  const made = machineries.get(key.join()) ?? machinery(key[0] as string, key[1] as number, length);
  machineries.set(key.join(), made);
  const root = random(seed);
  const windows: TextWindows = textWindows(length, sampled, seed);
  const start = made.init(seed);
  const size = numbersIn(made.trained(start));
  const d = dimension ?? size;
  const subspace = dimension ? randomSubspace(made.trained(start), d, root.split("subspace")) : undefined;

  const draws = root.split("batches");
  let state = made.optimizer.init(fromData(new Float32Array(d), [d]));
  for (let i = 0; i < steps; i++) {
    signal.throwIfAborted();
    const own = draws.split(i);
    const batch = windows.train(Array.from({ length: batchSize }, () => own.integer(0, windows.count)));
    const rate = learningRate * 0.5 * (1 + Math.cos((Math.PI * i) / steps));
    const next = await made.step(state, start, subspace, batch, scalar(rate));
    state = next.state;
    onStep?.(i + 1, values(next.loss)[0]! / Math.LN2);
  }

  const code = uniformCodebook(values(state.params) as Float32Array, LEVELS);
  const K = prefixFreeBits(code.bits) + Math.ceil(Math.log2(tried)) + Math.log2(SHARES.length);
  const coded = fromData(code.values, [d]);
  const probabilities = async (batch: TextWindows["train"], numbers: ArrayLike<number>) => {
    const found: number[] = [];
    for (let from = 0; from < numbers.length; from += 250) {
      const part = Array.from(numbers).slice(from, from + 250);
      for (const p of values(await made.read(start, coded, subspace, batch(part)))) found.push(Number(p));
    }
    return found;
  };
  const known = await probabilities(windows.train, root.split("sampled").sample(windows.count, sampled));
  const unseen = await probabilities(
    windows.test,
    Array.from({ length: sampled }, (_, i) => i),
  );
  const bounds = SHARES.map((smoothing) => {
    const smoothed = { vocabulary: CHARACTERS, smoothing };
    const lossOf = (of: number[]) => mean(of.map((p) => smoothedBits(p, smoothed)));
    const [risk, test] = [lossOf(known), lossOf(unseen)];
    const range = smoothedRange(smoothed);
    const parts = compressionBound({ risk, bits: K, units: windows.count, sampled, range });
    return { ...parts, margin: parts.bound - test, "training loss": risk, "test loss": test, smoothing };
  });
  const best = bounds.reduce((a, b) => (b.bound < a.bound ? b : a));
  return { ...best, kilobits: K / 1000, coordinates: d };
}
