/** The comp-sum family: cross-entropy and its relatives, one parameter apart. */
import {
  add,
  customGradient,
  divide,
  exp,
  expandDims,
  expm1,
  logSoftmax,
  minimum,
  multiply,
  negate,
  pick,
  scatterElements,
  type Tensor,
} from "../tensor/index.ts";
import { type LossOptions, reduce, requireLabelled } from "./reduction.ts";

/** Powers of the exponential above this are held there: sums of a batch stay finite in float32. */
const HIGHEST_POWER = 80;

/**
 * Comp-sum loss: with u = Σ_{j≠y} e^{f_j − f_y} = 1/s_y − 1 and s the softmax,
 * ℓ_τ = ((1 + u)^{1−τ} − 1) / (1 − τ), and log(1 + u) for τ = 1.
 *
 * τ = 0 is the sum-exponential loss, 1 cross-entropy, between 1 and 2 generalised cross-entropy with
 * q = τ − 1, and 2 the mean absolute error 1 − s_y. Its gradient is s_y^{τ−1} (s − 1_y): below 1 badly
 * classified examples weigh more than in cross-entropy, above 1 less. Below 1 the loss grows
 * exponentially with the logits; s_y^{τ−1} is held at e^80.
 *
 * Source: Mao, Mohri and Zhong, "Cross-Entropy Loss Functions: Theoretical Analysis and Applications"
 * (2023), equations 3 and 4.
 *
 * @param logits f, [n, classes]
 * @param labels y, int32 [n]
 * @param options.tau τ ≥ 0. Default: 1.
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError if tau is negative or not finite.
 */
export function compSum(
  logits: Tensor,
  labels: Tensor,
  { tau = 1, reduction }: LossOptions & { tau?: number } = {},
): Tensor {
  requireLabelled("compSum", logits, labels);
  if (!(tau >= 0 && Number.isFinite(tau)))
    throw new RangeError(`compSum: tau is ${tau}; expected a number of at least 0`);
  const column = expandDims(labels, 1);
  const power = (f: Tensor) => minimum(multiply(pick(logSoftmax(f), labels), tau - 1), HIGHEST_POWER);
  const losses = customGradient(
    (f: Tensor) => (tau === 1 ? negate(pick(logSoftmax(f), labels)) : divide(expm1(power(f)), 1 - tau)),
    (g, _losses, f) => {
      const each = expandDims(multiply(g, exp(power(f))), 1);
      return [add(multiply(exp(logSoftmax(f)), each), scatterElements(f.shape, column, negate(each)))];
    },
  );
  return reduce(losses(logits), reduction);
}

/**
 * Generalised cross-entropy: (1 − s_y^q) / q with s the softmax. It tends to cross-entropy for q → 0,
 * and is the mean absolute error 1 − s_y, which wrong labels disturb least, at q = 1.
 *
 * Source: Zhang and Sabuncu, "Generalized Cross Entropy Loss for Training Deep Neural Networks with
 * Noisy Labels" (2018), equation 6.
 *
 * @param logits [n, classes]
 * @param labels y, int32 [n]
 * @param options.q Above 0, at most 1. Default: 0.7.
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError if q is not in (0, 1].
 */
export function generalizedCrossEntropy(
  logits: Tensor,
  labels: Tensor,
  { q = 0.7, reduction }: LossOptions & { q?: number } = {},
): Tensor {
  requireLabelled("generalizedCrossEntropy", logits, labels);
  if (!(q > 0 && q <= 1))
    throw new RangeError(`generalizedCrossEntropy: q is ${q}; expected a number above 0 and at most 1`);
  return compSum(logits, labels, { tau: 1 + q, reduction });
}
