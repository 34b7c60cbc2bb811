/** Preferences between images as differences of a flow's or a diffusion model's errors, and times for learning them. */
import { dpo } from "../losses/preference.ts";
import type { LossOptions } from "../losses/reduction.ts";
import type { Random } from "../random.ts";
import { negate, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

/** Squared errors [n] of predictions for the better and the worse image, at the same noise and time. */
export interface ErrorPairs {
  positive: Tensor;
  negative: Tensor;
}

export interface DenoisingPreferenceOptions extends LossOptions {
  /** β > 0. Default: 1000, for errors that are means over elements. */
  beta?: number;
}

/**
 * −log σ(−β (Δ − Δ_ref)) with Δ = error(x⁺) − error(x⁻): DPO with −error in place of the log-probability. Noise and time
 * have to be shared within a pair.
 *
 * Sources: Wallace et al., "Diffusion Model Alignment Using Direct Preference Optimization" (2023), equation 14; for flows
 * and negatives of degraded conditions, Shin et al., "Negative-Guided Subject Fidelity Optimization" (2025).
 *
 * @param errors of the model in training, [n] each
 * @param reference of the model before training, [n] each; no gradient flows into it
 * @returns A scalar, or [n] with reduction "none"; log 2 where both models are the same.
 */
export function denoisingPreference(
  errors: ErrorPairs,
  reference: ErrorPairs,
  { beta = 1000, reduction }: DenoisingPreferenceOptions = {},
): Tensor {
  const given = {
    "errors.positive": errors.positive,
    "errors.negative": errors.negative,
    "reference.positive": reference.positive,
    "reference.negative": reference.negative,
  };
  for (const [argument, x] of Object.entries(given))
    if (x.shape.length !== 1 || x.shape[0] !== errors.positive.shape[0])
      throw new RangeError(
        `denoisingPreference: ${argument} is ${describe(x)}; expected [n], as errors.positive`,
      );
  if (!(beta > 0 && Number.isFinite(beta)))
    throw new RangeError(`denoisingPreference: beta is ${beta}; expected a number above 0`);
  const responses = ({ positive, negative }: ErrorPairs) => ({
    chosen: negate(positive),
    rejected: negate(negative),
  });
  return dpo(responses(errors), responses(reference), { beta, reduction });
}

/**
 * Times in (0, 1) whose logit is normal, more often in the middle than at the ends.
 *
 * Source: Esser et al., "Scaling Rectified Flow Transformers for High-Resolution Image Synthesis" (2024), equation 19.
 *
 * @param options.mean of the logit. Default: 0.
 * @param options.deviation of the logit, at least 0. Default: 1.
 */
export function logitNormalTimes(
  count: number,
  random: Random,
  { mean = 0, deviation = 1 }: { mean?: number; deviation?: number } = {},
): Float32Array {
  if (!(deviation >= 0 && Number.isFinite(deviation)))
    throw new RangeError(`logitNormalTimes: deviation is ${deviation}; expected a number of at least 0`);
  return random.normal(count, mean, deviation).map((logit) => 1 / (1 + Math.exp(-logit)));
}
