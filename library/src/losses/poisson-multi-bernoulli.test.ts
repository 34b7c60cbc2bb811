import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, grad, item, type Tensor, values } from "../index.ts";
import { bestAssignments, type PoissonMultiBernoulli, pmbNLL } from "../metrics/index.ts";
import { poisson, type Random, random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { type PmbTerms, pmbLoss } from "./index.ts";

const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const logNormal = (x: number, mean = 0) => -0.5 * (x - mean) ** 2 - 0.5 * Math.log(2 * Math.PI);

/** Components with boxes N(mean, 1) on the line and one class, and an even intensity. */
function onLine(r: number[], means: number[], objects: number[], logIntensity: number, rate: number) {
  const density: PoissonMultiBernoulli = {
    existence: r,
    logClasses: means.flatMap(() => objects.map(() => 0)),
    logBoxes: means.flatMap((mean) => objects.map((x) => logNormal(x, mean))),
    logIntensities: objects.map(() => logIntensity),
    rate,
  };
  return density;
}

test("worked examples: one and two components, and an empty set", () => {
  close(pmbNLL(onLine([0.8], [0], [0.5], Math.log(0.01), 0.1)).nll, 1.360006, 1e-6);
  close(pmbNLL(onLine([0.8], [0], [], Math.log(0.01), 0.1)).nll, 0.1 - Math.log(0.2));
  close(pmbNLL(onLine([0.8], [0], [], Math.log(0.01), 0.1)).nll, 1.709438, 1e-6);
  close(pmbNLL(onLine([0.8, 0.3], [0, 1], [0.5], Math.log(0.01), 0.1)).nll, 1.615581, 1e-6);
});

/** The sum over all assignments, one by one. */
function exact({ existence, logClasses, logBoxes, logIntensities, rate }: PoissonMultiBernoulli): number {
  const [components, objects] = [existence.length, logIntensities.length];
  const go = (i: number, used: ReadonlySet<number>): number => {
    if (i === objects) {
      let none = 1;
      for (let k = 0; k < components; k++) if (!used.has(k)) none *= 1 - existence[k]!;
      return none;
    }
    let sum = Math.exp(logIntensities[i]!) * go(i + 1, used);
    for (let k = 0; k < components; k++)
      if (!used.has(k)) {
        const at = k * objects + i;
        sum += existence[k]! * Math.exp(logClasses[at]! + logBoxes[at]!) * go(i + 1, new Set([...used, k]));
      }
    return sum;
  };
  return rate - Math.log(go(0, new Set()));
}

const drawn = (draw: Random, components: number, objects: number): PoissonMultiBernoulli => ({
  existence: Array.from({ length: components }, () => 0.02 + 0.96 * draw.next()),
  logClasses: draw.uniform(components * objects, -3, 0),
  logBoxes: draw.normal(components * objects, 0, 2),
  logIntensities: draw.normal(objects, -3, 1),
  rate: draw.next(),
});

test("with all assignments it is exact, and it falls as their number grows", () => {
  const draw = random("exact");
  for (let round = 0; round < 40; round++) {
    const density = drawn(draw, draw.integer(0, 5), draw.integer(0, 5));
    const scores = [1, 2, 3, 5, 10, 300].map((assignments) => pmbNLL(density, { assignments }).nll);
    close(scores.at(-1)!, exact(density), 1e-9);
    for (let i = 1; i < scores.length; i++) assert.ok(scores[i]! <= scores[i - 1]! + 1e-12);
    const { parts } = pmbNLL(density, { assignments: 1 });
    close(parts.boxes + parts.classes + parts.missed + parts.falseAlarms + parts.rate, scores[0]!, 1e-9);
  }
});

test("the order of objects and of components does not matter", () => {
  const density = onLine([0.9, 0.4, 0.2], [0, 1, 3], [0.2, 2.5], Math.log(0.02), 0.2);
  const other = onLine([0.2, 0.9, 0.4], [3, 0, 1], [2.5, 0.2], Math.log(0.02), 0.2);
  close(pmbNLL(density).nll, pmbNLL(other).nll, 1e-12);
  // 2.5 is nearer to the third component by more than the second exists more often.
  assert.deepEqual([...pmbNLL(density).components], [0, 2]);
});

test("it is proper: sets drawn from a density score best under it", () => {
  const draw = random("proper");
  const [r, means, rate] = [[0.8, 0.3], [0, 3], 0.2];
  const set = () => [
    ...means.flatMap((mean, k) => (draw.next() < r[k]! ? [draw.normal(1, mean, 1)[0]!] : [])),
    ...Array.from({ length: poisson(draw, rate) }, () => -5 + 15 * draw.next()),
  ];
  const sets = Array.from({ length: 1500 }, set);
  const score = (q: number[], m: number[], otherRate = rate) =>
    sets.reduce(
      (sum, objects) => sum + pmbNLL(onLine(q, m, objects, Math.log(otherRate / 15), otherRate)).nll,
      0,
    ) / sets.length;
  const truth = score(r, means);
  assert.ok(score([0.95, 0.3], means) > truth + 0.02);
  assert.ok(score([0.5, 0.3], means) > truth + 0.02);
  assert.ok(score(r, [0.7, 3]) > truth + 0.02);
  assert.ok(score(r, means, 0.8) > truth + 0.02);
});

test("the loss in a graph is the score outside of it, padding and missing assignments included", async () => {
  const draw = random("graph");
  const [pictures, slots, most, assignments] = [5, 4, 3, 6];
  const shown: number[] = [];
  const absent: number[] = [];
  const intensities: number[] = [];
  const rates: number[] = [];
  const present: number[] = [];
  const components = new Int32Array(pictures * most * assignments);
  const valid = new Uint8Array(pictures * assignments);
  const expected: number[] = [];
  for (let b = 0; b < pictures; b++) {
    const objects = b % (most + 1);
    const density = drawn(draw, slots, objects);
    expected.push(pmbNLL(density, { assignments }).nll);
    const term = (i: number, k: number) =>
      Math.log(density.existence[k]!) +
      density.logClasses[k * objects + i]! +
      density.logBoxes[k * objects + i]!;
    for (let i = 0; i < most; i++) {
      present.push(Number(i < objects));
      intensities.push(i < objects ? density.logIntensities[i]! : 7);
      for (let k = 0; k < slots; k++) shown.push(i < objects ? term(i, k) : 99);
    }
    for (let k = 0; k < slots; k++) absent.push(Math.log(1 - density.existence[k]!));
    rates.push(density.rate);
    const found = bestAssignments(
      (i, k) => term(i, k) - Math.log(1 - density.existence[k]!),
      (i) => density.logIntensities[i]!,
      slots,
      objects,
      assignments,
    );
    found.forEach(({ columns }, q) => {
      valid[b * assignments + q] = 1;
      columns.forEach((column, i) => {
        components[(b * most + i) * assignments + q] = Math.min(column, slots);
      });
    });
  }
  const double = (data: number[], shape: number[]) => fromData(Float64Array.from(data), shape);
  const terms: PmbTerms = {
    logShown: double(shown, [pictures, most, slots]),
    logAbsent: double(absent, [pictures, slots]),
    logIntensity: double(intensities, [pictures, most]),
    rate: double(rates, [pictures]),
    present: fromData(Uint8Array.from(present), [pictures, most]),
  };
  const among = {
    components: fromData(components, [pictures, most, assignments]),
    valid: fromData(valid, [pictures, assignments]),
  };
  const losses = values(await evaluate(pmbLoss(terms, among, { reduction: "none" })));
  assert.equal(losses.length, expected.length);
  for (const [b, value] of expected.entries()) close(losses[b]!, value);
  const params = {
    logShown: terms.logShown,
    logAbsent: terms.logAbsent,
    logIntensity: terms.logIntensity,
    rate: terms.rate,
  };
  const { error } = await checkGradient((p: typeof params) => pmbLoss({ ...terms, ...p }, among), params);
  assert.ok(error < 1e-6, `${error}`);

  // Hopeless pairs do not poison the gradient.
  const far = fromData(new Float32Array(pictures * most * slots).fill(-1e4), [pictures, most, slots]);
  const single = (x: Tensor) => fromData(Float32Array.from(values(x)), x.shape);
  const f = (x: Tensor) =>
    pmbLoss(
      {
        logShown: x,
        logAbsent: single(terms.logAbsent),
        logIntensity: single(terms.logIntensity),
        rate: single(terms.rate),
        present: terms.present,
      },
      among,
    );
  const [value, gradient] = await evaluate([f(far), grad(f)(far)] as const);
  assert.ok(Number.isFinite(item(value)) && values(gradient).every(Number.isFinite));
  assert.throws(() => pmbLoss({ ...terms, rate: terms.logAbsent }, among), /rate is .*expected \[5\]/);
});

test("sure errors cost much but not without end; bad input is refused by name", () => {
  const sure = onLine([1, 0], [0, 5], [5], Math.log(1e-3), 0.01);
  assert.ok(Number.isFinite(pmbNLL(sure).nll));
  assert.throws(() => pmbNLL({ ...sure, existence: [1.2, 0] }), /existence holds 1.2 at 0/);
  assert.throws(() => pmbNLL({ ...sure, logBoxes: [0] }), /logBoxes has 1 entries; expected 2 × 1/);
  assert.throws(() => pmbNLL({ ...sure, rate: -1 }), /rate is -1/);
  const none = {
    existence: [],
    logClasses: [],
    logBoxes: [],
    logIntensities: [Number.NEGATIVE_INFINITY],
    rate: 0,
  };
  assert.throws(() => pmbNLL(none), /no assignment of the objects has a positive density/);
});
