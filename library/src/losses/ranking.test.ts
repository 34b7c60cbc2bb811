import assert from "node:assert/strict";
import { test } from "node:test";
import { add, evaluate, grad, item, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { mannWhitney, mannWhitneyInBatch, pairwiseLogisticInBatch, sigmoidContrastive } from "./index.ts";

const double = (rows: number[] | number[][]) => tensor(rows, { dtype: "float64" });
const close = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const scoresOf = (seed: number, n = 4) =>
  tensor(Float64Array.from(random(seed).normal(n * n, 0, 0.3)), { shape: [n, n] });
const at = async (loss: Tensor) => item(await evaluate(loss));

test("mannWhitney: a worked example, and its bound on 1 − AUC", async () => {
  const loss = await at(mannWhitney(double([0.9, 0.4]), double([0.5, 0.1, -0.2]), { temperature: 1 }));
  close(loss, 0.484615);
  close(loss / Math.LN2, 0.699152);
  assert.ok(loss / Math.LN2 >= 1 - 5 / 6);
});

test("mannWhitney: equal scores give ln 2; small temperatures approach the mean hinge", async () => {
  close(await at(mannWhitney(double([1, 1]), double([1, 1, 1]))), Math.LN2, 1e-12);
  const p = [0.3, 0.8];
  const n = [0.5, 0.1, 0.9];
  const hinge = p.flatMap((x) => n.map((y) => Math.max(0, y - x))).reduce((a, b) => a + b) / 6;
  close(1e-4 * (await at(mannWhitney(double(p), double(n), { temperature: 1e-4 }))), hinge, 1e-4);
});

test("a shift per query changes mannWhitney but not the losses within a query; a global shift changes none", async () => {
  const scores = scoresOf(3);
  const perQuery = add(scores, double([[0.3], [-0.2], [0.9], [0]]));
  const global = add(scores, 0.7);
  const differs = async (loss: (s: Tensor) => Tensor, other: Tensor) =>
    Math.abs((await at(loss(scores))) - (await at(loss(other))));
  assert.ok((await differs(mannWhitneyInBatch, perQuery)) > 1e-3);
  assert.ok((await differs(mannWhitneyInBatch, global)) < 1e-12);
  assert.ok((await differs(pairwiseLogisticInBatch, perQuery)) < 1e-12);
});

test("mannWhitneyInBatch equals mannWhitney of the diagonal against everything else", async () => {
  const scores = scoresOf(8, 5);
  const flat = values(scores);
  const positive = Array.from({ length: 5 }, (_, i) => flat[i * 5 + i]!);
  const negative = Array.from(flat).filter((_, i) => i % 6 !== 0);
  close(
    await at(mannWhitneyInBatch(scores)),
    await at(mannWhitney(double(positive), double(negative))),
    1e-9,
  );
});

test("mannWhitney: the total gradient over all scores is 0", async () => {
  const gradient = values(await evaluate(grad(mannWhitneyInBatch)(scoresOf(2))));
  close(
    [...gradient].reduce((a, b) => a + b, 0),
    0,
    1e-12,
  );
});

test("sigmoidContrastive: zero scores and bias give n ln 2 a row", async () => {
  const zero = double([
    [0, 0],
    [0, 0],
  ]);
  close(await at(sigmoidContrastive(zero, { bias: 0 })), 2 * Math.LN2, 1e-12);
});

const losses = { mannWhitneyInBatch, pairwiseLogisticInBatch, sigmoidContrastive };
for (const [name, loss] of Object.entries(losses)) {
  test(`${name}: gradient agrees with central differences`, async () => {
    for (let seed = 0; seed < 20; seed++) {
      // Temperature 0.05 sharpens the curve, so that a smaller step is needed.
      const { error } = await checkGradient((s: Tensor) => loss(s), scoresOf(seed, 2 + (seed % 3)), {
        step: 1e-6,
      });
      assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    }
  });

  test(`${name}: extreme scores and a batch of one stay finite`, async () => {
    for (const scores of [
      [
        [1e4, -1e4],
        [1e4, -1e4],
      ],
      [
        [-1e4, 1e4],
        [1e4, -1e4],
      ],
      [[0.3]],
    ]) {
      const s = tensor(scores);
      const [value, g] = await evaluate([loss(s), grad((x: Tensor) => loss(x))(s)] as const);
      assert.ok(Number.isFinite(item(value)), `${JSON.stringify(scores)}: ${item(value)}`);
      assert.ok(values(g).every(Number.isFinite));
    }
  });

  test(`${name}: a matrix that is not square is refused`, () => {
    assert.throws(() => loss(tensor([[1, 2, 3]])), /scores is .*expected \[n, n\]/);
  });
}

test("mannWhitney: no negatives, or all of weight 0, give 0", async () => {
  const weights = tensor(Float64Array.of(0, 0));
  const loss = (p: Tensor) => mannWhitney(p, double([1, 2]), { negativeWeights: weights });
  const [value, g] = await evaluate([loss(double([1])), grad(loss)(double([1]))] as const);
  assert.equal(item(value), 0);
  assert.equal(Math.abs(values(g)[0]!), 0);
});
