import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, grad, item, matmul, sum, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  advCompSum,
  compSum,
  dlrLoss,
  logitMargins,
  pgd,
  pgdPath,
  scoreDisplacement,
  softmaxCrossEntropy,
  softmaxDivergence,
  trades,
} from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
};
const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const labelsOf = (...labels: number[]) => tensor(Int32Array.from(labels));
const read = async (x: Tensor) => [...values(await evaluate(x))] as number[];

test("pgd on a linear objective ends in the corner, or on the sphere, that the weights point to", async () => {
  const w = double([[1], [-2], [0]]);
  const objective = (x: Tensor) => matmul(x, w);
  const x = double([[0.5, 0.5, 0.5]]);
  close(await read(pgd(objective, x, { radius: 0.1 })), [0.6, 0.4, 0.5], 1e-12);
  close(await read(pgd(objective, x, { radius: 1, range: [0, 1] })), [1, 0, 0.5], 1e-12);
  const onSphere = await read(pgd(objective, x, { radius: 0.1, norm: "2" }));
  close(onSphere, [0.5 + 0.1 / Math.sqrt(5), 0.5 - 0.2 / Math.sqrt(5), 0.5], 1e-12);
});

test("pgd stays in the ball and in the range, whatever the start, and does not lower the loss of a linear model", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 0, max: 999 }), fc.constantFrom("inf", "2"), async (seed, norm) => {
      const draw = random(seed);
      const x = tensor(draw.uniform(new Float64Array(12)), { shape: [3, 4] });
      const start = tensor(draw.normal(new Float64Array(12)), { shape: [3, 4] });
      const w = tensor(draw.normal(new Float64Array(20)), { shape: [4, 5] });
      const labels = labelsOf(0, 3, 4);
      const loss = (at: Tensor) => softmaxCrossEntropy(matmul(at, w), labels, { reduction: "sum" });
      const path = pgdPath(loss, x, { radius: 0.2, steps: 4, start, norm: norm as "inf", range: [0, 1] });
      assert.equal(path.length, 5);
      const from = await read(x);
      for (const point of path) {
        const at = await read(point);
        assert.ok(at.every((value) => value >= 0 && value <= 1));
        for (let row = 0; row < 3; row++) {
          const change = at.slice(row * 4, row * 4 + 4).map((value, j) => value - from[row * 4 + j]!);
          const size = norm === "inf" ? Math.max(...change.map(Math.abs)) : Math.hypot(...change);
          assert.ok(size <= 0.2 + 1e-12, `${size}`);
        }
      }
      const attacked = await read(loss(pgd(loss, x, { radius: 0.2, range: [0, 1] })));
      assert.ok(attacked[0]! >= (await read(loss(x)))[0]! - 1e-9);
    }),
    { numRuns: 8, seed: 1 },
  );
});

test("no gradient flows through an attack", async () => {
  const w = double([[1, 0.5]]);
  const f = (x: Tensor) => sum(pgd((at) => matmul(w, at), x, { radius: 0.1 }));
  close(await read(grad(f)(double([[0.3], [0.2]]))), [0, 0]);
});

test("trades and advCompSum are their clean losses where the attack changes nothing, and with weight 0", async () => {
  const logits = tensor(Float64Array.from(random(3).normal(12)), { shape: [4, 3] });
  const other = tensor(Float64Array.from(random(4).normal(12)), { shape: [4, 3] });
  const labels = labelsOf(0, 1, 2, 2);
  const clean = await read(softmaxCrossEntropy(logits, labels));
  close(await read(trades(logits, logits, labels)), clean, 1e-12);
  close(await read(trades(logits, other, labels, { beta: 0 })), clean, 1e-12);
  for (const tau of [0.5, 1, 1.5]) {
    const expected = await read(compSum(logits, labels, { tau }));
    close(await read(advCompSum(logits, logits, labels, { tau })), expected, 1e-12);
    close(await read(advCompSum(logits, other, labels, { tau, nu: 0 })), expected, 1e-12);
  }
});

