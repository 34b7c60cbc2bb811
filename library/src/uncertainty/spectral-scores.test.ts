import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { poisson, random } from "../random.ts";
import { multinomialDeviance, principalSubspace } from "./index.ts";

const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("deviance: 0 at the observed shares, 2 N KL elsewhere, whatever the scale of the probabilities", () => {
  const counts = [1, 3, 6];
  close(multinomialDeviance(counts, [0.1, 0.3, 0.6], { width: 3 })[0]!, 0);
  const expected = 2 * 10 * (1.4642417 - 0.8979457);
  close(multinomialDeviance(counts, [0.6, 0.1, 0.3], { width: 3 })[0]!, expected, 1e-5);
  close(multinomialDeviance(counts, [6, 1, 3], { width: 3 })[0]!, expected, 1e-5);
});

test("deviance: a window is judged by its own shares; no counts give 0", () => {
  const options = { width: 4, channels: [1, 3] as const };
  close(multinomialDeviance([50, 2, 3, 9], [0.1, 0.4, 0.6, 0.1], options)[0]!, 0);
  assert.deepEqual(
    [...multinomialDeviance([0, 0, 0, 1], [0.5, 0.5, 0.5, 0.5], { width: 2 })],
    [0, 2 * Math.log(2)],
  );
});

test("deviance of true shares is about χ²: as large as there are degrees of freedom, also for fewer counts", () => {
  const width = 50;
  for (const brightness of [10, 100]) {
    const draw = random(`brightness ${brightness}`);
    const shares = Array.from({ length: width }, (_, e) => 1 + Math.sin(e) ** 2);
    const [counts, probabilities]: number[][] = [[], []];
    for (let pixel = 0; pixel < 300; pixel++)
      for (const share of shares) {
        counts!.push(poisson(draw, brightness * share));
        probabilities!.push(share);
      }
    const all = multinomialDeviance(counts!, probabilities!, { width });
    close(all.reduce((a, b) => a + b, 0) / all.length, width - 1, 2);
  }
});

const rowsOf = (seed: number, n: number, width: number) =>
  random(seed).normal(new Float64Array(n * width), 1, 2);
const squares = (a: ArrayLike<number>, b: ArrayLike<number>) =>
  Array.from(a).reduce((total, x, i) => total + (x - b[i]!) ** 2, 0);

test("principal components: squared residuals add up to the variances that were not kept", () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 5 }), fc.integer({ min: 1, max: 99 }), (components, seed) => {
      const rows = rowsOf(seed, 12, 5);
      const { variances, reconstruct } = principalSubspace(rows, { width: 5, components });
      const left = variances.slice(components).reduce((a, b) => a + b, 0);
      close(squares(rows, reconstruct(rows)), 11 * left, 1e-6);
      assert.ok(variances.every((v, i) => i === 0 || v <= variances[i - 1]!));
    }),
    { numRuns: 30 },
  );
});

test("principal components: rows of their rank are given back whole, none gives the mean", () => {
  const basis = rowsOf(3, 2, 6);
  const weights = rowsOf(4, 9, 2);
  const rows = Float64Array.from({ length: 9 * 6 }, (_, at) => {
    const [row, i] = [Math.floor(at / 6), at % 6];
    return 1 + weights[row * 2]! * basis[i]! + weights[row * 2 + 1]! * basis[6 + i]!;
  });
  const two = principalSubspace(rows, { width: 6, components: 2 });
  close(squares(rows, two.reconstruct(rows)), 0, 1e-12);
  const other = Float64Array.from({ length: 6 }, (_, i) => 1 - basis[i]! + 5 * basis[6 + i]!);
  close(squares(other, two.reconstruct(other)), 0, 1e-9);
  const none = principalSubspace(rows, { width: 6, components: 0 }).reconstruct(rows);
  close(
    none[0]!,
    [0, 6, 12, 18, 24, 30, 36, 42, 48].reduce((sum, at) => sum + rows[at]! / 9, 0),
    1e-12,
  );
});

test("what does not fit is named", () => {
  assert.throws(() => multinomialDeviance([1, 2], [1], { width: 2 }), /probabilities has 1/);
  assert.throws(() => multinomialDeviance([1, 2, 3], [1, 2, 3], { width: 2 }), /width is 2/);
  assert.throws(() => multinomialDeviance([1, 2], [1, 2], { width: 2, channels: [1, 3] }), /channels is/);
  assert.throws(() => principalSubspace([1, 2], { width: 2, components: 1 }), /rows has 1/);
  assert.throws(() => principalSubspace([1, 2, 3, 4], { width: 2, components: 3 }), /components is 3/);
});
