/** Noise-contrastive estimation of models that are known up to a constant. */
import { add, mean, negate, softplus, subtract, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

export interface NoiseContrastiveScores {
  /** φ, the model's logarithm up to a constant, [n]. */
  scores: Tensor;
  /** log q of the same points under the noise, [n], nats. */
  logDensities: Tensor;
}

/**
 * −mean log σ(G(x)) − mean log(1 − σ(G(x̃))), G = φ − c − log q: logistic regression of data against as much noise. Its
 * minimum has e^{φ − c} = the density of the data, so that c becomes log Z. 2 ln 2 where model, data and noise agree.
 *
 * Source: Gutmann and Hyvärinen, "Noise-contrastive estimation: a new estimation principle for unnormalized statistical
 * models" (2010), equation 8.
 *
 * @param data At samples of the data.
 * @param noise At samples of the noise.
 * @param logNormalizer c, a scalar that is learned along.
 * @returns A scalar, nats.
 */
export function noiseContrastive(
  data: NoiseContrastiveScores,
  noise: NoiseContrastiveScores,
  logNormalizer: Tensor,
): Tensor {
  if (logNormalizer.shape.length > 0)
    throw new RangeError(`noiseContrastive: logNormalizer is ${describe(logNormalizer)}; expected a scalar`);
  for (const [name, { scores, logDensities }] of Object.entries({ data, noise }))
    if (
      scores.shape.length !== 1 ||
      scores.shape[0] === 0 ||
      logDensities.shape.join() !== scores.shape.join()
    )
      throw new RangeError(
        `noiseContrastive: ${name} has scores ${describe(scores)} and logDensities ${describe(logDensities)}; expected [n] each, with n at least 1`,
      );
  const ratio = ({ scores, logDensities }: NoiseContrastiveScores) =>
    subtract(subtract(scores, logNormalizer), logDensities);
  return add(mean(softplus(negate(ratio(data)))), mean(softplus(ratio(noise))));
}
