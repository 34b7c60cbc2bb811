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

/** Two matrices whose Kronecker product spans a subspace. A tree of tensors, so it can be given to a compiled function. */
export interface Subspace {
  /** [⌈√D⌉, ⌈√d⌉], standard normal. */
  left: Tensor;
  /** Likewise. */
  right: Tensor;
}

/** D, how many numbers a tree of tensors has. */
export const numbersIn = (tree: unknown): number =>
  leaves(tree).reduce((total, { shape }) => total + sizeOf(shape), 0);

/**
 * A subspace of d dimensions of the D numbers of a tree: all that is needed to move in it by `moveWithin`.
 *
 *     const subspace = randomSubspace(params, 256, random(1));
 *     valueAndGrad((w: Tensor) => loss(model.apply(moveWithin(params, w, subspace), x)))(zeros([256]));
 *
 * @param dimension d, at least 1, at most D.
 */
export function randomSubspace(like: unknown, dimension: number, random: Random): Subspace {
  const size = numbersIn(like);
  if (!(Number.isInteger(dimension) && dimension >= 1 && dimension <= size))
    throw new RangeError(
      `randomSubspace: dimension is ${dimension}; expected a whole number from 1 to ${size}`,
    );
  const shape = [sideOf(size), sideOf(dimension)] as const;
  const factor = (name: string) =>
    fromData(random.split(name).normal(new Float32Array(shape[0] * shape[1])), shape);
  return { left: factor("left"), right: factor("right") };
}

/**
 * θ₀ + P w with P = (Q₁ ⊗ Q₂) / √D: the coordinates w, as a square matrix, are multiplied by a Gaussian matrix from
 * each side, and what comes out is added to a model's weights θ₀, number by number.
 *
 * Lengths are kept on average: E ‖P w‖² is ‖w‖², the rounding of D up to a square aside. So P is known from its seed
 * alone, and w is all that there is to tell of a model.
 *
 * Source: Lotfi et al., "Non-Vacuous Generalization Bounds for Large Language Models" (2023), section 4; Li et al.,
 * "Measuring the Intrinsic Dimension of Objective Landscapes" (2018).
 *
 * @param base θ₀, a tree of float32 tensors.
 * @param coordinates w, [d]
 */
export function moveWithin<P>(base: P, coordinates: Tensor, { left, right }: Subspace): P {
  const size = numbersIn(base);
  const [outer, inner] = left.shape as [number, number];
  const dimension = coordinates.shape[0]!;
  if (coordinates.shape.length !== 1 || sideOf(dimension) !== inner)
    throw new RangeError(
      `moveWithin: coordinates has shape [${coordinates.shape}]; expected [d] with d from ${(inner - 1) ** 2 + 1} to ${inner ** 2}`,
    );
  if (sideOf(size) !== outer)
    throw new RangeError(
      `moveWithin: base has ${size} numbers; expected at most ${outer ** 2}, for which the subspace is`,
    );
  const square = reshape(pad(coordinates, [[0, inner * inner - dimension]]), [inner, inner]);
  const spread = matmul(matmul(left, square), transpose(right));
  return moveAll(base, slice(multiply(reshape(spread, [outer * outer]), 1 / Math.sqrt(size)), [[0, size]]));
}

/**
 * θ₀ + w, in the whole space: what a subspace is compared with.
 *
 * @param base θ₀, a tree of tensors with D numbers.
 * @param coordinates w, [D]
 */
export function moveAll<P>(base: P, coordinates: Tensor): P {
  const size = numbersIn(base);
  if (coordinates.shape.length !== 1 || coordinates.shape[0] !== size)
    throw new RangeError(`moveAll: coordinates has shape [${coordinates.shape}]; expected [${size}]`);
  let from = 0;
  return mapTree(base, (weight) => {
    const own = slice(coordinates, [[from, from + sizeOf(weight.shape)]]);
    from += sizeOf(weight.shape);
    return add(weight, reshape(own, weight.shape));
  });
}

/** The side of the smallest square matrix that holds so many numbers. */
const sideOf = (count: number) => Math.ceil(Math.sqrt(count));
