/** What is known of every body, as penalties that need no 3-D data. */
import { type LossOptions, reduce } from "../losses/reduction.ts";
import {
  add,
  fromData,
  gather,
  maximum,
  relu,
  sqrt,
  square,
  subtract,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

/**
 * Σ max(0, θ − θ_max)² + max(0, θ_min − θ)²: how far joints are bent beyond what joints can.
 *
 * Source: Zhang et al., "Body knowledge and uncertainty modeling for monocular 3D human body reconstruction" (2023),
 * as the other penalties here; their exact forms are ours.
 *
 * @param angles θ, radians, [n, joints, 3].
 * @param lower θ_min, [joints, 3].
 * @param upper θ_max, [joints, 3].
 * @returns A scalar, or [n] with reduction "none".
 */
export function jointLimitPenalty(
  angles: Tensor,
  lower: Tensor,
  upper: Tensor,
  { reduction }: LossOptions = {},
): Tensor {
  const expected = angles.shape.slice(1).join();
  for (const [name, limit] of Object.entries({ lower, upper }))
    if (angles.shape.length !== 3 || limit.shape.join() !== expected)
      throw new RangeError(
        `jointLimitPenalty: angles is ${describe(angles)} and ${name} ${describe(limit)}; expected [n, joints, 3] and [joints, 3]`,
      );
  const beyond = add(square(relu(subtract(angles, upper))), square(relu(subtract(lower, angles))));
  return reduce(sum(beyond, { axis: [1, 2] }), reduction);
}

/**
 * Σ of squared distances of bone lengths from [μ − 2σ, μ + 2σ], plus Σ over pairs (left − right)².
 *
 * @param lengths Of bones over the body's height, [n, bones].
 * @param means μ, [bones].
 * @param deviations σ, [bones].
 * @param options.pairs Numbers of the left and the right bone. Default: none.
 * @returns A scalar, or [n] with reduction "none".
 */
export function boneRatioPenalty(
  lengths: Tensor,
  means: Tensor,
  deviations: Tensor,
  { pairs = [], reduction }: LossOptions & { pairs?: readonly (readonly [number, number])[] } = {},
): Tensor {
  for (const [name, x] of Object.entries({ means, deviations }))
    if (lengths.shape.length !== 2 || x.shape.join() !== String(lengths.shape[1]))
      throw new RangeError(
        `boneRatioPenalty: lengths is ${describe(lengths)} and ${name} ${describe(x)}; expected [n, bones] and [bones]`,
      );
  const room = add(deviations, deviations);
  const over = relu(subtract(lengths, add(means, room)));
  const under = relu(subtract(subtract(means, room), lengths));
  const outside = sum(add(square(over), square(under)), { axis: 1 });
  if (pairs.length === 0) return reduce(outside, reduction);
  const [left, right] = sides(lengths, pairs);
  return reduce(add(outside, sum(square(subtract(left, right)), { axis: 1 })), reduction);
}

/**
 * Σ over pairs max(0, r_i + r_j − ‖p_i − p_j‖)²: how deep parts of the body, as spheres, go into each other.
 *
 * @param positions p, centres of the spheres, [n, spheres, 3].
 * @param pairs Numbers of spheres that must not meet.
 * @param distances r_i + r_j of each pair, in the unit of the positions.
 * @returns A scalar, or [n] with reduction "none".
 */
export function penetrationPenalty(
  positions: Tensor,
  pairs: readonly (readonly [number, number])[],
  distances: readonly number[],
  { reduction }: LossOptions = {},
): Tensor {
  if (positions.shape.length !== 3 || positions.shape[2] !== 3)
    throw new RangeError(`penetrationPenalty: positions is ${describe(positions)}; expected [n, spheres, 3]`);
  if (pairs.length === 0 || distances.length !== pairs.length)
    throw new RangeError(
      `penetrationPenalty: there are ${pairs.length} pairs and ${distances.length} distances; expected as many, at least 1`,
    );
  const [first, second] = sides(positions, pairs);
  // The root's slope is infinite at 0, where centres meet.
  const apart = sqrt(maximum(sum(square(subtract(first, second)), { axis: 2 }), 1e-12));
  const needed = fromData(
    positions.dtype === "float64" ? Float64Array.from(distances) : Float32Array.from(distances),
    [1, distances.length],
  );
  return reduce(sum(square(relu(subtract(needed, apart))), { axis: 1 }), reduction);
}

function sides(x: Tensor, pairs: readonly (readonly [number, number])[]): [Tensor, Tensor] {
  return [0, 1].map((side) =>
    gather(
      x,
      fromData(
        Int32Array.from(pairs, (pair) => pair[side]!),
        [pairs.length],
      ),
      { axis: 1 },
    ),
  ) as [Tensor, Tensor];
}
