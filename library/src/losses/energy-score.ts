import { expandDims, mean, multiply, norm, slice, subtract, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/**
 * Energy score of a distribution known by m independent samples: E‖X − y‖ − ½ E‖X − X′‖, in units of the targets. It
 * is proper, and unlike a likelihood it needs no density and does not punish far misses without end.
 *
 * The second expectation is the mean over the m − 1 pairs of neighbouring samples, as in the detectors that train with
 * it; gradients reach the distribution through the samples.
 *
 * Source: Gneiting and Raftery, "Strictly Proper Scoring Rules, Prediction, and Estimation" (2007), section 4.3; for
 * boxes Harakeh and Waslander, "Estimating and Evaluating Regression Predictive Uncertainty in Deep Object Detectors"
 * (2021), equation 6.
 *
 * @param samples [n, m, d] with m ≥ 2
 * @param targets y, [n, d]
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError where shapes do not fit, or with fewer than two samples.
 */
export function energyScore(samples: Tensor, targets: Tensor, { reduction }: LossOptions = {}): Tensor {
  const [n, m, d] = samples.shape as [number, number, number];
  if (samples.shape.length !== 3 || m < 2)
    throw new RangeError(
      `energyScore: samples is ${describe(samples)}; expected [n, m, d] with m of at least 2`,
    );
  if (targets.shape.length !== 2 || targets.shape[0] !== n || targets.shape[1] !== d)
    throw new RangeError(`energyScore: targets is ${describe(targets)}; expected [${n}, ${d}]`);
  const toTarget = mean(norm(subtract(samples, expandDims(targets, 1)), { axis: -1 }), { axis: 1 });
  const [first, next] = [slice(samples, [null, [0, m - 1]]), slice(samples, [null, [1, m]])];
  const apart = mean(norm(subtract(first, next), { axis: -1 }), { axis: 1 });
  return reduce(subtract(toTarget, multiply(apart, 0.5)), reduction);
}
