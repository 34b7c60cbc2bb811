/** Attention by distance: weights from how far queries are from keys, instead of from their products. */
import {
  add,
  exp,
  fromData,
  log,
  matmul,
  maximum,
  multiply,
  negate,
  relu,
  softmax,
  square,
  sum,
  type Tensor,
  transpose,
  values as valuesOf,
} from "../tensor/index.ts";
import { allocate, describe } from "../tensor/tensor.ts";

/**
 * ‖q − k‖² for all pairs, as ‖q‖² − 2 q·k + ‖k‖², not below 0.
 *
 * In float32, the distance of points that almost coincide is lost in rounding: about 1e-7 of their squared norms.
 *
 * @param queries [..., queries, d]
 * @param keys [..., keys, d]
 * @returns [..., queries, keys]
 */
export function squaredDistances(queries: Tensor, keys: Tensor): Tensor {
  const own = (x: Tensor) => sum(square(x), { axis: -1, keepDims: true });
  const products = multiply(matmul(queries, transpose(keys)), -2);
  return relu(add(add(products, own(queries)), transpose(own(keys))));
}

export interface InverseDistanceOptions {
  /** ε, added to the distances, so that a query on a key divides by no zero. Default: 1e-3. */
  epsilon?: number;
  /** p, the power of the distance. Default: 2. */
  power?: number;
}

/**
 * Inverse distance weights: (1 / dⱼ) / Σ_l (1 / d_l) with dⱼ = ε + ‖q − kⱼ‖ᵖ, which is softmax(−log d).
 *
 * There is no temperature: with ε = 0, scaling all distances alike changes nothing.
 *
 * Source: McCarter, "Inverse distance weighting attention" (2023), section 2.
 *
 * @param queries [..., queries, d]
 * @param keys [..., keys, d]
 * @returns [..., queries, keys], positive, with sums of 1 along the last axis.
 * @throws RangeError unless ε and p are positive.
 */
export function inverseDistanceWeights(
  queries: Tensor,
  keys: Tensor,
  options: InverseDistanceOptions = {},
): Tensor {
  return softmax(negate(log(distances(queries, keys, options))));
}

/**
 * Inverse distance attention: z = Σⱼ aⱼ vⱼ with the weights of `inverseDistanceWeights`. The output lies in
 * the convex hull of the values; a query on a key gets nearly its value.
 *
 * Source: McCarter (2023), section 2.
 *
 * @param queries [..., queries, d]
 * @param keys [..., keys, d]
 * @param values [..., keys, width]
 * @returns [..., queries, width]
 */
export function inverseDistanceAttention(
  queries: Tensor,
  keys: Tensor,
  values: Tensor,
  options: InverseDistanceOptions = {},
): Tensor {
  return matmul(inverseDistanceWeights(queries, keys, options), values);
}

/** ε + ‖q − k‖ᵖ */
function distances(queries: Tensor, keys: Tensor, options: InverseDistanceOptions): Tensor {
  const { epsilon, power } = checked("inverseDistanceWeights", options);
  const squares = squaredDistances(queries, keys);
  if (power === 2) return add(squares, epsilon);
  // Powers below 2 have no slope at 0, where the floor takes it away.
  return add(exp(multiply(log(maximum(squares, 1e-12)), power / 2)), epsilon);
}

function checked(name: string, { epsilon = 1e-3, power = 2 }: InverseDistanceOptions) {
  if (!(epsilon > 0)) throw new RangeError(`${name}: epsilon is ${epsilon}; expected a number above 0`);
  if (!(power > 0)) throw new RangeError(`${name}: power is ${power}; expected a number above 0`);
  return { epsilon, power };
}

/** The parameters of inverse distance attention as a classifier: prototypes and their logits. */
export interface Prototypes {
  /** [prototypes, d] */
  keys: Tensor;
  /** [prototypes, classes] */
  values: Tensor;
}

/**
 * Makes inverse distance attention assign a class to an input, by a further prototype: key x, value η for the
 * class and 0 for others, with η = (1 + ε S) (max z − z_c) and S = Σⱼ 1 / dⱼ. At x, the logit of the class is then
 * ahead of all others by (max z − z_c) / (1 + ε S) at least; elsewhere the effect falls with ‖· − x‖ᵖ.
 *
 * Computed outside of graphs, in double precision.
 *
 * Source: McCarter (2023), section 4, and the official code.
 *
 * @param prototypes Concrete.
 * @param x [d]
 * @param label c, from 0.
 * @returns Prototypes with one more row; the same object where x is assigned to the class already.
 * @throws RangeError for an x or a label that does not fit.
 */
export function insertPrototype(
  prototypes: Prototypes,
  x: ArrayLike<number>,
  label: number,
  options: InverseDistanceOptions = {},
): Prototypes {
  const { epsilon, power } = checked("insertPrototype", options);
  const { keys, values } = prototypes;
  const [count, width] = keys.shape as [number, number];
  const classes = values.shape[1]!;
  if (keys.shape.length !== 2 || values.shape.length !== 2 || values.shape[0] !== count)
    throw new RangeError(
      `insertPrototype: keys are ${describe(keys)} and values ${describe(values)}; expected [prototypes, d] and [prototypes, classes]`,
    );
  if (x.length !== width)
    throw new RangeError(`insertPrototype: x has ${x.length} values; expected ${width}`);
  if (!(Number.isInteger(label) && label >= 0 && label < classes))
    throw new RangeError(`insertPrototype: label is ${label}; expected 0 to ${classes - 1}`);
  const [keyData, valueData] = [valuesOf(keys), valuesOf(values)];
  const logits = new Float64Array(classes);
  let total = 0;
  for (let j = 0; j < count; j++) {
    let squares = 0;
    for (let i = 0; i < width; i++) squares += (x[i]! - keyData[j * width + i]!) ** 2;
    const weight = 1 / (epsilon + squares ** (power / 2));
    total += weight;
    for (let k = 0; k < classes; k++) logits[k]! += weight * valueData[j * classes + k]!;
  }
  const behind = (Math.max(...logits) - logits[label]!) / total;
  if (!(behind > 0)) return prototypes;
  const value = new Float64Array(classes);
  value[label] = (1 + epsilon * total) * behind;
  return { keys: withRow(keys, x), values: withRow(values, value) };
}

function withRow(matrix: Tensor, row: ArrayLike<number>): Tensor {
  const [rows, columns] = matrix.shape as [number, number];
  const data = allocate(matrix.dtype, (rows + 1) * columns);
  data.set(valuesOf(matrix));
  data.set(row, rows * columns);
  return fromData(data, [rows + 1, columns], matrix.dtype);
}
