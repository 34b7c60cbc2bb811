/** Classes that are normal clouds with one diagonal covariance, where the best classifier is linear and known. */

import type { LinearClassifier } from "nearmiss/inference";
import type { Random } from "nearmiss/random";

export interface GaussianClasses {
  /** [n, features] */
  x: Float64Array;
  /** [n]; example i is of class i mod K. */
  labels: Int32Array;
}

/**
 * Class 0 has the mean −1 in all features, class k > 0 the mean 2^(k−1); the variance is n in the first half of
 * the n features and 1 in the second. For K > 2 classes all is then shifted and scaled by 2^(K−3), as in the
 * official code: a penalty on weights feels the scale.
 */
const meanOf = (k: number) => (k === 0 ? -1 : 2 ** (k - 1));
const shiftOf = (classes: number) => (classes > 2 ? 2 ** (classes - 3) : 0);
const scaleOf = (classes: number) => (classes > 2 ? 2 ** (classes - 3) : 1);
const varianceOf = (feature: number, features: number) => (feature < Math.floor(features / 2) ? features : 1);

export function gaussianClasses(options: {
  examples: number;
  features: number;
  classes: number;
  random: Random;
}): GaussianClasses {
  const { examples, features, classes, random } = options;
  const labels = Int32Array.from({ length: examples }, (_, i) => i % classes);
  const x = random.normal(new Float64Array(examples * features));
  const deviations = Float64Array.from({ length: features }, (_, j) => Math.sqrt(varianceOf(j, features)));
  for (let i = 0; i < examples; i++) {
    const mean = meanOf(labels[i]!);
    for (let j = 0; j < features; j++) {
      const at = i * features + j;
      x[at] = (mean + deviations[j]! * x[at]! - shiftOf(classes)) / scaleOf(classes);
    }
  }
  return { x, labels };
}

/** The classifier with the lowest error that there is; with two classes and an even n that is Φ(−½ √(2 + 2n)). */
export function bestClassifier(features: number, classes: number): LinearClassifier {
  const weights = new Float64Array(classes * features);
  const biases = new Float64Array(classes);
  for (let k = 0; k < classes; k++) {
    const mean = (meanOf(k) - shiftOf(classes)) / scaleOf(classes);
    for (let j = 0; j < features; j++) {
      const weight = mean / (varianceOf(j, features) / scaleOf(classes) ** 2);
      weights[k * features + j] = weight;
      biases[k]! -= (mean * weight) / 2;
    }
  }
  return { classes, inputs: features, weights, biases };
}
