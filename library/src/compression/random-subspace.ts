/** Training in a random subspace: few numbers that move all weights of a model together. */
import type { Random } from "../random.ts";
import {
  add,
  fromData,
  matmul,
  multiply,
  pad,
  reshape,
  slice,
  type Tensor,
  transpose,
} from "../tensor/index.ts";
import { sizeOf } from "../tensor/tensor.ts";
import { leaves, mapTree } from "../tree.ts";

export interface RandomSubspace<P> {
  /** D, how many numbers the tree has. */
  size: number;
  /** d, how many move them. */
  dimension: number;
  /** Zeros [d], which leave the tree as it is. */
  start: Tensor;
  /** θ₀ + P w, as a tree of θ₀'s form. */
  apply(base: P, coordinates: Tensor): P;
}

/**
 * A subspace of d dimensions around the weights θ₀ of a model, θ = θ₀ + P w, with P = (Q₁ ⊗ Q₂) / √D made of two small
 * Gaussian matrices: the coordinates, as a square matrix, are multiplied by one from each side.
 *
 *     const subspace = randomSubspace(params, 256, random(1));
 *     valueAndGrad((w: Tensor) => loss(model.apply(subspace.apply(params, w), x)))(w);
 *
 * Lengths are kept on average: E ‖P w‖² is ‖w‖² (D rounded up to a square aside). So P is known from the random
 * numbers alone, and w is all that there is to tell of a model.
 *
 * Source: Lotfi et al., "Non-Vacuous Generalization Bounds for Large Language Models" (2023), section 4; Li et al.,
 * "Measuring the Intrinsic Dimension of Objective Landscapes" (2018).
 *
 * @param like A tree of float32 tensors.
 * @param dimension d, at least 1, at most D.
 */
export function randomSubspace<P>(like: P, dimension: number, random: Random): RandomSubspace<P> {
  const size = leaves(like).reduce((total, { shape }) => total + sizeOf(shape), 0);
  if (!(Number.isInteger(dimension) && dimension >= 1 && dimension <= size))
    throw new RangeError(
      `randomSubspace: dimension is ${dimension}; expected a whole number from 1 to ${size}`,
    );
  const [outer, inner] = [Math.ceil(Math.sqrt(size)), Math.ceil(Math.sqrt(dimension))];
  const factor = (name: string) =>
    fromData(random.split(name).normal(new Float32Array(outer * inner)), [outer, inner]);
  const [left, right] = [factor("left"), factor("right")];
  return {
    size,
    dimension,
    start: fromData(new Float32Array(dimension), [dimension]),
    apply(base, coordinates) {
      if (coordinates.shape.length !== 1 || coordinates.shape[0] !== dimension)
        throw new RangeError(
          `randomSubspace: coordinates has shape [${coordinates.shape}]; expected [${dimension}]`,
        );
      const square = reshape(pad(coordinates, [[0, inner * inner - dimension]]), [inner, inner]);
      const spread = matmul(matmul(left, square), transpose(right));
      const moves = multiply(reshape(spread, [outer * outer]), 1 / Math.sqrt(size));
      let from = 0;
      return mapTree(base, (weight) => {
        const count = sizeOf(weight.shape);
        const own = reshape(slice(moves, [[from, from + count]]), weight.shape);
        from += count;
        return add(weight, own);
      });
    },
  };
}
