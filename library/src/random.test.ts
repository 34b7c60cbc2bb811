import assert from "node:assert/strict";
import { test } from "node:test";
import normalCdf from "@stdlib/stats-base-dists-normal-cdf";
import fc from "fast-check";
import { random } from "./random.ts";

const many = 200_000;

/** Largest distance between the sample's distribution function and the given one, times √n. */
function kolmogorovSmirnov(sample: ArrayLike<number>, cdf: (x: number) => number): number {
  const sorted = Float64Array.from(sample).sort();
  let distance = 0;
  for (let i = 0; i < sorted.length; i++) {
    const expected = cdf(sorted[i]);
    distance = Math.max(distance, expected - i / sorted.length, (i + 1) / sorted.length - expected);
  }
  return distance * Math.sqrt(sorted.length);
}
/** Quantile 0.999 of Kolmogorov's distribution. */
const critical = 1.949;

/** Mean of (x - center)^power. */
const moment = (xs: Float64Array, power: number, center = 0) =>
  xs.reduce((sum, x) => sum + (x - center) ** power, 0) / xs.length;

test("draws follow their distributions (Kolmogorov-Smirnov, 200,000 draws, 5 seeds)", () => {
  for (const seed of [1, 2, 3, 4, 5]) {
    const stream = random(seed);
    const draw = () => new Float64Array(many);
    const fits: Record<string, number> = {
      uniform: kolmogorovSmirnov(stream.uniform(draw()), (x) => x),
      range: kolmogorovSmirnov(stream.uniform(draw(), -2, 6), (x) => (x + 2) / 8),
      single: kolmogorovSmirnov(stream.uniform(many), (x) => x),
      normal: kolmogorovSmirnov(stream.normal(draw()), (x) => normalCdf(x, 0, 1)),
      shifted: kolmogorovSmirnov(stream.normal(draw(), 3, 0.5), (x) => normalCdf(x, 3, 0.5)),
      gumbel: kolmogorovSmirnov(stream.gumbel(draw()), (x) => Math.exp(-Math.exp(-x))),
      exponential: kolmogorovSmirnov(stream.exponential(draw()), (x) => 1 - Math.exp(-x)),
    };
    for (const [name, fit] of Object.entries(fits))
      assert.ok(fit < critical, `${name}, seed ${seed}: ${fit}`);
  }
});

test("normals have the moments 0, 1, 0, 3", () => {
  const xs = random("moments").normal(new Float64Array(2_000_000));
  const within = (value: number, expected: number, deviation: number) =>
    assert.ok(
      Math.abs(value - expected) < (4 * deviation) / Math.sqrt(xs.length),
      `${value} for ${expected}`,
    );
  within(moment(xs, 1), 0, 1);
  within(moment(xs, 2), 1, Math.sqrt(2));
  within(moment(xs, 3), 0, Math.sqrt(15));
  within(moment(xs, 4), 3, Math.sqrt(96));
});

test("normals beyond the ziggurat's last layer have the right mass and shape (20 million draws)", () => {
  const start = 3.6541528853610088;
  const stream = random("tail");
  const xs = new Float64Array(1_000_000);
  const beyond: number[] = [];
  for (let round = 0; round < 20; round++)
    for (const x of stream.normal(xs)) if (Math.abs(x) > start) beyond.push(x);
  const mass = 2 * normalCdf(-start, 0, 1);
  const expected = 2e7 * mass;
  assert.ok(Math.abs(beyond.length - expected) < 4 * Math.sqrt(expected), `${beyond.length} for ${expected}`);
  const positive = beyond.filter((x) => x > 0).length;
  assert.ok(Math.abs(positive - beyond.length / 2) < 2 * Math.sqrt(beyond.length), `${positive} positive`);
  const conditional = (x: number) => 1 - (2 * normalCdf(-x, 0, 1)) / mass;
  const fit = kolmogorovSmirnov(beyond.map(Math.abs), conditional);
  assert.ok(fit < critical, `tail ${fit}`);
});

