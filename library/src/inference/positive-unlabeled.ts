/** Learning from positive and unlabelled rows, by logistic regression: known, constant and estimated propensities. */
import type { Features, LinearClassifier } from "./linear-classifier.ts";
import {
  positiveProbabilities,
  type SoftLogisticRegressionOptions,
  softLogisticRegression,
} from "./soft-logistic-regression.ts";

/**
 * Classifier from positive and unlabelled rows under known propensities: logistic regression on the
 * propensity-weighted risk (`puRisk` in nearmiss/losses). A labelled row counts 1/e as positive and 1 − 1/e as negative.
 *
 * @param x [n, features]
 * @param observed s, 1 (labelled, so positive) or 0 (unlabelled), [n]
 * @param propensity e, [n], or one number: labels given completely at random with that frequency. With 1,
 *   unlabelled rows count as negative. Values below 0.01 count as 0.01.
 * @throws RangeError where the lengths do not fit or a propensity is not above 0, to 1.
 */
export function propensityWeightedClassifier(
  x: Features,
  observed: ArrayLike<number>,
  propensity: ArrayLike<number> | number,
  options: SoftLogisticRegressionOptions = {},
): LinearClassifier {
  const name = "propensityWeightedClassifier";
  requireObserved(name, observed);
  if (typeof propensity !== "number" && propensity.length !== observed.length)
    throw new RangeError(`${name}: propensity has ${propensity.length} entries; expected ${observed.length}`);
  const positive = Float64Array.from(observed, (s, i) => {
    const e = typeof propensity === "number" ? propensity : propensity[i]!;
    if (!(e > 0 && e <= 1)) throw new RangeError(`${name}: propensity ${i} is ${e}; expected above 0, to 1`);
    return s / Math.max(e, 0.01);
  });
  return softLogisticRegression(
    x,
    positive,
    positive.map((a) => 1 - a),
    options,
  );
}

/**
 * The frequency with which positives get labelled, if that is completely at random: the mean probability of a
 * label, P(s = 1 | x), over the labelled rows.
 *
 * Source: Elkan and Noto, "Learning Classifiers from Only Positive and Unlabeled Data" (2008), estimator e₁.
 *
 * @throws RangeError if no row is labelled.
 */
export function estimateLabelFrequency(x: Features, observed: ArrayLike<number>): number {
  requireObserved("estimateLabelFrequency", observed);
  const traditional = propensityWeightedClassifier(x, observed, 1);
  const probabilities = positiveProbabilities(traditional, x);
  let sum = 0;
  let count = 0;
  for (let i = 0; i < observed.length; i++) {
    sum += observed[i]! * probabilities[i]!;
    count += observed[i]!;
  }
  if (count === 0) throw new RangeError("estimateLabelFrequency: observed has no labelled row");
  return sum / count;
}

/**
 * P(y = 1) of each row given whether it is labelled: 1 if it is, else f (1 − e) / (1 − f e).
 *
 * @param prior f = P(y = 1 | x), [n]
 * @param propensity e = P(s = 1 | y = 1, x), [n]
 * @param observed s, [n]
 */
export function positivePosterior(
  prior: ArrayLike<number>,
  propensity: ArrayLike<number>,
  observed: ArrayLike<number>,
): Float64Array {
  return Float64Array.from(observed, (s, i) => {
    if (s === 1) return 1;
    const [f, e] = [prior[i]!, propensity[i]!];
    const unlabelled = 1 - f * e;
    return unlabelled > 0 ? (f * (1 - e)) / unlabelled : 0;
  });
}

export interface SarEMOptions {
  /** Columns that labelling may depend on. All of them can leave classifier and propensity unidentified. */
  propensityAttributes: readonly number[];
  /** C of both models. Default: 1. */
  C?: number;
  /** Default: 500. */
  maxIterations?: number;
  /**
   * Ends once, over the last ten rounds, the mean absolute slope of the propensities of unlabelled rows and the
   * gain in log-likelihood a row are both below this. Default: 1e-4.
   */
  tolerance?: number;
  /** Whether the classifier is fitted anew with the propensity-weighted risk at the end. Default: true. */
  refit?: boolean;
}

export interface SarEM {
  /** Of positive against negative. */
  classifier: LinearClassifier;
  /** P(s = 1 | y = 1, x) from the propensity attributes, in the order in which they were given. */
  propensityModel: LinearClassifier;
  /** e of each training row, [n]. */
  propensity: Float64Array;
  /**
   * Log-likelihood of the labels a row, (1/n) Σ log (f e)^s (1 − f e)^(1 − s), minus the penalties of both models:
   * at the start and after each round. It never falls.
   */
  trace: number[];
  /** Whether the tolerance was reached. */
  converged: boolean;
}

