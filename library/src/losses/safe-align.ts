/** Learning from safe answers while moving away from harmful ones, within a limit. */
import { mean, minimum, multiply, subtract, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

export interface SafeAlignOptions {
  /** λ, what moving away from harmful responses weighs, at least 0. Default: 0.1. */
  weight?: number | Tensor;
  /**
   * The loss in nats, above 0, from which on a harmful response is unlikely enough: it is moved away from no further.
   * Default: infinite, so that nothing bounds the objective from below.
   */
  cap?: number;
}

/**
 * SAFE-ALIGN: L = ℓ̄(blue) − λ mean min(ℓ(red), cap), where ℓ is the negative log-likelihood of a response, a mean
 * over its tokens (`negate(sequenceLogProbs(…, { normalize: "mean" }))`). Blue are helpful and safe responses, red are
 * harmful ones.
 *
 * With λ = 0 it is fine-tuning on the blue responses, and without a cap the gradient difference. A red response whose
 * loss has reached the cap has no gradient.
 *
 * Source: Bhardwaj and Poria, "Red-Teaming Large Language Models using Chain of Utterances for Safety-Alignment"
 * (2023). The cap on each response is ours: their code has the blue half alone.
 *
 * @param blue ℓ of each safe response, [n]
 * @param red ℓ of each harmful response, [m]
 * @returns A scalar.
 * @throws RangeError for other shapes, an empty set, a negative weight and a cap that is not above 0.
 */
export function safeAlign(
  blue: Tensor,
  red: Tensor,
  { weight = 0.1, cap = Number.POSITIVE_INFINITY }: SafeAlignOptions = {},
): Tensor {
  for (const [name, losses] of Object.entries({ blue, red }))
    if (losses.shape.length !== 1 || losses.shape[0] === 0)
      throw new RangeError(`safeAlign: ${name} is ${describe(losses)}; expected [n] with n of at least 1`);
  if (typeof weight === "number" ? !(weight >= 0 && Number.isFinite(weight)) : weight.shape.length !== 0)
    throw new RangeError(
      `safeAlign: weight is ${typeof weight === "number" ? weight : describe(weight)}; expected a number of at least 0 or a scalar`,
    );
  if (!(cap > 0)) throw new RangeError(`safeAlign: cap is ${cap}; expected a number above 0`);
  const away = mean(cap === Number.POSITIVE_INFINITY ? red : minimum(red, cap));
  return subtract(mean(blue), multiply(away, weight));
}
