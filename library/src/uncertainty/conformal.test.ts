import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { mean, standardError } from "../stats/index.ts";
import {
  conformalizedQuantileMargin,
  falseNegativeRate,
  hierarchicalDistance,
  learnThenTest,
  miscoverage,
  monotonize,
  multiRiskControl,
  plugInRisk,
  riskControl,
  splitConformalQuantile,
  tokenF1Loss,
  weightedConformalQuantile,
  weightedRiskControl,
} from "./index.ts";

const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const sorted = (values: Iterable<number>) => [...new Set(values)].sort((a, b) => a - b);
/** Enough trials that a loss of coverage of two points would be seen; 1,000 as a rule. */
const TRIALS = 1000;

/** The mean is at most the limit, but for three standard errors. */
function atMost(sample: Float64Array, limit: number) {
  const [center, error] = [mean(sample), standardError(sample)];
  assert.ok(center <= limit + 3 * error, `mean ${center} ± ${error} is above ${limit}`);
}
function atLeast(sample: Float64Array, limit: number) {
  const [center, error] = [mean(sample), standardError(sample)];
  assert.ok(center >= limit - 3 * error, `mean ${center} ± ${error} is below ${limit}`);
}

test("split conformal quantile: the ⌈(n + 1)(1 − α)⌉-th smallest score, Infinity where there are too few", () => {
  const scores = [5, 1, 4, 2, 3, 9, 7, 8, 6];
  assert.equal(splitConformalQuantile(scores, 0.1), 9);
  assert.equal(splitConformalQuantile(scores, 0.2), 8);
  assert.equal(splitConformalQuantile(scores, 0.5), 5);
  assert.equal(splitConformalQuantile(scores, 0.09), Number.POSITIVE_INFINITY);
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 30 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 99 }),
      (scores, percent) => {
        // In whole numbers, so that the reference itself does not round.
        const rank = Math.ceil(((scores.length + 1) * (100 - percent)) / 100);
        const expected = [...scores].sort((a, b) => a - b)[rank - 1] ?? Number.POSITIVE_INFINITY;
        assert.equal(splitConformalQuantile(scores, percent / 100), expected);
      },
    ),
  );
});

test("risk control of 0/1 miscoverage is split conformal prediction", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 60 }),
      fc.integer({ min: 1, max: 99 }),
      (scores, percent) => {
        const alpha = percent / 100;
        const quantile = splitConformalQuantile(scores, alpha);
        const lambdas = [...sorted(scores), 1000];
        const { lambda } = riskControl(miscoverage(scores, lambdas), { alpha });
        assert.equal(lambda, Number.isFinite(quantile) ? quantile : 1000);
      },
    ),
  );
});

test("risk control: the largest empirical risk that n examples allow at α = 0.1", () => {
  // (n R̂ + 1) / (n + 1) ≤ 0.1
  for (const [n, feasible] of [
    [9, 0],
    [19, 0.0526316],
    [99, 0.0909091],
    [999, 0.0990991],
  ] as const) {
    // Risk at λ = j / n is (n − j) / n: each step of λ spares one example its loss.
    const lambdas = Array.from({ length: n + 1 }, (_, j) => j / n);
    const scores = Array.from({ length: n }, (_, i) => (i + 1) / n);
    const found = riskControl(miscoverage(scores, lambdas), { alpha: 0.1 });
    close(found.empiricalRisk, feasible, 1e-6);
    assert.ok(found.correctedRisk <= 0.1 + 1e-12);
    const plugIn = plugInRisk(miscoverage(scores, lambdas), { alpha: 0.1 });
    assert.ok(plugIn.lambda <= found.lambda && plugIn.empiricalRisk <= 0.1 + 1e-12);
  }
  const eight = riskControl(miscoverage([1, 2, 3, 4, 5, 6, 7, 8], [0, 4, 8, 9]), { alpha: 0.1 });
  assert.equal(eight.lambda, 9);
  assert.ok(eight.correctedRisk > 0.1, "eight examples can promise nothing at 0.1");
});

test("risk control: no losses give the smallest λ, units of loss and bound do not matter", () => {
  const none = { lambdas: [1, 2, 3], losses: new Float64Array(30 * 3) };
  assert.equal(riskControl(none, { alpha: 0.1 }).lambda, 1);
  const draw = random("units");
  const lambdas = Array.from({ length: 21 }, (_, j) => j / 20);
  const { losses } = miscoverage(draw.uniform(new Float64Array(40)), lambdas);
  const scaled = { lambdas, losses: losses.map((loss) => 7 * loss) };
  assert.equal(
    riskControl(scaled, { alpha: 7 * 0.2, bound: 7 }).lambda,
    riskControl({ lambdas, losses }, { alpha: 0.2 }).lambda,
  );
});

