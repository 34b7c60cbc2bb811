/** How far predicted joints are from true ones, outside of graphs. */
import { svd } from "../linalg/index.ts";
import { tensor, values } from "../tensor/index.ts";

/**
 * Mean per joint position error (MPJPE): the mean distance over joints, in the unit of the positions.
 *
 * @param predicted [joints, 3] row by row, in the frame of the truth: root at the same place.
 * @param truth [joints, 3]
 */
export function jointPositionError(predicted: ArrayLike<number>, truth: ArrayLike<number>): number {
  requireJoints("jointPositionError", predicted, truth);
  let total = 0;
  for (let i = 0; i < truth.length; i += 3)
    total += Math.hypot(
      predicted[i]! - truth[i]!,
      predicted[i + 1]! - truth[i + 1]!,
      predicted[i + 2]! - truth[i + 2]!,
    );
  return total / (truth.length / 3);
}

/**
 * The same after the best rotation, scale and translation of the prediction (PA-MPJPE); mirror images are not allowed.
 * The alignment is that of least squares (Umeyama 1991).
 *
 * @param predicted [joints, 3] row by row; at least two different points.
 * @param truth [joints, 3]
 */
export function alignedJointPositionError(predicted: ArrayLike<number>, truth: ArrayLike<number>): number {
  requireJoints("alignedJointPositionError", predicted, truth);
  const [from, to] = [centred(predicted), centred(truth)];
  const joints = truth.length / 3;
  const covariance = new Float64Array(9);
  let spread = 0;
  for (let i = 0; i < joints; i++)
    for (let a = 0; a < 3; a++) {
      spread += from[i * 3 + a]! ** 2;
      for (let b = 0; b < 3; b++) covariance[a * 3 + b]! += from[i * 3 + a]! * to[i * 3 + b]!;
    }
  if (spread === 0) return jointPositionError(from, to);
  // from' to = U S V'; the rotation of row vectors is U D V', with D turning a mirror image back.
  const { u, values: singular, v } = svd(tensor(covariance, { shape: [3, 3] }));
  const [left, right] = [values(u), values(v)];
  const mirrored = Math.sign(determinant(left) * determinant(right)) || 1;
  const rotation = new Float64Array(9);
  for (let a = 0; a < 3; a++)
    for (let b = 0; b < 3; b++)
      for (let k = 0; k < 3; k++)
        rotation[a * 3 + b]! += left[a * 3 + k]! * (k === 2 ? mirrored : 1) * right[b * 3 + k]!;
  const strengths = values(singular);
  const scale = (strengths[0]! + strengths[1]! + mirrored * strengths[2]!) / spread;
  const aligned = new Float64Array(from.length);
  for (let i = 0; i < joints; i++)
    for (let b = 0; b < 3; b++)
      for (let a = 0; a < 3; a++) aligned[i * 3 + b]! += scale * from[i * 3 + a]! * rotation[a * 3 + b]!;
  return jointPositionError(aligned, to);
}

function centred(points: ArrayLike<number>): Float64Array {
  const center = [0, 0, 0];
  for (let i = 0; i < points.length; i++) center[i % 3]! += (3 * points[i]!) / points.length;
  return Float64Array.from(points, (x, i) => x - center[i % 3]!);
}

const determinant = (m: ArrayLike<number>) =>
  m[0]! * (m[4]! * m[8]! - m[5]! * m[7]!) -
  m[1]! * (m[3]! * m[8]! - m[5]! * m[6]!) +
  m[2]! * (m[3]! * m[7]! - m[4]! * m[6]!);

function requireJoints(name: string, predicted: ArrayLike<number>, truth: ArrayLike<number>) {
  if (truth.length === 0 || truth.length % 3 !== 0 || predicted.length !== truth.length)
    throw new RangeError(
      `${name}: predicted has ${predicted.length} numbers and truth ${truth.length}; expected [joints, 3] each`,
    );
}
