import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { compressionBound, smoothedBits, smoothedRange } from "./index.ts";

const close = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("ranges of smoothed losses", () => {
  close(smoothedRange({ vocabulary: 50257, smoothing: 0.1 }), 18.787, 5e-5);
  close(smoothedRange({ vocabulary: 50257, smoothing: 0.25 }), 17.202, 5e-5);
  close(smoothedRange({ vocabulary: 64, smoothing: 0.1 }), 9.17243, 5e-6);
  assert.equal(smoothedRange({ vocabulary: 64, smoothing: 1 }), 0);
});

test("bounds by hand", () => {
  const of = (options: { risk: number; bits: number; units: number; sampled: number; range: number }) =>
    compressionBound(options).bound;
  close(of({ risk: 4, bits: 1000, units: 3e5, sampled: 1e4, range: 9.17243 }), 4.426075, 5e-6);
  close(of({ risk: 3, bits: 0, units: 1e6, sampled: 1e4, range: 1 }), 3.01421, 5e-6);
});

test("smoothed losses lie in an interval of that range, from p = 1 to p = 0", () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 2, max: 100_000 }),
      fc.double({ min: 1e-6, max: 1, noNaN: true }),
      (p, vocabulary, smoothing) => {
        const options = { vocabulary, smoothing };
        const [bits, least, most] = [p, 1, 0].map((each) => smoothedBits(each, options)) as [
          number,
          number,
          number,
        ];
        assert.ok(bits >= least - 1e-12 && bits <= most + 1e-12);
        close(most, Math.log2(vocabulary / smoothing), 1e-9);
        close(most - least, smoothedRange(options), 1e-9);
      },
    ),
  );
});

test("the parts add up; more bits, fewer units or less certainty raise the bound", () => {
  const options = { risk: 3, bits: 500, units: 1e5, sampled: 5000, range: 9 };
  const { bound, complexity, subsampling } = compressionBound(options);
  close(bound, 3 + complexity + subsampling, 1e-12);
  for (const change of [{ bits: 501 }, { units: 99_000 }, { sampled: 4900 }, { delta: 0.04 }])
    assert.ok(compressionBound({ ...options, ...change }).bound > bound, JSON.stringify(change));
});

test("of 2^K hypotheses the one that looks best on m coins breaks the bound in fewer than δ of all cases", () => {
  // Every hypothesis of 6 bits guesses fair coins: its risk is 1/2, and the best of them looks better than that.
  const [bits, units, sampled, delta] = [6, 200, 50, 0.2];
  let broken = 0;
  for (let trial = 0; trial < 400; trial++) {
    const draw = random(trial);
    let best = { mean: 1, sample: 0 };
    for (let h = 0; h < 2 ** bits; h++) {
      const errors = Array.from({ length: units }, () => Number(draw.next() < 0.5));
      const meanOf = (list: number[]) => list.reduce((a, b) => a + b) / list.length;
      const mean = meanOf(errors);
      if (mean < best.mean) best = { mean, sample: meanOf(errors.slice(0, sampled)) };
    }
    if (compressionBound({ risk: best.sample, bits, units, sampled, range: 1, delta }).bound < 0.5) broken++;
  }
  assert.ok(broken < 400 * delta, `${broken}`);
});

test("bad input is named", () => {
  assert.throws(() => smoothedBits(0.5, { vocabulary: 1, smoothing: 0.1 }), /vocabulary is 1/);
  assert.throws(() => smoothedRange({ vocabulary: 10, smoothing: 0 }), /smoothing is 0/);
  const options = { risk: 1, bits: 1, units: 1, sampled: 1, range: 1 };
  assert.throws(() => compressionBound({ ...options, bits: -1 }), /bits is -1/);
  assert.throws(() => compressionBound({ ...options, units: 0 }), /units is 0/);
  assert.throws(() => compressionBound({ ...options, delta: 1 }), /delta is 1/);
});
