import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { add, evaluate, grad, item, type Tensor, tensor, values } from "../index.ts";
import { rocAuc } from "../metrics/index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { bceWithLogits, classDependent, squaredHingeAUC } from "./index.ts";

const double = (...row: number[]) => tensor(Float64Array.from(row));
const number = async (x: Tensor) => item(await evaluate(x));
const close = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("squaredHingeAUC: a worked example, whatever the order", async () => {
  close(await number(squaredHingeAUC(double(2, 0.5, 1, 0), double(1, 1, 0, 0))), 0.625);
  close(await number(squaredHingeAUC(double(0, 2, 1, 0.5), double(0, 1, 0, 1))), 0.625);
  close(await number(squaredHingeAUC(double(2, 0), double(1, 0), { margin: 3 })), 1);
});

test("squaredHingeAUC: 0 just where all gaps reach the margin; bounds 1 − AUC; a shift changes nothing", async () => {
  assert.equal(await number(squaredHingeAUC(double(3, 2, 1, -4), double(1, 1, 0, 0))), 0);
  assert.ok((await number(squaredHingeAUC(double(3, 1.9, 1, -4), double(1, 1, 0, 0)))) > 0);
  const scores = fc.array(fc.double({ min: -3, max: 3, noNaN: true }), { minLength: 6, maxLength: 6 });
  await fc.assert(
    fc.asyncProperty(scores, fc.integer({ min: 1, max: 5 }), async (z, positives) => {
      const targets = z.map((_, i) => Number(i < positives));
      const [loss, shifted] = await evaluate([
        squaredHingeAUC(double(...z), double(...targets)),
        squaredHingeAUC(add(double(...z), 7), double(...targets)),
      ] as const);
      close(item(shifted), item(loss), 1e-9);
      assert.ok(item(loss) >= 1 - rocAuc(z, targets) - 1e-12);
      if (item(loss) === 0) assert.equal(rocAuc(z, targets), 1);
    }),
    { numRuns: 30 },
  );
});

test("without positives or without negatives the ranking term is 0, with gradient 0", async () => {
  for (const label of [0, 1]) {
    const f = (z: Tensor) => squaredHingeAUC(z, double(label, label));
    const [value, g] = await evaluate([f(double(1, -1)), grad(f)(double(1, -1))] as const);
    assert.equal(item(value), 0);
    assert.ok(values(g).every((x) => x === 0));
  }
  assert.equal(await number(squaredHingeAUC(double(1), double(1))), 0);
});

test("classDependent: plain cross-entropy for weight 1 and η 0; the sum of its two terms else", async () => {
  const [z, y] = [double(0.3, -1, 2, -0.5), double(1, 0, 0, 1)];
  const [plain, bce, both, weighted, ranking, byTensor] = await evaluate([
    classDependent(z, y, { posWeight: 1, eta: 0 }),
    bceWithLogits(z, y),
    classDependent(z, y, { eta: 3, margin: 2 }),
    bceWithLogits(z, y, { posWeight: 2 }),
    squaredHingeAUC(z, y, { margin: 2 }),
    classDependent(z, y, { posWeight: tensor(2, { dtype: "float64" }), eta: 3, margin: 2 }),
  ] as const);
  close(item(plain), item(bce));
  close(item(both), item(weighted) + 3 * item(ranking));
  close(item(byTensor), item(both));
});

test("gradients agree with central differences", async () => {
  const draw = random("class dependent");
  const cases = [1, 2, 3, 4, 5, 6].map((n) => {
    const targets = double(...Array.from({ length: n + 1 }, (_, i) => i % 2));
    return { f: (z: Tensor) => classDependent(z, targets), params: double(...draw.normal(n + 1)) };
  });
  for (const { error } of await checkGradients(cases)) assert.ok(error < 1e-4, `${error}`);
});

test("extreme logits stay finite in float32; errors name the argument", async () => {
  const f = (z: Tensor) => classDependent(z, tensor([1, 0, 1]));
  const [value, g] = await evaluate([f(tensor([-1e4, 1e4, 0])), grad(f)(tensor([-1e4, 1e4, 0]))] as const);
  assert.ok(Number.isFinite(item(value)) && values(g).every(Number.isFinite));
  assert.throws(() => squaredHingeAUC(double(1, 2), double(1)), /targets is .*expected/);
  assert.throws(() => squaredHingeAUC(double(1), double(1), { margin: 0 }), /margin is 0/);
  assert.throws(() => classDependent(double(1), double(1), { eta: -1 }), /eta is -1/);
});
