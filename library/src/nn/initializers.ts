/**
 * Where weights start. An initialiser draws the values of one parameter from a stream of random numbers.
 *
 * Those that scale with the layer's size read it off the shape: [inputs, outputs] for matrices,
 * [filters, channels, kernel sizes …] for convolutions, whose inputs are channels · taps and whose
 * outputs are filters · taps.
 */
import { Matrix, QrDecomposition } from "ml-matrix";
import type { Random } from "../random.ts";
import { fromData, type Shape, sizeOf, type Tensor } from "../tensor/index.ts";
import { showShape } from "../tensor/tensor.ts";

/** Draws a float32 tensor of the given shape. Equal streams give equal values. */
export type Initializer = (random: Random, shape: Shape) => Tensor;

/** How many numbers one output is the sum of, and how many outputs one input feeds. */
export function fans(shape: Shape): { inputs: number; outputs: number } {
  if (shape.length < 2) {
    throw new RangeError(
      `initializer: shape ${showShape(shape)} has no inputs and outputs; expected [inputs, outputs] or ` +
        `[filters, channels, …]`,
    );
  }
  const taps = sizeOf(shape.slice(2));
  const [first, second] = shape as [number, number];
  return shape.length === 2
    ? { inputs: first, outputs: second }
    : { inputs: second * taps, outputs: first * taps };
}

/** The same number everywhere. */
export const fill =
  (value: number): Initializer =>
  (_random, shape) =>
    fromData(new Float32Array(sizeOf(shape)).fill(value), shape);

/** Zeros: biases, and last layers that shall start as "no change". */
export const zeroFill: Initializer = fill(0);

/** Normal with mean 0 and the given standard deviation. */
export const normal =
  (deviation: number): Initializer =>
  (random, shape) =>
    fromData(random.normal(sizeOf(shape), 0, deviation), shape);

/**
 * Normal, with everything beyond two standard deviations drawn again.
 *
 * @param deviation Of the normal before it is cut; that of the result is 0.8796 times as large.
 */
export const truncatedNormal =
  (deviation: number): Initializer =>
  (random, shape) => {
    const drawn = random.normal(sizeOf(shape));
    const again = random.split("beyond two deviations");
    const spare = new Float32Array(1);
    for (let i = 0; i < drawn.length; i++) {
      while (Math.abs(drawn[i]!) > 2) drawn[i] = again.normal(spare)[0]!;
      drawn[i]! *= deviation;
    }
    return fromData(drawn, shape);
  };

const normalWithVariance =
  (variance: (inputs: number, outputs: number) => number): Initializer =>
  (random, shape) => {
    const { inputs, outputs } = fans(shape);
    return normal(Math.sqrt(variance(inputs, outputs)))(random, shape);
  };

const uniformWithVariance =
  (variance: (inputs: number, outputs: number) => number): Initializer =>
  (random, shape) => {
    const { inputs, outputs } = fans(shape);
    const limit = Math.sqrt(3 * variance(inputs, outputs));
    return fromData(random.uniform(sizeOf(shape), -limit, limit), shape);
  };

/** Normal weights with variance 2 / inputs (He et al. 2015, equation 10), for layers before a relu. */
export const heNormal: Initializer = normalWithVariance((inputs) => 2 / inputs);
/** Uniform weights with variance 2 / inputs (He et al. 2015). */
export const heUniform: Initializer = uniformWithVariance((inputs) => 2 / inputs);
/** Normal weights with variance 2 / (inputs + outputs) (Glorot and Bengio 2010, equation 12). */
export const glorotNormal: Initializer = normalWithVariance((inputs, outputs) => 2 / (inputs + outputs));
/** Uniform weights with variance 2 / (inputs + outputs) (Glorot and Bengio 2010, equation 16). */
export const glorotUniform: Initializer = uniformWithVariance((inputs, outputs) => 2 / (inputs + outputs));
/** Normal weights with variance 1 / inputs (LeCun et al. 1998, section 4.6). */
export const lecunNormal: Initializer = normalWithVariance((inputs) => 1 / inputs);

/**
 * A random matrix with orthonormal rows or columns, whichever are fewer (Saxe et al. 2014), uniform
 * over all of them. Kernels [filters, channels, …] count as [filters, the rest].
 *
 * @param gain A factor on all values. Default: 1.
 */
export const orthogonal =
  (gain = 1): Initializer =>
  (random, shape) => {
    fans(shape);
    const rows = shape[0]!;
    const columns = sizeOf(shape.slice(1));
    const [long, short] = rows >= columns ? [rows, columns] : [columns, rows];
    const drawn = Matrix.from1DArray(long, short, random.normal(new Float64Array(long * short)));
    const decomposition = new QrDecomposition(drawn);
    const q = decomposition.orthogonalMatrix;
    const r = decomposition.upperTriangularMatrix;
    const data = new Float32Array(rows * columns);
    for (let i = 0; i < long; i++) {
      for (let j = 0; j < short; j++) {
        // The decomposition is unique, and its factor uniform, once the diagonal of R is positive.
        const value = gain * q.get(i, j) * (r.get(j, j) < 0 ? -1 : 1);
        data[rows >= columns ? i * columns + j : j * columns + i] = value;
      }
    }
    return fromData(data, shape);
  };
