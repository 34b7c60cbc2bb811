import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { add, evaluate, grad, item, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { encouraging, logOneMinusSoftmax, softmaxCrossEntropy, softmaxFocal } from "./index.ts";

const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const labelsOf = (...labels: number[]) => tensor(Int32Array.from(labels));
const close = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

/** Two logits whose softmax gives the first class the probability p. */
const logitsOf = (p: number) => [Math.log(p / (1 - p)), 0];
const lossAt = async (p: number, logEnd?: number) =>
  item(await evaluate(encouraging(double([logitsOf(p)]), labelsOf(0), { logEnd })));
const pullAt = async (logits: number[], loss: (f: Tensor, y: Tensor) => Tensor) =>
  values(await evaluate(grad((f: Tensor) => loss(f, labelsOf(0)))(double([logits]))))[0]!;

test("encouraging: values of worked examples", async () => {
  for (const [logEnd, p, expected] of [
    [0.5, 0.5, 0],
    [0.75, 0.5, 0],
    [1, 0.5, 0],
    [0.75, 0.75, -1.098612],
    [0.75, 0.9, -1.880934],
    [0.75, 0.99, -2.336244],
    [0.75, 1 - 1e-12, -1 - Math.log(4)],
    [0.5, 0.75, -0.905465],
    [0.5, 1 - 1e-12, -1 - Math.log(2)],
    [1, 0.9, -Math.log(9)],
  ] as const)
    close(await lossAt(p, logEnd), expected, 1e-6);
  close(await lossAt(0.9), await lossAt(0.9, 0.75), 0);
});

test("encouraging: the pull on the true logit is 1 up to LE, then (1 − p)(1 + p / (1 − LE))", async () => {
  for (const [p, expected] of [
    [0.01, -1],
    [0.3, -1],
    [0.75, -1],
    [0.75001, -0.99997],
    [0.9, -0.46],
    [0.99, -0.0496],
  ] as const)
    close(await pullAt(logitsOf(p), encouraging), expected, 1e-5);
  close(await pullAt(logitsOf(0.9), softmaxCrossEntropy), -0.1, 1e-12);
  close(await pullAt([3, 0.5, 0], encouraging), -0.528243, 1e-6);
  close(await pullAt([30, 0, 0], (f, y) => encouraging(f, y, { logEnd: 1 })), -1e-13, 1e-12);
});

test("encouraging agrees with the formula in probabilities; a shift of the logits changes nothing", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.double({ min: -6, max: 6, noNaN: true }), { minLength: 2, maxLength: 6 }),
      fc.double({ min: 0.05, max: 0.95, noNaN: true }),
      async (logits, logEnd) => {
        const exps = logits.map((x) => Math.exp(x));
        const p = exps[0]! / exps.reduce((a, b) => a + b);
        const bonus = p <= logEnd ? Math.log(1 - p) : (p - logEnd) / (logEnd - 1) + Math.log(1 - logEnd);
        const f = double([logits]);
        const [loss, shifted, gradient] = await evaluate([
          encouraging(f, labelsOf(0), { logEnd }),
          encouraging(add(f, 7), labelsOf(0), { logEnd }),
          grad((x: Tensor) => encouraging(x, labelsOf(0), { logEnd }))(f),
        ] as const);
        close(item(loss), -Math.log(p) + bonus, 1e-9);
        close(item(shifted), item(loss), 1e-9);
        close(
          [...values(gradient)].reduce((a, b) => a + b),
          0,
          1e-9,
        );
      },
    ),
    { numRuns: 30 },
  );
});

test("encouraging minus its bonus is cross-entropy: at LE = 1 the loss is log-odds against the label", async () => {
  const f = double([[1.5, -0.5, 0.25]]);
  const [loss, crossEntropy, logWrong] = await evaluate([
    encouraging(f, labelsOf(1), { logEnd: 1 }),
    softmaxCrossEntropy(f, labelsOf(1)),
    logOneMinusSoftmax(f, labelsOf(1)),
  ] as const);
  close(item(loss) - values(logWrong)[0]!, item(crossEntropy), 1e-12);
  close(item(loss), Math.log(Math.exp(1.5) + Math.exp(0.25)) + 0.5, 1e-12);
});

