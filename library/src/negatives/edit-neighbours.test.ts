import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { editDistance } from "../metrics/index.ts";
import { editNeighbours } from "./index.ts";

const words = ["B AE T", "P AE T", "B AE T", "B AE", "S P AE T", "K IY"].map((word) => word.split(" "));

test("minimal pairs are found, homophones and others are not", () => {
  assert.deepEqual(editNeighbours(words), [[1, 3], [0, 2, 4], [1, 3], [0, 2], [1], []]);
  assert.equal(editDistance(words[0]!, words[1]!), 1);
  assert.deepEqual(editNeighbours([["P", "AE", "T"]], { among: words }), [[0, 2, 4]]);
  assert.deepEqual(editNeighbours(words, { maxDistance: 2 })[0], [1, 3, 4]);
});

test("they are those of a search through all pairs", () => {
  const sequence = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 5 });
  fc.assert(
    fc.property(fc.array(sequence, { maxLength: 12 }), fc.constantFrom(1 as const, 2 as const), (all, k) => {
      const slow = all.map((a) =>
        all.flatMap((b, j) => (editDistance(a, b) >= 1 && editDistance(a, b) <= k ? [j] : [])),
      );
      assert.deepEqual(editNeighbours(all, { maxDistance: k }), slow);
    }),
    { numRuns: 200 },
  );
});

test("bad input is named", () => {
  assert.throws(() => editNeighbours(words, { maxDistance: 3 as 2 }), /maxDistance is 3; expected 1 or 2/);
});
