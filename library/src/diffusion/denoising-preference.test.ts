import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, fromData, grad, item, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { denoisingPreference, logitNormalTimes } from "./index.ts";

const vector = (...x: number[]) => fromData(Float64Array.from(x), [x.length]);
const drawn = (name: string) =>
  fromData(
    random(name)
      .normal(new Float64Array(4))
      .map((x) => x * x),
    [4],
  );
const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("log(1 + e^{β (Δ − Δ_ref)}), and its opposite when the pair is swapped", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: 0, max: 2, noNaN: true }), { minLength: 4, maxLength: 4 }),
      async ([a, b, c, d]) => {
        const at = async (errors: number[], reference: number[]) => {
          const pairs = ([positive, negative]: number[]) => ({
            positive: vector(positive!),
            negative: vector(negative!),
          });
          return item(await evaluate(denoisingPreference(pairs(errors), pairs(reference), { beta: 3 })));
        };
        const u = 3 * (a! - b! - (c! - d!));
        close(await at([a!, b!], [c!, d!]), Math.log(1 + Math.exp(u)));
        close(await at([b!, a!], [d!, c!]), Math.log(1 + Math.exp(-u)));
      },
    ),
    { numRuns: 20 },
  );
});

test("at the model before training: log 2, and β/2 times the gradient of Δ", async () => {
  const reference = { positive: drawn("+"), negative: drawn("-") };
  const loss = (errors: typeof reference) =>
    denoisingPreference(errors, reference, { beta: 7, reduction: "sum" });
  close(item(await evaluate(denoisingPreference(reference, reference))), Math.LN2);
  const gradients = await evaluate(grad(loss)(reference));
  for (let i = 0; i < 4; i++) {
    close(values(gradients.positive)[i]!, 3.5);
    close(values(gradients.negative)[i]!, -3.5);
  }
});

test("a pair of equal images teaches nothing", async () => {
  const loss = (e: Tensor) =>
    denoisingPreference({ positive: e, negative: e }, { positive: drawn("+"), negative: drawn("+") });
  close(item(await evaluate(loss(drawn("x")))), Math.LN2);
  assert.ok(values(await evaluate(grad(loss)(drawn("x")))).every((g) => g === 0));
});

test("no gradient flows into the reference; elsewhere gradients agree with central differences", async () => {
  const reference = { positive: drawn("a"), negative: drawn("b") };
  for (const seed of [1, 2, 3]) {
    const params = { positive: drawn(`+${seed}`), negative: drawn(`-${seed}`) };
    const { error } = await checkGradient(
      (errors: typeof params) => denoisingPreference(errors, reference, { beta: seed }),
      params,
    );
    assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    const held = await evaluate(
      grad((r: typeof params) => denoisingPreference(params, r, { beta: seed }))(reference),
    );
    assert.ok(Object.values(held).every((g) => values(g).every((x) => x === 0)));
  }
});

test("extreme errors stay finite in loss and gradient", async () => {
  const zero = { positive: vector(0, 0), negative: vector(0, 0) };
  const errors = { positive: vector(1e4, 0), negative: vector(0, 1e4) };
  const loss = (e: typeof errors) => denoisingPreference(e, zero, { reduction: "sum" });
  close(item(await evaluate(loss(errors))), 1e7, 1e-6);
  for (const g of Object.values(await evaluate(grad(loss)(errors))))
    assert.ok(values(g).every(Number.isFinite));
});

test("times: symmetric around a half, with the masses of the logistic of a normal", () => {
  const times = logitNormalTimes(100_000, random(1));
  const share = (low: number, high: number) =>
    times.reduce((n, t) => n + Number(t >= low && t <= high), 0) / times.length;
  close(share(0.25, 0.75), 0.7281, 0.005);
  close(share(0, 0.5), 0.5, 0.005);
  // The density at ½ is 4 φ(0).
  close(share(0.49, 0.51) / 0.02, 1.5958, 0.08);
  assert.ok(times.every((t) => t > 0 && t < 1));
  close(logitNormalTimes(1, random(1), { mean: Math.log(3), deviation: 0 })[0]!, 0.75, 1e-6);
});

test("what does not fit is named", () => {
  const pair = { positive: vector(1, 2), negative: vector(1, 2) };
  assert.throws(() => denoisingPreference({ ...pair, negative: vector(1) }, pair), /errors.negative is/);
  assert.throws(() => denoisingPreference(pair, { ...pair, positive: vector(1) }), /reference.positive is/);
  assert.throws(() => denoisingPreference(pair, pair, { beta: 0 }), /beta is 0/);
  assert.throws(() => logitNormalTimes(1, random(1), { deviation: -1 }), /deviation is -1/);
});
