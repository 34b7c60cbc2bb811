import assert from "node:assert/strict";
import { test } from "node:test";
import { linearScores } from "nearmiss/inference";
import { accuracy, argMax } from "nearmiss/metrics";
import { random } from "nearmiss/random";
import { bestClassifier, gaussianClasses } from "./gaussian-classes.ts";

test("the error of the best classifier for two classes is Φ(−½ √(2 + 2n))", () => {
  for (const [features, expected] of [
    [2, 0.1103357],
    [4, 0.0569231],
    [10, 0.0095082],
  ] as const) {
    const { x, labels } = gaussianClasses({
      examples: 40_000,
      features,
      classes: 2,
      random: random(features),
    });
    const scores = linearScores(bestClassifier(features, 2), x);
    const error = 1 - accuracy(argMax(scores, 2), labels);
    // Four standard errors.
    assert.ok(Math.abs(error - expected) < 4 * Math.sqrt(expected / 40_000), `${error}`);
  }
});

test("the best classifier does not mind the scale; classes keep their order", () => {
  for (const classes of [3, 5]) {
    const { x, labels } = gaussianClasses({ examples: 1000, features: 200, classes, random: random(1) });
    assert.ok(accuracy(argMax(linearScores(bestClassifier(200, classes), x), classes), labels) > 0.99);
  }
});
