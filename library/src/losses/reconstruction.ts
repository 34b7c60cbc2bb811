/** Losses for images that a model gives back: predictions and targets in [0, 1]. */
import {
  abs,
  add,
  cast,
  divide,
  fromData,
  matmul,
  multiply,
  square,
  subtract,
  type Tensor,
  transpose,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { perExample, requireSameShape } from "./elements.ts";
import { type LossOptions, reduce } from "./reduction.ts";
import { logAmplify } from "./regression.ts";

export interface SsimOptions {
  /** Pixels a side of the square windows, all of equal weight. Default: 7. */
  window?: number;
}

/**
 * Structural similarity of images with values in [0, 1]: in every window
 * (2 μ_a μ_b + c₁)(2 σ_ab + c₂) / ((μ_a² + μ_b² + c₁)(σ_a² + σ_b² + c₂)), averaged over the windows that lie
 * within the image and over channels; c₁ = 0.01², c₂ = 0.03², variances are those of the population.
 *
 * Source: Wang et al., "Image Quality Assessment: From Error Visibility to Structural Similarity" (2004),
 * equation 13, with uniform windows.
 *
 * @param a [n, channels, height, width]
 * @param b The same shape.
 * @returns [n], from −1 to 1 (equal images).
 * @throws RangeError for a shape that is no batch of images, or a window that does not fit.
 */
export function ssim(a: Tensor, b: Tensor, { window = 7 }: SsimOptions = {}): Tensor {
  if (a.shape.length !== 4)
    throw new RangeError(`ssim: a is ${describe(a)}; expected [n, channels, height, width]`);
  requireSameShape("ssim", a, b);
  const side = Math.min(a.shape[2]!, a.shape[3]!);
  if (!(Number.isSafeInteger(window) && window >= 2 && window <= side))
    throw new RangeError(`ssim: window is ${window}; expected a whole number from 2 to ${side}`);
  const down = windowMeans(a.shape[2]!, window, a.dtype);
  const across = transpose(windowMeans(a.shape[3]!, window, a.dtype));
  // Means over windows as two products: several times faster, gradient included, than pooling.
  const local = (x: Tensor) => matmul(down, matmul(x, across));
  const [meanA, meanB] = [local(a), local(b)];
  const product = multiply(meanA, meanB);
  const squares = add(square(meanA), square(meanB));
  const covariance = subtract(local(multiply(a, b)), product);
  const variances = subtract(local(add(square(a), square(b))), squares);
  const [c1, c2] = [0.01 ** 2, 0.03 ** 2];
  const similar = multiply(add(multiply(product, 2), c1), add(multiply(covariance, 2), c2));
  return perExample("ssim", divide(similar, multiply(add(squares, c1), add(variances, c2))));
}

/** The matrix [size − window + 1, size] that takes means of `window` neighbours. */
function windowMeans(size: number, window: number, dtype: Tensor["dtype"]): Tensor {
  const places = size - window + 1;
  const matrix = new Float64Array(places * size);
  for (let i = 0; i < places; i++) matrix.fill(1 / window, i * size + i, i * size + i + window);
  return cast(fromData(matrix, [places, size]), dtype);
}

export interface LampOptions extends LossOptions {
  /** The error that is amplified: squared, absolute, or (1 − SSIM) / 2. Default: "l2". */
  base?: "l2" | "l1" | "ssim";
  /**
   * "element" amplifies the error of each pixel, "sample" the mean error of each example.
   * Default: "element", and "sample" for "ssim", which has no other.
   */
  level?: "element" | "sample";
  /** Error from which on the amplified loss follows its tangent; see `logAmplify`. Default: 0.999. */
  tail?: number;
}

/**
 * Loss amplification (LAMP) for reconstructions: −log(1 − e) in place of the error e.
 *
 * For targets of 0 and 1, base "l1" at level "element" is binary cross-entropy: −log(1 − |x − x̂|).
 *
 * Source: Park et al., "Neural Network Training Strategy to Enhance Anomaly Detection Performance: A
 * Perspective on Reconstruction Loss Amplification" (2023).
 *
 * @param predictions x̂ in [0, 1], [n, …]; [n, channels, height, width] for "ssim"
 * @param targets x in [0, 1], the same shape
 * @returns A scalar; with reduction "none" the shape of the predictions, or [n] at level "sample".
 * @throws RangeError for an unknown base or level, or "ssim" at level "element".
 */
export function lamp(
  predictions: Tensor,
  targets: Tensor,
  { base = "l2", level = base === "ssim" ? "sample" : "element", tail, reduction }: LampOptions = {},
): Tensor {
  requireSameShape("lamp", predictions, targets);
  if (level !== "element" && level !== "sample")
    throw new RangeError(`lamp: level is ${JSON.stringify(level)}; expected "element" or "sample"`);
  if (base === "ssim" && level === "element")
    throw new RangeError(`lamp: level is "element"; expected "sample", as "ssim" compares whole windows`);
  const errors = errorOf(base, predictions, targets);
  const whole = level === "sample" && base !== "ssim" ? perExample("lamp", errors) : errors;
  return reduce(logAmplify(whole, { tail }), reduction);
}

/** Of each element, or of each example for "ssim". */
function errorOf(base: LampOptions["base"], predictions: Tensor, targets: Tensor): Tensor {
  switch (base) {
    case "l2":
      return square(subtract(predictions, targets));
    case "l1":
      return abs(subtract(predictions, targets));
    case "ssim":
      return multiply(subtract(1, ssim(predictions, targets)), 0.5);
    default:
      throw new RangeError(`lamp: base is ${JSON.stringify(base)}; expected "l2", "l1" or "ssim"`);
  }
}
