/** Distillation of rationales, good ones to be learnt and poor ones to be unlearnt, each weighed by its quality. */
import {
  add,
  argMax,
  argMin,
  expandDims,
  gatherElements,
  maximum,
  mean,
  multiply,
  squeeze,
  stopGradient,
  subtract,
  type Tensor,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface Rationales {
  /** Mean negative log-likelihood of each rationale's tokens under the student, nats: [n, rationales of a question]. */
  losses: Tensor;
  /** How good a discriminator holds each to be, 0 to 1, likewise. No gradient flows into it. */
  quality: Tensor;
}

/**
 * D(r) ℓ(r) of the rationale r of each question that the student finds likeliest: only that one is learnt.
 *
 * Source: Wang et al., "QCRD: Quality-guided Contrastive Rationale Distillation for Large Language Models" (2024).
 *
 * @returns A scalar, or [n] with reduction "none".
 */
export function positiveRationales({ losses, quality }: Rationales, { reduction }: LossOptions = {}): Tensor {
  requireRationales("positiveRationales", losses, quality);
  const [loss, weight] = chosen(argMin(losses, { axis: 1 }), losses, quality);
  return reduce(multiply(weight, loss), reduction);
}

export interface NegativeRationalesOptions extends LossOptions {
  /** β, at least 0. Default: 0.2. */
  beta?: number;
  /** δ: rationales of a larger loss are unlikely enough to be left alone. Default: 3. */
  delta?: number;
  /**
   * Which negative of a question counts: the one with the smallest loss, which is the hardest, the one with the
   * largest, or all by their mean. Default: "min".
   */
  choose?: "min" | "max" | "mean";
}

/**
 * β (1 − D(r)) max(δ − ℓ(r), 0) of a negative rationale r of each question: its loss is pushed up, to δ at most, the
 * more the worse the discriminator holds it to be.
 *
 * Source: Wang et al. (2024), there as −β (1 − D) min(ℓ − δ, 0).
 *
 * @returns A scalar, or [n] with reduction "none".
 */
export function negativeRationales(
  { losses, quality }: Rationales,
  { beta = 0.2, delta = 3, choose = "min", reduction }: NegativeRationalesOptions = {},
): Tensor {
  requireRationales("negativeRationales", losses, quality);
  if (!(beta >= 0))
    throw new RangeError(`negativeRationales: beta is ${beta}; expected a number of at least 0`);
  if (!Number.isFinite(delta))
    throw new RangeError(`negativeRationales: delta is ${delta}; expected a finite number`);
  const push = (loss: Tensor, weight: Tensor) =>
    multiply(multiply(subtract(1, weight), maximum(subtract(delta, loss), 0)), beta);
  switch (choose) {
    case "mean":
      return reduce(mean(push(losses, stopGradient(quality)), { axis: 1 }), reduction);
    case "min":
    case "max": {
      const at = choose === "min" ? argMin(losses, { axis: 1 }) : argMax(losses, { axis: 1 });
      return reduce(push(...chosen(at, losses, quality)), reduction);
    }
    default:
      throw new RangeError(
        `negativeRationales: choose is ${JSON.stringify(choose)}; expected "min", "max" or "mean"`,
      );
  }
}

/**
 * `positiveRationales` + `negativeRationales` of the same questions: the many-to-one contrastive loss of QCRD. With β
 * 0, one positive and quality 1 it is plain distillation of rationales.
 *
 * @returns A scalar, or [n] with reduction "none".
 */
export function contrastiveRationales(
  positives: Rationales,
  negatives: Rationales,
  { reduction, ...options }: NegativeRationalesOptions = {},
): Tensor {
  if (positives.losses.shape[0] !== negatives.losses.shape[0])
    throw new RangeError(
      `contrastiveRationales: negatives are ${describe(negatives.losses)}; expected [${positives.losses.shape[0]}, rationales]`,
    );
  const each = add(
    positiveRationales(positives, { reduction: "none" }),
    negativeRationales(negatives, { ...options, reduction: "none" }),
  );
  return reduce(each, reduction);
}

/** Loss and quality of one rationale of each question, [n] both. */
function chosen(at: Tensor, losses: Tensor, quality: Tensor): [Tensor, Tensor] {
  const pickFrom = (x: Tensor) => squeeze(gatherElements(x, expandDims(at, 1), { axis: 1 }), 1);
  return [pickFrom(losses), stopGradient(pickFrom(quality))];
}

function requireRationales(name: string, losses: Tensor, quality: Tensor): void {
  if (losses.shape.length !== 2 || losses.shape[1] === 0)
    throw new RangeError(`${name}: losses is ${describe(losses)}; expected [n, rationales of a question]`);
  if (!sameShape(quality.shape, losses.shape) || quality.dtype !== losses.dtype)
    throw new RangeError(`${name}: quality is ${describe(quality)}; expected ${describe(losses)}`);
}
