import assert from "node:assert/strict";
import { test } from "node:test";
import {
  add,
  compile,
  evaluate,
  fromData,
  grad,
  item,
  multiply,
  square,
  sum,
  type Tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import {
  boneRatioPenalty,
  eulerRotations,
  forwardKinematics,
  jointLimitPenalty,
  type KinematicTree,
  penetrationPenalty,
} from "./index.ts";

const tree: KinematicTree = {
  names: ["root", "hip", "spine", "knee", "ankle"],
  parents: [-1, 0, 0, 1, 3],
  directions: [
    [0, 0, 0],
    [1, 0, 0],
    [0, 1, 0],
    [0, -1, 0],
    [0, -1, 0],
  ],
  lengths: [0, 0.1, 0.3, 0.25, 0.25],
};
const double = (numbers: ArrayLike<number>, shape: number[]) => fromData(Float64Array.from(numbers), shape);
const near = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-12) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
};
const lengths = double(tree.lengths, [1, 5]);
const run = async (angles: number[]) =>
  values(await evaluate(forwardKinematics(tree, double(angles, [1, 5, 3]), lengths)));
const at = (joint: number, axis: number, angle: number) => {
  const angles = Array(15).fill(0);
  angles[joint * 3 + axis] = angle;
  return angles;
};

test("zero angles give the template", async () => {
  near(await run(Array(15).fill(0)), [0, 0, 0, 0.1, 0, 0, 0, 0.3, 0, 0.1, -0.25, 0, 0.1, -0.5, 0]);
});

test("a joint turns what hangs on it, and nothing else", async () => {
  const right = Math.PI / 2;
  // About x, down becomes backward: y to z, z to −y.
  near(await run(at(3, 0, right)), [0, 0, 0, 0.1, 0, 0, 0, 0.3, 0, 0.1, -0.25, 0, 0.1, -0.25, -0.25]);
  near(await run(at(1, 2, right)), [0, 0, 0, 0.1, 0, 0, 0, 0.3, 0, 0.35, 0, 0, 0.6, 0, 0]);
  near(await run(at(0, 1, right)), [0, 0, 0, 0, 0, -0.1, 0, 0.3, 0, 0, -0.25, -0.1, 0, -0.5, -0.1]);
  near(await run(at(4, 0, 1)), await run(Array(15).fill(0)));
});

test("rotations are orthogonal, R_z R_y R_x in this order", async () => {
  const angles = random(1).normal(new Float64Array(12));
  const matrices = values(await evaluate(eulerRotations(double(angles, [4, 3]))));
  for (let m = 0; m < 4; m++) {
    const [a, b, c] = [angles[m * 3]!, angles[m * 3 + 1]!, angles[m * 3 + 2]!];
    const product = times(
      times(
        [Math.cos(c), -Math.sin(c), 0, Math.sin(c), Math.cos(c), 0, 0, 0, 1],
        [Math.cos(b), 0, Math.sin(b), 0, 1, 0, -Math.sin(b), 0, Math.cos(b)],
      ),
      [1, 0, 0, 0, Math.cos(a), -Math.sin(a), 0, Math.sin(a), Math.cos(a)],
    );
    near(matrices.subarray(m * 9, m * 9 + 9), product);
  }
});

function times(a: number[], b: number[]): number[] {
  return a.map((_, i) =>
    [0, 1, 2].reduce((t, k) => t + a[Math.floor(i / 3) * 3 + k]! * b[k * 3 + (i % 3)]!, 0),
  );
}

test("no angle changes the length of a bone", async () => {
  const stream = random(2);
  const angles = double(stream.normal(new Float64Array(20 * 15), 0, 3), [20, 5, 3]);
  const sizes = double(stream.uniform(new Float64Array(100), 0.1, 1), [20, 5]);
  const joints = values(await evaluate(forwardKinematics(tree, angles, sizes)));
  for (let n = 0; n < 20; n++)
    for (let j = 1; j < 5; j++) {
      const [here, parent] = [(n * 5 + j) * 3, (n * 5 + tree.parents[j]!) * 3];
      near(
        [Math.hypot(...[0, 1, 2].map((k) => joints[here + k]! - joints[parent + k]!))],
        [values(sizes)[n * 5 + j]!],
      );
    }
});

