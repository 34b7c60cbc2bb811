import assert from "node:assert/strict";
import { test } from "node:test";
import { add, evaluate, fromData, grad, item, multiply, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { energyScore } from "./index.ts";

const double = (data: ArrayLike<number>, shape: number[]) => fromData(Float64Array.from(data), shape);

test("a worked example, and the distance where all samples agree", async () => {
  // Samples 0, 3 and 1 for the target 1: (1 + 2 + 0) / 3 − ½ (3 + 2) / 2.
  const value = await evaluate(energyScore(double([0, 3, 1], [1, 3, 1]), double([1], [1, 1])));
  assert.ok(Math.abs(item(value) - (1 - 1.25)) < 1e-12);
  const same = await evaluate(energyScore(double([3, 4, 3, 4], [1, 2, 2]), double([0, 0], [1, 2])));
  assert.ok(Math.abs(item(same) - 5) < 1e-9);
});

test("it is proper: of normal distributions the true one scores lowest", async () => {
  const draw = random("energy");
  const count = 4000;
  const targets = double(draw.normal(count, 0, 1), [count, 1]);
  const noise = double(draw.normal(count * 20), [count, 20, 1]);
  const score = (mean: number, deviation: number) =>
    energyScore(add(multiply(noise, deviation), mean), targets);
  const [best, ...others] = await evaluate([score(0, 1), score(0.4, 1), score(0, 0.5), score(0, 2)] as const);
  // E‖X − y‖ − ½ E‖X − X′‖ of a standard normal distribution by itself is 1 / √π.
  assert.ok(Math.abs(item(best!) - 1 / Math.sqrt(Math.PI)) < 0.03);
  for (const other of others) assert.ok(item(other) > item(best!) + 0.02);
});

test("gradient agrees with central differences, and is finite where samples meet targets", async () => {
  const draw = random("energy gradient");
  for (let seed = 0; seed < 3; seed++) {
    const targets = double(draw.normal(6), [2, 3]);
    const { error } = await checkGradient(
      (x: Tensor) => energyScore(x, targets, { reduction: seed % 2 ? "mean" : "sum" }),
      double(draw.normal(24), [2, 4, 3]),
    );
    assert.ok(error < 1e-6, `${error}`);
  }
  for (const value of [0, 1e4]) {
    const samples = fromData(new Float32Array(8).fill(value), [2, 2, 2]);
    const f = (x: Tensor) => energyScore(x, fromData(new Float32Array(4), [2, 2]));
    const gradient = await evaluate(grad(f)(samples));
    assert.ok(values(gradient).every(Number.isFinite));
  }
});

test("bad input is refused by name", () => {
  assert.throws(() => energyScore(double([1], [1, 1, 1]), double([1], [1, 1])), /samples is .*at least 2/);
  assert.throws(
    () => energyScore(double([1, 2], [1, 2, 1]), double([1], [1])),
    /targets is .*expected \[1, 1\]/,
  );
});
