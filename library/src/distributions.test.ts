import assert from "node:assert/strict";
import { test } from "node:test";
import betaCdf from "@stdlib/stats-base-dists-beta-cdf";
import chiSquareQuantile from "@stdlib/stats-base-dists-chisquare-quantile";
import gammaCdf from "@stdlib/stats-base-dists-gamma-cdf";
import negativeBinomialPmf from "@stdlib/stats-base-dists-negative-binomial-pmf";
import poissonPmf from "@stdlib/stats-base-dists-poisson-pmf";
import { aliasTable, beta, dirichlet, gamma, negativeBinomial, poisson, random } from "./random.ts";

const many = 50_000;

/** Kolmogorov-Smirnov: largest distance between the distribution functions, below its 0.9999 quantile. */
function follows(name: string, draw: () => number, cdf: (x: number) => number) {
  const sorted = Float64Array.from({ length: many }, draw).sort();
  let distance = 0;
  for (let i = 0; i < many; i++) {
    const expected = cdf(sorted[i]);
    distance = Math.max(distance, expected - i / many, (i + 1) / many - expected);
  }
  assert.ok(distance * Math.sqrt(many) < 2.226, `${name}: ${distance * Math.sqrt(many)}`);
}

/** Chi-squared over the values with 10 expected draws or more, the rest as one; below its 0.9999 quantile. */
function counts(name: string, draw: () => number, probability: (value: number) => number, upTo: number) {
  const seen = new Map<number, number>();
  for (let i = 0; i < many; i++) {
    const value = draw();
    seen.set(value, (seen.get(value) ?? 0) + 1);
  }
  let statistic = 0;
  let bins = 0;
  let restSeen = many;
  let restExpected = many;
  for (let value = 0; value <= upTo; value++) {
    const expected = many * probability(value);
    if (expected < 10) continue;
    const observed = seen.get(value) ?? 0;
    statistic += (observed - expected) ** 2 / expected;
    restSeen -= observed;
    restExpected -= expected;
    bins++;
  }
  assert.ok(bins >= 2, `${name}: ${bins} bins`);
  if (restExpected >= 5) {
    statistic += (restSeen - restExpected) ** 2 / restExpected;
    bins++;
  } else assert.ok(restSeen < 25, `${name}: ${restSeen} draws where ${restExpected} are expected`);
  const critical = chiSquareQuantile(0.9999, bins - 1);
  assert.ok(statistic < critical, `${name}: ${statistic} above ${critical} over ${bins} bins`);
}

test("gamma and beta follow their distributions (Kolmogorov-Smirnov)", () => {
  const stream = random("gamma");
  for (const shape of [0.1, 0.5, 1, 2.5, 100])
    follows(
      `gamma ${shape}`,
      () => gamma(stream, shape, 2),
      (x) => gammaCdf(x, shape, 0.5),
    );
  for (const [a, b] of [
    [0.5, 0.5],
    [2, 5],
    [1, 1],
  ])
    follows(
      `beta ${a} ${b}`,
      () => beta(stream, a, b),
      (x) => betaCdf(x, a, b),
    );
});

test("dirichlet: on the simplex, its components beta distributed, tiny concentrations included", () => {
  const stream = random("dirichlet");
  follows(
    "component",
    () => dirichlet(stream, [1, 2, 3])[1],
    (x) => betaCdf(x, 2, 4),
  );
  const corners = [0, 0, 0];
  for (let i = 0; i < 3000; i++) {
    const point = dirichlet(stream, [1e-4, 1e-4, 2e-4]);
    const sum = point.reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - 1) < 1e-12, `${point}`);
    corners[point.indexOf(Math.max(...point))]++;
  }
  // A corner is drawn in proportion to its concentration: 1/4, 1/4, 1/2, here within 4 deviations.
  assert.ok(Math.abs(corners[2] - 1500) < 110 && Math.abs(corners[0] - 750) < 95, `${corners}`);
});

test("counts follow their distributions (chi-squared), on both sides of the change of method", () => {
  const stream = random("counts");
  for (const rate of [0.3, 4, 9.99, 10, 11.5, 60, 1000])
    counts(
      `poisson ${rate}`,
      () => poisson(stream, rate),
      (k) => poissonPmf(k, rate),
      1300,
    );
  assert.equal(poisson(stream, 0), 0);
  for (const [r, p] of [
    [1, 0.3],
    [3, 0.5],
    [20, 0.1],
  ])
    counts(
      `negative binomial ${r} ${p}`,
      () => negativeBinomial(stream, r, p),
      (k) => negativeBinomialPmf(k, r, p),
      600,
    );
  assert.equal(negativeBinomial(stream, 3, 1), 0);
});

test("a large rate: mean and variance of Poisson", () => {
  const stream = random("large");
  const xs = Float64Array.from({ length: many }, () => (poisson(stream, 1e9) - 1e9) / Math.sqrt(1e9));
  const mean = xs.reduce((sum, x) => sum + x, 0) / many;
  const variance = xs.reduce((sum, x) => sum + (x - mean) ** 2, 0) / many;
  assert.ok(
    Math.abs(mean) < 4 / Math.sqrt(many) && Math.abs(variance - 1) < 4 * Math.sqrt(2 / many),
    `${mean} ${variance}`,
  );
});

test("alias table: indices in proportion to their weights, those of weight 0 never", () => {
  const stream = random("alias");
  const weights = [0, 1, 0.1, 7, 0, 2, 3.3];
  const total = weights.reduce((a, b) => a + b);
  const table = aliasTable(weights);
  counts(
    "alias",
    () => table.draw(stream),
    (i) => weights[i] / total,
    6,
  );
  assert.ok(table.sample(stream, many).every((i) => weights[i] > 0));
  const thirds = aliasTable([0, ...new Array(49).fill(1 / 3)]);
  assert.ok(
    thirds.sample(stream, many).every((i) => i > 0),
    "whatever rounding leaves over",
  );
  assert.deepEqual([...aliasTable([5]).sample(stream, 3)], [0, 0, 0]);
});

test("draws repeat with the seed", () => {
  const draws = () => {
    const stream = random(5);
    return [gamma(stream, 0.3), beta(stream, 2, 3), poisson(stream, 50), negativeBinomial(stream, 2, 0.2)];
  };
  assert.deepEqual(draws(), draws());
});

test("bad arguments are named", () => {
  const stream = random(1);
  for (const shape of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
    assert.throws(() => gamma(stream, shape), /gamma: shape .* must be positive and finite/);
  assert.throws(() => gamma(stream, 1, 0), /scale 0/);
  assert.throws(() => beta(stream, 1, 0), /beta: b 0/);
  assert.throws(() => dirichlet(stream, [1, 0]), /concentration 1 0 must/);
  assert.throws(() => dirichlet(stream, []), /are empty/);
  assert.throws(() => poisson(stream, -1), /rate -1/);
  assert.throws(() => negativeBinomial(stream, 1, 0), /probability 0/);
  assert.throws(() => aliasTable([1, -1]), /weight 1 is -1/);
  assert.throws(() => aliasTable([0, 0]), /2 weights sum to 0/);
});
