import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { compile } from "../runtime/index.ts";
import { fromData, item, type Tensor, valueAndGrad, values } from "../tensor/index.ts";
import { checkGradients } from "../testing.ts";
import { cosent } from "./index.ts";

const vector = (x: ArrayLike<number>) => fromData(Float64Array.from(x), [x.length], "float64");
const graph = compile((c: Tensor, y: Tensor) => cosent(c, y), { threads: 1 });
const loss = async (cosines: number[], labels: number[]) =>
  item(await graph(vector(cosines), vector(labels)));

const close = (a: number, b: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)), `${a} is not ${b}`);

/** The definition, couple by couple. */
function byHand(cosines: number[], labels: number[], temperature = 0.05): number {
  let sum = 1;
  for (let k = 0; k < labels.length; k++)
    for (let l = 0; l < labels.length; l++)
      if (labels[k]! > labels[l]!) sum += Math.exp((cosines[l]! - cosines[k]!) / temperature);
  return Math.log(sum);
}

test("cosent: two pairs in order, out of order and equal", async () => {
  close(await loss([0.8, 0.2], [1, 0]), 6.144193e-6, 1e-11);
  close(await loss([0.2, 0.8], [1, 0]), 12.00000614419, 1e-10);
  close(await loss([0.5, 0.5], [1, 0]), Math.log(2));
  assert.equal(await loss([0.2, 0.8], [1, 1]), 0);
  assert.equal(await loss([0.2], [1]), 0);
});

test("cosent is its definition, knows only the order of labels and no common offset of cosines", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), fc.integer({ min: 0, max: 4 })), {
        minLength: 6,
        maxLength: 6,
      }),
      async (pairs) => {
        const [cosines, labels] = [pairs.map(([c]) => c), pairs.map(([, y]) => y)];
        const value = await loss(cosines, labels);
        close(value, byHand(cosines, labels));
        close(
          await loss(
            cosines.map((c) => c + 0.3),
            labels.map((y) => y ** 3),
          ),
          value,
          1e-7,
        );
      },
    ),
    { numRuns: 30 },
  );
});

test("cosent: gradients, and finite ones at extremes", async () => {
  const cases = [1, 2, 3].map((seed) => {
    const draw = random(seed);
    const labels = vector(Float64Array.from({ length: 7 }, () => draw.integer(0, 4)));
    const params = { cosines: vector(draw.uniform(new Float64Array(7), -1, 1)) };
    return { f: (p: typeof params) => cosent(p.cosines, labels, { temperature: 0.3 }), params };
  });
  for (const { error } of await checkGradients(cases)) assert.ok(error <= 1e-4, `${error}`);
  const step = compile(
    valueAndGrad((c: Tensor) => cosent(c, fromData(Float32Array.of(2, 1, 1, 0), [4]))),
    { threads: 1 },
  );
  for (const cosines of [
    [-1e4, 1e4, 0, 1e4],
    [0, 0, 0, 0],
    [1e4, 0, 0, -1e4],
  ]) {
    const [value, gradient] = await step(fromData(Float32Array.from(cosines), [4]));
    assert.ok(Number.isFinite(item(value)) && values(gradient).every(Number.isFinite));
  }
});

test("cosent: what does not fit is refused by name", () => {
  assert.throws(() => cosent(vector([1, 2]), vector([1])), /cosines .* and labels .*; expected \[P\]/);
  assert.throws(() => cosent(vector([1]), vector([1]), { temperature: 0 }), /temperature is 0/);
});
