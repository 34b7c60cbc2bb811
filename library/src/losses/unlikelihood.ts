/** Objectives that make tokens unlikely, given ones or those of a negative teacher. */
import {
  argMax,
  cast,
  divide,
  exp,
  expandDims,
  log,
  logSoftmax,
  logSumExp,
  maximum,
  multiply,
  negate,
  oneHot,
  softmax,
  square,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { reduceTokens, type TokenLossOptions } from "./over-tokens.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/**
 * Unlikelihood: −Σ_k w_k log(1 − p_k) at each place, where p is the softmax of the logits. It is 0 where the model
 * gives no probability to any token of positive weight.
 *
 * With weights that are 1 for a set of unwanted tokens, such as those said before, and 0 for others it is token
 * unlikelihood. Stable for certain models: of the likeliest token the others' probability is summed, not 1 − p taken.
 *
 * Source: Welleck et al., "Neural Text Generation with Unlikelihood Training" (2019), equation 4.
 *
 * @param logits [n, length, vocabulary] with a vocabulary of at least 2
 * @param weights w, [n, length, vocabulary], at least 0. No gradient flows into them.
 * @param mask bool [n, length]: the places that count.
 * @returns A scalar; with reduction "none" [n, length].
 * @throws RangeError for shapes that do not fit.
 */
export function unlikelihood(
  logits: Tensor,
  weights: Tensor,
  mask: Tensor,
  options: TokenLossOptions = {},
): Tensor {
  if (logits.shape.length !== 3 || logits.shape[2]! < 2)
    throw new RangeError(
      `unlikelihood: logits is ${describe(logits)}; expected [n, length, vocabulary] with a vocabulary of at least 2`,
    );
  if (!sameShape(weights.shape, logits.shape))
    throw new RangeError(
      `unlikelihood: weights is ${describe(weights)}; expected [${logits.shape.join(", ")}], as logits`,
    );
  const losses = negate(sum(multiply(stopGradient(weights), logOthers(logits)), { axis: 2 }));
  return reduceTokens("unlikelihood", losses, mask, options);
}

/** log(1 − p) of every token, [n, length, vocabulary]. */
function logOthers(logits: Tensor): Tensor {
  const likeliest = oneHot(argMax(logits, { axis: 2 }), logits.shape[2]!, "bool");
  const others = logSumExp(where(likeliest, Number.NEGATIVE_INFINITY, logits), { axis: 2 });
  const ofLikeliest = expandDims(subtract(others, logSumExp(logits, { axis: 2 })), 2);
  // At most one half, so that 1 − p is exact enough.
  const p = where(likeliest, 0, exp(logSoftmax(logits)));
  return where(likeliest, ofLikeliest, log(subtract(1, p)));
}

export interface SoftUnlikelihoodOptions extends TokenLossOptions {
  /** Divides the teacher's logits, above 0. Default: 1. */
  temperature?: number;
}

/**
 * Soft unlikelihood: unlikelihood weighted by a negative teacher's distribution, −Σ_k p_N(k) log(1 − p_S(k)): the
 * student is to give no probability to what the teacher says.
 *
 * With a teacher that is certain of one token it is that token's unlikelihood.
 *
 * Source: Li et al., "Diversifying Neural Dialogue Generation via Negative Distillation" (2022), on the prediction
 * level.
 *
 * @param student Logits, [n, length, vocabulary] @param teacher Logits likewise; no gradient flows into them.
 * @param mask bool [n, length]
 * @returns A scalar; with reduction "none" [n, length].
 * @throws RangeError for shapes that do not fit and a temperature that is not above 0.
 */
export function softUnlikelihood(
  student: Tensor,
  teacher: Tensor,
  mask: Tensor,
  { temperature = 1, ...options }: SoftUnlikelihoodOptions = {},
): Tensor {
  if (!(temperature > 0 && Number.isFinite(temperature)))
    throw new RangeError(`softUnlikelihood: temperature is ${temperature}; expected a number above 0`);
  if (!sameShape(student.shape, teacher.shape))
    throw new RangeError(
      `softUnlikelihood: teacher is ${describe(teacher)}; expected [${student.shape.join(", ")}], as student`,
    );
  return unlikelihood(student, softmax(multiply(teacher, 1 / temperature)), mask, options);
}

/**
 * Mean reverse square error: the mean of exp(−(a − b)²), 1 where both agree and near 0 where they are far apart. Made
 * small, it drives hidden states or attention scores of a student away from those of a negative teacher.
 *
 * Where both agree its gradient is 0: a student that starts as the teacher is not driven away.
 *
 * Source: as for `softUnlikelihood`, on the intermediate level.
 *
 * @param a, b Of one shape. No gradient flows into b.
 * @param options.mask bool of the same shape: the elements that count. Default: all.
 * @returns A scalar; with reduction "none" of the shape of a.
 * @throws RangeError for shapes that differ.
 */
export function meanReverseSquare(
  a: Tensor,
  b: Tensor,
  { mask, reduction = "mean" }: LossOptions & { mask?: Tensor } = {},
): Tensor {
  for (const [name, other] of Object.entries({ b, mask }))
    if (other && !sameShape(other.shape, a.shape))
      throw new RangeError(
        `meanReverseSquare: ${name} is ${describe(other)}; expected [${a.shape.join(", ")}], as a`,
      );
  const alike = exp(negate(square(subtract(a, stopGradient(b)))));
  if (!mask) return reduce(alike, reduction);
  const kept = where(mask, alike, 0);
  if (reduction !== "mean") return reduce(kept, reduction);
  return divide(sum(kept), maximum(sum(cast(mask, a.dtype)), 1));
}
