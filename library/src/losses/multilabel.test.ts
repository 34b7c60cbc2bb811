import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, grad, item, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { asymmetricLoss, bceWithLogits, sigmoidFocal } from "./multilabel.ts";

const logit = (p: number) => Math.log(p / (1 - p));
const double = (...xs: number[]) => tensor(Float64Array.from(xs));
const near = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const one = async (loss: Tensor) => item(await evaluate(loss));
const slope = async (loss: (z: Tensor) => Tensor, z: number) =>
  values(await evaluate(grad(loss)(double(z))))[0]!;

test("asymmetric loss: worked values", async () => {
  const at = (p: number, y: number) => one(asymmetricLoss(double(logit(p)), double(y)));
  near(await at(0.3, 1), 0.842781, 1e-7);
  near(await at(0.3, 0), 0.00112376, 1e-8);
  near(await at(0.9, 0), 0.9903085, 1e-7);
  near(await one(bceWithLogits(double(logit(0.9)), double(0))), Math.LN10, 1e-7);
});

test("asymmetric loss: easy negatives cost nothing and have no gradient", async () => {
  for (const p of [0.049, 0.01, 1e-6])
    for (const gammaNeg of [0, 0.5, 1, 4]) {
      const loss = (z: Tensor) => asymmetricLoss(z, double(0), { gammaNeg });
      assert.equal(await one(loss(double(logit(p)))), 0);
      assert.equal(Math.abs(await slope(loss, logit(p))), 0);
    }
});

test("asymmetric loss: the gradient of a negative peaks near p = 0.900 and falls beyond", async () => {
  const at = (p: number) => slope((z) => asymmetricLoss(z, double(0)), logit(p));
  near(await slope((z) => asymmetricLoss(z, double(0)), 0.4), 0.1745532, 1e-7);
  near(await at(0.9), 0.7326, 1e-4);
  assert.ok((await at(0.999)) < (await at(0.99)) && (await at(0.99)) < (await at(0.9)));
  assert.ok((await at(0.85)) < (await at(0.9)));
});

test("asymmetric loss: detached weights leave the gradient of the shifted cross-entropy", async () => {
  for (const p of [0.02, 0.2, 0.6, 0.97]) {
    const got = await slope((z) => asymmetricLoss(z, double(0), { detachWeight: true }), logit(p));
    const shifted = Math.max(p - 0.05, 0);
    near(got, shifted ? (shifted ** 4 * p * (1 - p)) / (1 - shifted) : 0, 1e-12);
    const positive = await slope((z) => asymmetricLoss(z, double(1), { detachWeight: true }), logit(p));
    near(positive, -((1 - p) ** 2), 1e-12);
  }
});

test("identities: cross-entropy and focal loss are special cases", async () => {
  const draw = random("identities");
  const z = double(...draw.normal(12, 0, 4));
  const y = double(...draw.bernoulli(12, 0.4));
  const none = { reduction: "none" } as const;
  const pairs = [
    [bceWithLogits(z, y, none), asymmetricLoss(z, y, { ...none, gammaNeg: 0, gammaPos: 0, clip: 0 })],
    [bceWithLogits(z, y, none), sigmoidFocal(z, y, { ...none, gamma: 0 })],
    [sigmoidFocal(z, y, none), asymmetricLoss(z, y, { ...none, gammaNeg: 2, gammaPos: 2, clip: 0 })],
    [bceWithLogits(z, y, none), bceWithLogits(z, y, { ...none, posWeight: double(...Array(12).fill(1)) })],
  ] as const;
  for (const [a, b] of await evaluate(pairs))
    for (const [i, x] of values(a).entries()) near(x, values(b)[i]!, 1e-12);
  // −log p by its definition, and weights on top.
  const bce = values(await evaluate(bceWithLogits(z, y, { ...none, posWeight: 3 })));
  const balanced = values(await evaluate(sigmoidFocal(z, y, { ...none, alpha: 0.25 })));
  values(z).forEach((x, i) => {
    const p = 1 / (1 + Math.exp(-x));
    near(bce[i]!, values(y)[i] ? -3 * Math.log(p) : -Math.log(1 - p), 1e-9);
    const focal = values(y)[i] ? -0.25 * (1 - p) ** 2 * Math.log(p) : -0.75 * p ** 2 * Math.log(1 - p);
    near(balanced[i]!, focal, 1e-9);
  });
});

