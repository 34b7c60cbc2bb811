import assert from "node:assert/strict";
import { test } from "node:test";
import { add, evaluate, grad, item, multiply, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  factoredSpherical,
  type SphericalFunction,
  sphericalSoftmaxLoss,
  squaredErrorFunction,
  taylorSoftmaxLoss,
  zScoreFunction,
  zScoreLoss,
} from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
};
const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const labelsOf = (...labels: number[]) => tensor(Int32Array.from(labels));
const read = async (x: Tensor) => [...values(await evaluate(x))] as number[];
const o = double([[2, 1, 0, -1]]);

test("Z-loss: a worked example, its gradient sums to 0 and is orthogonal to the outputs", async () => {
  const loss = (x: Tensor) => zScoreLoss(x, labelsOf(0), { a: 1, b: 1 });
  close(await read(loss(o)), [0.5368462], 1e-7);
  const gradient = await read(grad(loss)(o));
  close(gradient, [-0.111466, 0.148622, 0.037155, -0.074311]);
  close([gradient.reduce((a, b) => a + b), 2 * gradient[0]! + gradient[1]! - gradient[3]!], [0, 0], 1e-12);
});

test("Z-loss: one hot output of ten has the standard score 3, the highest there is", async () => {
  const hot = double([[0, 0, 0, 5, 0, 0, 0, 0, 0, 0]]);
  close(await read(zScoreLoss(hot, labelsOf(3), { a: 0.1, b: 3 })), [10 * Math.LN2], 1e-9);
  const draw = random(1);
  for (let i = 0; i < 20; i++) {
    const x = tensor(Float64Array.from(draw.normal(10)), { shape: [1, 10] });
    assert.ok(item(await evaluate(zScoreLoss(x, labelsOf(i % 10), { a: 0.1, b: 3 }))) >= 10 * Math.LN2);
  }
  close(await read(zScoreLoss(hot, labelsOf(3))), [Math.log1p(Math.exp(-1.5))], 1e-9);
});

test("Z-loss: shifting and scaling the outputs changes nothing", async () => {
  const labels = labelsOf(1);
  const moved = zScoreLoss(add(multiply(o, 7), 3), labels);
  close(await read(moved), await read(zScoreLoss(o, labels)), 1e-12);
});

test("Taylor and spherical softmax: shares of a worked example", async () => {
  const rows = double([
    [2, 1, 0, -1],
    [2, 1, 0, -1],
    [2, 1, 0, -1],
    [2, 1, 0, -1],
  ]);
  const taylor = await read(taylorSoftmaxLoss(rows, labelsOf(0, 1, 2, 3), { reduction: "none" }));
  close(
    taylor.map((x) => Math.exp(-x)),
    [0.555556, 0.277778, 0.111111, 0.055556],
  );
  const spherical = await read(
    sphericalSoftmaxLoss(rows, labelsOf(0, 1, 2, 3), { epsilon: 0.5, reduction: "none" }),
  );
  close(
    spherical.map((x) => Math.exp(-x)),
    [4.5, 1.5, 0.5, 1.5].map((x) => x / 8),
    1e-9,
  );
});

for (const [name, loss] of Object.entries({ zScoreLoss, taylorSoftmaxLoss, sphericalSoftmaxLoss })) {
  test(`${name}: gradient agrees with central differences, and extremes stay finite`, async () => {
    const draw = random(name);
    for (let seed = 0; seed < 6; seed++) {
      const [n, classes] = [1 + (seed % 3), 2 + seed];
      const outputs = tensor(Float64Array.from(draw.normal(n * classes, 0, 1.5)), { shape: [n, classes] });
      const labels = labelsOf(...Array.from({ length: n }, () => draw.integer(0, classes)));
      const reduction = seed % 2 ? "mean" : "sum";
      const { error } = await checkGradient((x: Tensor) => loss(x, labels, { reduction }), outputs);
      assert.ok(error < 1e-5, `seed ${seed}: ${error}`);
    }
    for (const row of [
      [1e4, -1e4, 0],
      [-1e4, 1e4, 1e4],
      [0, 0, 0],
      [5, 5, 5],
    ]) {
      const f = (x: Tensor) => loss(x, labelsOf(0, 2));
      const [value, gradient] = await evaluate([f(tensor([row, row])), grad(f)(tensor([row, row]))] as const);
      assert.ok(Number.isFinite(item(value)));
      assert.ok(values(gradient).every(Number.isFinite));
    }
  });
}

