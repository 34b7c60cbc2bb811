/** A linear classifier fitted to one Gaussian of features a class, in closed form and without samples. */
import {
  add,
  expandDims,
  fromData,
  matmul,
  multiply,
  square,
  subtract,
  sum,
  type Tensor,
  transpose,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { softmaxCrossEntropy } from "./classification.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/**
 * Margins between classes that grow with the variance along what tells them apart:
 * m_yj = λ_y / 2 (w_j − w_y)ᵀ Σ_y (w_j − w_y), at least 0, and 0 for j = y.
 *
 * Source: Yao and Chang, "Adaptive Margin Global Classifier for Exemplar-Free Class-Incremental Learning"
 * (2024), the adaptive margin softmax.
 *
 * @param weight w, [C, d]: a row a class.
 * @param covariances Σ, [C, d, d], or its diagonals [C, d].
 * @param varianceScale λ: a number, or [C] with one for each class. Default: 1.
 * @returns [C, C]; row: the class that the Gaussian is of.
 */
export function adaptiveMargins(
  weight: Tensor,
  covariances: Tensor,
  varianceScale: number | Tensor = 1,
): Tensor {
  const [classes, width] = requireWeight("adaptiveMargins", weight);
  requireCovariances("adaptiveMargins", covariances, classes, width);
  requireScale("adaptiveMargins", varianceScale, classes);
  // Differences are formed before they are squared, so that nothing cancels and no margin is below 0.
  const differences = subtract(expandDims(weight, 0), expandDims(weight, 1));
  const forms =
    covariances.shape.length === 2
      ? sum(multiply(square(differences), expandDims(covariances, 1)), { axis: 2 })
      : sum(multiply(matmul(differences, covariances), differences), { axis: 2 });
  const half =
    typeof varianceScale === "number" ? varianceScale / 2 : multiply(expandDims(varianceScale, 1), 0.5);
  return multiply(forms, half);
}

export interface GaussianCrossEntropyOptions extends LossOptions {
  /** λ: what variances are multiplied with, a number, or [C] with one for each class. Default: 1. */
  varianceScale?: number | Tensor;
}

/**
 * An upper bound of the expected cross-entropy over one Gaussian a class, all classes weighing the same:
 * mean over y of log Σ_j exp((w_j − w_y)ᵀ μ_y + b_j − b_y + m_yj), with the margins m of `adaptiveMargins`.
 *
 * By Jensen's inequality and the moment-generating function of the normal distribution it lies above
 * E log Σ_j exp((w_j − w_y)ᵀ z + b_j − b_y) for z ~ N(μ_y, λ Σ_y). With λ = 0 it is the cross-entropy of the
 * means. Adding one vector to all weights changes nothing.
 *
 * Source: Yao and Chang (2024); λ > 1 is their variance enlarging.
 *
 * @param weight w, [C, d]: a row a class.
 * @param bias b, [C]. A class that is not there yet is left out by a bias of −1e9.
 * @param means μ, [C, d]
 * @param covariances Σ, [C, d, d], or its diagonals [C, d].
 * @returns A scalar, or [C] with reduction "none".
 */
export function gaussianCrossEntropy(
  weight: Tensor,
  bias: Tensor,
  means: Tensor,
  covariances: Tensor,
  { varianceScale = 1, reduction }: GaussianCrossEntropyOptions = {},
): Tensor {
  const [classes, width] = requireWeight("gaussianCrossEntropy", weight);
  if (bias.shape.length !== 1 || bias.shape[0] !== classes)
    throw new RangeError(`gaussianCrossEntropy: bias is ${describe(bias)}; expected [${classes}]`);
  if (means.shape.length !== 2 || means.shape[0] !== classes || means.shape[1] !== width)
    throw new RangeError(
      `gaussianCrossEntropy: means is ${describe(means)}; expected [${classes}, ${width}]`,
    );
  const margins = adaptiveMargins(weight, covariances, varianceScale);
  const logits = add(add(matmul(means, transpose(weight)), bias), margins);
  const labels = fromData(
    Int32Array.from({ length: classes }, (_, y) => y),
    [classes],
  );
  return reduce(softmaxCrossEntropy(logits, labels, { reduction: "none" }), reduction);
}

function requireWeight(name: string, weight: Tensor): [classes: number, width: number] {
  if (weight.shape.length !== 2)
    throw new RangeError(`${name}: weight is ${describe(weight)}; expected [classes, features]`);
  return weight.shape as unknown as [number, number];
}

function requireCovariances(name: string, covariances: Tensor, classes: number, width: number): void {
  const [first, ...rest] = covariances.shape;
  const fits = first === classes && rest.length >= 1 && rest.length <= 2 && rest.every((n) => n === width);
  if (!fits) {
    throw new RangeError(
      `${name}: covariances is ${describe(covariances)}; expected [${classes}, ${width}, ${width}] or [${classes}, ${width}]`,
    );
  }
}

function requireScale(name: string, scale: number | Tensor, classes: number): void {
  if (typeof scale === "number") {
    if (!(scale >= 0)) throw new RangeError(`${name}: varianceScale is ${scale}; expected at least 0`);
  } else if (scale.shape.length !== 1 || scale.shape[0] !== classes) {
    throw new RangeError(`${name}: varianceScale is ${describe(scale)}; expected a number or [${classes}]`);
  }
}
