import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { parseCsv } from "nearmiss/data";
import { random } from "nearmiss/random";
import { dealParts, equalRows, rowsIn } from "./parts.ts";

test("rows that are equal in the given columns make one group", () => {
  const table = parseCsv("a,b,y\n1,x,0\n1,x,1\n2,x,0\n1,,0\n1,,1\n1, x,0\n", { types: { b: "text" } });
  assert.deepEqual(equalRows(table, ["a", "b"], [0, 1, 2, 3, 4, 5]), [[0, 1, 5], [2], [3, 4]]);
  assert.deepEqual(equalRows(table, ["b"], [0, 2, 3]), [[0, 2], [3]]);
});

test("every group lands in one part, and single rows in proportion to their class", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 80 }),
      fc.integer(),
      (labels, seed) => {
        const shares = [0.2, 0.16, 0.64];
        const groups = labels.map((_, row) => [row]);
        const parts = dealParts(groups, shares, (row) => labels[row], random(seed));
        assert.deepEqual(
          parts.flat(2).sort((a, b) => a - b),
          [...labels.keys()],
        );
        for (const label of new Set(labels)) {
          const total = labels.filter((other) => other === label).length;
          for (const [i, part] of parts.entries()) {
            const count = part.filter(([row]) => labels[row] === label).length;
            assert.ok(Math.abs(count - shares[i] * total) < 1, `${count} of ${total} in part ${i}`);
          }
        }
      },
    ),
  );
});

test("large groups are dealt first and stay whole", () => {
  const groups = [Array.from({ length: 50 }, (_, i) => i), ...Array.from({ length: 50 }, (_, i) => [50 + i])];
  const parts = dealParts(groups, [0.25, 0.75], () => 0, random(1));
  assert.deepEqual(
    parts.map((part) => part.flat().length),
    [25, 75],
  );
  assert.equal(parts[1].filter((group) => group.length === 50).length, 1);
});

test("equal streams deal equally, others otherwise; rowsIn sorts", () => {
  const groups = Array.from({ length: 60 }, (_, i) => [i]);
  const deal = (seed: number) => dealParts(groups, [0.5, 0.5], () => 0, random(seed))[0];
  assert.deepEqual(deal(1), deal(1));
  assert.notDeepEqual(rowsIn(deal(1)), rowsIn(deal(2)));
  assert.deepEqual([...rowsIn([[3, 10], [2]])], [2, 3, 10]);
});