/**
 * SAR-EM: classifier and propensities from positive and unlabelled rows whose labelling depends on some of their
 * attributes. Each round takes P(y = 1) of the unlabelled rows from both models (`positivePosterior`) and refits both,
 * the classifier on all rows with these weights, the propensity model on who is labelled, among positives.
 *
 * Starts from the classifier of labelled against unlabelled rows, both kinds weighted alike.
 *
 * Source: Bekker, Robberechts and Davis, "Beyond the Selected Completely At Random Assumption for Learning
 * from Positive and Unlabeled Data" (2019), section 5.
 *
 * @param x [n, features]
 * @param observed s, 1 (labelled, so positive) or 0 (unlabelled), [n]; both must occur
 * @throws RangeError for attributes that are no columns, or if there is no labelled or no unlabelled row.
 */
export function sarEM(x: Features, observed: ArrayLike<number>, options: SarEMOptions): SarEM {
  const { propensityAttributes, C = 1, maxIterations = 500, tolerance = 1e-4, refit = true } = options;
  requireObserved("sarEM", observed);
  const rows = observed.length;
  const inputs = x.length / rows;
  if (propensityAttributes.length === 0 || propensityAttributes.some((a) => !(a >= 0 && a < inputs)))
    throw new RangeError(
      `sarEM: propensityAttributes is [${propensityAttributes.join(", ")}]; expected columns from 0 to ${inputs - 1}`,
    );
  const share = Array.from(observed).reduce((a, b) => a + b, 0) / rows;
  if (share === 0 || share === 1)
    throw new RangeError(`sarEM: observed is ${share} in all rows; expected labelled and unlabelled ones`);
  const attributes = columns(x, inputs, propensityAttributes);
  const labelled = Float64Array.from(observed);
  // From the model of the last round a Newton step or two are all it takes; fewer would do for EM to climb.
  const again = (start: LinearClassifier) => ({ C, start, maxIterations: 2, tolerance: 1e-4 });
  const among = (weights: Float64Array, options: SoftLogisticRegressionOptions) =>
    softLogisticRegression(
      attributes,
      labelled.map((s, i) => s * weights[i]!),
      labelled.map((s, i) => (1 - s) * weights[i]!),
      options,
    );

  let classifier = softLogisticRegression(
    x,
    labelled.map((s) => s * (1 - share)),
    labelled.map((s) => (1 - s) * share),
    { C },
  );
  let f = positiveProbabilities(classifier, x);
  let propensityModel = among(
    f.map((p, i) => labelled[i]! + (1 - labelled[i]!) * p),
    { C },
  );
  let e = positiveProbabilities(propensityModel, attributes);
  const penalised = () =>
    labelLogLikelihood(f, e, labelled) - (penalty(classifier, C) + penalty(propensityModel, C)) / rows;
  const trace = [penalised()];
  const past: Float64Array[] = [e];
  let converged = false;

  for (let round = 0; round < maxIterations && !converged; round++) {
    const posterior = positivePosterior(f, e, labelled);
    propensityModel = among(posterior, again(propensityModel));
    classifier = softLogisticRegression(
      x,
      posterior,
      posterior.map((p) => 1 - p),
      again(classifier),
    );
    f = positiveProbabilities(classifier, x);
    e = positiveProbabilities(propensityModel, attributes);
    trace.push(penalised());
    past.push(e);
    if (past.length > WINDOW) {
      past.shift();
      const gain = trace.at(-1)! - trace.at(-WINDOW)!;
      converged = gain < tolerance && meanAbsoluteSlope(past, labelled) < tolerance;
    }
  }
  if (refit) classifier = propensityWeightedClassifier(x, labelled, e, { C, start: classifier });
  return { classifier, propensityModel, propensity: e, trace, converged };
}

/** Rounds over which convergence is judged. */
const WINDOW = 10;

function labelLogLikelihood(f: Float64Array, e: Float64Array, observed: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < observed.length; i++) {
    const labelled = f[i]! * e[i]!;
    sum += Math.log(Math.max(observed[i] ? labelled : 1 - labelled, 1e-300));
  }
  return sum / observed.length;
}

const penalty = ({ weights }: LinearClassifier, C: number) =>
  weights.reduce((sum, w) => sum + w * w, 0) / (2 * C);

/** Mean over unlabelled rows of the absolute slope of a line through their latest propensities. */
function meanAbsoluteSlope(past: readonly Float64Array[], observed: Float64Array): number {
  const center = (past.length - 1) / 2;
  const spread = past.reduce((sum, _, t) => sum + (t - center) ** 2, 0);
  let total = 0;
  let count = 0;
  for (let i = 0; i < observed.length; i++) {
    if (observed[i]) continue;
    total += Math.abs(past.reduce((sum, e, t) => sum + (t - center) * e[i]!, 0)) / spread;
    count++;
  }
  return total / count;
}

function columns(x: Features, inputs: number, wanted: readonly number[]): Float64Array {
  const rows = x.length / inputs;
  return Float64Array.from(
    { length: rows * wanted.length },
    (_, at) => x[Math.floor(at / wanted.length) * inputs + wanted[at % wanted.length]!]!,
  );
}

function requireObserved(name: string, observed: ArrayLike<number>): void {
  for (let i = 0; i < observed.length; i++)
    if (observed[i] !== 0 && observed[i] !== 1)
      throw new RangeError(`${name}: observed ${i} is ${observed[i]}; expected 1 (labelled) or 0`);
}
