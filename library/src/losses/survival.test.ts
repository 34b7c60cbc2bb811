import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, grad, item, multiply, sigmoid, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  coxPartialNll,
  discreteRisk,
  discreteSurvival,
  discreteTimeNll,
  discretizeTimes,
  eventTimeEdges,
} from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance,
      `element ${i}: ${actual[i]} is not ${expected[i]}`,
    );
  }
};
const double = (x: readonly number[] | readonly (readonly number[])[]) =>
  tensor(x as number[], { dtype: "float64" });
const whole = (...list: number[]) => tensor(Int32Array.from(list));
const listOf = async (x: Tensor) => Array.from(values(await evaluate(x)));
const logit = (h: number) => Math.log(h / (1 - h));
const z = [0.1, 0.2, 0.3, 0.4].map(logit);
const allBins = whole(0, 1, 2, 3);

test("discrete time: survival, risk and losses of a worked example", async () => {
  close(await listOf(discreteSurvival(double([z]))), [0.9, 0.72, 0.504, 0.3024], 1e-12);
  close(await listOf(discreteRisk(double([z]))), [-2.4264], 1e-12);
  const logits = double([z, z, z, z]);
  const none = { reduction: "none" } as const;
  close(
    await listOf(discreteTimeNll(logits, allBins, whole(1, 1, 1, 1), none)),
    [Math.LN10, 1.7147984, 1.5324769, 1.6014697],
    1e-7,
  );
  close(
    await listOf(discreteTimeNll(logits, allBins, whole(0, 0, 0, 0), none)),
    [0.1053605, 0.3285041, 0.685179, 1.1960047],
    1e-7,
  );
  close(
    await listOf(discreteTimeNll(logits, allBins, whole(0, 1, 0, 1), { ...none, alpha: 0.4 })),
    [0.6 * 0.1053605, 1.7147984, 0.6 * 0.685179, 1.6014697],
    1e-7,
  );
});

test("discrete time: the chances of an event in each bin and of surviving all sum to 1", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer(), fc.integer({ min: 1, max: 6 }), async (seed, bins) => {
      const row = Array.from(random(seed).normal(bins, 0, 3));
      const labels = Array.from({ length: bins }, (_, i) => i);
      const losses = discreteTimeNll(
        double(labels.map(() => row)),
        whole(...labels),
        whole(...labels.map(() => 1)),
        { reduction: "none" },
      );
      const [costs, survival] = await evaluate([losses, discreteSurvival(double([row]))] as const);
      const total = Array.from(values(costs)).reduce((sum, cost) => sum + Math.exp(-cost), 0);
      close([total + values(survival)[bins - 1]!], [1], 1e-12);
    }),
    { numRuns: 25 },
  );
});

test("discrete time: the gradient of a censored loss is the hazard up to its bin and 0 beyond", async () => {
  const loss = (x: Tensor) => discreteTimeNll(x, whole(1), whole(0));
  close(await listOf(grad(loss)(double([z]))), [0.1, 0.2, 0, 0], 1e-12);
  const event = (x: Tensor) => discreteTimeNll(x, whole(1), whole(1));
  close(await listOf(grad(event)(double([z]))), [0.1, 0.2 - 1, 0, 0], 1e-12);
});

test("discrete time: one bin is binary cross-entropy of having had the event", async () => {
  const logits = double([[0.7], [-1.2]]);
  const losses = await listOf(discreteTimeNll(logits, whole(0, 0), whole(1, 0), { reduction: "none" }));
  const p = await listOf(sigmoid(logits));
  close(losses, [-Math.log(p[0]!), -Math.log(1 - p[1]!)], 1e-12);
});

/** Remission times in weeks under placebo (x = 1) and 6-mercaptopurine (Freireich et al. 1963). */
const placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23];
const treated = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35];
const treatedEvents = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0];
const leukemia = {
  times: double([...placebo, ...treated]),
  events: whole(...placebo.map(() => 1), ...treatedEvents),
  x: double([...placebo.map(() => 1), ...treated.map(() => 0)]),
};

test("Cox: log-likelihood and coefficient of the leukemia data, ties as Breslow", async () => {
  const at = (beta: Tensor) =>
    coxPartialNll(multiply(leukemia.x, beta), leukemia.times, leukemia.events, { reduction: "sum" });
  const nll = async (beta: number) => item(await evaluate(at(tensor(beta, { dtype: "float64" }))));
  // −2 log L is 187.970 without and 172.759 with the covariate, whose coefficient is 1.50919 (SAS, R).
  close([2 * (await nll(0)), 2 * (await nll(1.50919))], [187.97, 172.759], 1e-3);
  const slope = await evaluate(grad(at)(tensor(1.50919, { dtype: "float64" })));
  close([item(slope)], [0], 1e-4);
});

test("Cox: two patients; shifts and monotone changes of time change nothing", async () => {
  const risks = double([0.3, -0.2, 1]);
  const events = whole(1, 0, 1);
  const loss = async (r: Tensor, times: number[]) =>
    item(await evaluate(coxPartialNll(r, double(times), events)));
  const expected = (Math.log(Math.exp(0.3) + Math.exp(-0.2) + Math.exp(1)) - 0.3 + 0) / 2;
  close([await loss(risks, [1, 2, 3])], [expected], 1e-12);
  close([await loss(risks, [1, 4, 9])], [expected], 1e-12);
  close([await loss(double([5.3, 4.8, 6]), [1, 2, 3])], [expected], 1e-12);
});

