import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import {
  add,
  evaluate,
  fromData,
  grad,
  multiply,
  negate,
  scalar,
  subtract,
  type Tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { gradientDifference, safeAlign, sequenceLogProbs, tokenLogProbs } from "./index.ts";

const vector = (...xs: number[]) => fromData(Float64Array.from(xs), [xs.length]);
const numbers = async (x: Tensor) => Array.from(values(await evaluate(x)), Number);
const close = (a: number, b: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(a - b) <= tolerance, `${a} and ${b}`);

test("it is the mean blue loss less λ times the mean red one", async () => {
  const [value] = await numbers(safeAlign(vector(1, 3), vector(2, 4, 6)));
  close(value!, 2 - 0.1 * 4);
  const [capped] = await numbers(safeAlign(vector(1, 3), vector(2, 4, 6), { weight: 0.5, cap: 3 }));
  close(capped!, 2 - (0.5 * (2 + 3 + 3)) / 3);
  const [scheduled] = await numbers(
    safeAlign(vector(1, 3), vector(2, 4, 6), { weight: scalar(0.5, "float64") }),
  );
  close(scheduled!, 0);
});

test("a red loss has the gradient -λ / m below the cap and none above", async () => {
  const red = vector(2, 4, 6);
  const gradient = grad((x: Tensor) => safeAlign(vector(1), x, { weight: 0.3, cap: 5 }))(red);
  assert.deepEqual(
    (await numbers(gradient)).map((x) => Number(x.toFixed(12))),
    [-0.1, -0.1, 0],
  );
});

test("without weight it is fine-tuning on blue responses", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 1, maxLength: 5 }),
      async (xs) => {
        const [value] = await numbers(safeAlign(vector(...xs), vector(7), { weight: 0 }));
        close(value!, xs.reduce((sum, x) => sum + x, 0) / xs.length);
      },
    ),
    { numRuns: 20 },
  );
});

const mask = fromData(Uint8Array.from([1, 1, 1, 1]), [2, 2]);
const tokens = fromData(Int32Array.of(0, 2, 1, 1), [2, 2]);
const logits = (seed: number, scale = 1) =>
  fromData(random(seed).normal(new Float64Array(12), 0, scale), [2, 2, 3]);
const scores = (x: Tensor) => tokenLogProbs(x, tokens, mask);
const losses = (x: Tensor) => negate(sequenceLogProbs(scores(x), mask, { normalize: "mean" }));

test("without a cap it is the gradient difference of responses of one length", async () => {
  for (const seed of [1, 2, 3]) {
    const [blue, red] = [logits(seed), logits(seed + 10)];
    const difference = gradientDifference(
      { logProbs: scores(red), mask },
      { logProbs: scores(blue), mask },
      { forgetWeight: 0.1 },
    );
    const [a, b] = await numbers(
      add(multiply(difference, vector(1, 0)), multiply(safeAlign(losses(blue), losses(red)), vector(0, 1))),
    );
    close(a!, b!);
  }
});

test("descent lowers a red token's logit by a step that does not vanish as the token becomes unlikely", async () => {
  // ∂L/∂z = λ (1_y − p): with p_y near 0 the step on its own logit is λ, and the loss has no lower bound.
  for (const logit of [0, -10, -100]) {
    const z = fromData(Float64Array.of(logit, 0), [1, 1, 2]);
    const red = (x: Tensor) =>
      negate(
        sequenceLogProbs(
          tokenLogProbs(x, fromData(Int32Array.of(0), [1, 1]), fromData(Uint8Array.of(1), [1, 1])),
          fromData(Uint8Array.of(1), [1, 1]),
        ),
      );
    const objective = (x: Tensor) => safeAlign(vector(0), red(x), { weight: 0.1 });
    const p = 1 / (1 + Math.exp(-logit));
    const [own, other] = await numbers(grad(objective)(z));
    close(own!, 0.1 * (1 - p));
    close(other!, -0.1 * (1 - p));
    const [value] = await numbers(objective(z));
    close(value!, 0.1 * Math.log(p), 1e-9);
    const bounded = (x: Tensor) => safeAlign(vector(0), red(x), { weight: 0.1, cap: 5 });
    assert.ok((await numbers(bounded(z)))[0]! >= -0.5);
  }
});

test("gradients agree with differences, and extreme logits stay finite", async () => {
  const cases = [1, 2, 3].map((seed) => ({
    f: ({ blue, red }: { blue: Tensor; red: Tensor }) =>
      safeAlign(losses(blue), losses(red), { weight: 0.4, cap: 1.3 }),
    params: { blue: logits(seed), red: logits(seed + 20) },
  }));
  for (const { error } of await checkGradients(cases)) assert.ok(error <= 1e-4, String(error));
  const f = (x: Tensor) => safeAlign(losses(x), losses(subtract(0, x)), { cap: 10 });
  for (const x of [logits(1, 1e4), fromData(new Float64Array(12), [2, 2, 3])])
    for (const each of [await numbers(f(x)), await numbers(grad(f)(x))])
      assert.ok(each.every(Number.isFinite), String(each));
});

test("misuse is named", () => {
  const one = vector(1);
  assert.throws(() => safeAlign(logits(1), one), /blue is .*; expected \[n\]/);
  assert.throws(() => safeAlign(one, fromData(new Float64Array(0), [0])), /red is .*; expected \[n\]/);
  assert.throws(() => safeAlign(one, one, { weight: -1 }), /weight is -1/);
  assert.throws(() => safeAlign(one, one, { weight: one }), /weight is .*scalar/);
  assert.throws(() => safeAlign(one, one, { cap: 0 }), /cap is 0; expected a number above 0/);
});
