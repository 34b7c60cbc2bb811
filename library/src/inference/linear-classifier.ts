/** Linear classifiers on features, as plain arrays: what naive Bayes and logistic regression are fitted to. */

export type Features = Float32Array | Float64Array;

export interface LinearClassifier {
  classes: number;
  /** Number of features. */
  inputs: number;
  /** [classes, inputs] */
  weights: Float64Array;
  /** [classes] */
  biases: Float64Array;
}

/**
 * Scores W x + b, larger meaning likelier.
 *
 * @param x [n, inputs]
 * @returns [n, classes]
 * @throws RangeError if x does not hold rows of `inputs` features.
 */
export function linearScores(
  { classes, inputs, weights, biases }: LinearClassifier,
  x: Features,
): Float64Array {
  if (x.length % inputs !== 0)
    throw new RangeError(`linearScores: x has ${x.length} values; expected rows of ${inputs}`);
  const rows = x.length / inputs;
  const scores = new Float64Array(rows * classes);
  for (let i = 0; i < rows; i++) {
    for (let k = 0; k < classes; k++) {
      let sum = biases[k]!;
      for (let j = 0; j < inputs; j++) sum += weights[k * inputs + j]! * x[i * inputs + j]!;
      scores[i * classes + k] = sum;
    }
  }
  return scores;
}

/**
 * Checks features with one label each, and returns how many there are.
 *
 * @throws RangeError naming what does not fit.
 */
export function requireExamples(
  name: string,
  x: Features,
  labels: ArrayLike<number>,
  classes?: number,
): { rows: number; inputs: number; classes: number } {
  const rows = labels.length;
  if (rows === 0 || x.length === 0 || x.length % rows !== 0)
    throw new RangeError(`${name}: x has ${x.length} values for ${rows} labels; expected [labels, features]`);
  let largest = 0;
  for (let i = 0; i < rows; i++) {
    const label = labels[i]!;
    if (!(Number.isInteger(label) && label >= 0 && label < (classes ?? Number.POSITIVE_INFINITY)))
      throw new RangeError(
        `${name}: label ${i} is ${label}; expected a whole number from 0${classes ? ` to ${classes - 1}` : ""}`,
      );
    if (label > largest) largest = label;
  }
  const count = classes ?? largest + 1;
  if (count < 2) throw new RangeError(`${name}: there is ${count} class; expected at least 2`);
  return { rows, inputs: x.length / rows, classes: count };
}