test("Cox: without events there is neither loss nor gradient", async () => {
  const loss = (r: Tensor) => coxPartialNll(r, double([1, 2]), whole(0, 0));
  const [value, g] = await evaluate([loss(double([1, 2])), grad(loss)(double([1, 2]))] as const);
  assert.equal(item(value), 0);
  close(values(g), [0, 0], 0);
});

test("gradients agree with central differences", async () => {
  for (let seed = 0; seed < 6; seed++) {
    const draw = random("survival").split(seed);
    const n = 2 + seed;
    const logits = tensor(Float64Array.from(draw.normal(n * 4, 0, 2)), { shape: [n, 4] });
    const bins = whole(...Array.from({ length: n }, () => draw.integer(0, 4)));
    const events = whole(...Array.from(draw.bernoulli(n, 0.5)));
    const times = double(Array.from({ length: n }, () => draw.integer(1, 4)));
    const checks = [
      checkGradient((p: Tensor) => discreteTimeNll(p, bins, events, { alpha: 0.3 }), logits),
      checkGradient(
        (p: Tensor) => coxPartialNll(p, times, events),
        tensor(Float64Array.from(draw.normal(n))),
      ),
    ];
    for (const check of checks) assert.ok((await check).error < 1e-6, `seed ${seed}`);
  }
});

test("extreme logits and a batch of one stay finite in float32", async () => {
  for (const row of [
    [1e4, -1e4, 0],
    [-1e4, -1e4, -1e4],
    [1e4, 1e4, 1e4],
  ]) {
    for (const event of [0, 1]) {
      const f = (p: Tensor) => discreteTimeNll(p, whole(2), whole(event));
      const g = (p: Tensor) => coxPartialNll(p, tensor([1, 1, 2]), whole(1, event, 0));
      for (const [loss, x] of [
        [f, tensor([row])],
        [g, tensor(row)],
      ] as const) {
        const [value, gradient] = await evaluate([loss(x), grad(loss)(x)] as const);
        assert.ok(Number.isFinite(item(value)), `${row}: ${item(value)}`);
        assert.ok(values(gradient).every(Number.isFinite));
      }
    }
  }
  assert.equal(item(await evaluate(coxPartialNll(tensor([3]), tensor([1]), whole(1)))), 0);
});

test("times into bins: quantiles of event times only, the edge belongs to the later bin", () => {
  const times = [1, 2, 3, 4, 5, 100, 200];
  const events = [1, 1, 1, 1, 1, 0, 0];
  const edges = eventTimeEdges(times, events, 4);
  assert.deepEqual([...edges], [2, 3, 4]);
  assert.deepEqual([...discretizeTimes(times, edges)], [0, 1, 2, 3, 3, 3, 3]);
  assert.deepEqual([...discretizeTimes([1.99, 2, 3.5], edges)], [0, 1, 2]);
  // numpy.quantile([1, 2, 4, 8], [1/3, 2/3])
  close(eventTimeEdges([1, 2, 4, 8], [1, 1, 1, 1], 3), [2, 4], 1e-12);
  close(eventTimeEdges([1, 2, 4, 8], [1, 1, 1, 1], 2), [3], 1e-12);
  assert.throws(() => eventTimeEdges([1, 1, 1, 1], [1, 1, 1, 1], 3), /too few or too equal for 3 bins/);
  assert.throws(() => eventTimeEdges([1, 2, 3], [1, 0, 0], 2), /1 event times are too few/);
  assert.throws(() => eventTimeEdges([1, 2], [1, 1], 1), /bins is 1; expected/);
});

test("equal shares of the events fall into each bin", () => {
  const draw = random("quartiles");
  const times = Array.from(draw.exponential(400));
  const events = Array.from(draw.bernoulli(400, 0.5));
  const bins = discretizeTimes(times, eventTimeEdges(times, events, 4));
  const counts = [0, 1, 2, 3].map((k) => bins.filter((bin, i) => bin === k && events[i]).length);
  assert.ok(Math.max(...counts) - Math.min(...counts) <= 1, `${counts}`);
});

test("what does not fit is named", () => {
  const logits = double([z]);
  assert.throws(() => discreteTimeNll(logits, whole(0, 1), whole(1)), /bins is .*expected int32 \[1\]/);
  assert.throws(() => discreteTimeNll(logits, whole(0), whole(1, 1)), /events is .*expected int32 \[1\]/);
  assert.throws(() => discreteTimeNll(logits, whole(0), whole(1), { alpha: 2 }), /alpha is 2; expected/);
  assert.throws(() => coxPartialNll(logits, double([1]), whole(1)), /risks is .*; expected \[n\]/);
  assert.throws(() => coxPartialNll(double([1, 2]), double([1]), whole(1, 1)), /times is .*; expected \[2\]/);
  assert.throws(() => discreteSurvival(double([1])), /expected \[n, K\]/);
});
