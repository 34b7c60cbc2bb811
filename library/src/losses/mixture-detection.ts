/** Detectors as mixture densities over boxes and classes, one component a slot, trained by likelihood. */
import {
  add,
  cast,
  concat,
  divide,
  expandDims,
  log,
  log1p,
  logSigmoid,
  logSoftmax,
  logSumExp,
  matmul,
  max,
  maximum,
  multiply,
  negate,
  oneHot,
  slice,
  square,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  transpose,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { reduceMasked } from "./masked.ts";
import type { LossOptions } from "./reduction.ts";

/** Objects of a batch of pictures, padded to the same number N. */
export interface DetectionTargets {
  /** [B, N, 4] Left, top, right, bottom. */
  boxes: Tensor;
  /** int32 [B, N] Classes from 0; any of them where there is no object. */
  labels: Tensor;
  /** bool [B, N] Whether there is an object. */
  present: Tensor;
}

/** log f_ik split into its factors, for B pictures, N objects and K components. */
export interface MixtureTerms {
  /** [B, K] log π_k, mixing weights that sum to 1. */
  mixture: Tensor;
  /** [B, N, K] Log-density of object i's box under component k. */
  boxes: Tensor;
  /** [B, N, K] Log-probability of object i's class under component k. */
  classes: Tensor;
  /** bool [B, N] Whether object i is there. */
  present: Tensor;
}

/**
 * Log-density of the Cauchy distribution, −log π − log γ − log(1 + ((x − μ) / γ)²), element by element.
 *
 * @param x any shape
 * @param location μ, a shape that spreads over x's
 * @param scale γ > 0, likewise, in units of x
 */
export function cauchyLogPdf(x: Tensor, location: Tensor, scale: Tensor): Tensor {
  const distance = square(divide(subtract(x, location), scale));
  return negate(add(add(log1p(distance), log(scale)), Math.log(Math.PI)));
}

/**
 * Negative log-likelihood of the objects under the mixture, −log Σ_k N π_k Cauchy_k(b_i) p_k(c_i), N being the number
 * of objects in the picture: N π_k is how many objects the component is expected to own.
 *
 * Source: Yoo et al., "End-to-End Multi-Object Detection with a Regularized Mixture Model" (2022), the MM loss.
 *
 * @returns A scalar; [B, N] with reduction "none", 0 where there is no object. "mean" is over the objects.
 * @throws RangeError where the shapes do not fit.
 */
export function mixtureNLL(terms: MixtureTerms, { reduction }: LossOptions = {}): Tensor {
  requireTerms("mixtureNLL", terms);
  const { boxes, present } = terms;
  const losses = negate(logSumExp(jointTerms(terms, boxes), { axis: -1 }));
  return reduceMasked(losses, present, reduction);
}

export interface MaximumComponentOptions extends LossOptions {
  /** Whether box densities are taken as given, so that only weights and classes learn. Default: true. */
  detachBoxes?: boolean;
}

/**
 * Maximum component maximization: −log(max_k f_ik / Σ_k f_ik), 0 where a single component owns the object and log m
 * where m of them share it equally. It parts the components, and so does what suppression of duplicates is for.
 *
 * Source: Yoo et al. (2022), the MCM loss.
 *
 * @returns A scalar; [B, N] with reduction "none", 0 where there is no object. "mean" is over the objects.
 * @throws RangeError where the shapes do not fit.
 */
export function maximumComponent(
  terms: MixtureTerms,
  { detachBoxes = true, reduction }: MaximumComponentOptions = {},
): Tensor {
  requireTerms("maximumComponent", terms);
  const { boxes, present } = terms;
  const joint = jointTerms(terms, detachBoxes ? stopGradient(boxes) : boxes);
  const losses = subtract(logSumExp(joint, { axis: -1 }), max(joint, { axis: -1 }));
  return reduceMasked(losses, present, reduction);
}

/** What a detector of K slots and C classes says of B pictures. */
export interface MixtureDetections {
  /** [B, K] Logits of o_k, whether slot k shows an object. */
  objectness: Tensor;
  /** [B, K, C] Logits of the classes; there is none for background. */
  classes: Tensor;
  /** [B, K, 4] Left, top, right, bottom: the locations μ. */
  boxes: Tensor;
  /** [B, K, 4] Scales γ > 0 of the edges, in units of the boxes; see `leastScales`. */
  scales: Tensor;
}

/** Scales that are at least a share of the slot's own width and height, [B, K, 4] both. Default share: 0.04. */
export function leastScales(scales: Tensor, boxes: Tensor, share = 0.04): Tensor {
  const [low, high] = [0, 2].map((start) => slice(boxes, [null, null, [start, start + 2]])) as [
    Tensor,
    Tensor,
  ];
  const size = subtract(high, low);
  return maximum(scales, multiply(concat([size, size], -1), share));
}

/** log f_ik of a detector's output: mixing weights o_k / Σ o, Cauchy box densities, softmax class probabilities. */
export function mixtureTerms(detections: MixtureDetections, targets: DetectionTargets): MixtureTerms {
  requireDetections("mixtureTerms", detections, targets);
  const { objectness, classes, boxes, scales } = detections;
  const weights = logSigmoid(objectness);
  const hot = oneHot(targets.labels, classes.shape[2]!, classes.dtype);
  const densities = cauchyLogPdf(expandDims(targets.boxes, 2), expandDims(boxes, 1), expandDims(scales, 1));
  return {
    mixture: subtract(weights, logSumExp(weights, { axis: 1, keepDims: true })),
    boxes: sum(densities, { axis: -1 }),
    classes: matmul(hot, transpose(logSoftmax(classes), [0, 2, 1])),
    present: targets.present,
  };
}

export interface DRmmOptions extends LossOptions {
  /** λ: weight of the term for a single component. Default: 0.5. */
  componentWeight?: number;
  /** Whether that term leaves boxes alone. Default: true. */
  detachBoxes?: boolean;
}

/**
 * Loss of a regularized mixture model detector (D-RMM): `mixtureNLL` plus λ `maximumComponent`, for every object. No
 * object is matched to a slot, and no slot is told that it shows background: weights that sum to 1 do both.
 *
 * A detection's confidence is o_k p_k(c). The loss depends on the ratios of the o_k within a picture only, and not at
 * all on a picture without objects.
 *
 * Source: Yoo et al., "End-to-End Multi-Object Detection with a Regularized Mixture Model" (2022). The paper sums over
 * objects where "mean" averages; its code adds 1e-12 inside of the logarithms, which log-sum-exp makes needless.
 *
 * @returns A scalar; [B, N] with reduction "none", 0 where there is no object. "mean" is over the objects of all pictures.
 * @throws RangeError where shapes do not fit, or for a `componentWeight` below 0.
 */
export function dRmmLoss(
  detections: MixtureDetections,
  targets: DetectionTargets,
  { componentWeight = 0.5, detachBoxes, reduction }: DRmmOptions = {},
): Tensor {
  if (!(componentWeight >= 0 && componentWeight < Number.POSITIVE_INFINITY))
    throw new RangeError(`dRmmLoss: componentWeight is ${componentWeight}; expected a number of at least 0`);
  const terms = mixtureTerms(detections, targets);
  const likelihood = mixtureNLL(terms, { reduction });
  if (componentWeight === 0) return likelihood;
  const single = maximumComponent(terms, {
    reduction,
    ...(detachBoxes === undefined ? {} : { detachBoxes }),
  });
  return add(likelihood, multiply(single, componentWeight));
}

/** log f_ik, [B, N, K]. */
function jointTerms({ mixture, classes, present }: MixtureTerms, boxes: Tensor): Tensor {
  const objects = sum(cast(present, mixture.dtype), { axis: 1, keepDims: true });
  // A picture without objects has none to weigh: any finite number will do.
  const weights = add(mixture, log(maximum(objects, 1)));
  const joint = add(add(boxes, classes), expandDims(weights, 1));
  // What pads must not reach the gradient, whatever it holds.
  return where(expandDims(present, 2), joint, 0);
}

function requireTerms(name: string, { mixture, boxes, classes, present }: MixtureTerms): void {
  if (mixture.shape.length !== 2)
    throw new RangeError(`${name}: mixture is ${describe(mixture)}; expected [B, K]`);
  const [pictures, slots] = mixture.shape as [number, number];
  if (present.dtype !== "bool" || present.shape.length !== 2 || present.shape[0] !== pictures)
    throw new RangeError(`${name}: present is ${describe(present)}; expected bool [${pictures}, N]`);
  const expected = [pictures, present.shape[1]!, slots];
  for (const [key, x] of Object.entries({ boxes, classes }))
    if (!sameShape(x.shape, expected))
      throw new RangeError(`${name}: ${key} is ${describe(x)}; expected [${expected.join(", ")}]`);
}

function requireDetections(
  name: string,
  { objectness, classes, boxes, scales }: MixtureDetections,
  targets: DetectionTargets,
): void {
  if (classes.shape.length !== 3)
    throw new RangeError(`${name}: classes is ${describe(classes)}; expected [B, K, C]`);
  const [pictures, slots] = classes.shape as [number, number];
  const objects = targets.labels.shape[1];
  const expected: [string, Tensor, (number | undefined)[]][] = [
    ["objectness", objectness, [pictures, slots]],
    ["boxes", boxes, [pictures, slots, 4]],
    ["scales", scales, [pictures, slots, 4]],
    ["targets.labels", targets.labels, [pictures, objects]],
    ["targets.boxes", targets.boxes, [pictures, objects, 4]],
    ["targets.present", targets.present, [pictures, objects]],
  ];
  for (const [key, x, shape] of expected)
    if (!sameShape(x.shape, shape as number[]))
      throw new RangeError(
        `${name}: ${key} is ${describe(x)}; expected [${shape.map((n) => n ?? "N").join(", ")}]`,
      );
}
