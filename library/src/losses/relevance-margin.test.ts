import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, item, multiply, type Tensor, tensor, valueAndGrad, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { type RelevanceMarginOptions, relevanceMargin } from "./index.ts";

const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const drawn = (seed: number, n = 4, d = 3) => {
  const draw = random(seed);
  return ["queries", "positives", "negatives"].map(() =>
    tensor(Float64Array.from(draw.normal(n * d)), { shape: [n, d] }),
  ) as [Tensor, Tensor, Tensor];
};
const valueOf = async (parts: [Tensor, Tensor, Tensor], options: RelevanceMarginOptions = {}) =>
  item(await evaluate(relevanceMargin(...parts, options)));

test("relevanceMargin: closed forms of one triple, adaptive and distributed alike", async () => {
  const [x, y, back] = [double([[1, 0]]), double([[0, 1]]), double([[-1, 0]])];
  for (const target of ["adaptive", "distributed"] as const) {
    close(await valueOf([x, x, y], { target }), 0.25);
    close(await valueOf([x, x, x], { target }), 1);
    close(await valueOf([x, x, back], { target }), 4);
    close(await valueOf([x, x, back], { target, error: "absolute" }), 2);
    close(await valueOf([x, x, back], { target, error: "logistic" }), Math.log1p(Math.exp(-2)));
    close(await valueOf([x, x, back], { target, direction: "falling" }), 1);
  }
});

test("relevanceMargin: a static target of 0.5 is adaptive where the documents are orthogonal", async () => {
  const [queries] = drawn(1, 2, 4);
  const positives = double([
    [1, 0, 0, 0],
    [0, 2, 0, 0],
  ]);
  const negatives = double([
    [0, 0, 3, 0],
    [0, 0, 0, 1],
  ]);
  const parts: [Tensor, Tensor, Tensor] = [queries, positives, negatives];
  close(await valueOf(parts, { target: 0.5 }), await valueOf(parts, { target: "adaptive" }));
  close(await valueOf(parts, { target: 0.5 }), await valueOf(parts, { target: "distributed" }));
});

test("relevanceMargin: distributed and in-batch follow their definitions, written as loops", async () => {
  const parts = drawn(2);
  const rows = parts.map((x) =>
    Array.from({ length: 4 }, (_, i) => Array.from(values(x).subarray(i * 3, i * 3 + 3))),
  );
  const cosine = (a: number[], b: number[]) =>
    a.reduce((sum, x, i) => sum + x * b[i]!, 0) / Math.hypot(...a) / Math.hypot(...b);
  const [q, p, n] = rows as [number[][], number[][], number[][]];
  let distributed = 0;
  let inBatch = 0;
  for (let i = 0; i < 4; i++)
    for (let j = 0; j < 4; j++) {
      const target = cosine(p[i]!, n[j]!) / 2 + 0.5;
      distributed += (cosine(q[j]!, p[j]!) - cosine(q[j]!, n[j]!) - target) ** 2 / 16;
      inBatch += (cosine(q[i]!, p[i]!) - cosine(q[i]!, n[j]!) - target) ** 2 / 16;
    }
  close(await valueOf(parts), distributed);
  close(await valueOf(parts, { target: "adaptive", inBatch: true }), inBatch);
});

test("relevanceMargin: lengths of vectors do not matter", async () => {
  const scale = fc.double({ min: 0.01, max: 100, noNaN: true });
  await fc.assert(
    fc.asyncProperty(fc.integer(), scale, scale, scale, async (seed, ...scales) => {
      const parts = drawn(seed, 2);
      const scaled = parts.map((x, i) => multiply(x, scales[i]!)) as [Tensor, Tensor, Tensor];
      close(await valueOf(scaled), await valueOf(parts), 1e-6);
    }),
    { numRuns: 8 },
  );
});

test("relevanceMargin: gradients against central differences", async () => {
  const kinds: RelevanceMarginOptions[] = [
    {},
    { target: "adaptive", error: "logistic" },
    { target: "adaptive", inBatch: true, direction: "falling" },
    { target: 0.3, inBatch: true, error: "logistic" },
  ];
  for (const [seed, options] of kinds.entries()) {
    const f = (parts: Tensor[]) => relevanceMargin(...(parts as [Tensor, Tensor, Tensor]), options);
    const { error } = await checkGradient(f, drawn(seed));
    assert.ok(error < 1e-6, `${error}`);
  }
});

test("relevanceMargin: a detached target passes no gradient to the positives' and negatives' similarity", async () => {
  const [q, p, n] = drawn(7);
  const gradientOf = async (options: RelevanceMarginOptions) =>
    values((await evaluate(valueAndGrad((x: Tensor) => relevanceMargin(q, p, x, options))(n)))[1]);
  const detached = await gradientOf({ target: "adaptive", detachTarget: true });
  // With targets held at what they are, as numbers, one triple at a time.
  for (let i = 0; i < 4; i++) {
    const row = (x: Tensor) => tensor(values(x).slice(i * 3, i * 3 + 3), { shape: [1, 3] });
    const [a, b] = [Array.from(values(row(p))), Array.from(values(row(n)))];
    const cosine = a.reduce((sum, x, at) => sum + x * b[at]!, 0) / Math.hypot(...a) / Math.hypot(...b);
    const fixed = (x: Tensor) => relevanceMargin(row(q), row(p), x, { target: cosine / 2 + 0.5 });
    const [, g] = await evaluate(valueAndGrad(fixed)(row(n)));
    values(g).forEach((expected, at) => {
      close(detached[i * 3 + at]!, expected / 4);
    });
  }
  const whole = await gradientOf({ target: "adaptive" });
  assert.ok(whole.some((x, i) => Math.abs(x - detached[i]!) > 0.01));
});

test("relevanceMargin: zero and huge vectors give finite losses and gradients", async () => {
  const zero = double([
    [0, 0],
    [1e4, -1e4],
  ]);
  const f = (parts: Tensor[]) => relevanceMargin(...(parts as [Tensor, Tensor, Tensor]));
  const [value, gradients] = await evaluate(valueAndGrad(f)([zero, zero, zero]));
  assert.ok(Number.isFinite(item(value)));
  assert.ok(gradients.every((g) => values(g).every(Number.isFinite)));
});

test("relevanceMargin: shapes by reduction, and errors that name what is wrong", () => {
  const parts = drawn(1);
  assert.deepEqual(relevanceMargin(...parts, { reduction: "none" }).shape, [4, 4]);
  assert.deepEqual(relevanceMargin(...parts, { reduction: "none", target: "adaptive" }).shape, [4]);
  assert.throws(() => relevanceMargin(parts[0], parts[1], drawn(1, 3)[2]), /negatives is .*3, 3/);
  assert.throws(() => relevanceMargin(...parts, { inBatch: true }), /"distributed" does not go with inBatch/);
  assert.throws(() => relevanceMargin(...parts, { target: Number.NaN }), /target is null/);
  assert.throws(() => relevanceMargin(...parts, { error: "cubed" as "squared" }), /error is "cubed"/);
  assert.throws(() => relevanceMargin(...parts, { direction: "up" as "growing" }), /direction is "up"/);
});