test("weights: equal ones change nothing, a test example of great weight asks for the most caution", () => {
  const draw = random("weights");
  const scores = draw.uniform(new Float64Array(50));
  const lambdas = sorted(scores);
  const table = miscoverage(scores, lambdas);
  const weights = new Float64Array(50).fill(3);
  assert.deepEqual(
    weightedRiskControl(table, weights, { alpha: 0.2 })(3).lambda,
    riskControl(table, { alpha: 0.2 }).lambda,
  );
  const quantile = weightedConformalQuantile(scores, weights, 0.2);
  assert.equal(quantile(3), splitConformalQuantile(scores, 0.2));
  assert.equal(quantile(1e6), Number.POSITIVE_INFINITY);
  assert.equal(weightedRiskControl(table, weights, { alpha: 0.2 })(1e6).index, lambdas.length - 1);
  // Weight 0 is as if the example were not there.
  const half = Float64Array.from(weights, (_, i) => (i < 25 ? 1 : 0));
  assert.equal(
    weightedConformalQuantile(scores, half, 0.2)(1),
    splitConformalQuantile(scores.slice(0, 25), 0.2),
  );
});

test("monotonized losses do not rise, lie above the original ones and leave falling ones alone", () => {
  const rows = fc
    .integer({ min: 1, max: 6 })
    .chain((steps) =>
      fc.tuple(
        fc.constant(steps),
        fc.array(
          fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: steps, maxLength: steps }),
          { minLength: 1, maxLength: 5 },
        ),
      ),
    );
  fc.assert(
    fc.property(rows, ([steps, table]) => {
      const out = monotonize(table.flat(), steps);
      table.forEach((row, i) => {
        row.forEach((loss, j) => {
          assert.equal(out[i * steps + j], Math.max(...row.slice(j)));
          assert.ok(out[i * steps + j] >= loss);
        });
      });
      assert.deepEqual(monotonize(out, steps), out);
    }),
  );
});

test("several risks: the most cautious parameter, and every risk is held", () => {
  const draw = random("several");
  const lambdas = Array.from({ length: 101 }, (_, j) => j / 100);
  const [a, b] = [0, 1].map(() => miscoverage(draw.uniform(new Float64Array(60)), lambdas));
  const joint = multiRiskControl([
    { ...a, alpha: 0.1 },
    { ...b, alpha: 0.3 },
  ]);
  assert.equal(
    joint.lambda,
    Math.max(riskControl(a, { alpha: 0.1 }).lambda, riskControl(b, { alpha: 0.3 }).lambda),
  );
});

test("risk control: mean test risk of uniform scores lies between α − 2/(n + 1) and α", () => {
  const [n, alpha] = [50, 0.1];
  const lambdas = Array.from({ length: 401 }, (_, j) => j / 400);
  const risks = new Float64Array(TRIALS);
  const uncorrected = new Float64Array(TRIALS);
  for (let trial = 0; trial < TRIALS; trial++) {
    const table = miscoverage(random("uniform").split(trial).uniform(new Float64Array(n)), lambdas);
    // A new uniform score is above λ with probability 1 − λ.
    risks[trial] = 1 - riskControl(table, { alpha }).lambda;
    uncorrected[trial] = 1 - plugInRisk(table, { alpha }).lambda;
  }
  atMost(risks, alpha);
  atLeast(risks, alpha - 2 / (n + 1));
  // The 45th of 50 order statistics has mean 45/51: the plug-in risk is 6/51, not 0.1.
  const excess = mean(uncorrected) - alpha;
  assert.ok(excess > 3 * standardError(uncorrected), `plug-in excess ${excess}`);
});

test("risk control: expected false-negative rate of several labels stays at α", () => {
  const [n, classes, alpha] = [30, 6, 0.2];
  const lambdas = Array.from({ length: 201 }, (_, j) => j / 200);
  const risks = Float64Array.from({ length: TRIALS }, (_, trial) => {
    const draw = random("labels").split(trial);
    const { losses } = falseNegativeRate(
      draw.uniform(new Float64Array((n + 20) * classes)),
      draw.bernoulli((n + 20) * classes, 0.4),
      classes,
      lambdas,
    );
    const steps = lambdas.length;
    const { index } = riskControl({ lambdas, losses: losses.subarray(0, n * steps) }, { alpha });
    return mean(Array.from({ length: 20 }, (_, i) => losses[(n + i) * steps + index]));
  });
  atMost(risks, alpha);
  atLeast(risks, alpha - 2 / (n + 1));
});

