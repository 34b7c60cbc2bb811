import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, grad, leaves, multiply, sum, type Tensor, values, zeros } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { moveAll, moveWithin, numbersIn, randomSubspace } from "./index.ts";

const base = {
  a: fromData(random(1).normal(new Float32Array(30)), [5, 6]),
  deep: [{ b: fromData(random(2).normal(new Float32Array(7)), [7]) }],
};
const flat = async (tree: typeof base) =>
  (await evaluate(leaves(tree))).flatMap((x) => Array.from(values(x), Number));
const coordinates = (d: number, seed: number) => fromData(random(seed).normal(new Float32Array(d)), [d]);

test("at the start the tree is what it was; it has its form everywhere", async () => {
  const subspace = randomSubspace(base, 5, random(3));
  assert.equal(numbersIn(base), 37);
  assert.deepEqual(await flat(moveWithin(base, zeros([5]), subspace)), await flat(base));
  const moved = moveWithin(base, coordinates(5, 4), subspace);
  assert.deepEqual(moved.a.shape, [5, 6]);
  assert.deepEqual(moved.deep[0]!.b.shape, [7]);
});

test("moves are linear in the coordinates, and each of them moves the whole tree", async () => {
  const subspace = randomSubspace(base, 5, random(3));
  const move = async (w: Tensor) => {
    const start = await flat(base);
    return (await flat(moveWithin(base, w, subspace))).map((x, i) => x - start[i]!);
  };
  const w = coordinates(5, 4);
  const whole = await move(w);
  const parts = await Promise.all(
    Array.from({ length: 5 }, (_, k) =>
      move(
        fromData(
          Float32Array.from({ length: 5 }, (_, i) => (i === k ? values(w)[k]! : 0)),
          [5],
        ),
      ),
    ),
  );
  whole.forEach((x, i) => {
    const total = parts.reduce((sum, part) => sum + part[i]!, 0);
    assert.ok(Math.abs(x - total) < 1e-5, `${i}: ${x} is not ${total}`);
  });
  for (const part of parts) assert.ok(part.every((x) => x !== 0));
});

test("lengths are kept on average", async () => {
  const large = { w: fromData(new Float32Array(900), [30, 30]) };
  const SEEDS = 30;
  let ratio = 0;
  for (let seed = 0; seed < SEEDS; seed++) {
    const subspace = randomSubspace(large, 25, random(seed));
    const w = coordinates(25, seed);
    const moved = values(await evaluate(moveWithin(large, w, subspace).w)) as Float32Array;
    ratio += (Math.hypot(...moved) / Math.hypot(...(values(w) as Float32Array))) ** 2 / SEEDS;
  }
  assert.ok(Math.abs(ratio - 1) < 0.12, `${ratio}`);
});

test("gradients pass to the coordinates", async () => {
  const subspace = randomSubspace(base, 6, random(5));
  // float32 weights bound what differences can tell.
  const loss = (w: Tensor) => sum(multiply(moveWithin(base, w, subspace).a, moveWithin(base, w, subspace).a));
  const { error } = await checkGradient(loss, coordinates(6, 6), { dtype: "float32", step: 1e-2 });
  assert.ok(error < 2e-2, `${error}`);
  const gradient = values(await evaluate(grad(loss)(zeros([6]))));
  assert.ok(gradient.every(Number.isFinite));
});

test("in the whole space the numbers are added in the order of the tree", async () => {
  const w = coordinates(37, 8);
  const start = await flat(base);
  (await flat(moveAll(base, w))).forEach((x, i) => {
    assert.ok(Math.abs(x - start[i]! - values(w)[i]!) < 1e-6);
  });
});

test("bad input is named", () => {
  assert.throws(
    () => randomSubspace(base, 38, random(1)),
    /dimension is 38; expected a whole number from 1 to 37/,
  );
  const subspace = randomSubspace(base, 4, random(1));
  assert.throws(
    () => moveWithin(base, coordinates(5, 1), subspace),
    /shape \[5\]; expected \[d\] with d from 2 to 4/,
  );
  assert.throws(() => moveWithin({ a: base.a }, coordinates(4, 1), subspace), /base has 30 numbers/);
  assert.throws(() => moveAll(base, coordinates(5, 1)), /shape \[5\]; expected \[37\]/);
});
