import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { concordanceIndex, ipcwConcordance, kaplanMeier, logRank, rocAuc, survivalAt } from "./index.ts";

const near = (actual: number, expected: number, tolerance = 1e-9): void => {
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
};

test("concordanceIndex: a worked example", () => {
  // Comparable: (2, ·) with three later ones, (3, ·) with two, (5, 8); (2, 0.5) against (3, 0.9) disagrees.
  near(concordanceIndex([5, 3, 8, 2], [1, 1, 0, 1], [0.2, 0.9, 0.1, 0.5]), 5 / 6);
  near(concordanceIndex([1, 2, 3], [1, 1, 1], [0, 0, 0]), 0.5);
  near(concordanceIndex([1, 2, 3], [1, 1, 1], [3, 2, 1]), 1);
  near(concordanceIndex([1, 2, 3], [true, true, true], [1, 2, 3]), 0);
  // Equal times are not compared.
  near(concordanceIndex([1, 1, 2], [1, 1, 1], [5, 1, 3]), 0.5);
  assert.throws(() => concordanceIndex([1, 2], [0, 1], [1, 2]), /no pair can be compared/);
  assert.throws(() => concordanceIndex([1, 2], [1, 1], [Number.NaN, 2]), /risk 0 is NaN/);
  assert.throws(() => concordanceIndex([1, 2], [1, 1], [1]), /times and risks have 2 and 1 entries/);
});

test("concordanceIndex: of two times it is the area under the ROC curve", () => {
  const draw = random("auc");
  const risks = Array.from(draw.normal(40));
  const early = Array.from(draw.bernoulli(40, 0.4));
  near(
    concordanceIndex(
      early.map((e) => (e ? 1 : 2)),
      early,
      risks,
    ),
    rocAuc(risks, early),
  );
});

test("concordanceIndex: turning the risks around gives 1 − C; only their order counts", () => {
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const draw = random(seed);
      const [times, events] = [draw.exponential(20), draw.bernoulli(20, 0.7)];
      events[times.indexOf(Math.min(...times))] = 1;
      const risks = Array.from(draw.normal(20));
      const c = concordanceIndex(times, events, risks);
      near(
        concordanceIndex(
          times,
          events,
          risks.map((r) => -r),
        ),
        1 - c,
      );
      near(
        concordanceIndex(
          times,
          events,
          risks.map((r) => Math.exp(3 * r)),
        ),
        c,
      );
    }),
    { numRuns: 50 },
  );
});

test("ipcwConcordance: weights by hand; the plain index without censoring", () => {
  const [times, events, risks] = [
    [1, 2, 3, 4, 5],
    [1, 0, 1, 1, 0],
    [5, 4, 1, 2, 3],
  ];
  // One of the four still seen is censored at 2: G = 3/4 from there on. Agreeing: the 4 pairs of time 1,
  // weight 1; not agreeing: 3 pairs of times 3 and 4, weight 16/9.
  near(ipcwConcordance(times, events, risks), 4 / (4 + (3 * 16) / 9));
  near(concordanceIndex(times, events, risks), 4 / 7);
  near(ipcwConcordance(times, events, risks, { horizon: 3 }), 1);
  // At equal times the event comes first: three are left of which one is censored at 2, G = 2/3.
  near(ipcwConcordance([1, 2, 2, 3, 4], [1, 1, 0, 1, 0], [5, 4, 1, 2, 3]), (4 + 4.5) / (4 + 4.5 + 2.25));
  const other = { times: [1, 2, 3, 4, 5], events: [1, 1, 1, 1, 1] };
  near(ipcwConcordance(times, events, risks, { censoring: other }), 4 / 7);
  const none = { times: [0.5], events: [0] };
  assert.throws(
    () => ipcwConcordance(times, events, risks, { censoring: none }),
    /all are censored by time 1/,
  );
});

test("ipcwConcordance: heavier censoring moves it less than the plain index", () => {
  const draw = random("censoring");
  const n = 1500;
  const risks = draw.normal(n);
  // Risk matters early only: late pairs, which censoring removes, are coin flips.
  const times = draw
    .exponential(n)
    .map((e, i) => (e < 0.7 * Math.exp(risks[i]!) ? e * Math.exp(-risks[i]!) : 1 + e));
  const limits = draw.exponential(n).map((e) => 1.2 * e);
  const seen = times.map((t, i) => Math.min(t, limits[i]!));
  const events = Array.from(times, (t, i) => Number(t <= limits[i]!));
  const whole = concordanceIndex(
    times,
    events.map(() => 1),
    risks,
  );
  const plain = concordanceIndex(seen, events, risks);
  const weighted = ipcwConcordance(seen, events, risks, { horizon: 3 });
  assert.ok(Math.abs(weighted - whole) < Math.abs(plain - whole) / 2, `${whole} ${plain} ${weighted}`);
});

const placebo = [1, 1, 2, 2, 3, 4, 4, 5, 5, 8, 8, 8, 8, 11, 11, 12, 12, 15, 17, 22, 23];
const treated = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35];
const treatedEvents = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0];

test("kaplanMeier: the textbook curve of the leukemia data", () => {
  const curve = kaplanMeier(treated, treatedEvents);
  assert.deepEqual([...curve.times], [6, 7, 10, 13, 16, 22, 23]);
  assert.deepEqual([...curve.atRisk], [21, 17, 15, 12, 11, 7, 6]);
  assert.deepEqual([...curve.events], [3, 1, 1, 1, 1, 1, 1]);
  const published = [0.857, 0.807, 0.753, 0.69, 0.627, 0.538, 0.448];
  for (const [i, s] of curve.survival.entries()) near(s, published[i]!, 5e-4);
  near(survivalAt(curve, 5.9), 1);
  near(survivalAt(curve, 6), 18 / 21);
  near(survivalAt(curve, 99), curve.survival[6]!);
});

test("kaplanMeier: without censoring it is the share still alive; nobody has an event", () => {
  const curve = kaplanMeier(
    placebo,
    placebo.map(() => true),
  );
  for (const [i, time] of curve.times.entries())
    near(curve.survival[i]!, placebo.filter((t) => t > time).length / 21);
  assert.equal(kaplanMeier([1, 2], [0, 0]).times.length, 0);
});

test("logRank: the textbook statistic of the leukemia data", () => {
  const times = [...placebo, ...treated];
  const events = [...placebo.map(() => 1), ...treatedEvents];
  const groups = [...placebo.map(() => 0), ...treated.map(() => 1)];
  const { statistic, p } = logRank(times, events, groups);
  near(statistic, 16.79, 5e-3);
  near(p, 4.17e-5, 1e-7);
  near(
    logRank(
      times,
      events,
      groups.map((g) => 1 - g),
    ).statistic,
    statistic,
  );
  assert.deepEqual(logRank([1, 2], [1, 1], [0, 0]), { statistic: 0, p: 1 });
  assert.throws(() => logRank([1, 2], [1, 1], [0, 2]), /group 1 is 2; expected 0 or 1/);
});