test("normals fill every narrow bin around 0 and the layer edges (chi-square)", () => {
  const bins = new Float64Array(400);
  const xs = random(11).normal(new Float64Array(2_000_000));
  for (const x of xs) if (x >= -4 && x < 4) bins[Math.floor((x + 4) * 50)]++;
  let chiSquare = 0;
  for (let bin = 0; bin < 400; bin++) {
    const left = bin / 50 - 4;
    const expected = xs.length * (normalCdf(left + 0.02, 0, 1) - normalCdf(left, 0, 1));
    chiSquare += (bins[bin] - expected) ** 2 / expected;
  }
  assert.ok(chiSquare < 491, `chi-square ${chiSquare} over 400 bins, 0.999 quantile about 490`);
});

test("streams repeat: equal seeds, equal draws; stored values guard against a changed generator", () => {
  const values = (seed: number | string) => {
    const stream = random(seed);
    return [
      stream.next(),
      stream.normal(new Float64Array(1))[0],
      stream.integer(0, 1000),
      ...stream.permutation(5),
    ];
  };
  assert.deepEqual(values(7), values(7));
  assert.deepEqual(values(7), values("7"));
  assert.notDeepEqual(values(7), values(8));
  assert.deepEqual(values("golden"), [0.38479752425577207, 0.7020177843007291, 8, 3, 2, 1, 0, 4]);
});

test("a split depends on names alone: not on draws, not on other splits", () => {
  const untouched = random(3).split("weights").uniform(4);
  const parent = random(3);
  parent.normal(1000);
  parent.split("another").next();
  assert.deepEqual(parent.split("weights").uniform(4), untouched);
  const drawn = random(3).uniform(4);
  const splitting = random(3);
  splitting.split("weights");
  assert.deepEqual(splitting.uniform(4), drawn, "splitting draws nothing");
  const paths = [
    random("a/b"),
    random("a").split("b"),
    random("a"),
    random("b").split("a"),
    random("a").split("a"),
  ];
  assert.equal(new Set(paths.map((stream) => stream.next())).size, paths.length);
});

test("split streams are independent of each other and of their parent", () => {
  const root = random(9);
  const streams = [
    root,
    ...Array.from({ length: 7 }, (_, i) => root.split(i)),
    root.split(0).split(0),
    root.split("0 "),
  ];
  const draws = streams.map((stream) => stream.uniform(new Float64Array(many), -0.5, 0.5));
  for (let a = 0; a < draws.length; a++)
    for (let b = a + 1; b < draws.length; b++) {
      const correlation = (draws[a].reduce((sum, x, i) => sum + x * draws[b][i], 0) * 12) / many;
      assert.ok(Math.abs(correlation) < 4.5 / Math.sqrt(many), `streams ${a}, ${b}: ${correlation}`);
    }
  // One draw from each of many siblings: uniform, and consecutive siblings uncorrelated.
  const first = Float64Array.from({ length: 50_000 }, (_, i) => root.split(i).next());
  assert.ok(kolmogorovSmirnov(first, (x) => x) < critical);
  let serial = 0;
  for (let i = 1; i < first.length; i++) serial += (first[i] - 0.5) * (first[i - 1] - 0.5) * 12;
  assert.ok(Math.abs(serial / first.length) < 4 / Math.sqrt(first.length), `serial correlation ${serial}`);
  assert.equal(new Set(first).size, first.length);
});

test("integers stay in range and are even, with a range that does not divide 2^32", () => {
  const stream = random(5);
  const counts = new Float64Array(7);
  for (let i = 0; i < 70_000; i++) counts[stream.integer(-3, 4) + 3]++;
  const chiSquare = counts.reduce((sum, n) => sum + (n - 10_000) ** 2 / 10_000, 0);
  assert.ok(chiSquare < 22.5, `chi-square ${chiSquare}, 6 degrees of freedom`);
  assert.equal(stream.integer(4, 5), 4);
});