test("conformalized quantiles: intervals of poor quantiles cover 1 − α of new targets", () => {
  const [n, alpha] = [60, 0.1];
  const covered = Float64Array.from({ length: TRIALS }, (_, trial) => {
    const draw = random("quantiles").split(trial);
    // Noise grows with x; the estimated quantiles know that only in part.
    const x = draw.uniform(new Float64Array(n + 20));
    const noise = draw.normal(new Float64Array(n + 20));
    const targets = x.map((value, i) => value + (0.2 + value) * noise[i]);
    const lower = x.map((value) => value - 0.3 - 0.5 * value);
    const upper = x.map((value) => value + 0.6);
    const part = (values: Float64Array) => values.subarray(0, n);
    const margin = conformalizedQuantileMargin(
      { lower: part(lower), upper: part(upper), targets: part(targets) },
      alpha,
    );
    let inside = 0;
    for (let i = n; i < n + 20; i++)
      if (targets[i] >= lower[i] - margin && targets[i] <= upper[i] + margin) inside++;
    return inside / 20;
  });
  atLeast(covered, 1 - alpha);
  atMost(covered, 1 - alpha + 1 / (n + 1));
  const exact = conformalizedQuantileMargin(
    { lower: [0, 0, 0], upper: [1, 1, 1], targets: [0.5, 1.5, -0.25] },
    0.25,
  );
  assert.equal(exact, 0.5);
});

test("covariate shift: true weights keep the promise that plain thresholds break", () => {
  const [n, alpha] = [100, 0.1];
  // Scores spread with x ~ U(0, 1); test examples have density 2x.
  const score = (x: number, noise: number) => Math.abs(noise) * (0.1 + x ** 2);
  const plain = new Float64Array(TRIALS);
  const weighted = new Float64Array(TRIALS);
  const risk = new Float64Array(TRIALS);
  const lambdas = Array.from({ length: 401 }, (_, j) => j / 80);
  for (let trial = 0; trial < TRIALS; trial++) {
    const draw = random("shift").split(trial);
    const x = draw.uniform(new Float64Array(n));
    const noise = draw.normal(new Float64Array(n + 10));
    const scores = x.map((value, i) => score(value, noise[i]));
    const weights = x.map((value) => 2 * value);
    const quantile = splitConformalQuantile(scores, alpha);
    const quantileAt = weightedConformalQuantile(scores, weights, alpha);
    const control = weightedRiskControl(miscoverage(scores, lambdas), weights, { alpha });
    for (let i = 0; i < 10; i++) {
      const testX = Math.sqrt(draw.next());
      const testScore = score(testX, noise[n + i]);
      plain[trial] += testScore <= quantile ? 0.1 : 0;
      weighted[trial] += testScore <= quantileAt(2 * testX) ? 0.1 : 0;
      risk[trial] += testScore > control(2 * testX).lambda ? 0.1 : 0;
    }
  }
  atLeast(weighted, 1 - alpha);
  atMost(risk, alpha);
  assert.ok(mean(plain) < 1 - alpha - 3 * standardError(plain), `plain coverage is ${mean(plain)}`);
});

test("learn then test: risk above α in at most δ of the calibration sets, and more cautious than risk control", () => {
  const [n, alpha, delta] = [200, 0.2, 0.1];
  const lambdas = Array.from({ length: 201 }, (_, j) => j / 200);
  let broken = 0;
  for (let trial = 0; trial < TRIALS; trial++) {
    const table = miscoverage(random("learn").split(trial).uniform(new Float64Array(n)), lambdas);
    const tested = learnThenTest(table, { alpha, delta });
    assert.ok(tested.lambda >= riskControl(table, { alpha }).lambda);
    if (1 - tested.lambda > alpha) broken++;
  }
  assert.ok(broken / TRIALS <= delta + 3 * Math.sqrt((delta * (1 - delta)) / TRIALS), `${broken} broken`);
  // exp(−2 · 200 · (0.2 − R̂)²) = 0.1 at R̂ = 0.2 − 0.07587
  const { empiricalRisk } = learnThenTest(
    miscoverage(
      Array.from({ length: n }, (_, i) => (i + 0.5) / n),
      lambdas,
    ),
    { alpha, delta },
  );
  close(empiricalRisk, 0.12, 1e-12);
});

