import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { hardInstanceProbing } from "./index.ts";

const size = { classes: 2, height: 4, width: 5 };
const CELLS = 40;
const map = (scores: Record<number, number>) =>
  Float32Array.from({ length: CELLS }, (_, at) => scores[at] ?? 0.01);
const places = (picks: { label: number; row: number; column: number }[]) =>
  picks.map(({ label, row, column }) => label * 20 + row * 5 + column);

test("the second stage sees what the first has left", () => {
  // Peaks at 0 and 12 of class 0 and at 24 of class 1.
  const scores = map({ 0: 0.9, 1: 0.8, 12: 0.6, 24: 0.7 });
  const { picks, visible } = hardInstanceProbing([scores, scores], { ...size, perStage: 1 });
  assert.deepEqual(places(picks), [0, 24]);
  assert.ok(visible[0]!.every((v) => v === 1));
  // Its square is hidden, on the map of its class only.
  assert.deepEqual(
    [0, 1, 5, 6, 2, 20].map((at) => visible[1]![at]),
    [0, 0, 0, 0, 1, 1],
  );
  const all = hardInstanceProbing([scores, scores], { ...size, perStage: 1, hides: "all" });
  assert.equal(all.visible[1]![20], 0);
  // With two a stage the second has 12 left.
  const two = hardInstanceProbing([scores, scores], { ...size, perStage: 2 });
  assert.deepEqual(places(two.picks).slice(0, 3), [0, 24, 12]);
});

test("one stage is the highest peaks; a kernel of 1 takes the highest cells", () => {
  const scores = map({ 0: 0.9, 1: 0.8, 12: 0.6, 24: 0.7 });
  assert.deepEqual(places(hardInstanceProbing([scores], { ...size, perStage: 3 }).picks), [0, 24, 12]);
  assert.deepEqual(
    places(hardInstanceProbing([scores], { ...size, perStage: 3, kernel: 1 }).picks),
    [0, 1, 24],
  );
});

test("no class and cell is picked twice, and picks of a stage were visible to it", () => {
  const maps = fc.array(
    fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: CELLS, maxLength: CELLS }),
    { minLength: 1, maxLength: 4 },
  );
  fc.assert(
    fc.property(maps, fc.integer({ min: 1, max: 6 }), fc.constantFrom(1, 3), (stages, perStage, kernel) => {
      const { picks, visible } = hardInstanceProbing(stages, { ...size, perStage, kernel });
      assert.equal(new Set(places(picks)).size, picks.length);
      for (const [i, pick] of picks.entries()) {
        const at = places([pick])[0]!;
        assert.equal(visible[pick.stage]![at], 1);
        assert.equal(pick.score, stages[pick.stage]![at]);
        const next = picks[i + 1];
        if (next?.stage === pick.stage) assert.ok(next.score <= pick.score);
      }
      for (let stage = 0; stage < stages.length; stage++)
        assert.ok(picks.filter((pick) => pick.stage === stage).length <= perStage);
      // The first stage does not depend on how many follow it.
      const first = hardInstanceProbing(stages.slice(0, 1), { ...size, perStage, kernel });
      assert.deepEqual(
        first.picks,
        picks.filter(({ stage }) => stage === 0),
      );
    }),
  );
});

test("where there are fewer peaks, fewer are picked", () => {
  const empty = new Float32Array(CELLS);
  assert.deepEqual(hardInstanceProbing([empty], { ...size, perStage: 5 }).picks, []);
});

test("bad input is refused by name", () => {
  const scores = map({});
  assert.throws(
    () => hardInstanceProbing([[1]], { ...size, perStage: 1 }),
    /stage 0 has 1 scores; expected 40/,
  );
  assert.throws(() => hardInstanceProbing([map({ 3: -1 })], { ...size, perStage: 1 }), /a score of -1 at 3/);
  assert.throws(() => hardInstanceProbing([scores], { ...size, perStage: 0 }), /perStage is 0/);
  assert.throws(() => hardInstanceProbing([scores], { ...size, perStage: 1, kernel: 2 }), /kernel is 2/);
  assert.throws(
    () => hardInstanceProbing([scores], { ...size, perStage: 1, hides: "box" as never }),
    /hides is "box"/,
  );
});
