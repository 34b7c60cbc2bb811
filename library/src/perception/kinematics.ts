/** Where the joints of a body are, from the angles between its bones. */
import {
  add,
  concat,
  cos,
  expandDims,
  fromData,
  gather,
  matmul,
  multiply,
  negate,
  reshape,
  sin,
  slice,
  squeeze,
  stack,
  subtract,
  type Tensor,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

/** A tree of joints, level by level: the root first, then its children, then theirs. */
export interface KinematicTree {
  names: readonly string[];
  /** The number of each joint's parent; -1 for the root. */
  parents: readonly number[];
  /** [joints, 3] Unit vectors from the parent to the joint at zero angles; the root's is not used. */
  directions: readonly (readonly [number, number, number])[];
  /** [joints] Of the bone from the parent, in any unit, such as body heights. */
  lengths: readonly number[];
}

/**
 * Joint positions, the root at 0. Joint j turns all that hangs on it by R_z(γ) R_y(β) R_x(α), after its ancestors'
 * turns: position = parent's + (product of the ancestors' rotations) · length · direction.
 *
 * @param angles α, β, γ of each joint, radians, [n, joints, 3]. Those of joints without children have no effect.
 * @param lengths [n, joints]; the root's is not used.
 * @returns [n, joints, 3], in the unit of the lengths.
 */
export function forwardKinematics(tree: KinematicTree, angles: Tensor, lengths: Tensor): Tensor {
  const levels = levelsOf(tree);
  const joints = tree.names.length;
  const n = angles.shape[0] ?? 0;
  if (angles.shape.length !== 3 || angles.shape[1] !== joints || angles.shape[2] !== 3)
    throw new RangeError(`forwardKinematics: angles is ${describe(angles)}; expected [n, ${joints}, 3]`);
  if (lengths.shape.join() !== [n, joints].join())
    throw new RangeError(`forwardKinematics: lengths is ${describe(lengths)}; expected [${n}, ${joints}]`);
  const rotations = eulerRotations(angles);
  const directions = tree.directions.flat();
  const bones = multiply(
    expandDims(lengths, 2),
    fromData(angles.dtype === "float64" ? Float64Array.from(directions) : Float32Array.from(directions), [
      1,
      joints,
      3,
    ]),
  );
  let turned = slice(rotations, [null, [0, 1]]);
  let positions = multiply(slice(bones, [null, [0, 1]]), 0);
  const all = [positions];
  for (const [i, { start, end }] of levels.entries()) {
    if (i === 0) continue;
    const parents = tree.parents.slice(start, end).map((parent) => parent - levels[i - 1]!.start);
    const indices = fromData(Int32Array.from(parents), [parents.length]);
    const frames = gather(turned, indices, { axis: 1 });
    const bone = expandDims(slice(bones, [null, [start, end]]), 3);
    positions = add(gather(positions, indices, { axis: 1 }), squeeze(matmul(frames, bone), 3));
    turned = matmul(frames, slice(rotations, [null, [start, end]]));
    all.push(positions);
  }
  return concat(all, 1);
}

/** R_z(γ) R_y(β) R_x(α): [..., 3] → [..., 3, 3]. */
export function eulerRotations(angles: Tensor): Tensor {
  if (angles.shape.at(-1) !== 3)
    throw new RangeError(`eulerRotations: angles is ${describe(angles)}; expected [..., 3]`);
  const part = (x: Tensor, axis: number) =>
    slice(x, [...Array.from({ length: x.shape.length - 1 }, () => null), axis]);
  const [sines, cosines] = [sin(angles), cos(angles)];
  const [sx, sy, sz] = [0, 1, 2].map((axis) => part(sines, axis)) as [Tensor, Tensor, Tensor];
  const [cx, cy, cz] = [0, 1, 2].map((axis) => part(cosines, axis)) as [Tensor, Tensor, Tensor];
  const elements = [
    multiply(cz, cy),
    subtract(multiply(multiply(cz, sy), sx), multiply(sz, cx)),
    add(multiply(multiply(cz, sy), cx), multiply(sz, sx)),
    multiply(sz, cy),
    add(multiply(multiply(sz, sy), sx), multiply(cz, cx)),
    subtract(multiply(multiply(sz, sy), cx), multiply(cz, sx)),
    negate(sy),
    multiply(cy, sx),
    multiply(cy, cx),
  ];
  return reshape(stack(elements, angles.shape.length - 1), [...angles.shape.slice(0, -1), 3, 3]);
}

/** First joint of each level, and the first that is not in it any more. */
function levelsOf({ names, parents, directions, lengths }: KinematicTree) {
  if (
    parents.length !== names.length ||
    directions.length !== names.length ||
    lengths.length !== names.length
  )
    throw new RangeError(
      `forwardKinematics: tree has ${names.length} names, ${parents.length} parents, ${directions.length} directions and ${lengths.length} lengths; expected as many of each`,
    );
  const depths: number[] = [];
  const levels: { start: number; end: number }[] = [];
  parents.forEach((parent, joint) => {
    const depth = joint === 0 ? 0 : (depths[parent] ?? Number.NaN) + 1;
    if ((joint === 0) !== (parent === -1) || !(depth >= (depths.at(-1) ?? 0)))
      throw new RangeError(
        `forwardKinematics: the parent of joint ${joint} is ${parent}; expected -1 for joint 0 alone, and joints level by level, parents first`,
      );
    depths.push(depth);
    levels[depth] ??= { start: joint, end: joint };
    levels[depth].end = joint + 1;
  });
  return levels;
}
