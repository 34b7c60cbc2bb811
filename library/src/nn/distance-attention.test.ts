import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  divide,
  evaluate,
  fromData,
  grad,
  multiply,
  reciprocal,
  sum,
  type Tensor,
  tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  insertPrototype,
  inverseDistanceAttention,
  inverseDistanceWeights,
  type Prototypes,
  squaredDistances,
} from "./index.ts";
import { assertClose } from "./testing.ts";

const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const gaussian = (seed: number | string, shape: number[], scale = 1): Tensor =>
  fromData(random(seed).normal(new Float64Array(shape.reduce((a, b) => a * b, 1)), 0, scale), shape);

test("a worked example: distances of 0.5 and 1", async () => {
  const [query, keys] = [double([[0]]), double([[0.5], [-1]])];
  // 1 / 0.25 to 1 / 1 without ε; with it, 1 / 0.251 to 1 / 1.001.
  assertClose(await evaluate(inverseDistanceWeights(query, keys, { epsilon: 1e-12 })), [0.8, 0.2], 1e-9);
  assertClose(await evaluate(inverseDistanceWeights(query, keys)), [0.799521, 0.200479], 1e-6);
  // Plain distances: 1 / 0.5 to 1 / 1.
  const weights = inverseDistanceWeights(query, keys, { epsilon: 1e-12, power: 1 });
  assertClose(await evaluate(weights), [2 / 3, 1 / 3], 1e-9);
});

test("softmax of minus the logarithm is normalised 1 / d, batched or not", async () => {
  const [queries, keys] = [gaussian(1, [3, 4, 5]), gaussian(2, [3, 6, 5])];
  for (const power of [1, 2, 3.5]) {
    const inverse = await evaluate(inverseDistanceWeights(queries, keys, { power }));
    const [q, k] = [values(queries), values(keys)];
    for (let b = 0; b < 3; b++) {
      for (let i = 0; i < 4; i++) {
        const each = Array.from({ length: 6 }, (_, j) => {
          let squares = 0;
          for (let c = 0; c < 5; c++) squares += (q[(b * 4 + i) * 5 + c]! - k[(b * 6 + j) * 5 + c]!) ** 2;
          return 1 / (1e-3 + squares ** (power / 2));
        });
        const total = each.reduce((a, c) => a + c);
        assertClose(
          values(inverse).slice((b * 4 + i) * 6, (b * 4 + i + 1) * 6),
          each.map((value) => value / total),
          1e-10,
        );
      }
    }
  }
  const d = squaredDistances(gaussian(1, [4, 5]), gaussian(2, [6, 5]));
  const normalised = divide(reciprocal(d), sum(reciprocal(d), { axis: -1, keepDims: true }));
  const options = { epsilon: 1e-15 };
  const weights = inverseDistanceWeights(gaussian(1, [4, 5]), gaussian(2, [6, 5]), options);
  assertClose(await evaluate(weights), values(await evaluate(normalised)), 1e-10);
});

test("without ε the scale of space does not matter", async () => {
  const [queries, keys] = [gaussian(3, [4, 2]), gaussian(4, [5, 2])];
  const options = { epsilon: 1e-30 };
  const expected = values(await evaluate(inverseDistanceWeights(queries, keys, options)));
  for (const scale of [1e-3, 1e3]) {
    const scaled = inverseDistanceWeights(multiply(queries, scale), multiply(keys, scale), options);
    assertClose(await evaluate(scaled), expected, 1e-9);
  }
});

test("the output lies between the values; equal values pass through; a query on a key gets its value", async () => {
  const [queries, keys] = [gaussian(5, [20, 3]), gaussian(6, [7, 3])];
  const v = gaussian(7, [7, 1]);
  const out = values(await evaluate(inverseDistanceAttention(queries, keys, v)));
  const [low, high] = [Math.min(...values(v)), Math.max(...values(v))];
  assert.ok(out.every((z) => z > low && z < high));
  const same = await evaluate(inverseDistanceAttention(queries, keys, double(Array(7).fill([2, -3]))));
  assertClose(same, Array(20).fill([2, -3]).flat(), 1e-12);
  const at = await evaluate(inverseDistanceAttention(keys, keys, v, { epsilon: 1e-13 }));
  assertClose(at, values(v), 1e-6);
});

