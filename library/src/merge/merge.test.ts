import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, grad, matmul, type Tensor, tensor, values } from "../index.ts";
import { softmaxCrossEntropy } from "../losses/index.ts";
import { random } from "../random.ts";
import { chooseAlpha, fisherDiagonal, interpolateWeights, normalizeImportance, weightSoup } from "./index.ts";

const double = (rows: number[] | number[][]) => tensor(rows as number[], { dtype: "float64" });
const drawn = (name: string, shape: number[]) =>
  tensor(random(name).normal(shape.reduce((a, b) => a * b, 1)), { shape });
const one = (x: Tensor) => values(x)[0];

test("the ends are the models, bit for bit; equal weights stay as they are", () => {
  const [old, updated] = ["old", "new"].map((name) => ({
    a: drawn(name, [3, 4]),
    b: [drawn(`${name} b`, [5])],
  }));
  assert.deepEqual(values(interpolateWeights(old, updated, 1).a), values(old.a));
  assert.deepEqual(values(interpolateWeights(old, updated, 0).b[0]), values(updated.b[0]));
  assert.deepEqual(values(interpolateWeights(old, old, 0.3).a), values(old.a));
  const importance = { a: drawn("f", [3, 4]), b: [drawn("g", [5])] };
  importance.a = tensor(values(importance.a).map(Math.abs) as Float32Array, { shape: [3, 4] });
  importance.b = [tensor(values(importance.b[0]).map(Math.abs) as Float32Array)];
  for (const [alpha, end] of [
    [1, old],
    [0, updated],
  ] as const)
    assert.deepEqual(
      values(interpolateWeights(old, updated, alpha, { importanceOld: importance }).a),
      values(end.a),
    );
});

test("importances: worked value, equal ones change nothing, none leaves the new weight, infinite the old", () => {
  const [old, updated] = [double([0]), double([1])];
  const at = (fOld: number, fNew = 1, alpha = 0.5) =>
    one(
      interpolateWeights(old, updated, alpha, {
        importanceOld: double([fOld]),
        importanceNew: double([fNew]),
      }),
    );
  assert.equal(at(3), 0.25);
  assert.equal(at(0), 1);
  assert.equal(at(Number.POSITIVE_INFINITY), 0);
  assert.equal(at(0, 0, 0.25), 0.75);
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.double({ min: 1e-3, max: 1e3, noNaN: true }),
      (alpha, f) => {
        const plain = one(interpolateWeights(double([2]), double([-1]), alpha));
        const weighted = interpolateWeights(double([2]), double([-1]), alpha, {
          importanceOld: double([f]),
          importanceNew: double([f]),
        });
        assert.ok(Math.abs(one(weighted) - plain) < 1e-12);
        assert.ok(Math.abs(plain - (alpha * 2 - (1 - alpha))) < 1e-12);
      },
    ),
  );
});

test("a linear model between weights is the ensemble of its outputs", async () => {
  const [x, old, updated] = [drawn("x", [6, 4]), drawn("old", [4, 3]), drawn("new", [4, 3])];
  const [merged, a, b] = await evaluate([
    matmul(x, interpolateWeights(old, updated, 0.3)),
    matmul(x, old),
    matmul(x, updated),
  ] as const);
  values(merged).forEach((value, i) => {
    assert.ok(Math.abs(value - (0.3 * values(a)[i] + 0.7 * values(b)[i])) < 1e-5);
  });
});

test("a soup is the mean, of one model the model, of two the middle", () => {
  const models = ["a", "b", "c"].map((name) => ({ weight: drawn(name, [2, 3]) }));
  assert.deepEqual(values(weightSoup([models[0]]).weight), values(models[0].weight));
  const [soup, middle] = [weightSoup(models.slice(0, 2)), interpolateWeights(models[0], models[1], 0.5)];
  values(soup.weight).forEach((value, i) => {
    assert.ok(Math.abs(value - values(middle.weight)[i]) < 1e-6);
  });
  assert.equal(one(weightSoup([double([1]), double([2]), double([6])])), 3);
});

test("chooseAlpha: the largest without loss of accuracy, more with tolerance", () => {
  const curve = [
    { alpha: 0, accuracy: 0.9 },
    { alpha: 0.25, accuracy: 0.92 },
    { alpha: 0.5, accuracy: 0.89 },
    { alpha: 0.75, accuracy: 0.9 },
    { alpha: 1, accuracy: 0.8 },
  ];
  assert.equal(chooseAlpha(curve), 0.75);
  assert.equal(chooseAlpha(curve, { tolerance: 0.1 }), 1);
  assert.equal(chooseAlpha([curve[0], curve[4]]), 0);
});

test("Fisher diagonal: squared gradients of single examples, averaged over batches of any size", async () => {
  const weights = drawn("weights", [4, 3]);
  const x = drawn("inputs", [5, 4]);
  const labels = Int32Array.from([0, 1, 2, 0, 1]);
  const loss = (w: Tensor, batch: { x: Tensor; labels: Tensor }) =>
    softmaxCrossEntropy(matmul(batch.x, w), batch.labels);
  const part = (from: number, to: number) => ({
    x: tensor(values(x).slice(from * 4, to * 4) as Float32Array, { shape: [to - from, 4] }),
    labels: tensor(labels.slice(from, to)),
  });
  const fisher = await fisherDiagonal(loss, weights, [part(0, 3), part(3, 5)]);
  const expected = new Float64Array(12);
  for (let i = 0; i < 5; i++) {
    const g = values(await evaluate(grad((w: Tensor) => loss(w, part(i, i + 1)))(weights)));
    g.forEach((value, j) => {
      expected[j] += value ** 2 / 5;
    });
  }
  values(fisher).forEach((value, j) => {
    assert.ok(Math.abs(value - expected[j]) < 1e-6, `${value} is not ${expected[j]}`);
  });
});

test("normalised importances have mean 1 over all tensors together", () => {
  const scaled = normalizeImportance({ a: double([1, 3]), b: double([8]) });
  assert.deepEqual([...values(scaled.a), ...values(scaled.b)], [0.25, 0.75, 2]);
});

test("errors name the argument, its value and what is expected", () => {
  const x = double([1, 2]);
  assert.throws(() => interpolateWeights(x, x, 1.5), /alpha is 1.5; expected 0 to 1/);
  assert.throws(
    () => interpolateWeights(x, double([1]), 0.5),
    /the new weights hold .*\[1\] .*where the old/,
  );
  assert.throws(
    () => interpolateWeights(x, x, 0.5, { importanceOld: double([1, -1]) }),
    /importances -1 and 1/,
  );
  assert.throws(() => weightSoup([]), /there is no model/);
  assert.throws(() => chooseAlpha([{ alpha: 1, accuracy: 1 }]), /no point at alpha = 0/);
  assert.throws(() => chooseAlpha([{ alpha: 0, accuracy: 1 }], { tolerance: -1 }), /tolerance is -1/);
  assert.throws(() => normalizeImportance(double([0])), /the mean importance is 0/);
});
