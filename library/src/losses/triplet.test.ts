import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, grad, item, multiply, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { hardTriplet } from "./index.ts";

const double = (rows: number[] | number[][]) => tensor(rows as number[][], { dtype: "float64" });
const bools = (rows: number[][]) =>
  fromData(Uint8Array.from(rows.flat()), [rows.length, rows[0]!.length], "bool");
const near = (actual: number, expected: number, tolerance = 1e-7) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("hardTriplet: a worked example", async () => {
  const [positive, scores, relevant] = [double([0.7]), double([[0.1, 0.6, 0.7, 0.5]]), bools([[0, 0, 1, 0]])];
  const value = async (options: Parameters<typeof hardTriplet>[3]) =>
    item(await evaluate(hardTriplet(positive, scores, relevant, options)));
  near(await value({ count: 2 }), 0.0865529);
  // Weighed alike: half of the mean violation of 0.2 and 0.1.
  near(await value({ count: 2, temperature: Number.POSITIVE_INFINITY }), (0.2 + 0.1) / 4);
  near(await value({ count: 1 }), 0.2);
  // The third keeps the margin; its weight of e^0 against e^6 and e^5 is lost to the violations.
  const [a, b] = [Math.exp(6), Math.exp(5)];
  near(await value({ count: 3 }), (0.2 * a + 0.1 * b) / (a + b + 1) / 3);
});

test("hardTriplet: known positives are never negatives, and a query may have few or no negatives", async () => {
  const positive = double([0.2, 0.2]);
  const scores = double([
    [0.9, 0.3, 0.8],
    [0.9, 0.3, 0.8],
  ]);
  const relevant = bools([
    [1, 0, 1],
    [1, 1, 1],
  ]);
  const loss = (s: Tensor) => hardTriplet(positive, s, relevant, { count: 2, reduction: "none" });
  const [first, second] = values(await evaluate(loss(scores)));
  near(first!, 0.4 / 2);
  assert.equal(second, 0);
  const g = values(
    await evaluate(grad((s: Tensor) => hardTriplet(positive, s, relevant, { count: 2 }))(scores)),
  );
  assert.deepEqual(
    [...g].map((x) => x !== 0),
    [false, true, false, false, false, false],
  );
});

test("hardTriplet: gradients agree with central differences", async () => {
  for (const seed of [1, 2, 3]) {
    const draw = random(seed).split("triplet");
    const params = {
      positive: fromData(Float64Array.from(draw.uniform(3)), [3]),
      scores: fromData(Float64Array.from(draw.uniform(15)), [3, 5]),
    };
    const relevant = bools([0, 1, 2].map((i) => Array.from({ length: 5 }, (_, j) => Number(j === i))));
    const [check] = await checkGradients([
      {
        f: ({ positive, scores }: typeof params) => hardTriplet(positive, scores, relevant, { count: 3 }),
        params,
      },
    ]);
    assert.ok(check!.error < 1e-6, `seed ${seed}: ${check!.error}`);
  }
});

test("hardTriplet: extreme scores stay finite", async () => {
  const scores = tensor([
    [1e4, -1e4, 0],
    [-1e4, 1e4, 1e4],
  ]);
  const relevant = bools([
    [1, 0, 0],
    [1, 1, 1],
  ]);
  for (const x of [scores, multiply(scores, 0)]) {
    const loss = (s: Tensor) => hardTriplet(tensor([-1e4, 0]), s, relevant);
    const [value, g] = await evaluate([loss(x), grad(loss)(x)] as const);
    assert.ok(Number.isFinite(item(value)));
    assert.ok(values(g).every(Number.isFinite));
  }
});

test("hardTriplet: errors name the argument", () => {
  const [scores, relevant] = [double([[1, 2]]), bools([[1, 0]])];
  assert.throws(() => hardTriplet(double([1, 2]), scores, relevant), /positive is .*expected \[1\]/);
  assert.throws(() => hardTriplet(double([1]), scores, scores), /relevant is .*bool \[1, 2\]/);
  assert.throws(() => hardTriplet(double([1]), scores, relevant, { count: 0 }), /count is 0/);
  assert.throws(() => hardTriplet(double([1]), scores, relevant, { temperature: 0 }), /temperature is 0/);
});