/** Ordinary gradient descent on W, the gradient of the outputs by differences of the spherical function. */
function denseStep(w: Float64Array, h: Float64Array, label: number, loss: SphericalFunction, rate: number) {
  const d = h.length;
  const classes = w.length / d;
  const outputs = Float64Array.from({ length: classes }, (_, k) =>
    h.reduce((total, x, i) => total + x * w[k * d + i]!, 0),
  );
  const at = (values: Float64Array) =>
    loss({
      classes,
      sum: values.reduce((a, b) => a + b),
      squares: values.reduce((a, b) => a + b * b, 0),
      target: values[label]!,
    }).loss;
  const slopes = outputs.map((_, k) => {
    const [above, below] = [outputs.slice(), outputs.slice()];
    above[k]! += 1e-5;
    below[k]! -= 1e-5;
    return (at(above) - at(below)) / 2e-5;
  });
  const gradient = h.map((_, i) => slopes.reduce((total, g, k) => total + g * w[k * d + i]!, 0));
  for (let k = 0; k < classes; k++) for (let i = 0; i < d; i++) w[k * d + i]! -= rate * slopes[k]! * h[i]!;
  return { loss: at(outputs), gradient };
}

for (const [name, loss] of Object.entries({
  z: zScoreFunction({ a: 0.7, b: 1.5 }),
  squared: squaredErrorFunction,
}))
  test(`factored layer, ${name}: 20 steps give the weights of ordinary gradient descent`, () => {
    const draw = random(name);
    const [classes, d] = [12, 5];
    const w = draw.normal(new Float64Array(classes * d));
    const layer = factoredSpherical({ weights: w, classes, loss, learningRate: 0.05 });
    for (let step = 0; step < 20; step++) {
      const h = draw.normal(new Float64Array(d));
      const label = draw.integer(0, classes);
      const [ours, dense] = [layer.step(h, label), denseStep(w, h, label, loss, 0.05)];
      close([ours.loss], [dense.loss], 1e-6);
      close(ours.gradient, dense.gradient, 1e-5);
    }
    close(layer.weights(), w, 1e-5);
  });

test("the function of one example is the loss of the graph", async () => {
  const row = [0.3, -1, 2, 0.7, 0.1];
  const outputs = { classes: 5, sum: 2.1, squares: row.reduce((t, x) => t + x * x, 0), target: 0.7 };
  const { loss } = zScoreFunction({ a: 0.5, b: 2 })(outputs);
  close([loss], await read(zScoreLoss(double([row]), labelsOf(3), { a: 0.5, b: 2 })), 1e-12);
});

test("a step of the factored layer does not slow down with more classes", () => {
  const fastest = (classes: number) => {
    const draw = random(classes);
    const layer = factoredSpherical({
      weights: draw.normal(classes * 16),
      classes,
      loss: zScoreFunction({ a: 1, b: 5 }),
      learningRate: 0.01,
    });
    const h = draw.normal(16);
    let best = Number.POSITIVE_INFINITY;
    for (let round = 0; round < 30; round++) {
      const start = performance.now();
      for (let i = 0; i < 20; i++) layer.step(h, (round * 20 + i) % classes);
      best = Math.min(best, performance.now() - start);
    }
    return best;
  };
  fastest(100);
  const [few, many] = [fastest(100), fastest(20_000)];
  // A dense layer would take 200 times as long.
  assert.ok(many < 10 * few, `${few} ms for 100 classes, ${many} ms for 20,000`);
});

test("errors", () => {
  assert.throws(() => zScoreLoss(o, labelsOf(0), { a: 0 }), /a is 0; expected a number above 0/);
  assert.throws(() => zScoreLoss(double([[1]]), labelsOf(0)), /1 classes; expected at least 2/);
  assert.throws(() => sphericalSoftmaxLoss(o, labelsOf(0), { epsilon: 0 }), /epsilon is 0/);
  assert.throws(() => taylorSoftmaxLoss(o, labelsOf(0, 1)), /labels is .*expected int32 \[1\]/);
  const options = { weights: [1, 2, 3, 4], classes: 2, loss: squaredErrorFunction, learningRate: 0.1 };
  assert.throws(
    () => factoredSpherical({ ...options, classes: 3 }),
    /weights has 4 values; expected classes/,
  );
  assert.throws(() => factoredSpherical({ ...options, learningRate: 0 }), /learningRate is 0/);
  const layer = factoredSpherical(options);
  assert.throws(() => layer.step([1], 0), /hidden has 1 values; expected 2/);
  assert.throws(() => layer.step([1, 2], 2), /label is 2; expected 0 to 1/);
});