test("false-negative rate: worked example, no labels, everything at λ = 1", () => {
  const { losses } = falseNegativeRate([0.9, 0.4, 0.2, 0.1, 0.5, 0], [1, 1, 0, 0, 0, 0], 3, [0, 0.5, 0.6, 1]);
  assert.deepEqual([...losses], [1, 0.5, 0, 0, 0, 0, 0, 0]);
});

test("hierarchical distance: climbs until λ is held, counts the edges to the nearest common node", () => {
  //        6
  //     4     5
  //    0 1   2 3
  const tree = { parents: [4, 4, 5, 5, 6, 6, -1], classes: 4 };
  const probabilities = [0.4, 0.3, 0.2, 0.1];
  const lambdas = [0, 0.4, 0.5, 0.7, 0.8, 1];
  const at = (label: number) => [...hierarchicalDistance(probabilities, [label], tree, lambdas).losses];
  assert.deepEqual(at(0), [0, 0, 0, 0, 0, 0]);
  assert.deepEqual(at(1), [0.5, 0.5, 0, 0, 0, 0]);
  assert.deepEqual(at(3), [1, 1, 0.5, 0.5, 0, 0]);
  assert.throws(
    () => hierarchicalDistance([1], [0], { parents: [1, 0], classes: 1 }, lambdas),
    /form a circle/,
  );
});

test("token F1: the best answer counts, repeated words once each", () => {
  close(tokenF1Loss([["new", "york"]], ["new", "york", "city"]), 1 - 4 / 5);
  close(tokenF1Loss([["new", "new"]], ["new", "york"]), 0.5);
  close(tokenF1Loss([["paris"], ["new", "york", "city"]], ["new", "york", "city"]), 0);
  assert.equal(tokenF1Loss([], ["paris"]), 1);
});

test("errors name the argument, its value and what is expected", () => {
  const table = { lambdas: [0, 1], losses: [1, 0] };
  const cases: [() => unknown, RegExp][] = [
    [() => riskControl({ lambdas: [0, 1], losses: [1, 0, 1] }, { alpha: 0.1 }), /3 losses are no rows of 2/],
    [() => riskControl({ lambdas: [1, 0], losses: [1, 0] }, { alpha: 0.1 }), /lambdas\[1\] is 0 after 1/],
    [() => riskControl({ lambdas: [0, 1], losses: [2, 0] }, { alpha: 0.1 }), /loss 0 is 2; expected at most/],
    [() => riskControl({ lambdas: [0, 1], losses: [NaN, 0] }, { alpha: 0.1 }), /loss 0 is NaN/],
    [() => riskControl({ lambdas: [0, 1], losses: [0, 1] }, { alpha: 0.1 }), /the risk rises from 0 to 1/],
    [() => riskControl(table, { alpha: 2 }), /alpha is 2; expected 0 to the bound 1/],
    [() => riskControl(table, { alpha: 0.1, bound: 0 }), /bound is 0/],
    [() => weightedRiskControl(table, [1, 2], { alpha: 0.1 }), /2 weights for 1 examples/],
    [() => weightedRiskControl(table, [-1], { alpha: 0.1 }), /weight 0 is -1/],
    [() => weightedRiskControl(table, [1], { alpha: 0.1 })(-1), /testWeight is -1/],
    [() => learnThenTest(table, { alpha: 0.1, delta: 0 }), /delta is 0/],
    [() => multiRiskControl([]), /there is no risk/],
    [() => monotonize([1, 2, 3], 2), /3 losses are no rows of 2/],
    [() => splitConformalQuantile([], 0.1), /scores are empty/],
    [() => splitConformalQuantile([1], 1), /alpha is 1; expected above 0 and below 1/],
    [() => splitConformalQuantile([NaN], 0.1), /score 0 is NaN/],
    [
      () => conformalizedQuantileMargin({ lower: [0], upper: [1, 2], targets: [0] }, 0.1),
      /have 1, 2 and 1 entries/,
    ],
    [() => falseNegativeRate([1, 0], [1], 2, [0]), /2 probabilities and 1 labels/],
    [() => hierarchicalDistance([1], [0], { parents: [-1, -1], classes: 2 }, [0]), /no 1 rows of 2 classes/],
  ];
  for (const [run, message] of cases) assert.throws(run, message);
});
