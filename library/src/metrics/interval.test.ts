import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { proportionInterval } from "../stats/index.ts";
import { accuracy, ece, metricInterval, rocAuc } from "./index.ts";

test("metricInterval: the accuracy's interval is close to that of a proportion", () => {
  const labels = Int32Array.from({ length: 400 }, (_, i) => i % 2);
  const predicted = labels.map((label, i) => (i % 5 === 0 ? 1 - label : label));
  const interval = metricInterval(accuracy, [predicted, labels], { random: random(1) });
  const wilson = proportionInterval(320, 400);
  assert.equal(interval.estimate, 0.8);
  assert.ok(Math.abs(interval.low - wilson.low) < 0.01 && Math.abs(interval.high - wilson.high) < 0.01);
});

test("metricInterval: it covers the true value about as often as it says", () => {
  let covered = 0;
  for (let trial = 0; trial < 200; trial++) {
    const draw = random(trial).split("coverage");
    const labels = Int32Array.from({ length: 150 }, () => Number(draw.next() < 0.5));
    const noise = draw.normal(150);
    // Scores of the two classes are one standard deviation apart: the area is Φ(1 / √2).
    const scores = Float64Array.from(labels, (label, i) => label + noise[i]!);
    const { low, high } = metricInterval(rocAuc, [scores, labels], {
      random: draw.split("bootstrap"),
      resamples: 300,
    });
    covered += Number(low <= 0.7602 && 0.7602 <= high);
  }
  assert.ok(covered >= 180 && covered <= 199, `${covered} of 200`);
});

test("metricInterval: rows of probabilities stay together with their labels", () => {
  const labels = Int32Array.from({ length: 100 }, (_, i) => i % 4);
  const probabilities = new Float32Array(400);
  labels.forEach((label, i) => {
    probabilities[i * 4 + label] = 1;
  });
  const interval = metricInterval((p: Float32Array, y: Int32Array) => ece(p, y), [probabilities, labels], {
    random: random(2),
    resamples: 50,
  });
  assert.deepEqual(interval, { estimate: 0, low: 0, high: 0 });
});

test("metricInterval: resamples of one class are drawn again; data of one class are refused", () => {
  const scores = [0.1, 0.4, 0.35, 0.8, 0.2];
  const interval = metricInterval(rocAuc, [scores, Int32Array.of(0, 0, 0, 1, 0)], { random: random(3) });
  assert.deepEqual([interval.low, interval.estimate, interval.high], [1, 1, 1]);
  const nan = (_scores: number[]) => Number.NaN;
  assert.throws(
    () => metricInterval(rocAuc, [scores, new Int32Array(5)], { random: random(3) }),
    /both classes are needed/,
  );
  assert.throws(() => metricInterval(nan, [scores], { random: random(3) }), /NaN on 100 resamples/);
});

test("metricInterval: columns that do not fit are refused", () => {
  assert.throws(
    () => metricInterval(accuracy, [[0, 1, 1], Int32Array.of(0, 1)], { random: random(4) }),
    /columns\[0\] has 3 values; expected a multiple of 2/,
  );
});
