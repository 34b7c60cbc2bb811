import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, multiply, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { clipAdaptively } from "./index.ts";

const drawn = (name: string, shape: number[], deviation = 1) =>
  fromData(random(name).normal(new Float64Array(shape.reduce((a, b) => a * b, 1)), 0, deviation), shape);

/** The numbers of each unit. */
const units: Record<string, { shape: number[]; unit: (at: number) => number }> = {
  "filters of a convolution": { shape: [3, 2, 3, 3], unit: (at) => Math.floor(at / 18) },
  "outputs of a dense layer": { shape: [4, 5], unit: (at) => at % 5 },
  "a vector": { shape: [6], unit: () => 0 },
  "a bias of images": { shape: [6, 1, 1], unit: () => 0 },
  "a scalar": { shape: [], unit: () => 0 },
};

const norms = (x: Tensor, unit: (at: number) => number): number[] => {
  const squares: number[] = [];
  values(x).forEach((value, at) => {
    squares[unit(at)] = (squares[unit(at)] ?? 0) + value * value;
  });
  return squares.map(Math.sqrt);
};

for (const [name, { shape, unit }] of Object.entries(units)) {
  test(`${name}: a ratio of 0.005 stays, one of 0.1 becomes 0.01, in the same direction`, async () => {
    const params = drawn("w", shape);
    for (const [ratio, expected] of [
      [0.005, 0.005],
      [0.1, 0.01],
    ] as const) {
      // Gradients along the weights have the ratio in every unit.
      const gradients = await evaluate(multiply(params, -ratio));
      const clipped = await evaluate(clipAdaptively({ g: gradients }, { g: params }));
      values(clipped.g).forEach((g, at) => {
        assert.ok(Math.abs(g + expected * values(params)[at]!) < 1e-12, `${g}`);
      });
    }
    const gradients = drawn("g", shape);
    const clipped = await evaluate(clipAdaptively(gradients, params, { limit: 0.3 }));
    const [before, after, weights] = [gradients, clipped, params].map((x) => norms(x, unit));
    for (const [i, size] of after!.entries())
      assert.ok(Math.abs(size - Math.min(before![i]!, 0.3 * weights![i]!)) < 1e-12);
  });
}

test("an endless limit leaves gradients as they are; gradients of 0 stay finite", async () => {
  const [gradients, params] = [drawn("g", [3, 4]), drawn("w", [3, 4])];
  assert.deepEqual(
    values(await evaluate(clipAdaptively(gradients, params, { limit: 1e9 }))),
    values(gradients),
  );
  const zero = fromData(new Float64Array(12), [3, 4]);
  assert.deepEqual(values(await evaluate(clipAdaptively(zero, params))), values(zero));
});

test("weights at 0 are taken to have a small norm, so that they can grow", async () => {
  const zero = fromData(new Float64Array(3), [3]);
  const clipped = await evaluate(clipAdaptively(fromData(Float64Array.of(0, 3, 4), [3]), zero));
  const [, a, b] = values(clipped);
  assert.ok(Math.abs(a! - 0.6e-5) < 1e-15 && Math.abs(b! - 0.8e-5) < 1e-15);
});

test("what does not fit is named", () => {
  assert.throws(() => clipAdaptively(drawn("g", [2]), drawn("w", [2]), { limit: 0 }), /limit/);
  assert.throws(() => clipAdaptively(drawn("g", [2]), drawn("w", [2]), { least: -1 }), /least/);
});
