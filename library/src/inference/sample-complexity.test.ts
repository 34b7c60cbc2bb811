import assert from "node:assert/strict";
import { test } from "node:test";
import { sampleComplexity } from "./index.ts";

test("sample complexity of known error curves", () => {
  // An error that is linear in log m is interpolated exactly, whatever the grid.
  const logarithmic = (m: number) => 1 - Math.log(m) / 10;
  for (const factor of [1.2, 2, 10]) {
    const found = sampleComplexity(logarithmic, { target: 0.5, start: 3, factor });
    assert.ok(Math.abs(found - Math.exp(5)) < 1e-9, `${found}`);
  }
  // 1 / m = 0.01 at m = 100.
  const found = sampleComplexity((m) => 1 / m, { target: 0.01, start: 1, factor: 1.1 });
  assert.ok(Math.abs(found - 100) < 1, `${found}`);
  assert.equal(
    sampleComplexity(() => 0, { target: 0.1, start: 4 }),
    4,
  );
});

test("sample complexity: what cannot be reached, and misuse", () => {
  assert.throws(
    () => sampleComplexity(() => 1, { target: 0.5, start: 1, most: 100 }),
    /is 1, still above 0.5/,
  );
  assert.throws(() => sampleComplexity(() => 1, { target: 0.5, start: 1, factor: 1 }), /factor is 1/);
  assert.throws(() => sampleComplexity(() => 1, { target: 0.5, start: 0 }), /start is 0/);
});