test("joint limits: nothing within, squares beyond, no jump of the slope at the border", async () => {
  const [lower, upper] = [double([-1, 0, 0], [1, 3]), double([1, 2, 0.5], [1, 3])];
  const f = (angles: Tensor) => jointLimitPenalty(angles, lower, upper);
  const at = async (...angles: number[]) => {
    const x = double(angles, [1, 1, 3]);
    const [value, slope] = await evaluate([f(x), grad(f)(x)]);
    return [item(value!), ...values(slope!)];
  };
  near(await at(0.9, 1, 0.2), [0, 0, 0, 0]);
  near(await at(1.5, -0.2, 0.5), [0.25 + 0.04, 1, -0.4, 0]);
  near(await at(1 + 1e-9, 0, 0), [0, 0, 0, 0], 1e-8);
});

test("bone ratios: two deviations are free, and left should equal right", async () => {
  const [means, deviations] = [double([0.25, 0.25], [2]), double([0.01, 0.01], [2])];
  const each = async (a: number, b: number, pairs: [number, number][] = []) =>
    item(await evaluate(boneRatioPenalty(double([a, b], [1, 2]), means, deviations, { pairs })));
  near([await each(0.27, 0.23)], [0]);
  near([await each(0.3, 0.2)], [2 * 0.03 ** 2]);
  near([await each(0.26, 0.24, [[0, 1]])], [0.02 ** 2]);
});

test("penetration: what is nearer than the sum of radii, squared; finite where centres meet", async () => {
  const f = (p: Tensor) => penetrationPenalty(p, [[0, 1]], [0.5]);
  near([item(await evaluate(f(double([0, 0, 0, 0.3, 0, 0], [1, 2, 3]))))], [0.04]);
  near([item(await evaluate(f(double([0, 0, 0, 0.6, 0, 0], [1, 2, 3]))))], [0]);
  const slope = values(await evaluate(grad(f)(double([1, 1, 1, 1, 1, 1], [1, 2, 3]))));
  assert.ok(slope.every(Number.isFinite));
});

test("gradients agree with central differences, and large angles stay finite", async () => {
  const cases = [1, 2, 3].map((seed) => {
    const stream = random(seed);
    const weights = double(stream.normal(new Float64Array(30)), [2, 5, 3]);
    const limit = double(new Float64Array(15).fill(0.4), [5, 3]);
    const [means, deviations] = [double(tree.lengths, [5]), double(Array(5).fill(0.01), [5])];
    return {
      f: ({ angles, sizes }: { angles: Tensor; sizes: Tensor }) => {
        const joints = forwardKinematics(tree, angles, sizes);
        return [
          jointLimitPenalty(angles, multiply(limit, -1), limit),
          boneRatioPenalty(sizes, means, deviations, { pairs: [[3, 4]] }),
          penetrationPenalty(
            joints,
            [
              [2, 4],
              [1, 2],
            ],
            [0.9, 0.9],
          ),
          sum(multiply(square(joints), weights)),
        ].reduce((a, b) => add(a, b));
      },
      params: {
        angles: double(stream.normal(new Float64Array(30)), [2, 5, 3]),
        sizes: double(stream.uniform(new Float64Array(10), 0.1, 0.5), [2, 5]),
      },
    };
  });
  for (const { error } of await checkGradients(cases)) assert.ok(error < 1e-6, `${error}`);
  const far = await compile((a: Tensor) => forwardKinematics(tree, a, lengths))(
    double(Array(15).fill(1e4), [1, 5, 3]),
  );
  assert.ok(values(far).every(Number.isFinite));
});

test("bad input is named", () => {
  const angles = double(Array(15).fill(0), [1, 5, 3]);
  assert.throws(
    () => forwardKinematics(tree, double([1, 2, 3], [1, 1, 3]), lengths),
    /angles is .*\[n, 5, 3\]/,
  );
  assert.throws(() => forwardKinematics(tree, angles, double([1], [1, 1])), /lengths is .*\[1, 5\]/);
  assert.throws(
    () => forwardKinematics({ ...tree, parents: [-1, 0, 1, 0, 3] }, angles, lengths),
    /parent of joint 3 is 0/,
  );
  assert.throws(() => forwardKinematics({ ...tree, lengths: [1] }, angles, lengths), /1 lengths/);
  assert.throws(() => jointLimitPenalty(angles, angles, angles), /lower/);
  assert.throws(() => boneRatioPenalty(lengths, angles, angles), /means/);
  assert.throws(() => penetrationPenalty(angles, [], []), /0 pairs/);
});
