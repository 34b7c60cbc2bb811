import assert from "node:assert/strict";
import { test } from "node:test";
import { growth, residentPeaks } from "./memory.ts";

const trainer = { reset: () => {}, step: async () => 0 };

test("growth compares late peaks with those after warming up", async () => {
  let now = 1000;
  const leaking = await residentPeaks(trainer, 1, 100, () => (now += 1));
  assert.equal(leaking.length, 10);
  assert.deepEqual([leaking[0], leaking[1], leaking[9]], [1010, 1020, 1100]);
  assert.ok(growth(leaking) > 0.05);
  assert.equal(growth(await residentPeaks(trainer, 1, 100, () => 500)), 0);
  // 1030 to 1090 in six tenths of the steps.
  assert.ok(Math.abs(growth(leaking) - (60 / 1030) * (10 / 6)) < 1e-12);
  // One tenth in which garbage was collected early, or late, is no growth.
  assert.equal(growth([100, 180, 200, 200, 200, 200, 200, 200, 250, 200]), 0);
});

test("a peak that has passed again counts", async () => {
  const resident = [1, 1, 9, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1];
  let i = 0;
  assert.equal((await residentPeaks(trainer, 1, 20, () => resident[i++]!))[1], 9);
});
