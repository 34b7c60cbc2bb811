import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, grad, item, softplus, sum, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  cauchyLogPdf,
  type DetectionTargets,
  dRmmLoss,
  leastScales,
  type MixtureDetections,
  type MixtureTerms,
  maximumComponent,
  mixtureNLL,
} from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-9) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance,
      `element ${i}: ${actual[i]} is not ${expected[i]}`,
    );
};
const double = (data: ArrayLike<number>, shape: number[]) => fromData(Float64Array.from(data), shape);
const filled = (shape: number[], f: (i: number) => number) =>
  double(
    Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => f(i)),
    shape,
  );
const bools = (data: number[], shape: number[]) => fromData(Uint8Array.from(data), shape);

test("Cauchy density: at the mode in four dimensions, far away, and integrated", async () => {
  const [zero, one] = [double([0], [1]), double([1], [1])];
  const mode = await evaluate(sum(cauchyLogPdf(double([0, 0, 0, 0], [4]), zero, one)));
  close([Math.exp(item(mode))], [Math.PI ** -4], 1e-12);
  close([Math.exp(item(mode))], [0.010266], 1e-6);
  // Between −1 and 1 times the scale lies half of the mass.
  const points = filled([2001], (i) => 3 + 0.5 * ((i - 1000) / 1000));
  const densities = Array.from(
    values(await evaluate(cauchyLogPdf(points, double([3], [1]), double([0.5], [1])))),
  );
  const mass = densities.reduce((total, d) => total + Math.exp(d) * (1 / 2000), 0);
  close([mass], [0.5], 1e-3);
});

/** One picture with one object, boxes of one number. */
const oneObject = (mixture: number[], boxes: number[]): MixtureTerms => ({
  mixture: double(mixture.map(Math.log), [1, mixture.length]),
  boxes: double(boxes, [1, 1, boxes.length]),
  classes: double(
    boxes.map(() => 0),
    [1, 1, boxes.length],
  ),
  present: bools([1], [1, 1]),
});

test("a worked example: two components at 0 and 2, an object at 0", async () => {
  const terms = oneObject(
    [0.5, 0.5],
    [1, 5].map((d) => -Math.log(Math.PI * d)),
  );
  const [likelihood, single] = await evaluate([mixtureNLL(terms), maximumComponent(terms)] as const);
  close([item(likelihood), item(single)], [1.655556, 0.182322], 1e-6);
});

test("a single owner costs nothing, m equal ones log m", async () => {
  for (const m of [1, 2, 3, 7]) {
    const weights = Array.from({ length: 8 }, (_, k) => (k < m ? 1 / m : 1e-300));
    const terms = oneObject(weights, Array(8).fill(0));
    close([item(await evaluate(maximumComponent(terms)))], [Math.log(m)], 1e-12);
  }
  close([Math.log(2) / 2, Math.log(3) / 2], [0.346574, 0.549306], 1e-6);
});

/** Two pictures of three slots and four classes, with two objects and one. */
const detections = (): MixtureDetections & { spread: Tensor } => {
  const low = Array.from({ length: 12 }, (_, i) => 0.3 + 0.2 * Math.sin(1.3 * i));
  const spread = filled([2, 3, 4], (i) => -3 + Math.cos(0.9 * i));
  return {
    objectness: filled([2, 3], (i) => Math.sin(i + 1)),
    classes: filled([2, 3, 4], (i) => Math.cos(0.7 * i)),
    boxes: filled([2, 3, 4], (i) => low[Math.floor(i / 4) * 2 + (i % 2)]! + (i % 4 < 2 ? 0 : 0.3)),
    spread,
    scales: spread,
  };
};
const targets: DetectionTargets = {
  boxes: double([0.2, 0.2, 0.5, 0.5, 0.4, 0.3, 0.7, 0.6, 0.1, 0.3, 0.4, 0.6, 9, 9, 9, 9], [2, 2, 4]),
  labels: fromData(Int32Array.of(1, 3, 0, 2), [2, 2]),
  present: bools([1, 1, 1, 0], [2, 2]),
};
const loss = (d: ReturnType<typeof detections>, options = {}, t = targets) =>
  dRmmLoss({ ...d, scales: leastScales(softplus(d.spread), d.boxes) }, t, options);

test("values and gradients are those of the authors' code", async () => {
  const each = values(await evaluate(loss(detections(), { reduction: "none" })));
  close(each, [2.059338426614234, -2.5796107809194897, 2.204051957087611, 0]);
  const gradient = await evaluate(
    grad((d: ReturnType<typeof detections>) => loss(d, { reduction: "sum" }))(detections()),
  );
  const total = (x: Tensor) => Array.from(values(x)).reduce((a, g) => a + Math.abs(g), 0);
  close(
    values(gradient.objectness).slice(0, 3),
    [0.2084720782705391, -0.30137939071270964, 0.16615660656932577],
  );
  close([total(gradient.objectness), total(gradient.classes)], [1.575022867022773, 3.3430848627481096]);
  close([total(gradient.boxes), total(gradient.spread)], [177.03141950802905, 5.746081697485451], 1e-7);
  const [mean, all] = await evaluate([loss(detections()), loss(detections(), { reduction: "sum" })] as const);
  close([item(mean)], [item(all) / 3]);
});

