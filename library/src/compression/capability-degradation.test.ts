import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { evaluate } from "../runtime/index.ts";
import { fromData, grad, mean, sum, type Tensor, tensor, values } from "../tensor/index.ts";
import { checkGradient } from "../testing.ts";
import { capabilityDegradation, jensenShannon } from "./index.ts";

const numbers = async (x: Tensor) => Array.from(values(await evaluate(x)) as Float64Array);
const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-9) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
};
const logits = (seed: number, shape: number[]) =>
  fromData(
    Float64Array.from(
      random(seed).normal(
        shape.reduce((a, b) => a * b),
        0,
        2,
      ),
    ),
    shape,
  );
const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });

test("equal distributions have divergence 0, disjoint ones log 2, and the two may change places", async () => {
  const a = logits(1, [4, 5]);
  const b = logits(2, [4, 5]);
  close(await numbers(jensenShannon(a, a)), [0, 0, 0, 0], 1e-15);
  close(await numbers(jensenShannon(a, b)), await numbers(jensenShannon(b, a)), 1e-12);
  close(await numbers(jensenShannon(double([[1e4, -1e4]]), double([[-1e4, 1e4]]))), [Math.LN2], 1e-12);
  close(await numbers(jensenShannon(double([[1e4, -1e4]]), double([[1e4, -1e4]]))), [0]);
});

test("worked example: (½, ½) and (¾, ¼)", async () => {
  const p = double([[0, 0]]);
  const q = double([[Math.log(3), 0]]);
  const kl = (a: number[], b: number[]) => a.reduce((total, x, i) => total + x * Math.log(x / b[i]!), 0);
  const expected = 0.5 * kl([0.5, 0.5], [0.625, 0.375]) + 0.5 * kl([0.75, 0.25], [0.625, 0.375]);
  close(await numbers(jensenShannon(p, q)), [expected], 1e-12);
});

test("degradation is the mean over the tokens of the mask, whatever stands elsewhere", async () => {
  const [a, b] = [logits(3, [3, 4, 5]), logits(4, [3, 4, 5])];
  const mask = fromData(Uint8Array.of(1, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0), [3, 4], "bool");
  const each = await numbers(jensenShannon(a, b));
  close(await numbers(capabilityDegradation(a, b, mask)), [(each[0]! + each[1]!) / 2, each[7]!, 0], 1e-12);
});

test("gradient agrees with central differences, and is 0 where nothing differs", async () => {
  for (let seed = 0; seed < 6; seed++) {
    const pair = [logits(seed, [2, 4]), logits(seed + 50, [2, 4])];
    const { error } = await checkGradient(([a, b]: Tensor[]) => mean(jensenShannon(a!, b!)), pair);
    assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
  }
});

test("extreme logits stay finite, in value and gradient", async () => {
  const far = tensor([
    [1e4, -1e4, 0],
    [-1e4, 1e4, 1e4],
  ]);
  const flat = tensor([
    [0, 0, 0],
    [1e4, -1e4, 0],
  ]);
  const gradient = grad((x: Tensor) => sum(jensenShannon(x, flat)))(far);
  for (const x of [jensenShannon(far, flat), gradient]) assert.ok((await numbers(x)).every(Number.isFinite));
});

test("bad input is named", () => {
  assert.throws(() => jensenShannon(logits(1, [2, 3]), logits(1, [3, 2])), /a is .*and b .*one shape/);
  assert.throws(
    () => capabilityDegradation(logits(1, [2, 3, 4]), logits(1, [2, 3, 4]), tensor([1, 0])),
    /mask is .*expected bool \[2, 3\]/,
  );
});
