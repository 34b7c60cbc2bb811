import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, grad, item, sum, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { absoluteError, huber, logAmplify, logMSE, pinball, squaredError } from "./index.ts";
import type { LossOptions } from "./reduction.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance,
      `element ${i}: ${actual[i]} is not ${expected[i]}`,
    );
  }
};
const double = (row: readonly number[]) => tensor(Float64Array.from(row));
const zeros = (n: number) => double(Array(n).fill(0));
type Loss = (predictions: Tensor, targets: Tensor, options?: LossOptions) => Tensor;

const losses: Record<string, Loss> = {
  squaredError,
  absoluteError,
  huber: (a, b, options) => huber(a, b, { delta: 0.3, ...options }),
  pinball: (a, b, options) => pinball(a, b, { quantile: 0.9, ...options }),
  "logMSE element": logMSE,
  "logMSE mean": (a, b, options) => logMSE(a, b, { form: "mean", ...options }),
  "logMSE log1p": (a, b, options) => logMSE(a, b, { form: "log1p", ...options }),
};
const each = async (loss: Loss, errors: readonly number[], options: object = {}) =>
  values(await evaluate(loss(double(errors), zeros(errors.length), { reduction: "none", ...options })));
const slopes = async (loss: Loss, errors: readonly number[], options: object = {}) =>
  values(
    await evaluate(
      grad((x: Tensor) => loss(x, zeros(errors.length), { reduction: "sum", ...options }))(double(errors)),
    ),
  );

test("squared and absolute error", async () => {
  const errors = [0, 0.5, -2];
  close(await each(squaredError, errors), [0, 0.25, 4], 0);
  close(await each(absoluteError, errors), [0, 0.5, 2], 0);
  close(await slopes(absoluteError, errors), [0, 1, -1], 0);
});

test("huber: half the square inside, δ (|e| − δ/2) outside, slopes clipped at δ", async () => {
  const errors = [0, 0.5, -1, 3, -3];
  close(await each(huber, errors), [0, 0.125, 0.5, 2.5, 2.5], 1e-12);
  close(await slopes(huber, errors, { delta: 2 }), [0, 0.5, -1, 2, -2], 1e-12);
  close(
    await each(huber, errors, { delta: 100 }),
    (await each(squaredError, errors)).map((x) => x / 2),
    1e-12,
  );
  // A small δ scales the absolute error.
  close(
    (await each(huber, [2, -3], { delta: 1e-9 })).map((x) => x / 1e-9),
    [2, 3],
    1e-8,
  );
  assert.throws(() => huber(zeros(1), zeros(1), { delta: 0 }), /delta is 0; expected .* above 0/);
});

test("pinball: half the absolute error at 1/2; its minimiser is the quantile", async () => {
  const errors = [1, -1, 0.2];
  close(await each(pinball, errors), [0.5, 0.5, 0.1], 1e-12);
  // A prediction 1 too high costs 1 − q, one too low costs q.
  close(await each(pinball, errors, { quantile: 0.9 }), [0.1, 0.9, 0.02], 1e-12);
  const data = [...random("quantile").normal(99)].sort((a, b) => a - b);
  const total = async (guess: number) =>
    item(await evaluate(pinball(double(data.map(() => guess)), double(data), { quantile: 0.9 })));
  const losses = await Promise.all(data.map(total));
  // Of 99 sorted values the 0.9 quantile is the 90th: 89.1 lie below it.
  assert.equal(losses.indexOf(Math.min(...losses)), 89);
  assert.throws(() => pinball(zeros(1), zeros(1), { quantile: 1 }), /quantile is 1; expected .* 0 and 1/);
});

test("logAmplify: values, slopes and series", async () => {
  const errors = [0, 0.01, 0.1, 0.25, 0.5, 0.9];
  const amplified = values(await evaluate(logAmplify(double(errors))));
  close(amplified, [0, 0.01005, 0.105361, 0.287682, Math.LN2, Math.LN10]);
  const slope = grad((e: Tensor) => sum(logAmplify(e)));
  close(values(await evaluate(slope(double([0.1, 0.5, 0.9])))), [1 / 0.9, 2, 10], 1e-12);
  await fc.assert(
    fc.asyncProperty(fc.double({ min: 1e-6, max: 2, noNaN: true }), async (e) => {
      assert.ok(item(await evaluate(logAmplify(double([e])))) > e);
    }),
    { numRuns: 30 },
  );
});

test("logAmplify: the tail continues value and slope", async () => {
  const tail = 0.9;
  const f = (e: number) => logAmplify(double([e]), { tail });
  const [below, at, above, far] = await evaluate([f(tail - 1e-7), f(tail), f(tail + 1e-7), f(5)] as const);
  close([item(at) - item(below), item(above) - item(at)], [1e-6, 1e-6], 1e-11);
  close([item(far)], [-Math.log(0.1) + 10 * 4.1], 1e-9);
  assert.throws(() => logAmplify(double([0]), { tail: 1 }), /tail is 1; expected/);
  assert.throws(() => logAmplify(double([0]), { eps: -1 }), /eps is -1; expected/);
});

