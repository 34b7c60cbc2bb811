import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { conceptGraph, recoveryBudgets, selectRecoveryData } from "./index.ts";

const hundred = <T>(make: (i: number) => T) => Array.from({ length: 100 }, (_, i) => make(i));

test("budgets follow damage: 0.3, 0.1 and 0.1 of a hundred are 60, 20 and 20", () => {
  const clusters = hundred((i) => i % 3);
  const degradation = hundred((i) => [0.3, 0.1, 0.1][i % 3]!);
  assert.deepEqual(recoveryBudgets({ clusters, degradation, budget: 100 }), [60, 20, 20]);
  const alike = hundred(() => 0.2);
  assert.deepEqual(recoveryBudgets({ clusters, degradation: alike, budget: 99 }), [33, 33, 33]);
  assert.deepEqual(recoveryBudgets({ clusters, degradation: hundred(() => 0), budget: 60 }), [20, 20, 20]);
});

test("within a cluster the order is by degradation over the log of the cost", () => {
  // 0.46 / log 10² = 0.09989, above 0.5 / log 100² = 0.0543.
  const data = { clusters: [0, 0], degradation: [0.5, 0.46], lengths: [100, 10], budget: 1 };
  assert.deepEqual(selectRecoveryData(data), [1]);
  assert.ok(Math.abs(0.46 / Math.log(10 ** 2) - 0.09989) < 1e-5);
  assert.deepEqual(selectRecoveryData({ ...data, lengths: [10, 10] }), [0]);
});

test("the concept graph: what joins strangers is rejected", () => {
  const graph = conceptGraph();
  graph.add(["a", "b"]);
  graph.add(["c"]);
  assert.equal(graph.consistent(["a", "c"]), false);
  assert.equal(graph.consistent(["a", "d"]), true);
  assert.equal(graph.consistent(["a", "b"]), true);
  assert.equal(graph.consistent(["c"]), true);
  assert.equal(graph.consistent([]), true);
  graph.add(["a", "d"]);
  assert.equal(graph.consistent(["b", "d"]), false);
});

test("a contradictory example is left out, and the next one takes its place", () => {
  const data = {
    clusters: [0, 0, 0, 0],
    degradation: [0.4, 0.3, 0.2, 0.1],
    lengths: [5, 5, 5, 5],
    concepts: [
      ["question 1", "answer 1"],
      ["question 2", "answer 2"],
      ["question 1", "answer 2"],
      ["question 3", "answer 3"],
    ],
    budget: 3,
  };
  assert.deepEqual(selectRecoveryData(data), [0, 1, 3]);
  assert.deepEqual(selectRecoveryData({ ...data, concepts: undefined }), [0, 1, 2]);
  assert.deepEqual(
    selectRecoveryData({ ...data, budget: 4 }),
    [0, 1, 3],
    "fewer than the budget where nothing fits",
  );
});

test("what a small cluster cannot use goes to the most harmed that can", () => {
  const data = {
    clusters: [0, 1, 1, 1, 2, 2, 2],
    degradation: [0.8, 0.1, 0.1, 0.1, 0.2, 0.2, 0.2],
    lengths: [4, 4, 4, 4, 4, 4, 4],
    budget: 5,
  };
  assert.deepEqual(selectRecoveryData(data), [0, 4, 5, 6, 1]);
});

test("without contradictions there are as many as asked for, each once, and shuffling changes nothing", () => {
  const one = fc.record({
    cluster: fc.integer({ min: 0, max: 3 }),
    damage: fc.integer({ min: 0, max: 1000 }),
    length: fc.integer({ min: 2, max: 50 }),
  });
  fc.assert(
    fc.property(fc.array(one, { minLength: 1, maxLength: 30 }), fc.nat(30), (all, wanted) => {
      const budget = Math.min(wanted, all.length);
      const select = (rows: typeof all) =>
        selectRecoveryData({
          clusters: rows.map(({ cluster }) => cluster),
          degradation: rows.map(({ damage }) => damage / 1000),
          lengths: rows.map(({ length }) => length),
          budget,
        });
      const selected = select(all);
      assert.equal(selected.length, budget);
      assert.equal(new Set(selected).size, budget);
      // Up to equal examples, which one cannot tell apart.
      const told = (rows: typeof all, positions: number[]) =>
        positions.map((i) => rows[i]!.damage / Math.log(rows[i]!.length ** 2)).sort((x, y) => x - y);
      const reversed = all.toReversed();
      const [a, b] = [told(all, selected), told(reversed, select(reversed))];
      assert.ok(a.every((value, i) => Math.abs(value - b[i]!) < 1e-9));
    }),
  );
});

test("bad input is named", () => {
  const data = { clusters: [0, 1], degradation: [0.1, 0.2], lengths: [3, 3], budget: 1 };
  assert.throws(
    () => selectRecoveryData({ ...data, budget: 3 }),
    /budget is 3; expected a whole number from 0 to 2/,
  );
  assert.throws(() => selectRecoveryData({ ...data, lengths: [1, 3] }), /lengths\[0\] is 1/);
  assert.throws(() => selectRecoveryData({ ...data, lengths: [3] }), /lengths has 1 entries; expected 2/);
  assert.throws(() => selectRecoveryData({ ...data, clusters: [0, -1] }), /clusters\[1\] is -1/);
  assert.throws(
    () => selectRecoveryData({ ...data, degradation: [Number.NaN, 0] }),
    /degradation\[0\] is NaN/,
  );
});
