/** Logistic regression on weights for both labels, which need not be labels: soft, negative, above 1. */
import { CholeskyDecomposition, Matrix } from "ml-matrix";
import { type Features, type LinearClassifier, linearScores } from "./linear-classifier.ts";

export interface SoftLogisticRegressionOptions {
  /** C, the inverse strength of the penalty ½‖w‖² / C. The bias is free of it. Default: 1. */
  C?: number;
  /** Where the search starts, for instance the model of the last round. Default: zeros. */
  start?: LinearClassifier;
  /** On the largest change of a weight that a step would make. Default: 1e-6. */
  tolerance?: number;
  /** Newton steps. Default: 50. */
  maxIterations?: number;
}

/**
 * Minimises Σᵢ [aᵢ log(1 + exp(−fᵢ)) + bᵢ log(1 + exp(fᵢ))] + ½‖w‖² / C with f = w x + bias, by Newton's method
 * with halved steps. Convex where all aᵢ + bᵢ are at least 0, also if one of the two is negative.
 *
 * It is what fitting each row twice, as positive with weight a and as negative with weight b, minimises.
 *
 * @param x [n, features], row by row
 * @param positiveWeights a, [n]
 * @param negativeWeights b, [n]
 * @returns A classifier of two classes: scores 0 and f.
 * @throws RangeError where the lengths do not fit, a + b is negative in a row, or C is not above 0.
 */
export function softLogisticRegression(
  x: Features,
  positiveWeights: ArrayLike<number>,
  negativeWeights: ArrayLike<number>,
  { C = 1, start, tolerance = 1e-6, maxIterations = 50 }: SoftLogisticRegressionOptions = {},
): LinearClassifier {
  const rows = positiveWeights.length;
  const inputs = x.length / rows;
  if (!(rows > 0 && Number.isInteger(inputs)))
    throw new RangeError(
      `softLogisticRegression: x has ${x.length} values; expected rows for ${rows} weights`,
    );
  if (negativeWeights.length !== rows)
    throw new RangeError(
      `softLogisticRegression: negativeWeights has ${negativeWeights.length} entries; expected ${rows}`,
    );
  if (!(C > 0)) throw new RangeError(`softLogisticRegression: C is ${C}; expected a number above 0`);
  const totals = Float64Array.from(positiveWeights, (a, i) => a + negativeWeights[i]!);
  const negative = totals.findIndex((total) => !(total >= -1e-12));
  if (negative >= 0)
    throw new RangeError(
      `softLogisticRegression: the weights of row ${negative} sum to ${totals[negative]}; expected at least 0`,
    );
  if (start && start.inputs !== inputs)
    throw new RangeError(`softLogisticRegression: start has ${start.inputs} inputs; expected ${inputs}`);

  const width = inputs + 1;
  let theta = new Float64Array(width);
  if (start) theta.set([...start.weights.subarray(inputs), start.biases[1]!]);
  const scores = new Float64Array(rows);
  /** Writes the scores. With t = a + b, a row costs t log(1 + exp(f)) − a f. */
  const objective = (at: Float64Array): number => {
    let value = 0;
    for (let i = 0; i < rows; i++) {
      let f = at[inputs]!;
      for (let j = 0; j < inputs; j++) f += at[j]! * x[i * inputs + j]!;
      scores[i] = f;
      const softplus = f > 0 ? f + Math.log1p(Math.exp(-f)) : Math.log1p(Math.exp(f));
      value += totals[i]! * softplus - positiveWeights[i]! * f;
    }
    for (let j = 0; j < inputs; j++) value += at[j]! ** 2 / (2 * C);
    return value;
  };

  let value = objective(theta);
  for (let iteration = 0; iteration < maxIterations; iteration++) {
    const step = newtonStep();
    const length = Math.max(...step.map(Math.abs));
    if (length <= tolerance) break;
    let size = 1;
    let next = theta.map((t, j) => t - step[j]!);
    let nextValue = objective(next);
    while (!(nextValue <= value) && size > 1e-8) {
      size /= 2;
      next = theta.map((t, j) => t - size * step[j]!);
      nextValue = objective(next);
    }
    if (!(nextValue <= value)) break;
    theta = next;
    value = nextValue;
  }
  return {
    classes: 2,
    inputs,
    weights: Float64Array.from({ length: 2 * inputs }, (_, at) => (at < inputs ? 0 : theta[at - inputs]!)),
    biases: Float64Array.of(0, theta[inputs]!),
  };

  /** The Hessian's inverse times the gradient, at the scores that were written last. */
  function newtonStep(): number[] {
    const gradient = new Float64Array(width);
    const hessian = new Float64Array(width * width);
    for (let i = 0; i < rows; i++) {
      const p = 1 / (1 + Math.exp(-scores[i]!));
      const residual = totals[i]! * p - positiveWeights[i]!;
      const curvature = totals[i]! * p * (1 - p);
      const row = i * inputs;
      for (let j = 0; j < inputs; j++) {
        const xj = x[row + j]!;
        const scaled = curvature * xj;
        gradient[j]! += residual * xj;
        for (let k = 0; k <= j; k++) hessian[j * width + k]! += scaled * x[row + k]!;
        hessian[inputs * width + j]! += scaled;
      }
      gradient[inputs]! += residual;
      hessian[inputs * width + inputs]! += curvature;
    }
    const matrix = Matrix.zeros(width, width);
    for (let j = 0; j < width; j++) {
      if (j < inputs) gradient[j]! += theta[j]! / C;
      for (let k = 0; k <= j; k++) {
        // The bias has no penalty: where all rows are sure, only a little damping keeps its curvature above 0.
        const ridge = j !== k ? 0 : j < inputs ? 1 / C : 1e-9;
        matrix.set(j, k, hessian[j * width + k]! + ridge);
        matrix.set(k, j, matrix.get(j, k));
      }
    }
    return new CholeskyDecomposition(matrix).solve(Matrix.columnVector(Array.from(gradient))).to1DArray();
  }
}

/** σ(f) of each row under a classifier of two classes, [n]. */
export function positiveProbabilities(classifier: LinearClassifier, x: Features): Float64Array {
  const scores = linearScores(classifier, x);
  return Float64Array.from(
    { length: scores.length / 2 },
    (_, i) => 1 / (1 + Math.exp(scores[2 * i]! - scores[2 * i + 1]!)),
  );
}