test("worked examples", async () => {
  // p = (1/2, 1/2), q = (3/4, 1/4): KL = log(2)/… by hand.
  const p = double([[0, 0]]);
  const q = double([[Math.log(3), 0]]);
  const divergence = 0.5 * Math.log(2 / 3) + 0.5 * Math.log(2);
  close(await read(softmaxDivergence(p, q)), [divergence], 1e-12);
  close(await read(trades(p, q, labelsOf(0))), [Math.log(2) + 6 * divergence], 1e-12);
  // d = (1, −1, 3): differences of the true class 0 are 2 and −2.
  const [f, moved] = [double([[0, 0, 0]]), double([[1, -1, 3]])];
  close(await read(scoreDisplacement(f, moved, labelsOf(0))), [Math.sqrt(8)], 1e-12);
  close(await read(advCompSum(f, moved, labelsOf(0), { nu: 0.5 })), [Math.log(3) + Math.sqrt(2)], 1e-12);
  const scores = double([[4, 1, 3, 0]]);
  close(await read(logitMargins(scores, labelsOf(0))), [1]);
  close(await read(logitMargins(scores, labelsOf(1))), [-3]);
  close(await read(dlrLoss(scores, labelsOf(0))), [-1 / 3], 1e-9);
  close(await read(dlrLoss(scores, labelsOf(1))), [1], 1e-9);
});

test("the displacement ignores a common shift, rho divides the clean logits only", async () => {
  const f = double([[1, 2, -1]]);
  close(await read(scoreDisplacement(f, double([[4, 5, 2]]), labelsOf(1))), [0], 1e-12);
  const moved = double([[0, 2, 1]]);
  const [scaled, clean] = [
    await read(advCompSum(f, moved, labelsOf(1), { rho: 2 })),
    await read(softmaxCrossEntropy(double([[0.5, 1, -0.5]]), labelsOf(1))),
  ];
  close(scaled, [clean[0]! + (await read(scoreDisplacement(f, moved, labelsOf(1))))[0]!], 1e-12);
});

const pairLosses = {
  trades,
  advCompSum,
  softmaxDivergence: (a: Tensor, b: Tensor) => softmaxDivergence(a, b),
};
for (const [name, loss] of Object.entries(pairLosses)) {
  test(`${name}: gradient agrees with central differences, and extremes stay finite`, async () => {
    const draw = random(name);
    for (let seed = 0; seed < 5; seed++) {
      const pair = [0, 1].map(() => tensor(Float64Array.from(draw.normal(6, 0, 2)), { shape: [2, 3] })) as [
        Tensor,
        Tensor,
      ];
      const labels = labelsOf(seed % 3, 2);
      const { error } = await checkGradient(([a, b]: [Tensor, Tensor]) => loss(a, b, labels), pair);
      assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    }
    const rows = [tensor([[1e4, -1e4, 0]]), tensor([[-1e4, 1e4, 0]]), tensor([[0, 0, 0]])];
    for (const a of rows)
      for (const b of rows) {
        const f = ([u, v]: Tensor[]) => loss(u!, v!, labelsOf(1));
        const [value, gradients] = await evaluate([f([a, b]), grad(f)([a, b])] as const);
        assert.ok(Number.isFinite(item(value)));
        assert.ok(gradients.every((g) => values(g).every(Number.isFinite)));
      }
  });
}

test("dlrLoss and logitMargins: gradients, and equal logits", async () => {
  const logits = tensor(Float64Array.from(random(9).normal(10)), { shape: [2, 5] });
  for (const f of [
    (z: Tensor) => dlrLoss(z, labelsOf(0, 3)),
    (z: Tensor) => sum(logitMargins(z, labelsOf(0, 3))),
  ])
    assert.ok((await checkGradient(f, logits)).error < 1e-6);
  const equal = await read(grad((z: Tensor) => dlrLoss(z, labelsOf(0)))(tensor([[1, 1, 1]])));
  assert.ok(equal.every(Number.isFinite));
});

test("errors name the argument", () => {
  const x = double([[1, 2]]);
  const f = (at: Tensor) => sum(at);
  assert.throws(() => pgd(f, x, { radius: -1 }), /radius is -1; expected .* at least 0/);
  assert.throws(() => pgd(f, x, { radius: 1, steps: 0 }), /steps is 0/);
  assert.throws(() => pgd(f, x, { radius: 1, norm: "1" as never }), /norm is "1"; expected "inf" or "2"/);
  assert.throws(() => pgd(f, x, { radius: 1, start: double([[1]]) }), /start is .*expected the shape of x/);
  assert.throws(() => trades(x, double([[1]]), labelsOf(0)), /adversarialLogits is .*expected the shape/);
  assert.throws(() => trades(x, x, labelsOf(0), { beta: -1 }), /beta is -1/);
  assert.throws(() => advCompSum(x, x, labelsOf(0), { rho: 0 }), /rho is 0; expected a number above 0/);
  assert.throws(() => advCompSum(x, x, labelsOf(0), { nu: -1 }), /nu is -1/);
  assert.throws(() => dlrLoss(x, labelsOf(0)), /2 classes; expected at least 3/);
  assert.throws(() => logitMargins(double([[1]]), labelsOf(0)), /1 classes; expected at least 2/);
});
