import assert from "node:assert/strict";
import { test } from "node:test";
import { fromData, type Tensor, tensor } from "../index.ts";
import { random } from "../random.ts";
import { alignment, deadUnits, effectiveRank, gradientNorm, uniformity } from "./index.ts";

const near = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const gaussian = (seed: number, n: number, d: number): Tensor =>
  fromData(random(seed).normal(new Float64Array(n * d)), [n, d]);

test("effective rank: closed forms, wide and tall, any scale", () => {
  near(
    effectiveRank(
      double([
        [1, 0, 0],
        [0, 1, 0],
        [0, 0, 1],
      ]),
    ),
    3,
  );
  near(
    effectiveRank(
      double([
        [5, 0],
        [0, 5],
        [5, 0],
        [0, 5],
      ]),
    ),
    2,
  );
  near(
    effectiveRank(
      double([
        [1, 2, 3],
        [2, 4, 6],
        [-1, -2, -3],
      ]),
    ),
    1,
  );
  near(
    effectiveRank(
      double([
        [0, 0],
        [0, 0],
      ]),
    ),
    0,
  );
  // Singular values 3 and 1: entropy of (¾, ¼).
  const expected = Math.exp(-(0.75 * Math.log(0.75) + 0.25 * Math.log(0.25)));
  near(
    effectiveRank(
      double([
        [3, 0, 0],
        [0, 1, 0],
      ]),
    ),
    expected,
  );
  near(
    effectiveRank(
      double([
        [3, 0],
        [0, 1],
        [0, 0],
      ]),
    ),
    expected,
  );
  near(
    effectiveRank(
      double([
        [3e-8, 0],
        [0, 1e-8],
      ]),
    ),
    expected,
  );
  assert.ok(effectiveRank(gaussian(1, 500, 20)) > 19);
});

test("alignment: by the formula, of directions alone", () => {
  near(
    alignment(
      double([
        [1, 0],
        [0, 2],
      ]),
      double([
        [3, 0],
        [0, 1],
      ]),
    ),
    0,
  );
  near(alignment(double([[1, 0]]), double([[0, 5]])), 2);
  near(alignment(double([[1, 0]]), double([[-1, 0]])), 4);
  near(alignment(double([[1, 0]]), double([[-1, 0]]), { alpha: 1 }), 2);
  near(alignment(double([[0, 0]]), double([[1, 0]])), 1);
});

test("uniformity: by the formula; lower where vectors spread", () => {
  near(
    uniformity(
      double([
        [1, 0],
        [2, 0],
        [7, 0],
      ]),
    ),
    0,
  );
  near(
    uniformity(
      double([
        [1, 0],
        [-1, 0],
      ]),
    ),
    -8,
  );
  const square = [
    [1, 0],
    [0, 1],
    [-1, 0],
    [0, -1],
  ];
  near(uniformity(double(square), { t: 1 }), Math.log((4 * Math.exp(-2) + 2 * Math.exp(-4)) / 6));
  // On the sphere in many dimensions distances are near √2, so that the value is near −2t = −4.
  near(uniformity(gaussian(2, 300, 200)), -4, 0.05);
});

test("dead units: those that are the same for all examples, channels as units", () => {
  assert.deepEqual(
    deadUnits(
      tensor([
        [0, 1, 5],
        [0, 0, 5],
      ]),
    ),
    [0, 2],
  );
  assert.deepEqual(
    deadUnits(
      tensor([
        [
          [0, 0],
          [0, 0],
        ],
        [
          [0, 0],
          [0, 3],
        ],
      ]),
    ),
    [0],
  );
  assert.deepEqual(deadUnits(tensor([[1], [2]])), []);
});

test("dead units: all places of a channel are looked at, and none of another", () => {
  // [2, 3, 2]: the first channel differs within an example only, the second nowhere, the third between examples.
  const channels = tensor([
    [
      [0, 1],
      [7, 7],
      [2, 2],
    ],
    [
      [0, 1],
      [7, 7],
      [3, 2],
    ],
  ]);
  assert.deepEqual(deadUnits(channels), [1]);
});

test("gradient norm: over all tensors of a tree", () => {
  near(gradientNorm({ a: tensor([3]), b: [tensor([[0, 4]]), tensor([12])] }), 13);
  assert.equal(gradientNorm({}), 0);
});

test("misuse is named", () => {
  assert.throws(() => effectiveRank(tensor([1, 2])), /embeddings are .*expected \[n, d\]/);
  assert.throws(() => uniformity(tensor([[1, 2]])), /has no pairs/);
  assert.throws(() => alignment(tensor([[1, 2]]), tensor([[1]])), /expected two of one shape/);
  assert.throws(() => deadUnits(tensor([1])), /expected \[n, units, …\]/);
});
