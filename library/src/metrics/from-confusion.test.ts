import assert from "node:assert/strict";
import { test } from "node:test";
import { add, evaluate, grad, item, multiply, scalar, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { balancedAccuracy, fBetaFromCounts } from "./classification.ts";
import { type ConfusionCounts, confusionCounts, confusionMetrics, fromConfusion } from "./from-confusion.ts";

const near = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const counts = { truePositives: 6, falsePositives: 2, falseNegatives: 3, trueNegatives: 14 };
const soft = (c: ConfusionCounts<number>, dtype: "float32" | "float64" = "float64") =>
  ({
    truePositives: scalar(c.truePositives, dtype),
    falsePositives: scalar(c.falsePositives, dtype),
    falseNegatives: scalar(c.falseNegatives, dtype),
    trueNegatives: scalar(c.trueNegatives, dtype),
  }) satisfies ConfusionCounts<Tensor>;

test("by hand", () => {
  const expected = {
    accuracy: 20 / 25,
    precision: 6 / 8,
    recall: 6 / 9,
    specificity: 14 / 16,
    fBeta: 12 / 17,
    balancedAccuracy: (6 / 9 + 14 / 16) / 2,
    geometricMean: Math.sqrt((6 / 9) * (14 / 16)),
    jaccard: 6 / 11,
    informedness: 6 / 9 + 14 / 16 - 1,
    matthewsCorrelation: (6 * 14 - 2 * 3) / Math.sqrt(8 * 9 * 16 * 17),
  };
  assert.deepEqual(Object.keys(expected).sort(), [...confusionMetrics].sort());
  for (const metric of confusionMetrics) near(fromConfusion(metric, counts), expected[metric]);
  near(fromConfusion("fBeta", counts, { beta: 2 }), fBetaFromCounts(counts, 2));
  near(fromConfusion("recall", counts, { epsilon: 1 }), 6 / 10);
});

test("metrics of predictions agree with those computed from them directly", () => {
  const draw = random("predictions");
  for (let round = 0; round < 20; round++) {
    const [predictions, labels] = [draw.bernoulli(50, 0.4), draw.bernoulli(50, 0.3)];
    const c = confusionCounts(predictions, labels);
    near(fromConfusion("balancedAccuracy", c), balancedAccuracy(predictions, labels));
    const mean = (x: ArrayLike<number>) => Array.from(x).reduce((a, b) => a + b, 0) / x.length;
    const [p, y] = [mean(predictions), mean(labels)];
    // Matthews' correlation is Pearson's of the two zero-one variables.
    const covariance = mean(predictions.map((x, i) => (x - p) * (labels[i]! - y)));
    near(fromConfusion("matthewsCorrelation", c), covariance / Math.sqrt(p * (1 - p) * y * (1 - y)), 1e-6);
  }
});

test("tensors and numbers give the same, gradients agree with central differences", async () => {
  for (const metric of confusionMetrics) {
    near(
      item(await evaluate(fromConfusion(metric, soft(counts), { beta: 1.5 }))),
      fromConfusion(metric, counts, { beta: 1.5 }),
    );
  }
  const checks = await checkGradients(
    confusionMetrics.map((metric) => ({
      f: (c: ConfusionCounts<Tensor>) => fromConfusion(metric, c),
      params: soft(counts),
    })),
  );
  for (const [i, { error }] of checks.entries()) assert.ok(error < 1e-8, `${confusionMetrics[i]}: ${error}`);
});

test("no class at all: 0 for numbers, finite with its gradient for tensors with an epsilon", async () => {
  const empty = { truePositives: 0, falsePositives: 0, falseNegatives: 0, trueNegatives: 0 };
  const cases = [{}, { trueNegatives: 5 }, { truePositives: 5 }, { falsePositives: 5 }].flatMap((some) =>
    confusionMetrics.map((metric) => ({ metric, nothing: { ...empty, ...some } })),
  );
  const results = await evaluate(
    cases.map(({ metric, nothing }) => {
      const f = (c: ConfusionCounts<Tensor>) => fromConfusion(metric, c, { epsilon: 1e-5 });
      return [f(soft(nothing, "float32")), grad(f)(soft(nothing, "float32"))] as const;
    }),
  );
  for (const [i, [value, gradient]] of results.entries()) {
    const { metric, nothing } = cases[i]!;
    assert.ok(Number.isFinite(fromConfusion(metric, nothing)), metric);
    assert.ok(Number.isFinite(item(value)), metric);
    for (const g of Object.values(gradient))
      assert.ok(Number.isFinite(values(g)[0]), `${metric}: ${values(g)}`);
  }
});

test("scale does not matter, but for the epsilon", async () => {
  const twice = soft(counts);
  for (const key of Object.keys(twice) as (keyof typeof twice)[])
    twice[key] = multiply(add(twice[key], 0), 2);
  for (const metric of confusionMetrics)
    near(item(await evaluate(fromConfusion(metric, twice))), fromConfusion(metric, counts));
});

test("bad arguments are named", () => {
  assert.throws(
    () => fromConfusion("f1" as never, counts),
    /metric is "f1"; expected one of accuracy, precision/,
  );
  assert.throws(() => fromConfusion("toString" as never, counts), /metric is "toString"/);
  assert.throws(() => fromConfusion("fBeta", counts, { beta: 0 }), /beta is 0/);
  assert.throws(() => fromConfusion("fBeta", counts, { epsilon: -1 }), /epsilon is -1/);
  assert.throws(() => confusionCounts([1], [1, 0]), /1 predictions and 2 labels/);
  assert.throws(() => confusionCounts([0.5], [1]), /entry 0 has label 1 and prediction 0.5/);
});
