import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { arithmeticCodeBits, uniformCodebook } from "./index.ts";

test("by hand: means of equal cells; an empty one has its lower border", () => {
  const { symbols, codebook, values } = uniformCodebook([-3, -2.5, 0.5, 3], 3);
  assert.deepEqual([...symbols], [0, 0, 1, 2]);
  assert.deepEqual([...codebook], [-2.75, 0.5, 3]);
  assert.deepEqual([...values], [-2.75, -2.75, 0.5, 3]);
  assert.deepEqual([...uniformCodebook([-3, 3], 3).codebook], [-3, -1, 3]);
});

test("a codebook of 11 and the counts of 500 symbols take 176 and 99 bits", () => {
  const { bits, symbols } = uniformCodebook(random(1).normal(new Float64Array(500)), 11);
  const counts = new Int32Array(11);
  for (const symbol of symbols) counts[symbol]!++;
  assert.equal(bits, arithmeticCodeBits(counts) + 176 + 99);
});

test("numbers move by less than a cell, and the codebook has 16 bits", () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -100, max: 100, noNaN: true }), { minLength: 1, maxLength: 50 }),
      fc.integer({ min: 2, max: 12 }),
      (x, levels) => {
        const { values, codebook } = uniformCodebook(x, levels);
        const largest = Math.max(...x.map(Math.abs));
        x.forEach((each, i) => {
          assert.ok(Math.abs(each - values[i]!) <= (2 * largest) / levels + 1e-3 * largest + 1e-6);
        });
        for (const each of codebook) assert.equal(each, Math.f16round(each));
      },
    ),
  );
});

test("zeros stay zeros; bad input is named", () => {
  assert.deepEqual([...uniformCodebook([0, 0], 3).values], [0, 0]);
  assert.throws(() => uniformCodebook([], 3), /x is empty/);
  assert.throws(() => uniformCodebook([1], 1), /levels is 1/);
  assert.throws(() => uniformCodebook([1, Number.NaN]), /x\[1\] is NaN/);
});
