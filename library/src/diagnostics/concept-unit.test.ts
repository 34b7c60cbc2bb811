import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { sparseProbe } from "./index.ts";

/** States of noise in which one unit is ±2 by the label. */
function planted(seed: number, n: number, units: number, unit: number) {
  const draw = random(seed);
  const states = draw.normal(new Float64Array(n * units));
  const labels = Int32Array.from({ length: n }, () => draw.integer(0, 2));
  labels.forEach((label, i) => {
    states[i * units + unit]! += label === 1 ? -2 : 2;
  });
  return { states, labels };
}

test("a planted unit is found, alone where the penalty is strong", () => {
  for (const unit of [0, 7, 19]) {
    const probe = sparseProbe(planted(1, 300, 20, unit), planted(2, 300, 20, unit), { C: [0.01] });
    assert.equal(probe.unit, unit);
    assert.equal(probe.nonZero, 1);
    assert.ok(probe.weights[20 + unit]! < 0);
    assert.ok(probe.validationAccuracy > 0.95);
  }
});

test("the candidate that is best on the validation states is taken, the smallest among equals", () => {
  const train = planted(3, 60, 5, 2);
  const all = [1, 0.25, 1e-6];
  const probe = sparseProbe(train, planted(4, 200, 5, 2), { C: all });
  const alone = all.map((C) => sparseProbe(train, planted(4, 200, 5, 2), { C: [C] }).validationAccuracy);
  assert.equal(probe.validationAccuracy, Math.max(...alone));
  assert.equal(probe.C, Math.min(...all.filter((_, i) => alone[i] === probe.validationAccuracy)));
  assert.throws(() => sparseProbe(train, train, { C: [] }), /C is empty/);
});
