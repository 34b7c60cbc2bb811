import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { padNegatives, selectNegatives } from "./index.ts";

test("padNegatives keeps what was mined, in order, and adds different other documents", () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.integer({ min: 0, max: 29 }), { maxLength: 10 }),
      fc.integer({ min: 1, max: 12 }),
      fc.integer(),
      (mined, count, seed) => {
        const exclude = [0, 1, 2].filter((document) => !mined.includes(document));
        const options = { count, size: 30, exclude, random: random(seed) };
        const { documents, padded } = padNegatives(mined, options);
        assert.equal(documents.length, count);
        assert.equal(new Set(documents).size, count);
        assert.deepEqual(documents.slice(0, count - padded), mined.slice(0, count));
        assert.equal(padded, Math.max(0, count - mined.length));
        assert.ok(documents.every((document) => document >= 0 && document < 30));
        assert.ok(exclude.every((document) => !documents.includes(document)));
      },
    ),
  );
});

test("padNegatives: an absolute ceiling that leaves one of two is padded by one", () => {
  const candidates = [0.79, 0.755, 0.74, 0.72, 0.5].map((score, document) => ({ document, score }));
  const { documents } = selectNegatives(candidates, [{ document: 9, score: 0.8 }], {
    count: 2,
    maxScore: 0.7,
  });
  const filled = padNegatives(documents, { count: 2, size: 10, exclude: [9], random: random(1) });
  assert.equal(filled.documents[0], 4);
  assert.equal(filled.padded, 1);
});

test("padNegatives draws every free document, down to the last", () => {
  const { documents } = padNegatives([3], { count: 4, size: 6, exclude: [0, 1], random: random(2) });
  assert.deepEqual(documents.toSorted(), [2, 3, 4, 5]);
  assert.throws(
    () => padNegatives([3], { count: 5, size: 6, exclude: [0, 1], random: random(2) }),
    /size is 6, of which 3 are taken; expected at least 4 others/,
  );
  assert.throws(() => padNegatives([], { count: 0, size: 6, random: random(2) }), /count is 0/);
});
