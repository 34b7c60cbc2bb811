/** The parts of a variational autoencoder with normal latents. */
import { type LossOptions, reduce } from "../losses/reduction.ts";
import { add, exp, multiply, square, subtract, sum, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

/**
 * KL(N(μ, σ²) ‖ N(0, 1)) summed over latents: ½ Σ_k (μ_k² + σ_k² − 1 − log σ_k²), nats.
 *
 * @param mean μ, [n, k]
 * @param logVariance log σ², [n, k]
 * @returns A scalar, or [n] with reduction "none".
 */
export function standardNormalKL(mean: Tensor, logVariance: Tensor, { reduction }: LossOptions = {}): Tensor {
  requireLatents("standardNormalKL", mean, { logVariance });
  const each = subtract(add(square(mean), exp(logVariance)), add(logVariance, 1));
  return reduce(multiply(sum(each, { axis: 1 }), 0.5), reduction);
}

/**
 * Latents μ + σ ε, differentiable in μ and σ (the reparameterisation of Kingma and Welling 2014).
 *
 * @param noise ε, standard normal, [n, k]
 */
export function sampleLatents(mean: Tensor, logVariance: Tensor, noise: Tensor): Tensor {
  requireLatents("sampleLatents", mean, { logVariance, noise });
  return add(mean, multiply(exp(multiply(logVariance, 0.5)), noise));
}

export interface BetaVaeOptions extends LossOptions {
  /** Weight of the KL term. 1: the evidence lower bound. Default: 1.2, that of the source below. */
  beta?: number;
}

/**
 * Loss of a β-VAE: −log p(x | z) + β KL(q(z | x) ‖ N(0, 1)).
 *
 * Sources: Higgins et al., "β-VAE" (2017), equation 4; with a softmax over energy channels, Sultanov et al., "Robust
 * Spectral Anomaly Detection in EELS Spectral Images via 3D Convolutional Variational Autoencoders" (2024).
 *
 * @param negativeLogLikelihood −log p(x | z) of each example, [n]
 * @param mean μ, [n, k]
 * @param logVariance log σ², [n, k]
 * @returns A scalar, or [n] with reduction "none".
 */
export function betaVae(
  negativeLogLikelihood: Tensor,
  mean: Tensor,
  logVariance: Tensor,
  { beta = 1.2, reduction }: BetaVaeOptions = {},
): Tensor {
  if (!(beta >= 0 && Number.isFinite(beta)))
    throw new RangeError(`betaVae: beta is ${beta}; expected a number of at least 0`);
  requireLatents("betaVae", mean, { logVariance });
  if (negativeLogLikelihood.shape.join() !== String(mean.shape[0]))
    throw new RangeError(
      `betaVae: negativeLogLikelihood is ${describe(negativeLogLikelihood)}; expected [${mean.shape[0]}]`,
    );
  const divergence = standardNormalKL(mean, logVariance, { reduction: "none" });
  return reduce(add(negativeLogLikelihood, multiply(divergence, beta)), reduction);
}

function requireLatents(name: string, mean: Tensor, others: Record<string, Tensor>): void {
  if (mean.shape.length !== 2)
    throw new RangeError(`${name}: mean is ${describe(mean)}; expected [n, latents]`);
  for (const [argument, tensor] of Object.entries(others))
    if (tensor.shape.join() !== mean.shape.join() || tensor.dtype !== mean.dtype)
      throw new RangeError(
        `${name}: ${argument} is ${describe(tensor)}; expected ${describe(mean)}, as mean`,
      );
}
