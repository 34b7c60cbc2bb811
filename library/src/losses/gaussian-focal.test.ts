import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, grad, item, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { gaussianFocalLoss } from "./index.ts";

const double = (data: ArrayLike<number>) => fromData(Float64Array.from(data), [data.length]);
const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
};

test("worked examples at p = ½: a peak, halfway down, background, and a peak that is found", async () => {
  const losses = gaussianFocalLoss(double([0, 0, 0, 40]), double([1, 0.5, 0, 1]), { reduction: "none" });
  close(values(await evaluate(losses)), [0.173287, 0.01083, 0.173287, 0]);
});

test("the mean is over peaks that count; without one the sum stands", async () => {
  const [logits, targets] = [double([0, 0, 0]), double([1, 1, 0])];
  const one = Math.log(2) / 4;
  const mean = async (weights?: number[], y = targets) =>
    item(await evaluate(gaussianFocalLoss(logits, y, weights ? { weights: double(weights) } : {})));
  close([await mean(), await mean([1, 0, 1]), await mean([0, 0, 1])], [1.5 * one, 2 * one, one], 1e-12);
  close([await mean(undefined, double([0, 0, 0]))], [3 * one], 1e-12);
});

test("cells without weight have no gradient", async () => {
  const weights = double([1, 0, 1, 0]);
  const f = (x: Tensor) => gaussianFocalLoss(x, double([1, 1, 0.3, 0]), { weights });
  const gradient = values(await evaluate(grad(f)(double([0.3, -1, 2, 1]))));
  assert.ok(gradient[0]! !== 0 && gradient[2]! !== 0);
  assert.deepEqual([gradient[1], gradient[3]].map(Math.abs), [0, 0]);
});

test("gradient agrees with central differences", async () => {
  const draw = random("gaussian focal");
  for (let seed = 0; seed < 6; seed++) {
    const targets = double(Array.from(draw.uniform(8), (y, i) => (i < 2 ? 1 : y)));
    const reduction = (["mean", "sum"] as const)[seed % 2]!;
    const options = { alpha: 1 + (seed % 3), gamma: seed, reduction };
    const { error } = await checkGradient(
      (x: Tensor) => gaussianFocalLoss(x, targets, options),
      double(draw.normal(8, 0, 2)),
    );
    assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
  }
});

test("extreme logits stay finite; bad input is refused by name", async () => {
  const logits = fromData(Float32Array.of(1e4, -1e4, 1e4, -1e4), [4]);
  const f = (x: Tensor) => gaussianFocalLoss(x, fromData(Float32Array.of(1, 1, 0, 0.5), [4]));
  const [value, gradient] = await evaluate([f(logits), grad(f)(logits)] as const);
  assert.ok(Number.isFinite(item(value)) && values(gradient).every(Number.isFinite));
  assert.throws(() => gaussianFocalLoss(double([0]), double([0, 1])), /targets is .*expected/);
  assert.throws(() => gaussianFocalLoss(double([0]), double([1]), { alpha: -1 }), /alpha is -1/);
  assert.throws(() => gaussianFocalLoss(double([0]), double([1]), { weights: double([1, 1]) }), /weights is/);
});
