/**
 * Maximum likelihood for models that are known up to a constant, p(x) = e^{φ(x)} / Z, with samples of a noise
 * distribution q: log Z = log E_q[e^{φ − log q}], and a moving average follows the expectation from batch to batch.
 *
 *     logNormalizer = trackLogNormalizer(logNormalizer, logNormalizerEstimate(noiseScores, noiseLogDensities));
 *     const loss = compositionalLikelihood(dataScores, noiseScores, noiseLogDensities, logNormalizer);
 *
 * Source: Jiang et al., "Learning unnormalized statistical models via compositional optimization" (2023), algorithm 1 (MECO).
 */
import {
  add,
  exp,
  log,
  logSumExp,
  maximum,
  mean,
  multiply,
  stopGradient,
  subtract,
  type Tensor,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

/**
 * log ĝ = log mean e^{φ(x̃) − log q(x̃)} over a batch of noise: what the batch says of log Z. Its exponential is unbiased;
 * how much it varies depends on how well q covers the model. See `effectiveSampleFraction` of `nearmiss/metrics`.
 *
 * @param noiseScores φ(x̃), [n].
 * @param noiseLogDensities log q(x̃), [n], nats.
 * @returns A scalar.
 */
export function logNormalizerEstimate(noiseScores: Tensor, noiseLogDensities: Tensor): Tensor {
  requireScores("logNormalizerEstimate", { noiseScores, noiseLogDensities });
  return subtract(logSumExp(subtract(noiseScores, noiseLogDensities)), Math.log(noiseScores.shape[0]!));
}

/**
 * log((1 − γ) e^{previous} + γ e^{estimate}): the moving average u in logarithms. No gradient passes through it.
 *
 * @param previous log u of the step before, a scalar; anything finite where γ is 1, as in a first step.
 * @param estimate Of this step's batch, a scalar.
 * @param gamma γ, from 0 to 1: a number, or a scalar that changes from step to step. Default: 0.1. At 1 every batch stands
 *   for itself.
 */
export function trackLogNormalizer(previous: Tensor, estimate: Tensor, gamma: number | Tensor = 0.1): Tensor {
  if (typeof gamma === "number" && !(gamma >= 0 && gamma <= 1))
    throw new RangeError(`trackLogNormalizer: gamma is ${gamma}; expected a number from 0 to 1`);
  const [keep, take] =
    typeof gamma === "number"
      ? [Math.log(1 - gamma), Math.log(gamma)]
      : [log(subtract(1, gamma)), log(gamma)];
  // A weight of 0 is −∞ here, and its exponential 0 again.
  const [kept, added] = [add(stopGradient(previous), keep), add(stopGradient(estimate), take)];
  const largest = maximum(kept, added);
  return add(log(add(exp(subtract(kept, largest)), exp(subtract(added, largest)))), largest);
}

/**
 * The negative log-likelihood −mean φ(x) + log u, whose gradient is −mean ∇φ(x) + mean w ∇φ(x̃) with weights
 * w = e^{φ(x̃) − log q(x̃)} / u that are held fixed. At γ = 1 the weights sum to n: self-normalised importance sampling.
 *
 * @param dataScores φ(x), [m].
 * @param noiseScores φ(x̃) of samples of q, [n].
 * @param noiseLogDensities log q(x̃), [n], nats.
 * @param logNormalizer log u, a scalar; see `trackLogNormalizer`.
 * @returns A scalar, nats.
 */
export function compositionalLikelihood(
  dataScores: Tensor,
  noiseScores: Tensor,
  noiseLogDensities: Tensor,
  logNormalizer: Tensor,
): Tensor {
  requireScores("compositionalLikelihood", { noiseScores, noiseLogDensities });
  requireScores("compositionalLikelihood", { dataScores });
  if (logNormalizer.shape.length > 0)
    throw new RangeError(
      `compositionalLikelihood: logNormalizer is ${describe(logNormalizer)}; expected a scalar`,
    );
  const fixed = stopGradient(noiseScores);
  const normalizer = stopGradient(logNormalizer);
  const weights = exp(subtract(subtract(fixed, stopGradient(noiseLogDensities)), normalizer));
  // Zero, but for its gradient.
  const pull = mean(multiply(weights, subtract(noiseScores, fixed)));
  return add(subtract(normalizer, mean(dataScores)), pull);
}

function requireScores(name: string, scores: Record<string, Tensor>) {
  const [[first, expected]] = Object.entries(scores) as [[string, Tensor]];
  for (const [argument, x] of Object.entries(scores))
    if (x.shape.length !== 1 || x.shape[0] === 0 || x.shape[0] !== expected.shape[0])
      throw new RangeError(
        `${name}: ${argument} is ${describe(x)}; expected [n] with n at least 1${argument === first ? "" : `, as ${first}`}`,
      );
}
