import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { gaussianBlobs, linearGaussian, markovChains, spirals, twoMoons } from "./synthetic.ts";

const near = (value: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(value - expected) < tolerance, `${value} for ${expected}`);
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

test("twoMoons without noise lie on their half circles, classes alike", () => {
  const { points, labels } = twoMoons({ count: 500, noise: 0, random: random(1) });
  assert.equal(labels.filter((label) => label === 1).length, 250);
  labels.forEach((label, i) => {
    const [x, y] = [points[2 * i] - label, points[2 * i + 1] - label / 2];
    near(Math.hypot(x, y), 1, 1e-6);
    assert.ok(label === 0 ? y >= -1e-6 : y <= 1e-6);
  });
});

test("spirals: angle grows with the radius, arms apart by equal angles", () => {
  const { points, labels } = spirals({ count: 300, noise: 0, classes: 3, turns: 2, random: random(2) });
  labels.forEach((label, i) => {
    const radius = Math.hypot(points[2 * i], points[2 * i + 1]);
    assert.ok(radius <= 1);
    const angle = 2 * Math.PI * (2 * radius + label / 3);
    near(points[2 * i], radius * Math.cos(angle), 1e-5);
    near(points[2 * i + 1], radius * Math.sin(angle), 1e-5);
  });
});

test("gaussianBlobs have their centers and spread", () => {
  const centers = [
    [0, 5, 0],
    [-3, 0, 1],
  ];
  const { points, labels } = gaussianBlobs({ count: 20_000, centers, deviation: 0.5, random: random(3) });
  assert.equal(points.length, 60_000);
  for (const label of [0, 1])
    for (const axis of [0, 1, 2]) {
      const values = [...points].filter((_, i) => i % 3 === axis && labels[Math.floor(i / 3)] === label);
      near(mean(values), centers[label][axis], 4 * 0.5 * 0.01);
      near(
        mean(values.map((value) => (value - centers[label][axis]) ** 2)),
        0.25,
        4 * 0.25 * Math.sqrt(2) * 0.01,
      );
    }
});

test("linearGaussian: targets are what weights, intercept and noise make them", () => {
  const weights = [2, -1];
  const make = (noise: number) =>
    linearGaussian({ count: 10_000, weights, intercept: 3, noise, random: random(4) });
  const residuals = (noise: number) => {
    const { features, targets } = make(noise);
    return Array.from(targets, (y, i) => y - 2 * features[2 * i] + features[2 * i + 1]);
  };
  for (const residual of residuals(0)) near(residual, 3, 1e-12);
  near(mean(residuals(0.5)), 3, 4 * 0.5 * 0.01);
  near(mean(residuals(0.5).map((r) => (r - 3) ** 2)), 0.25, 4 * 0.25 * Math.sqrt(2) * 0.01);
});

test("markovChains go where the transitions lead, in the proportions that they give", () => {
  const transitions = [
    [0, 3, 1],
    [1, 0, 0],
    [1, 1, 2],
  ];
  const length = 30_000;
  const states = markovChains({ count: 2, length, transitions, initial: [0, 0, 1], random: random(5) });
  assert.deepEqual([states[0], states[length]], [2, 2], "both sequences start anew");
  const seen = [
    [0, 0, 0],
    [0, 0, 0],
    [0, 0, 0],
  ];
  for (let i = 1; i < length; i++) seen[states[i - 1]][states[i]]++;
  const left = seen.map((row) => row.reduce((a, b) => a + b));
  assert.deepEqual([seen[0][0], seen[1][1], seen[1][2]], [0, 0, 0]);
  near(seen[0][1] / left[0], 0.75, 4 * Math.sqrt(0.1875 / left[0]));
  near(seen[2][2] / left[2], 0.5, 4 * Math.sqrt(0.25 / left[2]));
});

test("seeds repeat, bad arguments are named", () => {
  const moons = () => twoMoons({ count: 5, random: random(6) });
  assert.deepEqual(moons(), moons());
  assert.throws(() => twoMoons({ count: -1, random: random(1) }), /twoMoons: count -1/);
  assert.throws(() => spirals({ count: 1, classes: 0, random: random(1) }), /classes 0/);
  assert.throws(() => twoMoons({ count: 1, noise: -1, random: random(1) }), /noise -1/);
  assert.throws(
    () => gaussianBlobs({ count: 1, centers: [[1], [1, 2]], random: random(1) }),
    /one dimension/,
  );
  assert.throws(
    () => markovChains({ count: 1, length: 1, transitions: [[1, 0]], random: random(1) }),
    /transitions must be square/,
  );
});
