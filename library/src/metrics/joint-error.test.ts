import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { alignedJointPositionError, jointPositionError } from "./index.ts";

const near = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("the mean distance over joints", () => {
  near(jointPositionError([0, 0, 0, 3, 4, 0], [0, 0, 0, 0, 0, 0]), 2.5);
});

const turn = (points: Float64Array, a: number, b: number) => {
  const [ca, sa, cb, sb] = [Math.cos(a), Math.sin(a), Math.cos(b), Math.sin(b)];
  const out = new Float64Array(points.length);
  for (let i = 0; i < points.length; i += 3) {
    const [x, y, z] = [points[i]!, points[i + 1]!, points[i + 2]!];
    const [x1, y1] = [ca * x - sa * y, sa * x + ca * y];
    out.set([x1, cb * y1 - sb * z, sb * y1 + cb * z], i);
  }
  return out;
};

test("rotation, scale and translation of the prediction are forgiven, a mirror image is not", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 1000 }),
      fc.double({ min: -3, max: 3, noNaN: true }),
      (seed, angle) => {
        const truth = random(seed).normal(new Float64Array(24));
        const moved = turn(truth, angle, 1.7 * angle).map((x, i) => 2.5 * x + [4, -1, 7][i % 3]!);
        near(alignedJointPositionError(moved, truth), 0, 1e-8);
        assert.ok(
          alignedJointPositionError(
            truth.map((x, i) => (i % 3 === 2 ? -x : x)),
            truth,
          ) > 0.05,
        );
      },
    ),
    { numRuns: 30 },
  );
});

test("no small change of the alignment's rotation or scale does better in squares", () => {
  // For one joint moved off a symmetric figure the alignment is known by symmetry.
  const truth = [1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1, 0, 0, 0, 1, 0, 0, -1];
  near(
    alignedJointPositionError(
      truth.map((x) => 0.5 * x),
      truth,
    ),
    0,
    1e-12,
  );
  const stretched = truth.map((x, i) => (i % 3 === 0 ? 2 * x : x));
  // Scale: (2 · 2 · 1 + 4) / (2 · 4 + 4) = 8 / 12.
  near(alignedJointPositionError(stretched, truth), (2 * (4 / 3 - 1) + 4 * (1 - 2 / 3)) / 6, 1e-12);
});

test("a mirror image is met by the nearest rotation, which gives up the shortest axis, and by its scale", () => {
  const truth = [3, 0, 0, -3, 0, 0, 0, 2, 0, 0, -2, 0, 0, 0, 1, 0, 0, -1];
  const mirrored = truth.map((x, i) => (i % 3 === 2 ? -x : x));
  // No rotation, scale (9 + 4 - 1) / (9 + 4 + 1) = 6/7: errors 3/7, 2/7 and 13/7.
  near(alignedJointPositionError(mirrored, truth), 6 / 7, 1e-12);
});

test("points that coincide or lie on a line give finite errors; bad lengths throw", () => {
  near(alignedJointPositionError([1, 1, 1, 1, 1, 1], [1, 0, 0, -1, 0, 0]), 1, 1e-12);
  near(alignedJointPositionError([0, 0, 0, 0, 2, 0], [1, 0, 0, -1, 0, 0]), 0, 1e-9);
  assert.throws(() => jointPositionError([1, 2], [1, 2]), /2 numbers/);
  assert.throws(() => alignedJointPositionError([1, 2, 3], [1, 2, 3, 4, 5, 6]), /3 numbers and truth 6/);
});
