import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Assignment, hungarian, murtyKBest } from "./index.ts";

/** All complete assignments of the rows, cheapest first. */
function all(cost: readonly number[], rows: number, columns: number): Assignment[] {
  const found: Assignment[] = [];
  const chosen: number[] = [];
  const go = (sum: number) => {
    const row = chosen.length;
    if (row === rows) {
      if (sum < Number.POSITIVE_INFINITY) found.push({ columns: Int32Array.from(chosen), cost: sum });
      return;
    }
    for (let c = 0; c < columns; c++) {
      if (chosen.includes(c)) continue;
      chosen.push(c);
      go(sum + cost[row * columns + c]!);
      chosen.pop();
    }
  };
  go(0);
  return found.sort((a, b) => a.cost - b.cost);
}

const matrices = fc
  .tuple(fc.integer({ min: 1, max: 4 }), fc.integer({ min: 0, max: 2 }))
  .chain(([rows, more]) =>
    fc.record({
      rows: fc.constant(rows),
      columns: fc.constant(rows + more),
      cost: fc.array(
        fc.oneof(
          { weight: 4, arbitrary: fc.double({ min: -50, max: 50, noNaN: true }) },
          { weight: 1, arbitrary: fc.constant(Number.POSITIVE_INFINITY) },
        ),
        { minLength: rows * (rows + more), maxLength: rows * (rows + more) },
      ),
    }),
  );

test("hungarian: a worked example, either way round", () => {
  // The classic one: 2 + 3 + 2 on the pairs (0, 1), (1, 0), (2, 2).
  const cost = [4, 1, 3, 2, 0, 5, 3, 2, 2];
  assert.deepEqual(hungarian(cost, 3, 3), { columns: Int32Array.of(1, 0, 2), cost: 5 });
  // Two columns for three rows: row 0 goes without.
  assert.deepEqual(hungarian([9, 9, 1, 5, 5, 1], 3, 2), { columns: Int32Array.of(-1, 0, 1), cost: 2 });
  assert.deepEqual(hungarian([], 0, 3), { columns: new Int32Array(0), cost: 0 });
});

test("hungarian finds the cheapest of all assignments, also through forbidden pairs", () => {
  fc.assert(
    fc.property(matrices, ({ cost, rows, columns }) => {
      const [best] = all(cost, rows, columns);
      if (!best)
        return assert.throws(() => hungarian(cost, rows, columns), /forbids every complete assignment/);
      const found = hungarian(cost, rows, columns);
      assert.ok(Math.abs(found.cost - best.cost) < 1e-9);
      assert.equal(new Set(found.columns).size, rows);
    }),
    { numRuns: 300 },
  );
});

test("murtyKBest ranks as sorting all assignments does, each once", () => {
  fc.assert(
    fc.property(matrices, fc.integer({ min: 1, max: 30 }), ({ cost, rows, columns }, k) => {
      const expected = all(cost, rows, columns).slice(0, k);
      const found = murtyKBest(cost, rows, columns, k);
      assert.equal(found.length, expected.length);
      for (const [i, { cost }] of found.entries()) assert.ok(Math.abs(cost - expected[i]!.cost) < 1e-9);
      assert.equal(new Set(found.map((solution) => solution.columns.join())).size, found.length);
    }),
    { numRuns: 300 },
  );
});

test("bad costs are refused by name", () => {
  assert.throws(() => hungarian([1, 2, 3], 2, 2), /hungarian: cost has 3 entries; expected 2 × 2/);
  assert.throws(() => hungarian([Number.NaN], 1, 1), /cost holds NaN at 0/);
  assert.throws(() => hungarian([Number.NEGATIVE_INFINITY], 1, 1), /cost holds -Infinity at 0/);
  assert.throws(() => murtyKBest([1, 2], 2, 1, 1), /2 rows and 1 columns; expected rows ≤ columns/);
  assert.throws(() => murtyKBest([1], 1, 1, 0), /k is 0/);
});
