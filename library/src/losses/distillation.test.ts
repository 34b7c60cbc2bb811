import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { add, evaluate, grad, item, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { binaryKD, hintonKD, logitBinaryKL } from "./index.ts";

const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const number = async (x: Tensor) => item(await evaluate(x));
const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const losses = { hintonKD, logitBinaryKL, binaryKD };

test("logitBinaryKL: T² log cosh of half the difference over T", async () => {
  const at = (s: number, t: number, temperature?: number) =>
    number(logitBinaryKL(double([[s]]), double([[t]]), { temperature }));
  close(await at(3, 1), 0.480458, 1e-6);
  close(await at(0, 1), 4 * Math.log(Math.cosh(0.25)), 1e-12);
  close(await at(5, 5), 0, 1e-12);
  close(await at(1, 5, 3), 9 * Math.log(Math.cosh(4 / 6)), 1e-12);
  close(await at(0.01, 0), 0.01 ** 2 / 8, 1e-10);
  const both = logitBinaryKL(
    double([
      [3, 0],
      [1, 1],
    ]),
    double([
      [1, 1],
      [1, 1],
    ]),
  );
  close(await number(both), (4 * Math.log(Math.cosh(0.5)) + 4 * Math.log(Math.cosh(0.25))) / 2, 1e-12);
});

test("logitBinaryKL: the slope is T / 2 tanh((s − t) / 2T)", async () => {
  const slope = async (s: number) =>
    values(await evaluate(grad((x: Tensor) => logitBinaryKL(x, double([[0]])))(double([[s]]))))[0]!;
  for (const s of [-7, -0.5, 0, 2]) close(await slope(s), Math.tanh(s / 4), 1e-9);
  close(await slope(1e4), 1, 1e-12);
});

test("the losses agree with divergences written out in probabilities", async () => {
  const logits = fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 3, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(logits, logits, fc.double({ min: 0.5, max: 5, noNaN: true }), async (s, t, T) => {
      const softmax = (x: number[]) => {
        const exps = x.map((v) => Math.exp(v / T));
        return exps.map((e) => e / exps.reduce((a, b) => a + b));
      };
      const sigmoid = (x: number) => 1 / (1 + Math.exp(-x / T));
      const bernoulli = (p: number, q: number) => p * Math.log(p / q) + (1 - p) * Math.log((1 - p) / (1 - q));
      const total = (terms: number[]) => T * T * terms.reduce((a, b) => a + b);
      const [p, q] = [softmax(t), softmax(s)];
      const expected = {
        hintonKD: total(p.map((x, k) => x * Math.log(x / q[k]!))),
        logitBinaryKL: total(s.map((x, k) => bernoulli(0.5, sigmoid(x - t[k]!)))),
        binaryKD: total(s.map((x, k) => bernoulli(sigmoid(t[k]!), sigmoid(x)))),
      };
      const actual = await evaluate(
        [hintonKD, logitBinaryKL, binaryKD].map((loss) => loss(double([s]), double([t]), { temperature: T })),
      );
      Object.values(expected).forEach((value, i) => {
        close(item(actual[i]!), value, 1e-8 * (1 + T * T));
      });
    }),
    { numRuns: 30 },
  );
});

test("a number added to all student logits changes the logit losses, and not Hinton's", async () => {
  const [s, t] = [double([[1, 2, 0]]), double([[0.5, 1, -1]])];
  const change = async (loss: typeof hintonKD) =>
    Math.abs((await number(loss(add(s, 3), t))) - (await number(loss(s, t))));
  close(await change(hintonKD), 0, 1e-9);
  assert.ok((await change(logitBinaryKL)) > 0.1);
  assert.ok((await change(binaryKD)) > 0.1);
});

for (const [name, loss] of Object.entries(losses)) {
  test(`${name}: gradients agree with central differences; none reaches the teacher`, async () => {
    const draw = random(name);
    const normal = (n: number, c: number) =>
      tensor(draw.normal(new Float64Array(n * c), 0, 2), { shape: [n, c] });
    const cases = [1, 2, 3, 4].map((n) => {
      const teacher = normal(n, n + 1);
      return {
        f: (s: Tensor) => loss(s, teacher, { temperature: n, reduction: "sum" }),
        params: normal(n, n + 1),
      };
    });
    for (const { error } of await checkGradients(cases)) assert.ok(error < 1e-6, `${error}`);
    const none = await evaluate(grad((t: Tensor) => loss(normal(2, 3), t))(normal(2, 3)));
    assert.ok(values(none).every((x) => x === 0));
  });

  test(`${name}: extreme logits stay finite in float32; reductions; errors`, async () => {
    const rows = [
      [1e4, -1e4, 0],
      [-1e4, 1e4, 1e4],
      [0, 0, 0],
    ];
    const teacher = tensor(rows.toReversed());
    const [mean, each, g] = await evaluate([
      loss(tensor(rows), teacher),
      loss(tensor(rows), teacher, { reduction: "none" }),
      grad((s: Tensor) => loss(s, teacher))(tensor(rows)),
    ] as const);
    assert.ok(Number.isFinite(item(mean)) && values(g).every(Number.isFinite));
    close(item(mean), [...values(each)].reduce((a, b) => a + b) / 3, 1e-2);
    assert.throws(() => loss(tensor(rows), tensor([[1, 2]])), /teacher is .*expected \[3, 3\]/);
    assert.throws(() => loss(tensor(rows), teacher, { temperature: 0 }), /temperature is 0/);
    assert.throws(() => loss(tensor([1, 2]), teacher), /student is .*expected \[n, C\]/);
  });
}
