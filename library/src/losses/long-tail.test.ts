import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, grad, item, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import {
  deferredWeights,
  integratedRisk,
  ldamMargins,
  particleRepulsion,
  softmaxCrossEntropy,
  tailSensitiveUtility,
} from "./index.ts";

const draw = random("long tail");
const normals = (...shape: number[]) => {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor(Float64Array.from(draw.normal(size, 0, 2)), { shape });
};
const double = (data: unknown) => tensor(data as number[], { dtype: "float64" });
const labelsOf = (...labels: number[]) => tensor(Int32Array.from(labels));
const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("ldamMargins: the rarest class has the largest margin, others fall with the fourth root", () => {
  const [common, rare] = ldamMargins([1000, 10]);
  assert.equal(rare, 0.5);
  close(common!, 0.158114, 1e-6);
  close(ldamMargins([16, 1], { largest: 1 })[0]!, 0.5);
  assert.throws(() => ldamMargins([5, 0]), /counts\[1\] is 0/);
});

test("deferredWeights: ones, then one by the count", () => {
  assert.deepEqual([...deferredWeights([4, 2], 7, { from: 8 })], [1, 1]);
  assert.deepEqual([...deferredWeights([4, 2], 8, { from: 8 })], [0.25, 0.5]);
});

test("integratedRisk without options is cross-entropy, whatever the number of equal particles", async () => {
  const logits = normals(4, 3);
  const labels = labelsOf(0, 2, 1, 1);
  const three = double(
    [0, 1, 2].map(() => Array.from({ length: 4 }, (_, i) => [...values(logits).slice(3 * i, 3 * i + 3)])),
  );
  const [one, many, plain] = await evaluate([
    integratedRisk(logits, labels),
    integratedRisk(three, labels),
    softmaxCrossEntropy(logits, labels),
  ] as const);
  close(item(one), item(plain), 1e-12);
  close(item(many), item(plain), 1e-12);
});

test("integratedRisk agrees with its formula, written out with plain numbers", async () => {
  const [particles, n, classes, alpha] = [2, 3, 3, 0.3];
  const logits = normals(particles, n, classes);
  const y = [2, 0, 1];
  const [w, margins] = [
    [0.1, 0.5, 2],
    [0.3, 0.6, 1.5],
  ];
  const u = [
    [0, 0, 0],
    [-1, 0, 0.5],
    [-2, -1, 0],
  ];
  const f = values(logits);
  const meanWeight = y.reduce((total, k) => total + w[k]!, 0) / n;
  let expected = 0;
  for (let m = 0; m < particles; m++) {
    for (let i = 0; i < n; i++) {
      const row = Array.from(
        { length: classes },
        (_, k) => f[(m * n + i) * classes + k]! - (k === y[i] ? margins[k]! : 0),
      );
      const total = Math.log(row.reduce((sum, x) => sum + Math.exp(x), 0));
      const logP = row.map((x) => x - total);
      expected -= (w[y[i]!]! / meanWeight) * logP[y[i]!]!;
      for (let k = 0; k < classes; k++) expected -= (w[k]! * u[y[i]!]![k]! * logP[k]!) / alpha;
    }
  }
  const options = { weights: double(w), margins: double(margins), utility: double(u) };
  const [risk, each] = await evaluate([
    integratedRisk(logits, labelsOf(...y), options),
    integratedRisk(logits, labelsOf(...y), { ...options, reduction: "none" }),
  ] as const);
  close(item(risk), expected / (particles * n), 1e-10);
  close([...values(each)].reduce((a, b) => a + b, 0) / n, item(risk), 1e-10);
});

test("a utility that costs head classes pushes their logits down for examples of the tail", async () => {
  const logits = double([[1, 1, 1]]);
  const pull = async (utility?: Tensor) =>
    values(await evaluate(grad((x: Tensor) => integratedRisk(x, labelsOf(2), { utility }))(logits)));
  const utility = double([
    [0, 0, 0],
    [-1, 0, 0],
    [-1, -1, 0],
  ]);
  const [plain, costly] = [await pull(), await pull(utility)];
  assert.ok(costly[0]! > plain[0]! && costly[2]! < plain[2]!);
  assert.deepEqual([...values(tailSensitiveUtility(3))], [0, 0, 0, -1, 0, 0, -1, -1, 0]);
});

test("particleRepulsion: the closed form, more apart is less, none for one particle", async () => {
  const apart = (by: number) =>
    item0(
      particleRepulsion(
        double([
          [by, 0],
          [-by, 2 * by],
        ]),
      ),
    );
  // Variances by² in both places.
  close(await apart(3), -Math.log(3), 1e-12);
  assert.ok((await apart(4)) < (await apart(3)));
  assert.equal(await item0(particleRepulsion(double([[1, 2]]))), 0);
  assert.ok(
    Number.isFinite(
      await item0(
        particleRepulsion(
          double([
            [1, 2],
            [1, 2],
          ]),
        ),
      ),
    ),
  );
});
const item0 = async (x: Tensor) => item(await evaluate(x));

test("gradients agree with central differences", async () => {
  const options = { weights: double([0.1, 0.5, 2]), margins: double([1, 2, 3]), utility: normals(3, 3) };
  const cases = [
    { f: (x: Tensor) => integratedRisk(x, labelsOf(0, 2), options), params: normals(3, 2, 3) },
    { f: (x: Tensor) => integratedRisk(x, labelsOf(1), options), params: normals(1, 3) },
    {
      f: (x: Tensor) => integratedRisk(x, labelsOf(1, 1), { margins: options.margins }),
      params: normals(2, 3),
    },
    { f: particleRepulsion, params: normals(3, 2, 2) },
  ];
  for (const { error } of await checkGradients(cases)) assert.ok(error < 1e-6, `${error}`);
});

test("integratedRisk: extreme logits stay finite in float32", async () => {
  const options = {
    weights: tensor([1, 0.1, 0.01]),
    utility: tailSensitiveUtility(3),
    margins: tensor([1, 2, 3]),
  };
  for (const row of [
    [1e4, -1e4, 0],
    [-1e4, 1e4, 1e4],
    [0, 0, 0],
  ]) {
    const f = (x: Tensor) => integratedRisk(x, labelsOf(2), options);
    const [value, g] = await evaluate([f(tensor([row])), grad(f)(tensor([row]))] as const);
    assert.ok(Number.isFinite(item(value)) && values(g).every(Number.isFinite));
  }
});

test("integratedRisk names what does not fit", () => {
  const logits = normals(2, 2, 3);
  assert.throws(() => integratedRisk(logits, labelsOf(0)), /labels is .*expected int32 \[2\]/);
  assert.throws(() => integratedRisk(logits, labelsOf(0, 1), { alpha: 0 }), /alpha is 0/);
  assert.throws(
    () => integratedRisk(logits, labelsOf(0, 1), { utility: double([1]) }),
    /utility is .*\[3, 3\]/,
  );
});