test("the order of slots and of objects does not matter", async () => {
  const turn = (x: Tensor) => {
    const width = values(x).length / 6;
    const data = [...values(x)];
    return double(
      [2, 0, 1, 4, 5, 3].flatMap((slot) => data.slice(slot * width, (slot + 1) * width)),
      [...x.shape],
    );
  };
  const d = detections();
  const turned = {
    objectness: turn(d.objectness),
    classes: turn(d.classes),
    boxes: turn(d.boxes),
    scales: turn(d.scales),
    spread: turn(d.spread),
  };
  const b = [...values(targets.boxes)];
  const swapped = {
    boxes: double([...b.slice(4, 8), ...b.slice(0, 4), ...b.slice(12), ...b.slice(8, 12)], [2, 2, 4]),
    labels: fromData(Int32Array.of(3, 1, 2, 0), [2, 2]),
    present: bools([1, 1, 0, 1], [2, 2]),
  };
  const [plain, slots, objects] = await evaluate([loss(d), loss(turned), loss(d, {}, swapped)] as const);
  close([item(slots), item(objects)], [item(plain), item(plain)], 1e-12);
});

test("the term for one component leaves boxes alone, unless asked not to", async () => {
  const apart = (detachBoxes: boolean) =>
    grad((d: ReturnType<typeof detections>) => loss(d, { componentWeight: 1, detachBoxes }))(detections());
  const likelihood = grad((d: ReturnType<typeof detections>) => loss(d, { componentWeight: 0 }))(
    detections(),
  );
  const [detached, attached, none] = await evaluate([apart(true), apart(false), likelihood] as const);
  close(values(detached.boxes), values(none.boxes), 1e-12);
  close(values(detached.spread), values(none.spread), 1e-12);
  assert.notDeepEqual(values(attached.boxes), values(none.boxes));
  assert.notDeepEqual(values(detached.objectness), values(none.objectness));
});

test("gradient agrees with central differences", async () => {
  const draw = random("mixture detection");
  for (let seed = 0; seed < 4; seed++) {
    const d = detections();
    const params = {
      objectness: double(draw.normal(6, 0, 2), [2, 3]),
      classes: double(draw.normal(24, 0, 2), [2, 3, 4]),
      boxes: d.boxes,
      spread: double(draw.normal(24, -2, 1), [2, 3, 4]),
      scales: d.scales,
    };
    // With detached boxes the gradient is not that of the value.
    const { error } = await checkGradient(
      (p: typeof params) => loss(p, { detachBoxes: false, reduction: seed % 2 ? "mean" : "sum" }),
      params,
    );
    assert.ok(error < 1e-5, `seed ${seed}: ${error}`);
  }
});

test("empty pictures, far boxes and extreme logits give finite values and gradients", async () => {
  const row = (data: number[], shape: number[]) => fromData(Float32Array.from(data), shape);
  const d = {
    objectness: row([1e4, -1e4, 0, 0], [2, 2]),
    classes: row([1e4, -1e4, 0, 1e4, 0, 0, -1e4, 1e4], [2, 2, 2]),
    boxes: row(Array(16).fill(0), [2, 2, 4]),
    scales: row(Array(16).fill(1e-3), [2, 2, 4]),
  };
  for (const present of [
    [1, 0],
    [0, 0],
  ]) {
    const t = {
      boxes: row([1e4, 1e4, 1e4, 1e4, 0, 0, 0, 0], [2, 1, 4]),
      labels: fromData(Int32Array.of(1, 0), [2, 1]),
      present: bools(present, [2, 1]),
    };
    const f = (x: typeof d) => dRmmLoss(x, t);
    const [value, gradients] = await evaluate([f(d), grad(f)(d)] as const);
    assert.ok(Number.isFinite(item(value)));
    if (!present[0]) assert.equal(item(value), 0);
    for (const g of Object.values(gradients)) {
      assert.ok(values(g).every(Number.isFinite));
      if (!present[0]) assert.ok(values(g).every((x) => x === 0));
    }
  }
});

test("bad input is refused by name", () => {
  const d = detections();
  assert.throws(() => loss(d, { componentWeight: -1 }), /componentWeight is -1/);
  assert.throws(() => dRmmLoss({ ...d, boxes: d.objectness }, targets), /boxes is .*expected \[2, 3, 4\]/);
  assert.throws(
    () => dRmmLoss(d, { ...targets, boxes: double([1, 1, 1, 1], [1, 1, 4]) }),
    /targets.boxes is .*expected \[2, 2, 4\]/,
  );
  assert.throws(
    () => mixtureNLL({ ...oneObject([1], [0]), classes: double([0, 0], [1, 1, 2]) }),
    /classes is .*expected \[1, 1, 1\]/,
  );
});