test("logMSE: values and gradients of worked examples", async () => {
  close(await each(logMSE, [0.5, 0.9]), [0.287682, 1.660731]);
  close(await slopes(logMSE, [0.5, 0.9]), [1.333333, 9.473684], 1e-5);
  close(await each(squaredError, [0.5]), [0.25], 1e-12);
  close(await slopes(squaredError, [0.5]), [1], 1e-12);
  close(await each(logMSE, [1]), [16.118096]);
  const [loss, mse] = [await each(logMSE, [0.01]), await each(squaredError, [0.01])];
  // The default ε of 1e-7 would hide the ratio of 1.00005 at an error this small.
  const exact = await each(logMSE, [0.01], { eps: 1e-15 });
  close([exact[0]! / mse[0]!], [1.00005], 1e-6);
  close([loss[0]! - exact[0]!], [-1e-7], 1e-9);
  close(await each(logMSE, [0.5], { form: "log1p" }), [Math.log(1.25)], 1e-12);
});

test("logMSE: zero and flat at 0, even, never below the squared error by more than ε", async () => {
  close(await each(logMSE, [0]), [0], 1.001e-7);
  close(await slopes(logMSE, [0]), [0], 0);
  const errors = [...random("even").uniform(50, -1, 1)];
  const loss = await each(logMSE, errors);
  close(
    loss,
    await each(
      logMSE,
      errors.map((e) => -e),
    ),
    0,
  );
  const squares = await each(squaredError, errors);
  assert.ok(loss.every((x, i) => x >= squares[i]! - 1e-7));
});

test("logMSE: the mean form is at most the element form, equal where all |e| are equal", async () => {
  const both = async (errors: Float64Array) => {
    const [x, y] = [tensor(errors, { shape: [2, 3] }), tensor(new Float64Array(6), { shape: [2, 3] })];
    const forms = (["element", "mean"] as const).map((form) => logMSE(x, y, { form }));
    return (await evaluate(forms)).map(item) as [number, number];
  };
  for (let seed = 0; seed < 10; seed++) {
    const [element, mean] = await both(Float64Array.from(random(seed).uniform(6, -0.99, 0.99)));
    assert.ok(mean < element, `${mean} < ${element}`);
  }
  const [element, mean] = await both(Float64Array.of(0.5, -0.5, 0.5, 0.7, 0.7, -0.7));
  close([mean], [element], 1e-12);
});

for (const [name, loss] of Object.entries(losses)) {
  test(`${name}: gradient agrees with central differences`, async () => {
    for (let seed = 0; seed < 10; seed++) {
      const [n, width] = [1 + (seed % 3), 1 + (seed % 4)];
      const draw = random(name).split(seed);
      const y = tensor(Float64Array.from(draw.uniform(n * width)), { shape: [n, width] });
      const x = tensor(Float64Array.from(draw.uniform(n * width)), { shape: [n, width] });
      const { error } = await checkGradient((p: Tensor) => loss(p, y, { reduction: "sum" }), x);
      assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    }
  });

  test(`${name}: extreme predictions stay finite in float32`, async () => {
    const target = tensor(new Float32Array(4), { shape: [1, 4] });
    for (const row of [
      [1e4, -1e4, 1, -1],
      [1, 1, 1, 1],
      [0, 0, 0, 0],
    ]) {
      const x = tensor([row]);
      const [value, g] = await evaluate([loss(x, target), grad((p: Tensor) => loss(p, target))(x)] as const);
      assert.ok(Number.isFinite(item(value)), `${row}: ${item(value)}`);
      assert.ok(values(g).every(Number.isFinite), `${row}: ${values(g)}`);
    }
  });

  test(`${name}: reductions and errors`, async () => {
    const [x, y] = [double([0.2, 0.5, 0.9]), double([0, 1, 0.5])];
    const [none, total, average] = await evaluate([
      loss(x, y, { reduction: "none" }),
      loss(x, y, { reduction: "sum" }),
      loss(x, y),
    ] as const);
    close([item(total)], [Array.from(values(none)).reduce((a, b) => a + b)], 1e-12);
    close([item(average)], [item(total) / 3], 1e-12);
    assert.throws(() => loss(x, double([1, 2])), /targets is .* \[2\] float64; expected .* \[3\] float64/);
    assert.throws(() => loss(x, tensor([1, 2, 3])), /targets is .* \[3\] float32; expected .* float64/);
  });
}

test("logMSE: options that do not fit", () => {
  assert.throws(
    () => logMSE(zeros(1), zeros(1), { form: "max" as never }),
    /form is "max"; expected "element"/,
  );
  assert.throws(() => logMSE(zeros(1), zeros(1), { eps: 0 }), /eps is 0; expected a number above 0/);
});
