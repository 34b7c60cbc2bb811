import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, fromData, grad, item, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  bprLoss,
  cosineContrastive,
  implicitCrossEntropy,
  implicitSquaredError,
  pairwiseHinge,
  sampledSoftmax,
} from "./collaborative.ts";
import { infoNCE } from "./contrastive.ts";

const close = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const one = (...scores: number[]) => tensor(Float64Array.from(scores));
const rows = (...scores: number[][]) => tensor(scores, { dtype: "float64" });
const losses = {
  cosineContrastive,
  bprLoss,
  sampledSoftmax,
  pairwiseHinge,
  implicitCrossEntropy,
  implicitSquaredError,
};

test("cosine contrastive: a worked example, and the sum without a weight", async () => {
  const [positive, negatives] = [one(0.8), rows([0.9, 0.5, 0.2])];
  const [mean, sum] = await evaluate([
    cosineContrastive(positive, negatives, { margin: 0.4, negativeWeight: 2 }),
    cosineContrastive(positive, negatives, { margin: 0.4, negativeWeight: null }),
  ] as const);
  close(item(mean), 0.2 + (2 / 3) * (0.5 + 0.1));
  close(item(sum), 0.2 + 0.5 + 0.1);
});

test("cosine contrastive: negatives below the margin are left alone", async () => {
  const f = (negatives: Tensor) => cosineContrastive(one(0.3, -0.2), negatives);
  const negatives = rows([0.1, 0.39], [-0.5, 0]);
  const [loss, gradient] = await evaluate([f(negatives), grad(f)(negatives)] as const);
  close(item(loss), 1 - (0.3 - 0.2) / 2);
  assert.deepEqual([...values(gradient)], [0, 0, 0, 0]);
});

test("cosine contrastive with margin −1, one negative and weight 1 is 2 + s⁻ − s⁺", () =>
  fc.assert(
    fc.asyncProperty(
      fc.double({ min: -1, max: 1, noNaN: true }),
      fc.double({ min: -1, max: 1, noNaN: true }),
      async (p, n) => {
        const loss = cosineContrastive(one(p), rows([n]), { margin: -1, negativeWeight: 1 });
        close(item(await evaluate(loss)), 2 + n - p);
      },
    ),
    { numRuns: 25 },
  ));

test("the others in plain arithmetic", async () => {
  const [p, n] = [0.7, [1.2, -0.4]];
  const mean = (f: (x: number) => number) => (f(n[0]!) + f(n[1]!)) / 2;
  const softplus = (x: number) => Math.log1p(Math.exp(x));
  const expected: Record<string, number> = {
    bprLoss: mean((x) => softplus(x - p)),
    sampledSoftmax: Math.log(Math.exp(p) + Math.exp(n[0]!) + Math.exp(n[1]!)) - p,
    pairwiseHinge: mean((x) => Math.max(0, 1 - p + x)),
    implicitCrossEntropy: softplus(-p) + mean(softplus),
    implicitSquaredError: (1 - p) ** 2 + mean((x) => x * x),
  };
  for (const [name, value] of Object.entries(expected))
    close(item(await evaluate(losses[name as keyof typeof losses](one(p), rows(n)))), value);
});

test("sampled softmax of dot products is InfoNCE with explicit negatives; with one negative it is BPR", async () => {
  const draw = random("equal");
  const normal = (...shape: number[]) =>
    fromData(draw.normal(new Float64Array(shape.reduce((a, b) => a * b))), shape);
  const [users, items, drawn] = [normal(3, 2), normal(3, 2), normal(3, 4, 2)];
  const dot = (x: Tensor, i: number, y: Tensor, j: number) =>
    values(x)[2 * i]! * values(y)[2 * j]! + values(x)[2 * i + 1]! * values(y)[2 * j + 1]!;
  const positive = one(...[0, 1, 2].map((i) => dot(users, i, items, i)));
  const negatives = rows(...[0, 1, 2].map((i) => [0, 1, 2, 3].map((j) => dot(users, i, drawn, 4 * i + j))));
  const options = { temperature: 0.5, similarity: "dot", negatives: drawn, sources: "explicit" } as const;
  const single = rows([0.3], [-1], [2]);
  const [a, b, c, d] = await evaluate([
    sampledSoftmax(positive, negatives, { temperature: 0.5 }),
    infoNCE(users, items, options),
    sampledSoftmax(positive, single),
    bprLoss(positive, single),
  ] as const);
  close(item(a), item(b));
  close(item(c), item(d));
});

for (const [name, loss] of Object.entries(losses)) {
  test(`${name}: gradient agrees with central differences`, async () => {
    for (let seed = 0; seed < 5; seed++) {
      const draw = random(`${name} ${seed}`);
      const params = {
        p: fromData(draw.uniform(new Float64Array(3), -1, 1), [3]),
        n: fromData(draw.uniform(new Float64Array(12), -1, 1), [3, 4]),
      };
      const reduction = seed % 2 ? "mean" : "sum";
      const { error } = await checkGradient(({ p, n }: typeof params) => loss(p, n, { reduction }), params);
      assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    }
  });

  test(`${name}: extreme scores stay finite, reductions agree, errors name the argument`, async () => {
    for (const [p, n] of [
      [1e4, -1e4],
      [-1e4, 1e4],
      [0, 0],
    ] as const) {
      const f = (scores: Tensor) => loss(scores, tensor([[n, n]]));
      const [value, g] = await evaluate([f(tensor([p])), grad(f)(tensor([p]))] as const);
      assert.ok(Number.isFinite(item(value)) && values(g).every(Number.isFinite), `${p}, ${n}`);
    }
    const [positive, negatives] = [one(0.5, -0.2), rows([0.7, 0.1], [0.9, -0.6])];
    const [each, total, average] = await evaluate([
      loss(positive, negatives, { reduction: "none" }),
      loss(positive, negatives, { reduction: "sum" }),
      loss(positive, negatives),
    ] as const);
    close(values(each)[0]! + values(each)[1]!, item(total));
    close(item(total) / 2, item(average));
    assert.throws(() => loss(negatives, negatives), /positive is .*expected scores \[n\]/);
    assert.throws(() => loss(positive, rows([1])), /negatives is .*expected scores \[2, k\]/);
  });
}

test("options out of range are named", () => {
  const scores = [one(0.5), rows([0.1])] as const;
  assert.throws(() => cosineContrastive(...scores, { margin: 2 }), /margin is 2/);
  assert.throws(() => cosineContrastive(...scores, { negativeWeight: -1 }), /negativeWeight is -1/);
  assert.throws(() => sampledSoftmax(...scores, { temperature: 0 }), /temperature is 0/);
  assert.throws(() => pairwiseHinge(...scores, { margin: -1 }), /margin is -1/);
});
