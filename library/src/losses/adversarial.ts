/**
 * Adversarial training. The attack (`pgd`) and the loss are parts of one graph, and apart from each other:
 * an attack climbs whatever objective it is given, a loss takes the logits of whatever the attack found.
 *
 *     const attacked = pgd((x) => softmaxCrossEntropy(model(x), labels, { reduction: "sum" }), x, { radius: 0.1 });
 *     const loss = trades(model(x), model(attacked), labels);
 */
import {
  add,
  clip,
  divide,
  exp,
  expandDims,
  grad,
  greater,
  logSoftmax,
  max,
  maximum,
  minimum,
  multiply,
  negate,
  norm,
  oneHot,
  pick,
  sign,
  slice,
  squeeze,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  topK,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { softmaxCrossEntropy } from "./classification.ts";
import { compSum } from "./comp-sum.ts";
import { type LossOptions, reduce, requireLabelled } from "./reduction.ts";

export interface PgdOptions {
  /** Of the ball around x, in the units of x. */
  radius: number;
  /** Default: 5. */
  steps?: number;
  /** Of one step. Default: 2.5 · radius / steps, which reaches the ball's edge from anywhere in it. */
  stepSize?: number;
  /** Largest change of one input, or its Euclidean length over all but the first axis. Default: "inf". */
  norm?: "inf" | "2";
  /** Where to start, of x's shape; moved into the ball if need be. Default: x. */
  start?: Tensor;
  /** What inputs may be, for instance [0, 1] for pixels. Default: anything. */
  range?: readonly [low: number, high: number];
}

/**
 * Projected gradient ascent: x' ← Π(x' + α · direction of ∇ objective), where Π moves back into the ball
 * around x. The direction is the gradient's sign (norm "inf") or the gradient by its length (norm "2").
 * No gradient flows through the result.
 *
 * Source: Madry et al., "Towards Deep Learning Models Resistant to Adversarial Attacks" (2018), section 2.1.
 *
 * @param objective What to make large: from inputs like x to a scalar, summed over the examples, or to [n].
 * @param x [n, ...]
 * @returns Inputs of x's shape in the ball.
 * @throws RangeError for a negative radius, less than one step, or a start that has not x's shape.
 */
export function pgd(objective: (x: Tensor) => Tensor, x: Tensor, options: PgdOptions): Tensor {
  return pgdPath(objective, x, options).at(-1)!;
}

/** All steps + 1 points that `pgd` passes, the start included. */
export function pgdPath(objective: (x: Tensor) => Tensor, x: Tensor, options: PgdOptions): Tensor[] {
  const { radius, steps = 5, norm: kind = "inf", start = x, range } = options;
  const { stepSize = (2.5 * radius) / steps } = options;
  if (!(radius >= 0)) throw new RangeError(`pgd: radius is ${radius}; expected a number of at least 0`);
  if (!(Number.isInteger(steps) && steps >= 1))
    throw new RangeError(`pgd: steps is ${steps}; expected a whole number of at least 1`);
  if (kind !== "inf" && kind !== "2")
    throw new RangeError(`pgd: norm is ${JSON.stringify(kind)}; expected "inf" or "2"`);
  if (!sameShape(start.shape, x.shape))
    throw new RangeError(`pgd: start is ${describe(start)}; expected the shape of x, ${describe(x)}`);
  const axes = x.shape.map((_, axis) => axis).slice(1);
  const length = (d: Tensor) => norm(d, { axis: axes, keepDims: true });
  const ascent = grad((moved: Tensor) => sum(objective(moved)));
  const center = stopGradient(x);
  const within = (moved: Tensor) => {
    const change = subtract(moved, center);
    const short =
      kind === "inf"
        ? clip(change, -radius, radius)
        : multiply(change, minimum(divide(radius, maximum(length(change), 1e-12)), 1));
    const inBall = add(center, short);
    return range ? clip(inBall, range[0], range[1]) : inBall;
  };
  const path = [stopGradient(within(start))];
  for (let step = 0; step < steps; step++) {
    const at = path.at(-1)!;
    const gradient = ascent(at);
    const direction = kind === "inf" ? sign(gradient) : divide(gradient, maximum(length(gradient), 1e-12));
    path.push(stopGradient(within(add(at, multiply(direction, stepSize)))));
  }
  return path;
}

/**
 * TRADES: cross-entropy of the clean logits plus β KL(softmax(f) ‖ softmax(f')). The attack that belongs
 * to it climbs `softmaxDivergence`, from a start beside x (at x itself that divergence has gradient 0).
 *
 * Source: Zhang et al., "Theoretically Principled Trade-off between Robustness and Accuracy" (2019),
 * equation 5, where β is 1/λ.
 *
 * @param logits f, [n, classes], of the clean inputs
 * @param adversarialLogits f', [n, classes], of the attacked ones
 * @param labels y, int32 [n]
 * @param options.beta β ≥ 0. Default: 6.
 * @returns A scalar, or [n] with reduction "none".
 */
export function trades(
  logits: Tensor,
  adversarialLogits: Tensor,
  labels: Tensor,
  { beta = 6, reduction }: LossOptions & { beta?: number } = {},
): Tensor {
  requirePair("trades", logits, adversarialLogits, labels);
  if (!(beta >= 0)) throw new RangeError(`trades: beta is ${beta}; expected a number of at least 0`);
  const clean = softmaxCrossEntropy(logits, labels, { reduction: "none" });
  const divergence = softmaxDivergence(logits, adversarialLogits, { reduction: "none" });
  return reduce(add(clean, multiply(divergence, beta)), reduction);
}

/**
 * KL(softmax(f) ‖ softmax(f')) of each row: Σ_j s_j (log s_j − log s'_j).
 *
 * @param logits f, [n, classes]
 * @param otherLogits f', [n, classes]
 * @returns A scalar, or [n] with reduction "none".
 */
export function softmaxDivergence(
  logits: Tensor,
  otherLogits: Tensor,
  { reduction }: LossOptions = {},
): Tensor {
  const [p, q] = [logSoftmax(logits), logSoftmax(otherLogits)];
  return reduce(sum(multiply(exp(p), subtract(p, q)), { axis: 1 }), reduction);
}

/**
 * Smooth adversarial comp-sum loss: the comp-sum loss of the clean logits divided by ρ, plus
 * ν ‖Δ(f', y) − Δ(f, y)‖₂, where Δ(f, y) holds the differences f_y − f_j of the true logit to the others.
 * The attack that belongs to it climbs `scoreDisplacement`, from a start beside x.
 *
 * Source: Mao, Mohri and Zhong, "Cross-Entropy Loss Functions: Theoretical Analysis and Applications"
 * (2023), section 5.
 *
 * @param logits f, [n, classes], of the clean inputs
 * @param adversarialLogits f', [n, classes], of the attacked ones
 * @param labels y, int32 [n]
 * @param options.tau τ of the comp-sum loss. Default: 1, cross-entropy.
 * @param options.nu ν ≥ 0, the weight of the displacement. Default: 1.
 * @param options.rho ρ > 0, the margin that the clean differences are measured in. Default: 1.
 * @returns A scalar, or [n] with reduction "none".
 */
export function advCompSum(
  logits: Tensor,
  adversarialLogits: Tensor,
  labels: Tensor,
  { tau = 1, nu = 1, rho = 1, reduction }: LossOptions & { tau?: number; nu?: number; rho?: number } = {},
): Tensor {
  requirePair("advCompSum", logits, adversarialLogits, labels);
  if (!(nu >= 0)) throw new RangeError(`advCompSum: nu is ${nu}; expected a number of at least 0`);
  if (!(rho > 0)) throw new RangeError(`advCompSum: rho is ${rho}; expected a number above 0`);
  const clean = compSum(divide(logits, rho), labels, { tau, reduction: "none" });
  const displacement = scoreDisplacement(logits, adversarialLogits, labels, { reduction: "none" });
  return reduce(add(clean, multiply(displacement, nu)), reduction);
}

/**
 * How far an attack moves the differences of the true logit to the others:
 * √Σ_{j≠y} (d_y − d_j)² with d = f' − f. Adding a constant to all logits moves nothing.
 *
 * @param logits f, [n, classes]
 * @param adversarialLogits f', [n, classes]
 * @param labels y, int32 [n]
 * @returns A scalar, or [n] with reduction "none"; its gradient where nothing moved is 0.
 */
export function scoreDisplacement(
  logits: Tensor,
  adversarialLogits: Tensor,
  labels: Tensor,
  { reduction }: LossOptions = {},
): Tensor {
  requirePair("scoreDisplacement", logits, adversarialLogits, labels);
  const moved = subtract(adversarialLogits, logits);
  return reduce(norm(subtract(expandDims(pick(moved, labels), 1), moved), { axis: 1 }), reduction);
}

/**
 * By how much the true logit leads: f_y − max_{j≠y} f_j, negative where the classifier is wrong.
 *
 * @param logits f, [n, classes] with at least two classes
 * @param labels y, int32 [n]
 * @returns [n]
 */
export function logitMargins(logits: Tensor, labels: Tensor): Tensor {
  requireLabelled("logitMargins", logits, labels);
  const classes = logits.shape[1]!;
  if (classes < 2) throw new RangeError(`logitMargins: logits has ${classes} classes; expected at least 2`);
  const isTrue = greater(oneHot(labels, classes, logits.dtype), 0);
  return subtract(pick(logits, labels), max(where(isTrue, -1e30, logits), { axis: 1 }));
}

/**
 * Difference of logits ratio: −(f_y − max_{j≠y} f_j) / (f_(1) − f_(3)), with f_(k) the k-th largest logit.
 * An attack on it is not stopped by logits so large that the gradient of cross-entropy vanishes.
 *
 * Source: Croce and Hein, "Reliable Evaluation of Adversarial Robustness with an Ensemble of Diverse
 * Parameter-free Attacks" (2020), equation 6.
 *
 * @param logits f, [n, classes] with at least three classes
 * @param labels y, int32 [n]
 * @returns A scalar, or [n] with reduction "none".
 */
export function dlrLoss(logits: Tensor, labels: Tensor, { reduction }: LossOptions = {}): Tensor {
  requireLabelled("dlrLoss", logits, labels);
  const classes = logits.shape[1]!;
  if (classes < 3) throw new RangeError(`dlrLoss: logits has ${classes} classes; expected at least 3`);
  const top = topK(logits, 3).values;
  const at = (k: number) => squeeze(slice(top, [null, [k, k + 1]]), 1);
  const spread = add(subtract(at(0), at(2)), 1e-12);
  return reduce(negate(divide(logitMargins(logits, labels), spread)), reduction);
}

function requirePair(name: string, logits: Tensor, adversarialLogits: Tensor, labels: Tensor): void {
  requireLabelled(name, logits, labels);
  if (!sameShape(logits.shape, adversarialLogits.shape))
    throw new RangeError(
      `${name}: adversarialLogits is ${describe(adversarialLogits)}; expected the shape of logits, ${describe(logits)}`,
    );
}
