import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { arithmeticCode, arithmeticCodeBits, decodeArithmeticCode, prefixFreeBits } from "./index.ts";

const countsOf = (symbols: ArrayLike<number>, levels: number) => {
  const counts = new Int32Array(levels);
  for (let i = 0; i < symbols.length; i++) counts[symbols[i]!]!++;
  return counts;
};

test("lengths by hand: 500 even symbols of 11, one symbol alone, two in turn, none", () => {
  const even = Int32Array.from({ length: 11 }, (_, i) => (i < 5 ? 46 : 45));
  assert.equal(
    even.reduce((a, b) => a + b),
    500,
  );
  assert.equal(arithmeticCodeBits(even), 1731);
  assert.equal(arithmeticCodeBits([0, 7, 0]), 1);
  assert.equal(arithmeticCodeBits([4, 4]), 9);
  assert.equal(arithmeticCodeBits([0, 0]), 0);
});

test("what is coded is read back exactly, in as many bits as told", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 1, maxLength: 120 }),
      fc.integer({ min: 5, max: 7 }),
      (symbols, levels) => {
        const counts = countsOf(symbols, levels);
        const bits = arithmeticCode(symbols, counts);
        assert.equal(bits.length, arithmeticCodeBits(counts));
        assert.deepEqual(Array.from(decodeArithmeticCode(bits, counts)), symbols);
      },
    ),
  );
});

test("a code that tells its end", () => {
  assert.ok(Math.abs(prefixFreeBits(1000) - 1019.9315685693242) < 1e-9);
  assert.equal(prefixFreeBits(0), 0);
  assert.throws(() => prefixFreeBits(-1), /bits is -1/);
});

test("bad input is named", () => {
  assert.throws(() => arithmeticCodeBits([1, -1]), /counts\[1\] is -1/);
  assert.throws(() => arithmeticCode([0, 1], [2, 0]), /symbols\[1\] is 1/);
});