test("gradients by queries, keys and values", async () => {
  for (let seed = 0; seed < 5; seed++) {
    for (const power of [1, 2, 3]) {
      const weights = gaussian(`w ${seed}`, [3, 2]);
      const { error } = await checkGradient(
        ({ q, k, v }: { q: Tensor; k: Tensor; v: Tensor }) =>
          sum(multiply(inverseDistanceAttention(q, k, v, { power }), weights)),
        {
          q: gaussian(`q ${seed}`, [3, 4]),
          k: gaussian(`k ${seed}`, [5, 4]),
          v: gaussian(`v ${seed}`, [5, 2]),
        },
      );
      assert.ok(error < 1e-6, `seed ${seed}, power ${power}: ${error}`);
    }
  }
});

test("far, equal and zero points stay finite in float32, also in the gradient", async () => {
  const keys = tensor([
    [1e4, -1e4],
    [0, 0],
    [0, 0],
  ]);
  const queries = tensor([
    [0, 0],
    [1e4, -1e4],
    [-1e4, 1e4],
  ]);
  for (const power of [1, 2, 4]) {
    const f = (k: Tensor) =>
      sum(
        multiply(
          inverseDistanceAttention(queries, k, tensor([[1], [2], [3]]), { power }),
          tensor([[1], [2], [3]]),
        ),
      );
    const [value, gradient] = await evaluate([f(keys), grad(f)(keys)] as const);
    assert.ok([...values(value), ...values(gradient)].every(Number.isFinite), `power ${power}`);
  }
});

test("an inserted prototype assigns its class, by the margin of the formula, and leaves far points alone", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 0, max: 3 }), async (seed, label) => {
      const before: Prototypes = { keys: gaussian(seed, [6, 3]), values: gaussian(`${seed} v`, [6, 4], 3) };
      const x = random(`${seed} x`).normal(new Float64Array(3));
      const at = fromData(x, [1, 3]);
      const after = insertPrototype(before, x, label);
      const z = values(await evaluate(inverseDistanceAttention(at, before.keys, before.values)));
      if (z.indexOf(Math.max(...z)) === label) return assert.equal(after, before);
      assert.deepEqual(after.keys.shape, [7, 3]);
      const now = values(await evaluate(inverseDistanceAttention(at, after.keys, after.values)));
      const total = values(await evaluate(sum(reciprocal(squaredDistances(at, before.keys)))))[0]!;
      const others = [...now].filter((_, k) => k !== label);
      const margin = now[label]! - Math.max(...others);
      const gap = Math.max(...z) - z[label]!;
      // S is a little below the sum without ε.
      assert.ok(margin >= gap / (1 + 1e-3 * total) - 1e-9, `${margin}`);
      // At distance r, the new weight is at most 7 prototypes' share: small where others are much nearer.
      const far = fromData(Float64Array.from(values(before.keys)), [6, 3]);
      const farBefore = values(await evaluate(inverseDistanceAttention(far, before.keys, before.values)));
      const farAfter = values(await evaluate(inverseDistanceAttention(far, after.keys, after.values)));
      const value = Math.max(...values(after.values)) + Math.max(...values(before.values).map(Math.abs));
      for (let j = 0; j < 6; j++) {
        let squares = 0;
        for (let i = 0; i < 3; i++) squares += (values(before.keys)[j * 3 + i]! - x[i]!) ** 2;
        // On a key the old weights sum to 1 / ε at least, the new one is 1 / (ε + distance²).
        const bound = (value * 1e-3) / (1e-3 + squares);
        for (let k = 0; k < 4; k++)
          assert.ok(Math.abs(farAfter[j * 4 + k]! - farBefore[j * 4 + k]!) <= bound + 1e-9);
      }
    }),
    { numRuns: 8, seed: 1 },
  );
});

test("misuse is named", () => {
  const prototypes = { keys: double([[0, 1]]), values: double([[1, 0]]) };
  assert.throws(() => insertPrototype(prototypes, [1], 0), /x has 1 values; expected 2/);
  assert.throws(() => insertPrototype(prototypes, [1, 1], 2), /label is 2; expected 0 to 1/);
  assert.throws(
    () => insertPrototype({ ...prototypes, values: double([[1], [2]]) }, [1, 1], 0),
    /values .*expected \[prototypes, d\]/,
  );
  const keys = prototypes.keys;
  assert.throws(() => inverseDistanceWeights(keys, keys, { epsilon: 0 }), /epsilon is 0/);
  assert.throws(() => inverseDistanceWeights(keys, keys, { power: -1 }), /power is -1/);
});
