/** Logistic regression with an L1 penalty: most weights are zero exactly. */
import { type Features, type LinearClassifier, requireExamples } from "./linear-classifier.ts";

export interface L1LogisticRegressionOptions {
  /** C, the inverse strength of the penalty, above 0. Default: 1. */
  C?: number;
  /** Ends when no weight moves the scores of a pass by more than this. Default: 1e-6. */
  tolerance?: number;
  /** Passes over all features at most. Default: 2000. */
  maxIterations?: number;
}

export interface L1LogisticRegression extends LinearClassifier {
  /** How many weights are not zero; the bias does not count. */
  nonZero: number;
  iterations: number;
}

/**
 * Minimises ‖w‖₁ + C Σᵢ log(1 + e^{−yᵢ (w xᵢ + b)}) for two classes, the bias free of the penalty, by cyclic
 * coordinate descent: each weight in turn takes the step that the bound ¼ Σ x² of its curvature allows.
 *
 * Bring features to one scale first, as the penalty is one for all.
 *
 * Source: Tibshirani (1996); the steps are those of Friedman, Hastie and Tibshirani (2010) with bounded curvature.
 *
 * @param x [n, features]
 * @param labels [n], 0 or 1
 * @returns Weights of class 1; those of class 0 are zero.
 */
export function l1LogisticRegression(
  x: Features,
  labels: ArrayLike<number>,
  { C = 1, tolerance = 1e-6, maxIterations = 2000 }: L1LogisticRegressionOptions = {},
): L1LogisticRegression {
  const { rows, inputs } = requireExamples("l1LogisticRegression", x, labels, 2);
  if (!(C > 0)) throw new RangeError(`l1LogisticRegression: C is ${C}; expected a number above 0`);
  // Column by column, the ones of the bias last.
  const columns = Array.from({ length: inputs + 1 }, (_, j) =>
    Float64Array.from({ length: rows }, (_, i) => (j < inputs ? x[i * inputs + j]! : 1)),
  );
  const curvatures = columns.map(
    (column) => (C / 4) * column.reduce((total, each) => total + each * each, 0),
  );
  const largest = columns.map((column) => column.reduce((most, each) => Math.max(most, Math.abs(each)), 0));
  const theta = new Float64Array(inputs + 1);
  const scores = new Float64Array(rows);
  let iterations = 0;
  for (let moved = Number.POSITIVE_INFINITY; moved > tolerance && iterations < maxIterations; iterations++) {
    moved = 0;
    for (let j = 0; j <= inputs; j++) {
      const [column, curvature] = [columns[j]!, curvatures[j]!];
      if (curvature === 0) continue;
      let gradient = 0;
      for (let i = 0; i < rows; i++) gradient += column[i]! * (1 / (1 + Math.exp(-scores[i]!)) - labels[i]!);
      const target = theta[j]! - (C * gradient) / curvature;
      const penalty = j < inputs ? 1 / curvature : 0;
      const size = Math.max(0, Math.abs(target) - penalty);
      const next = target < 0 && size > 0 ? -size : size;
      const step = next - theta[j]!;
      if (step === 0) continue;
      theta[j] = next;
      for (let i = 0; i < rows; i++) scores[i]! += step * column[i]!;
      moved = Math.max(moved, Math.abs(step) * largest[j]!);
    }
  }
  const weights = new Float64Array(2 * inputs);
  weights.set(theta.subarray(0, inputs), inputs);
  const nonZero = theta.subarray(0, inputs).reduce((count, weight) => count + Number(weight !== 0), 0);
  return { classes: 2, inputs, weights, biases: Float64Array.of(0, theta[inputs]!), nonZero, iterations };
}
