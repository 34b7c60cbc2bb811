/** Gaussian naive Bayes with one variance a feature for all classes, which makes it a linear classifier. */
import { type Features, type LinearClassifier, requireExamples } from "./linear-classifier.ts";

/** What naive Bayes needs to know of data. Moments of parts can be merged, so that data may come in streams. */
export interface ClassMoments {
  classes: number;
  inputs: number;
  /** Examples a class, [classes]. */
  counts: Float64Array;
  /** [classes, inputs] */
  means: Float64Array;
  /** Sums of squared distances from the class's mean, [classes, inputs]. */
  squares: Float64Array;
}

/**
 * Counts, means and squared deviations of each class.
 *
 * @param x [n, features]
 * @param labels [n], whole numbers from 0
 * @param options.classes Default: the largest label + 1.
 * @throws RangeError for x and labels that do not fit each other.
 */
export function classMoments(
  x: Features,
  labels: ArrayLike<number>,
  options: { classes?: number } = {},
): ClassMoments {
  const { rows, inputs, classes } = requireExamples("classMoments", x, labels, options.classes);
  const counts = new Float64Array(classes);
  const means = new Float64Array(classes * inputs);
  const squares = new Float64Array(classes * inputs);
  // Welford's updates: no difference of large sums.
  for (let i = 0; i < rows; i++) {
    const label = labels[i]!;
    const count = ++counts[label]!;
    for (let j = 0; j < inputs; j++) {
      const at = label * inputs + j;
      const deviation = x[i * inputs + j]! - means[at]!;
      means[at]! += deviation / count;
      squares[at]! += deviation * (x[i * inputs + j]! - means[at]!);
    }
  }
  return { classes, inputs, counts, means, squares };
}

/**
 * The moments of two sets of data together, as if they had been one (Chan, Golub and LeVeque 1979).
 *
 * @throws RangeError if they differ in classes or features.
 */
export function mergeClassMoments(a: ClassMoments, b: ClassMoments): ClassMoments {
  const { classes, inputs } = a;
  if (b.classes !== classes || b.inputs !== inputs)
    throw new RangeError(
      `mergeClassMoments: ${classes} classes of ${inputs} features and ${b.classes} of ${b.inputs}; expected the same`,
    );
  const counts = a.counts.map((count, k) => count + b.counts[k]!);
  const means = new Float64Array(classes * inputs);
  const squares = new Float64Array(classes * inputs);
  for (let at = 0; at < means.length; at++) {
    const k = Math.floor(at / inputs);
    const share = counts[k] === 0 ? 0 : b.counts[k]! / counts[k]!;
    const apart = b.means[at]! - a.means[at]!;
    means[at] = a.means[at]! + apart * share;
    squares[at] = a.squares[at]! + b.squares[at]! + apart ** 2 * a.counts[k]! * share;
  }
  return { classes, inputs, counts, means, squares };
}

/**
 * argmax_k log π_k − ½ Σⱼ (xⱼ − μ_kj)² / vⱼ, where vⱼ = Σ_k π_k v_kj is the mean of the classes' biased
 * variances and ε: linear in x with weights μ_k / v and biases log π_k − ½ Σⱼ μ_kj² / vⱼ.
 *
 * Source: Zheng et al., "Revisiting Discriminative vs. Generative Classifiers: Theory and Implications" (2023),
 * and its official code.
 *
 * @param moments Of the training data, as `classMoments` gives them.
 * @param options.varianceFloor ε, added to each variance, so that constant features divide by no zero. Default: 1e-9.
 * @throws RangeError if a class has no example.
 */
export function gaussianNaiveBayes(
  { classes, inputs, counts, means, squares }: ClassMoments,
  { varianceFloor = 1e-9 }: { varianceFloor?: number } = {},
): LinearClassifier {
  if (!(varianceFloor > 0))
    throw new RangeError(`gaussianNaiveBayes: varianceFloor is ${varianceFloor}; expected a number above 0`);
  const empty = counts.indexOf(0);
  if (empty >= 0) throw new RangeError(`gaussianNaiveBayes: class ${empty} has no example`);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const variances = new Float64Array(inputs).fill(varianceFloor);
  for (let at = 0; at < squares.length; at++) variances[at % inputs]! += squares[at]! / total;
  const weights = means.map((mean, at) => mean / variances[at % inputs]!);
  const biases = counts.map((count) => Math.log(count / total));
  for (let at = 0; at < means.length; at++)
    biases[Math.floor(at / inputs)]! -= (means[at]! * weights[at]!) / 2;
  return { classes, inputs, weights, biases };
}