const losses: Record<string, (z: Tensor, y: Tensor) => Tensor> = {
  bceWithLogits,
  weighted: (z, y) => bceWithLogits(z, y, { posWeight: 5 }),
  sigmoidFocal,
  slightlyFocal: (z, y) => sigmoidFocal(z, y, { gamma: 0.5, alpha: 0.25 }),
  asymmetricLoss,
  unshifted: (z, y) => asymmetricLoss(z, y, { clip: 0, gammaPos: 0 }),
  slightlyAsymmetric: (z, y) => asymmetricLoss(z, y, { gammaNeg: 0.5, gammaPos: 0.3 }),
};

test("gradients agree with central differences, soft targets included", async () => {
  for (let seed = 0; seed < 5; seed++) {
    const draw = random(seed);
    const z = tensor(draw.normal(new Float64Array(6), 0, 2), { shape: [2, 3] });
    const y = tensor(
      seed % 2 ? draw.uniform(new Float64Array(6)) : draw.bernoulli(new Float64Array(6), 0.5),
      {
        shape: [2, 3],
      },
    );
    const cases = Object.values(losses).map((loss) => ({ f: (x: Tensor) => loss(x, y), params: z }));
    for (const [i, { error }] of (await checkGradients(cases)).entries())
      assert.ok(error < 1e-6, `${Object.keys(losses)[i]}, seed ${seed}: ${error}`);
  }
});

test("extreme logits stay finite in float32, gradients too", async () => {
  const z = tensor([1e4, -1e4, 0, 100, -100, 20, -20, 1e4, -1e4, 0, 100, -100, 20, -20]);
  const y = tensor([1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0]);
  for (const [name, loss] of Object.entries(losses)) {
    const [value, gradient] = await evaluate([loss(z, y), grad((x: Tensor) => loss(x, y))(z)] as const);
    assert.ok(Number.isFinite(item(value)), name);
    assert.ok(values(gradient).every(Number.isFinite), `${name}: ${values(gradient)}`);
  }
});

test("reductions and errors", async () => {
  const z = tensor([[1, -2, 3]]);
  const y = tensor([[1, 0, 0]]);
  for (const loss of [bceWithLogits, sigmoidFocal, asymmetricLoss]) {
    const each = Array.from(values(await evaluate(loss(z, y, { reduction: "none" }))));
    assert.equal(each.length, 3);
    const total = each.reduce((a, b) => a + b, 0);
    near(await one(loss(z, y, { reduction: "sum" })), total, 1e-6);
    near(await one(loss(z, y)), total / 3, 1e-6);
    assert.throws(() => loss(z, tensor([1, 0, 0])), /targets is .*\[3\].*expected .*\[1, 3\]/);
    assert.throws(() => loss(z, tensor([[1, 0, 0]], { dtype: "int32" })), /targets is .*int32/);
  }
  assert.throws(() => bceWithLogits(z, y, { posWeight: -1 }), /posWeight is -1/);
  assert.throws(() => sigmoidFocal(z, y, { gamma: -1 }), /gamma is -1/);
  assert.throws(() => sigmoidFocal(z, y, { alpha: 2 }), /alpha is 2/);
  assert.throws(() => asymmetricLoss(z, y, { gammaNeg: Number.NaN }), /gammaNeg is NaN/);
  assert.throws(() => asymmetricLoss(z, y, { clip: 1 }), /clip is 1/);
});
