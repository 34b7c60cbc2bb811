/**
 * NoProp in discrete time: a chain of blocks, each trained alone to recover a label's embedding from a noised copy of it
 * and the input. T blocks have T + 1 states z_0 (almost noise) … z_T (almost the embedding), with shares of signal
 * ᾱ_0 < … < ᾱ_T; block t leads from z_{t−1} to z_t.
 *
 * Source: Li, Teh and Pascanu, "NoProp: Training Neural Networks without Back-propagation or Forward-propagation" (2025).
 */
import { signalToNoise } from "../diffusion/index.ts";
import { type LossOptions, reduce } from "../losses/reduction.ts";
import { requireCount } from "../nn/layer.ts";
import { add, fromData, multiply, slice, square, subtract, sum, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

/**
 * ᾱ_t = 1 − f(t) / f(0), f(t) = cos²(π/2 (t/T + s) / (1 + s)): the cosine schedule turned round, kept between two ends.
 *
 * @param blocks T
 * @param options.offset s. Default: 0.008.
 * @param options.lowest ᾱ_0. Default: 1e-5.
 * @param options.highest Largest ᾱ. Default: 0.99. At 1 the signal-to-noise ratio is infinite, and the last block's weight.
 * @returns ᾱ [T + 1], rising.
 */
export function risingCosineSchedule(
  blocks: number,
  {
    offset = 0.008,
    lowest = 1e-5,
    highest = 0.99,
  }: { offset?: number; lowest?: number; highest?: number } = {},
): Float64Array {
  requireCount("risingCosineSchedule", "blocks", blocks);
  if (!(lowest > 0 && lowest < highest && highest < 1))
    throw new RangeError(
      `risingCosineSchedule: lowest is ${lowest} and highest ${highest}; expected 0 < lowest < highest < 1`,
    );
  const level = (t: number) => Math.cos(((t / blocks + offset) / (1 + offset)) * (Math.PI / 2)) ** 2;
  return requireRising(
    "risingCosineSchedule",
    Float64Array.from({ length: blocks + 1 }, (_, t) =>
      Math.min(Math.max(1 - level(t) / level(0), lowest), highest),
    ),
  );
}

/** How block t makes z_t of its prediction û and of z_{t−1}: a û + b z_{t−1} + √c ε. */
export interface ChainStep {
  /** a */
  prediction: number;
  /** b */
  state: number;
  /** √c */
  noise: number;
}

/**
 * The steps of the chain, from 1 to T: the posterior of z_t given z_{t−1} and the embedding. With α = ᾱ_{t−1} / ᾱ_t,
 * a = √ᾱ_t (1 − α) / (1 − ᾱ_{t−1}), b = √α (1 − ᾱ_t) / (1 − ᾱ_{t−1}), c = (1 − ᾱ_t) (1 − α) / (1 − ᾱ_{t−1}). A
 * prediction that is always right keeps mean √ᾱ_t u and variance 1 − ᾱ_t.
 *
 * Source: equation 4.
 *
 * @param alphaBars ᾱ [T + 1], rising.
 * @returns T steps.
 * @throws RangeError unless ᾱ rises strictly within (0, 1).
 */
export function noPropSteps(alphaBars: ArrayLike<number>): ChainStep[] {
  const levels = requireRising("noPropSteps", alphaBars);
  return Array.from({ length: levels.length - 1 }, (_, i) => {
    const [before, after] = [levels[i]!, levels[i + 1]!];
    const ratio = before / after;
    return {
      prediction: (Math.sqrt(after) * (1 - ratio)) / (1 - before),
      state: (Math.sqrt(ratio) * (1 - after)) / (1 - before),
      noise: Math.sqrt(((1 - after) * (1 - ratio)) / (1 - before)),
    };
  });
}

/**
 * The states that the blocks are trained on, drawn straight from the labels: √ᾱ_t u + √(1 − ᾱ_t) ε.
 *
 * @param targets u, embeddings of the labels, [n, d].
 * @param noise ε, standard normal, [k, n, d] for k values of t.
 * @param alphaBars [k]: ᾱ_0 … ᾱ_{T−1} are what the T blocks see, ᾱ_T is what a head on z_T sees.
 * @returns [k, n, d]
 */
export function noisedEmbeddings(targets: Tensor, noise: Tensor, alphaBars: ArrayLike<number>): Tensor {
  requireStates("noisedEmbeddings", "noise", noise, targets, alphaBars.length);
  const each = (f: (alphaBar: number) => number) => perBlock(Float64Array.from(alphaBars, f), targets.dtype);
  return add(
    multiply(each(Math.sqrt), targets),
    multiply(
      each((alphaBar) => Math.sqrt(1 - alphaBar)),
      noise,
    ),
  );
}

/**
 * η/2 Σ_t (SNR_t − SNR_{t−1}) ‖û_t − u‖² with SNR = ᾱ / (1 − ᾱ): the sum over all blocks of what the paper estimates by
 * drawing t. Block t's part depends on no other block's parameters, since its state comes from the label. Learned
 * embeddings need `noPropPrior` and a head's cross-entropy beside it, or they shrink to 0.
 *
 * Source: equation 8, its last term.
 *
 * @param predictions û_t(z_{t−1}, x), [T, n, d].
 * @param targets u, [n, d].
 * @param alphaBars ᾱ [T + 1], rising.
 * @param options.eta η. Default: 0.1.
 * @returns A scalar, or [n] with reduction "none".
 */
export function noPropLoss(
  predictions: Tensor,
  targets: Tensor,
  alphaBars: ArrayLike<number>,
  { eta = 0.1, reduction }: LossOptions & { eta?: number } = {},
): Tensor {
  const ratios = signalToNoise(requireRising("noPropLoss", alphaBars));
  requireStates("noPropLoss", "predictions", predictions, targets, ratios.length - 1);
  if (!(eta > 0)) throw new RangeError(`noPropLoss: eta is ${eta}; expected a number above 0`);
  const weights = Float64Array.from(ratios.subarray(1), (ratio, i) => (eta / 2) * (ratio - ratios[i]!));
  const errors = multiply(perBlock(weights, targets.dtype), square(subtract(predictions, targets)));
  return reduce(sum(errors, { axis: [0, 2] }), reduction);
}

/**
 * KL(N(√ᾱ_0 u, (1 − ᾱ_0) I) ‖ N(0, I)) = ½ (ᾱ_0 ‖u‖² − d ᾱ_0 − d log(1 − ᾱ_0)), nats: keeps learned embeddings from growing.
 *
 * @param targets u, [n, d].
 * @param alphaBar ᾱ_0, in (0, 1).
 * @returns A scalar, or [n] with reduction "none".
 */
export function noPropPrior(targets: Tensor, alphaBar: number, { reduction }: LossOptions = {}): Tensor {
  if (targets.shape.length !== 2)
    throw new RangeError(`noPropPrior: targets is ${describe(targets)}; expected [n, d]`);
  if (!(alphaBar > 0 && alphaBar < 1))
    throw new RangeError(`noPropPrior: alphaBar is ${alphaBar}; expected a number between 0 and 1`);
  const constant = targets.shape[1]! * (alphaBar + Math.log1p(-alphaBar));
  const norms = multiply(sum(square(targets), { axis: 1 }), alphaBar / 2);
  return reduce(subtract(norms, constant / 2), reduction);
}

/**
 * Runs the blocks one after the other from noise, as is done to classify: no label enters.
 *
 * @param predict û_t, from t = 1 … T and z_{t−1} [n, d] to [n, d].
 * @param noise Standard normal, [T + 1, n, d]: z_0, then ε of each step.
 * @param alphaBars ᾱ [T + 1], rising.
 * @returns z_T [n, d], and the predictions û_1 … û_T on the way.
 */
export function noPropChain(
  predict: (block: number, state: Tensor) => Tensor,
  noise: Tensor,
  alphaBars: ArrayLike<number>,
): { state: Tensor; predictions: Tensor[] } {
  const steps = noPropSteps(alphaBars);
  if (noise.shape.length !== 3 || noise.shape[0] !== steps.length + 1)
    throw new RangeError(`noPropChain: noise is ${describe(noise)}; expected [${steps.length + 1}, n, d]`);
  const draw = (t: number) => slice(noise, [t]);
  const predictions: Tensor[] = [];
  let state = draw(0);
  for (const [i, step] of steps.entries()) {
    const prediction = predict(i + 1, state);
    if (prediction.shape.join() !== state.shape.join())
      throw new RangeError(
        `noPropChain: block ${i + 1} predicts ${describe(prediction)}; expected [${state.shape.join(", ")}], as its state`,
      );
    predictions.push(prediction);
    const mean = add(multiply(prediction, step.prediction), multiply(state, step.state));
    state = add(mean, multiply(draw(i + 1), step.noise));
  }
  return { state, predictions };
}

/** One number a block, to go with [blocks, n, d]. */
const perBlock = (numbers: Float64Array, dtype: Tensor["dtype"]): Tensor =>
  fromData(dtype === "float64" ? numbers : Float32Array.from(numbers), [numbers.length, 1, 1]);

function requireStates(name: string, argument: string, states: Tensor, targets: Tensor, count: number) {
  if (targets.shape.length !== 2)
    throw new RangeError(`${name}: targets is ${describe(targets)}; expected [n, d]`);
  const expected = [count, ...targets.shape];
  if (states.shape.join() !== expected.join())
    throw new RangeError(`${name}: ${argument} is ${describe(states)}; expected [${expected.join(", ")}]`);
}

function requireRising(name: string, alphaBars: ArrayLike<number>): Float64Array {
  const levels = Float64Array.from(alphaBars);
  if (levels.length < 2)
    throw new RangeError(`${name}: alphaBars has ${levels.length} entries; expected at least 2`);
  levels.forEach((level, t) => {
    if (!(level > 0 && level < 1 && (t === 0 || level > levels[t - 1]!)))
      throw new RangeError(
        `${name}: alphaBars[${t}] is ${level}; expected numbers between 0 and 1 that rise strictly`,
      );
  });
  return levels;
}