test("logOneMinusSoftmax keeps its digits where 1 − p would not", async () => {
  const [at] = values(await evaluate(logOneMinusSoftmax(tensor([[40, 0, 0]]), labelsOf(0))));
  close(at!, Math.log(2) - 40, 1e-5);
  const large = values(
    await evaluate(
      logOneMinusSoftmax(
        tensor([
          [1e4, 0, -1e4],
          [1e4, 0, -1e4],
        ]),
        labelsOf(0, 1),
      ),
    ),
  );
  assert.deepEqual([...large], [-1e4, 0]);
});

test("focal: γ = 0 is cross-entropy, γ = 2 scales it by (1 − p)²", async () => {
  const f = double([logitsOf(0.9), logitsOf(0.2)]);
  const labels = labelsOf(0, 0);
  const [plain, none, two] = await evaluate([
    softmaxCrossEntropy(f, labels, { reduction: "none" }),
    softmaxFocal(f, labels, { gamma: 0, reduction: "none" }),
    softmaxFocal(f, labels, { reduction: "none" }),
  ] as const);
  for (const [i, p] of [0.9, 0.2].entries()) {
    close(values(none)[i]!, values(plain)[i]!, 1e-12);
    close(values(two)[i]!, -((1 - p) ** 2) * Math.log(p), 1e-12);
  }
});

const losses = {
  encouraging,
  normal: (f: Tensor, y: Tensor, options = {}) => encouraging(f, y, { ...options, logEnd: 1 }),
  softmaxFocal,
};

for (const [name, loss] of Object.entries(losses)) {
  test(`${name}: gradients agree with central differences`, async () => {
    const draw = random(name);
    const cases = Array.from({ length: 12 }, (_, seed) => {
      const [n, classes] = [1 + (seed % 4), 2 + (seed % 5)];
      const logits = tensor(Float64Array.from(draw.normal(n * classes, 0, 2)), { shape: [n, classes] });
      const labels = labelsOf(...Array.from({ length: n }, () => draw.integer(0, classes)));
      return { f: (x: Tensor) => loss(x, labels), params: logits };
    });
    for (const { error } of await checkGradients(cases)) assert.ok(error < 1e-6, `${error}`);
  });

  test(`${name}: extreme logits stay finite in float32; the mean is that of the rows`, async () => {
    for (const row of [
      [1e4, -1e4, 0],
      [-1e4, 1e4, 1e4],
      [0, 0, 0],
    ]) {
      const logits = tensor([row, row]);
      const [value, each, g] = await evaluate([
        loss(logits, labelsOf(0, 2)),
        loss(logits, labelsOf(0, 2), { reduction: "none" }),
        grad((x: Tensor) => loss(x, labelsOf(0, 2)))(logits),
      ] as const);
      assert.ok(Number.isFinite(item(value)), `${item(value)}`);
      close(item(value), (values(each)[0]! + values(each)[1]!) / 2, 1e-3);
      assert.ok(values(g).every(Number.isFinite));
    }
  });
}

test("errors name the argument", () => {
  const f = double([[1, 2]]);
  assert.throws(() => encouraging(f, labelsOf(0), { logEnd: 0 }), /logEnd is 0; expected/);
  assert.throws(() => encouraging(f, labelsOf(0), { logEnd: 1.5 }), /logEnd is 1.5; expected/);
  assert.throws(() => softmaxFocal(f, labelsOf(0), { gamma: -1 }), /gamma is -1; expected/);
  assert.throws(() => encouraging(double([[1]]), labelsOf(0)), /1 classes; expected at least 2/);
  assert.throws(() => encouraging(f, labelsOf(0, 1)), /labels is .*expected int32 \[1\]/);
});
