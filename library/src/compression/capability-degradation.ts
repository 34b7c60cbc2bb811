/** How far a compressed model's predictions have moved from those of the model it was made of. */
import { requireMask } from "../losses/over-tokens.ts";
import {
  add,
  cast,
  divide,
  exp,
  log,
  logSoftmax,
  maximum,
  multiply,
  subtract,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";

/**
 * Jensen-Shannon divergence of the distributions that logits make, ½ KL(p ‖ m) + ½ KL(q ‖ m) with m = ½ (p + q), in
 * nats: symmetric, 0 for equal distributions and log 2 for disjoint ones.
 *
 * Source: Lin, "Divergence Measures Based on the Shannon Entropy" (1991).
 *
 * @param a Logits of p, [..., classes]
 * @param b Logits of q, of the same shape.
 * @returns [...]
 */
export function jensenShannon(a: Tensor, b: Tensor): Tensor {
  if (a.shape.length < 1 || !sameShape(a.shape, b.shape))
    throw new RangeError(
      `jensenShannon: a is ${describe(a)} and b ${describe(b)}; expected logits of one shape, [..., classes]`,
    );
  const [p, q] = [logSoftmax(a), logSoftmax(b)];
  const larger = maximum(p, q);
  // log m, finite also where both probabilities are 0 in their element type.
  const middle = add(larger, log(multiply(add(exp(subtract(p, larger)), exp(subtract(q, larger))), 0.5)));
  const half = (x: Tensor) => sum(multiply(exp(x), subtract(x, middle)), { axis: -1 });
  return maximum(multiply(add(half(p), half(q)), 0.5), 0);
}

/**
 * The capability degradation of each example: the mean Jensen-Shannon divergence of both models' predictions over the
 * tokens of its answer, which both read as it is given (teacher forcing).
 *
 * Source: He et al., "PASER: Post-Training Data Selection for Efficient Pruned Large Language Model Recovery" (2025);
 * its code sums over the tokens of the instruction, so that long ones seem to be harmed more.
 *
 * @param pruned Logits of the compressed model, [n, length, vocabulary]
 * @param original Logits of the model it was made of, of the same shape.
 * @param mask bool [n, length]: which predictions count.
 * @returns [n]; 0 for an example without tokens.
 */
export function capabilityDegradation(pruned: Tensor, original: Tensor, mask: Tensor): Tensor {
  const divergences = jensenShannon(pruned, original);
  requireMask("capabilityDegradation", divergences, mask);
  const counts = sum(cast(mask, divergences.dtype), { axis: 1 });
  return divide(sum(where(mask, divergences, 0), { axis: 1 }), maximum(counts, 1));
}
