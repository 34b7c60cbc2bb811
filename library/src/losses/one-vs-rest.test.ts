import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compile,
  evaluate,
  fromData,
  grad,
  item,
  multiply,
  softplus,
  sum,
  type Tensor,
  tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { gairatWeights, logitMargins, mailWeights, oneVsRest, softmaxCrossEntropy, sovr } from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
};
const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const labelsOf = (...labels: number[]) => tensor(Int32Array.from(labels));
const read = async (x: Tensor) => [...values(await evaluate(x))] as number[];

test("ten zero logits: 10 log 2, slope −1/2 of the true one where cross-entropy has −0.9", async () => {
  const zeros = double([Array(10).fill(0)]);
  close(await read(oneVsRest(zeros, labelsOf(3))), [10 * Math.LN2], 1e-12);
  close([(await read(grad((z: Tensor) => oneVsRest(z, labelsOf(3)))(zeros)))[3]!], [-0.5], 1e-12);
  close([(await read(grad((z: Tensor) => softmaxCrossEntropy(z, labelsOf(3)))(zeros)))[3]!], [-0.9], 1e-12);
});

test("two logits: twice softplus(−m/2) at opposite logits, as the sigmoid loss of labels ±1", async () => {
  const z = double([[1.3, -1.3]]);
  const expected = await read(multiply(softplus(tensor(-1.3, { dtype: "float64" })), 2));
  close(await read(oneVsRest(z, labelsOf(0))), expected, 1e-12);
});

test("gradient flow from 0: the margin follows the closed form of either loss", async () => {
  // With an Euler step of h: cross-entropy m + e^m = 1 + 2t, one-vs-rest m = 2u with u + e^u = 1 + t.
  const solve = (right: number) => {
    let m = Math.log(right);
    for (let i = 0; i < 200; i++) m -= (m + Math.exp(m) - right) / (1 + Math.exp(m));
    return m;
  };
  const expected: [number, number, number][] = [
    [1, 0.7921, 0.8857],
    [10, 2.8961, 4.3547],
    [100, 5.2767, 9.1377],
    [1000, 7.5976, 13.8037],
  ];
  for (const [t, crossEntropy, rest] of expected) {
    close([solve(1 + 2 * t), 2 * solve(1 + t)], [crossEntropy, rest], 1e-4);
  }
  const h = 0.01;
  const flow = (loss: typeof oneVsRest) => async () => {
    let z = [0, 0];
    const gradient = grad((x: Tensor) => loss(x, labelsOf(0)));
    const step = compile((x: Tensor) => gradient(x), { threads: 1 });
    for (let i = 0; i < 1 / h; i++) {
      const g = values(await step(fromData(Float64Array.from(z), [1, 2])));
      z = z.map((value, j) => value - h * g[j]!);
    }
    return z[0]! - z[1]!;
  };
  close([await flow(softmaxCrossEntropy)(), await flow(oneVsRest)()], [0.7921, 0.8857], 5e-3);
});

test("sovr: fraction 0 is cross-entropy, 1 is λ times one-vs-rest, between the hardest are switched", async () => {
  const logits = tensor(Float64Array.from(random(5).normal(40, 0, 2)), { shape: [10, 4] });
  const labels = labelsOf(0, 1, 2, 3, 0, 1, 2, 3, 0, 1);
  const [ce, ovr, margins] = [
    await read(softmaxCrossEntropy(logits, labels, { reduction: "none" })),
    await read(oneVsRest(logits, labels, { reduction: "none" })),
    await read(logitMargins(logits, labels)),
  ];
  close(await read(sovr(logits, labels, { fraction: 0, reduction: "none" })), ce, 1e-12);
  const scaled = ovr.map((value) => 0.7 * value);
  close(await read(sovr(logits, labels, { fraction: 1, lambda: 0.7, reduction: "none" })), scaled, 1e-12);
  const third = [...margins].sort((a, b) => a - b)[2]!;
  const expected = margins.map((margin, i) => (margin <= third ? 0.4 * ovr[i]! : ce[i]!));
  close(await read(sovr(logits, labels, { fraction: 0.3, reduction: "none" })), expected, 1e-12);
  close(await read(sovr(logits, labels, { fraction: 0.3 })), [expected.reduce((a, b) => a + b) / 10], 1e-12);
});

