/** Logistic regression with an L2 penalty, fitted to convergence. */
import { type LbfgsOptions, lbfgs } from "./lbfgs.ts";
import { type Features, type LinearClassifier, requireExamples } from "./linear-classifier.ts";

export interface LogisticRegressionOptions extends Pick<LbfgsOptions, "tolerance" | "maxIterations"> {
  /** Number of classes. Default: the largest label + 1. */
  classes?: number;
  /** C, the inverse strength of the penalty. Infinity for none. Default: 1. */
  C?: number;
  /** [n], none negative. Default: 1 each. */
  sampleWeights?: ArrayLike<number>;
}

export interface LogisticRegression extends LinearClassifier {
  /** Of the objective at the fit. */
  gradientNorm: number;
  iterations: number;
  /** Whether the gradient's norm came down to the tolerance. */
  converged: boolean;
}

/**
 * Minimises ½‖W‖² + C Σᵢ wᵢ ℓᵢ by L-BFGS, with ℓ the cross-entropy of softmax(W x + b), sums over examples, and
 * biases free of the penalty. Without penalty (C infinite) the objective is Σᵢ wᵢ ℓᵢ.
 *
 * With two classes there is one weight vector, of class 1, and the weights of class 0 are zero: the
 * logistic model σ(w x + b), as scikit-learn fits it. (Two penalised vectors would be the same with 2C.)
 *
 * @param x [n, features]
 * @param labels [n], whole numbers from 0
 * @param options.tolerance On the norm of the objective's gradient. Default: 1e-6.
 * @param options.maxIterations Default: 1000.
 * @throws RangeError for x and labels that do not fit each other, a C or weights that are not positive.
 */
export function logisticRegression(
  x: Features,
  labels: ArrayLike<number>,
  options: LogisticRegressionOptions = {},
): LogisticRegression {
  const { C = 1, sampleWeights, tolerance = 1e-6, maxIterations = 1000 } = options;
  const { rows, inputs, classes } = requireExamples("logisticRegression", x, labels, options.classes);
  if (!(C > 0)) throw new RangeError(`logisticRegression: C is ${C}; expected a number above 0`);
  if (sampleWeights) requireWeights(sampleWeights, rows);
  const penalty = C === Number.POSITIVE_INFINITY ? 0 : 1;
  const scale = penalty === 0 ? 1 : C;
  // The class whose score is held at 0, with two classes.
  const first = classes === 2 ? 1 : 0;
  const free = classes - first;
  const biasesAt = free * inputs;
  const scores = new Float64Array(classes);

  const objective = (theta: Float64Array, gradient: Float64Array): number => {
    let squares = 0;
    for (let j = 0; j < theta.length; j++) {
      const isWeight = j < biasesAt;
      gradient[j] = isWeight ? penalty * theta[j]! : 0;
      if (isWeight) squares += theta[j]! ** 2;
    }
    let loss = 0;
    for (let i = 0; i < rows; i++) {
      const weight = scale * (sampleWeights?.[i] ?? 1);
      const label = labels[i]!;
      const at = i * inputs;
      let largest = first === 1 ? 0 : Number.NEGATIVE_INFINITY;
      for (let k = 0; k < free; k++) {
        let score = theta[biasesAt + k]!;
        const row = k * inputs;
        for (let j = 0; j < inputs; j++) score += theta[row + j]! * x[at + j]!;
        scores[k + first] = score;
        if (score > largest) largest = score;
      }
      let sum = 0;
      for (let k = 0; k < classes; k++) sum += Math.exp(scores[k]! - largest);
      const logSum = largest + Math.log(sum);
      loss += weight * (logSum - scores[label]!);
      for (let k = 0; k < free; k++) {
        const error = weight * (Math.exp(scores[k + first]! - logSum) - (label === k + first ? 1 : 0));
        gradient[biasesAt + k]! += error;
        const row = k * inputs;
        for (let j = 0; j < inputs; j++) gradient[row + j]! += error * x[at + j]!;
      }
    }
    return loss + (penalty * squares) / 2;
  };

  const { x: theta, ...fit } = lbfgs(objective, new Float64Array(free * (inputs + 1)), {
    tolerance,
    maxIterations,
  });
  const weights = new Float64Array(classes * inputs);
  const biases = new Float64Array(classes);
  weights.set(theta.subarray(0, biasesAt), first * inputs);
  biases.set(theta.subarray(biasesAt), first);
  const { gradientNorm, iterations, converged } = fit;
  return { classes, inputs, weights, biases, gradientNorm, iterations, converged };
}

function requireWeights(weights: ArrayLike<number>, rows: number): void {
  if (weights.length !== rows)
    throw new RangeError(`logisticRegression: sampleWeights has ${weights.length} entries; expected ${rows}`);
  for (let i = 0; i < rows; i++)
    if (!(weights[i]! >= 0 && weights[i]! < Number.POSITIVE_INFINITY))
      throw new RangeError(`logisticRegression: sample weight ${i} is ${weights[i]}; expected at least 0`);
}
