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
  const importance = Float64Array.from({ length: rows }, (_, i) => scale * (sampleWeights?.[i] ?? 1));
  // The class whose score is held at 0, with two classes.
  const first = classes === 2 ? 1 : 0;
  const free = classes - first;
  // Features far from 0, or of different sizes, make a long valley of the objective. The solver sees them
  // centred (the biases make up for that) and in units in which the bound of the curvature is 1.
  const { z, means, units } = conditioned(x, importance, inputs, penalty);
  const width = inputs + 1;
  const scores = new Float64Array(classes);

  /** theta is [free, inputs + 1], the bias last in each row. */
  const objective = (theta: Float64Array, gradient: Float64Array): number => {
    let squares = 0;
    for (let at = 0; at < theta.length; at++) {
      const j = at % width;
      const shrink = j < inputs ? penalty * units[j]! ** 2 : 0;
      gradient[at] = shrink * theta[at]!;
      squares += shrink * theta[at]! ** 2;
    }
    let loss = 0;
    for (let i = 0; i < rows; i++) {
      const weight = importance[i]!;
      const label = labels[i]!;
      const from = i * width;
      scores[0] = 0;
      for (let k = 0; k < free; k++) {
        let score = 0;
        for (let j = 0; j < width; j++) score += theta[k * width + j]! * z[from + j]!;
        scores[k + first] = score;
      }
      let largest = scores[0]!;
      for (let k = 1; k < classes; k++) if (scores[k]! > largest) largest = scores[k]!;
      let sum = 0;
      for (let k = 0; k < classes; k++) sum += Math.exp(scores[k]! - largest);
      const logSum = largest + Math.log(sum);
      loss += weight * (logSum - scores[label]!);
      for (let k = 0; k < free; k++) {
        const error = weight * (Math.exp(scores[k + first]! - logSum) - (label === k + first ? 1 : 0));
        for (let j = 0; j < width; j++) gradient[k * width + j]! += error * z[from + j]!;
      }
    }
    return loss + squares / 2;
  };

  // From the solver's coordinates back to those of x: the gradient is at most this many times longer.
  const stretch = Math.max(...units.map((unit) => 1 / unit)) + Math.hypot(...means) / units[inputs]!;
  const { x: theta, iterations } = lbfgs(objective, new Float64Array(free * width), {
    tolerance: tolerance / stretch,
    maxIterations,
  });
  const gradient = new Float64Array(theta.length);
  objective(theta, gradient);
  const weights = new Float64Array(classes * inputs);
  const biases = new Float64Array(classes);
  let squares = 0;
  for (let k = 0; k < free; k++) {
    const own = k * width + inputs;
    const biasGradient = gradient[own]! / units[inputs]!;
    squares += biasGradient ** 2;
    biases[k + first] = theta[own]! * units[inputs]!;
    for (let j = 0; j < inputs; j++) {
      const weight = theta[k * width + j]! * units[j]!;
      weights[(k + first) * inputs + j] = weight;
      biases[k + first]! -= weight * means[j]!;
      squares += (gradient[k * width + j]! / units[j]! + biasGradient * means[j]!) ** 2;
    }
  }
  const gradientNorm = Math.sqrt(squares);
  const converged = gradientNorm <= tolerance;
  return { classes, inputs, weights, biases, gradientNorm, iterations, converged };
}

/**
 * Features minus their weighted means, and a 1 for the bias, each times a unit: 1 / √(penalty + ¼ Σᵢ wᵢ zᵢ²),
 * or 1 where that sum is 0. z is [rows, inputs + 1].
 */
function conditioned(x: Features, importance: Float64Array, inputs: number, penalty: number) {
  const rows = importance.length;
  const total = importance.reduce((sum, weight) => sum + weight, 0);
  const means = new Float64Array(inputs);
  for (let i = 0; i < rows; i++)
    for (let j = 0; j < inputs; j++) means[j]! += (importance[i]! / total) * x[i * inputs + j]!;
  const width = inputs + 1;
  const z = new Float64Array(rows * width).fill(1);
  const curvatures = new Float64Array(width).fill(penalty, 0, inputs);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < inputs; j++) {
      z[i * width + j] = x[i * inputs + j]! - means[j]!;
      curvatures[j]! += (importance[i]! * z[i * width + j]! ** 2) / 4;
    }
  }
  curvatures[inputs] = total / 4;
  const units = curvatures.map((curvature) => (curvature > 0 ? 1 / Math.sqrt(curvature) : 1));
  for (let at = 0; at < z.length; at++) z[at]! *= units[at % width]!;
  return { z, means, units };
}

function requireWeights(weights: ArrayLike<number>, rows: number): void {
  if (weights.length !== rows)
    throw new RangeError(`logisticRegression: sampleWeights has ${weights.length} entries; expected ${rows}`);
  for (let i = 0; i < rows; i++)
    if (!(weights[i]! >= 0 && weights[i]! < Number.POSITIVE_INFINITY))
      throw new RangeError(`logisticRegression: sample weight ${i} is ${weights[i]}; expected at least 0`);
  if (!Array.from(weights).some((weight) => weight > 0))
    throw new RangeError("logisticRegression: all sample weights are 0");
}