test("sovr: equal margins switch as many as asked for", async () => {
  const logits = double([
    [1, 0],
    [1, 0],
    [1, 0],
    [1, 0],
  ]);
  const losses = await read(
    sovr(logits, labelsOf(0, 0, 0, 0), { fraction: 0.5, lambda: 9, reduction: "none" }),
  );
  assert.equal(losses.filter((loss) => loss > 1).length, 2);
});

test("weights: mean 1, larger for small margins, no gradient; extremes stay finite", async () => {
  const logits = double([
    [4, 0, 0],
    [1, 0, 0.9],
    [0, 3, 0],
  ]);
  const labels = labelsOf(0, 0, 0);
  const mail = await read(mailWeights(logits, labels, { slope: 5 }));
  close([mail.reduce((a, b) => a + b)], [3], 1e-9);
  assert.ok(mail[0]! < mail[1]! && mail[1]! < mail[2]!);
  // κ of the three examples over two steps: 2, 1 and 0.
  const later = double([
    [3, 0, 0],
    [0.8, 0, 0.9],
    [0, 3, 0],
  ]);
  const raw = [-5, 0, 5].map((x) => 1 + Math.tanh(x));
  const total = raw.reduce((a, b) => a + b) / 3;
  const gairat = await read(gairatWeights([logits, later, later], labels, { lambda: 0 }));
  close(
    gairat,
    raw.map((x) => x / total),
    1e-9,
  );
  const through = (f: Tensor) =>
    sum(multiply(mailWeights(f, labels), tensor([1, 2, 3], { dtype: "float64" })));
  close(await read(grad(through)(logits)), Array(9).fill(0));
  const huge = tensor([
    [1e4, -1e4, 0],
    [1e4, 0, 0],
  ]);
  const even = await read(gairatWeights([huge, huge], labelsOf(0, 0), { lambda: -100 }));
  close(even, [1, 1]);
  assert.ok((await read(mailWeights(huge, labelsOf(0, 1)))).every(Number.isFinite));
});

for (const [name, loss] of Object.entries({ oneVsRest, sovr })) {
  test(`${name}: gradient agrees with central differences, and extremes stay finite`, async () => {
    const draw = random(name);
    for (let seed = 0; seed < 6; seed++) {
      const [n, classes] = [1 + seed, 2 + (seed % 4)];
      const logits = tensor(Float64Array.from(draw.normal(n * classes, 0, 2)), { shape: [n, classes] });
      const labels = labelsOf(...Array.from({ length: n }, () => draw.integer(0, classes)));
      const { error } = await checkGradient((z: Tensor) => loss(z, labels, { reduction: "sum" }), logits);
      assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    }
    for (const row of [
      [1e4, -1e4, 0],
      [-1e4, 1e4, 1e4],
      [0, 0, 0],
    ]) {
      const f = (z: Tensor) => loss(z, labelsOf(0, 2));
      const [value, gradient] = await evaluate([f(tensor([row, row])), grad(f)(tensor([row, row]))] as const);
      assert.ok(Number.isFinite(item(value)));
      assert.ok(values(gradient).every(Number.isFinite));
    }
  });
}

test("errors", () => {
  const z = double([[1, 2]]);
  assert.throws(() => oneVsRest(z, labelsOf(0, 1)), /labels is .*expected int32 \[1\]/);
  assert.throws(() => sovr(z, labelsOf(0), { fraction: 2 }), /fraction is 2; expected .* from 0 to 1/);
  assert.throws(() => sovr(z, labelsOf(0), { lambda: -1 }), /lambda is -1/);
  assert.throws(() => gairatWeights([z], labelsOf(0)), /path has 1 points; expected at least 2/);
});