test("permutations are permutations, every order equally likely", () => {
  fc.assert(
    fc.property(fc.nat(200), fc.integer(), (length, seed) => {
      const sorted = random(seed).permutation(length).sort();
      assert.deepEqual(
        sorted,
        Int32Array.from({ length }, (_, i) => i),
      );
    }),
  );
  const counts = new Map<string, number>();
  const stream = random(2);
  for (let i = 0; i < 24_000; i++) {
    const order = stream.permutation(4).join("");
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  const chiSquare = [...counts.values()].reduce((sum, n) => sum + (n - 1000) ** 2 / 1000, 0);
  assert.equal(counts.size, 24);
  assert.ok(chiSquare < 49.7, `chi-square ${chiSquare}, 23 degrees of freedom`);
});

test("sample gives different indices in range, few out of many and most of them", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(), fc.integer(), (length, share, seed) => {
      const chosen = random(seed).sample(length, share % (length + 1));
      assert.equal(new Set(chosen).size, share % (length + 1));
      assert.ok(chosen.every((i) => i >= 0 && i < length));
    }),
  );
});

test("shuffle copies, keeps every item and leaves the argument alone", () => {
  const items = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const shuffled = random(1).shuffle(items);
  assert.deepEqual(items, ["a", "b", "c", "d", "e", "f", "g", "h"]);
  assert.deepEqual([...shuffled].sort(), items);
  assert.notDeepEqual(shuffled, items);
});

test("categorical and choice follow their weights; a weight of 0 is never drawn", () => {
  const weights = [0, 3, 0, 1, 6, 0];
  const counts = new Float64Array(6);
  for (const index of random(4).categorical(weights, 100_000)) counts[index]++;
  const chiSquare = [1, 3, 4].reduce(
    (sum, i) => sum + (counts[i] - weights[i] * 1e4) ** 2 / (weights[i] * 1e4),
    0,
  );
  assert.ok(chiSquare < 13.8, `chi-square ${chiSquare}, 2 degrees of freedom`);
  assert.equal(counts[0] + counts[2] + counts[5], 0);
  assert.equal(random(4).categorical([0, 1]), 1);
  const stream = random(6);
  const chosen = new Set(Array.from({ length: 200 }, () => stream.choice("abc")));
  assert.deepEqual([...chosen].sort(), ["a", "b", "c"]);
});

test("gumbel-max samples the softmax", () => {
  const logits = [0, Math.log(2), Math.log(5)];
  const noise = random(8).gumbel(240_000);
  const counts = [0, 0, 0];
  for (let i = 0; i < noise.length; i += 3) {
    const perturbed = logits.map((logit, k) => logit + noise[i + k]);
    counts[perturbed.indexOf(Math.max(...perturbed))]++;
  }
  const chiSquare = [1, 2, 5].reduce((sum, w, k) => sum + (counts[k] - w * 1e4) ** 2 / (w * 1e4), 0);
  assert.ok(chiSquare < 13.8, `chi-square ${chiSquare}`);
});

test("bernoulli draws ones at its rate and overwrites the array it is given", () => {
  const mask = random(1).bernoulli(100_000, 0.3);
  const rate = mask.reduce((sum, x) => sum + x, 0) / mask.length;
  assert.ok(Math.abs(rate - 0.3) < (4 * Math.sqrt(0.21)) / Math.sqrt(mask.length), `rate ${rate}`);
  assert.deepEqual(random(1).bernoulli(new Float64Array([9, 9]), 0), new Float64Array([0, 0]));
  assert.deepEqual(random(1).bernoulli(2, 1), new Float32Array([1, 1]));
});

test("bad arguments are named", () => {
  const stream = random(1);
  assert.throws(() => random(Number.NaN), /seed NaN must be a finite number/);
  assert.throws(() => stream.split(Infinity), /key Infinity/);
  assert.throws(() => stream.normal(-1), /length -1 must be an integer of at least 0/);
  assert.throws(() => stream.normal(1, 0, -1), /deviation -1/);
  assert.throws(() => stream.uniform(1, 2, 1), /low 2 must not exceed high 1/);
  assert.throws(() => stream.integer(2, 2), /low 2 and high 2/);
  assert.throws(() => stream.sample(3, 4), /count 4 is more than the 3/);
  assert.throws(() => stream.choice([]), /no item/);
  assert.throws(() => stream.bernoulli(1, 1.5), /probability 1.5/);
  assert.throws(() => stream.categorical([1, -1]), /weight 1 is -1/);
  assert.throws(() => stream.categorical([0, 0]), /sum to 0/);
  assert.throws(() => stream.categorical([]), /0 weights sum to 0/);
});
