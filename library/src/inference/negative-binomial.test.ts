import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { negativeBinomial, poisson, random } from "../random.ts";
import {
  foldChangeError,
  negativeBinomialLogPmf,
  negativeBinomialMle,
  negativeBinomialMoments,
  type TwoGroupFit,
  waldTest,
} from "./index.ts";

const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const [x0, x1] = [
  [3, 7, 5],
  [10, 2, 12],
];

test("log-probabilities: worked values, Poisson at 0, the sum over k in between", () => {
  // Γ(5) / (Γ(2) 3!) = 4.
  near(negativeBinomialLogPmf(3, 5, 0.5), Math.log(4) + 2 * Math.log(2 / 7) + 3 * Math.log(5 / 7), 1e-12);
  near(negativeBinomialLogPmf(3, 5, 0), 3 * Math.log(5) - 5 - Math.log(6), 1e-13);
  for (const [x, mean] of [
    [0, 0.1],
    [1, 5],
    [900, 800],
    [300_000, 200_000],
  ] as const)
    for (const alpha of [1e-300, 1e-12, 1e-8, 0.99e-5, 1.01e-5, 1e-2, 1, 50]) {
      let expected = negativeBinomialLogPmf(x, mean, 0) + mean;
      for (let k = 1; k < x; k++) expected += Math.log1p(alpha * k);
      expected -= x * Math.log1p(alpha * mean) + (alpha < 1e-100 ? mean : Math.log1p(alpha * mean) / alpha);
      near(negativeBinomialLogPmf(x, mean, alpha), expected, 1e-9 * (1 + x / 100));
    }
});

test("log-probabilities sum to 1, with the stated mean and variance", () => {
  for (const [mu, alpha] of [
    [4, 0.3],
    [2, 1.5],
    [6, 1e-9],
  ] as const) {
    let [total, first, second] = [0, 0, 0];
    for (let x = 0; x < 800; x++) {
      const p = Math.exp(negativeBinomialLogPmf(x, mu, alpha));
      total += p;
      first += p * x;
      second += p * x * x;
    }
    near(total, 1, 1e-9);
    near(first, mu, 1e-8);
    near(second - first ** 2, mu + alpha * mu ** 2, 1e-6);
  }
});

test("moments and Wald's test of a worked example", () => {
  const fit = negativeBinomialMoments(x0!, x1!);
  near(fit.logMean, Math.log(5), 1e-12);
  near(fit.dispersion, 38 / 178, 1e-12);
  near(fit.logFoldChange, 0.4700036, 1e-7);
  near(fit.standardError, 0.500655, 1e-7);
  near(waldTest(fit).statistic, 0.9387775, 1e-7);
  // From tables: two-sided 5 % points.
  near(waldTest({ logFoldChange: 1.959964, standardError: 1 }).p, 0.05, 1e-6);
  near(waldTest({ logFoldChange: -2.776445, standardError: 1 }, { degreesOfFreedom: 4 }).p, 0.05, 1e-6);
});

const likelihood = (fit: TwoGroupFit, groups: readonly (readonly number[])[], alpha = fit.dispersion) =>
  groups
    .flatMap((counts, g) =>
      counts.map((x) => negativeBinomialLogPmf(x, Math.exp(fit.logMean + g * fit.logFoldChange), alpha)),
    )
    .reduce((a, b) => a + b);

const counts = fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 2, maxLength: 8 });

test("nothing nearby is likelier than the maximum likelihood fit, moments included", () => {
  fc.assert(
    fc.property(counts, counts, (a, b) => {
      const groups = [a, b];
      const fit = negativeBinomialMle(a, b);
      const best = likelihood(fit, groups);
      assert.ok(best >= likelihood(negativeBinomialMoments(a, b), groups) - 1e-7);
      for (const factor of [0.5, 0.97, 1.03, 2])
        assert.ok(best >= likelihood(fit, groups, (fit.dispersion || 1e-3) * factor) - 1e-7);
      // A group of zeros is given half a count, which is not its likeliest mean.
      if (!(a.some(Boolean) && b.some(Boolean))) return;
      for (const shift of [-0.03, 0.03]) {
        assert.ok(best >= likelihood({ ...fit, logMean: fit.logMean + shift }, groups) - 1e-7);
        assert.ok(best >= likelihood({ ...fit, logFoldChange: fit.logFoldChange + shift }, groups) - 1e-7);
      }
    }),
    { numRuns: 60 },
  );
});

test("the slope in log α is 0 at an inner solution", () => {
  const fit = negativeBinomialMle([3, 30, 5, 9], [40, 2, 12, 90]);
  assert.ok(fit.dispersion > 0.1);
  const at = (h: number) =>
    likelihood(
      fit,
      [
        [3, 30, 5, 9],
        [40, 2, 12, 90],
      ],
      fit.dispersion * Math.exp(h),
    );
  near((at(1e-3) - at(-1e-3)) / 2e-3, 0, 1e-5);
});

for (const [name, fit] of Object.entries({ negativeBinomialMoments, negativeBinomialMle }))
  test(`${name}: order within a group does not matter, changing groups turns β`, () => {
    fc.assert(
      fc.property(counts, counts, (a, b) => {
        const straight = fit(a, b);
        const turned = fit(a.toReversed(), b.toReversed());
        const swapped = fit(b, a);
        near(turned.dispersion, straight.dispersion, 1e-5 * (1 + straight.dispersion));
        near(turned.logFoldChange, straight.logFoldChange, 1e-12);
        near(swapped.logFoldChange, -straight.logFoldChange, 1e-12);
        near(swapped.dispersion, straight.dispersion, 1e-5 * (1 + straight.dispersion));
        assert.ok(Number.isFinite(straight.standardError) && straight.standardError > 0);
      }),
      { numRuns: 60 },
    );
  });

test("Poisson counts: moments find no dispersion about half of the time", () => {
  const stream = random("poisson");
  let none = 0;
  for (let i = 0; i < 600; i++) {
    const [a, b] = [0, 1].map(() => Array.from({ length: 10 }, () => poisson(stream, 30)));
    if (negativeBinomialMoments(a!, b!).dispersion === 0) none++;
  }
  assert.ok(none > 270 && none < 400, `${none}`);
});

test("with many counts both come to the truth, and β varies as its standard error says", () => {
  const stream = random("many");
  const draw = (mean: number, n: number) =>
    Array.from({ length: n }, () => negativeBinomial(stream, 1 / 0.4, 1 / (1 + 0.4 * mean)));
  for (const fit of [negativeBinomialMoments, negativeBinomialMle]) {
    const { logMean, logFoldChange, dispersion } = fit(draw(20, 20_000), draw(50, 20_000));
    near(logMean, Math.log(20), 0.02);
    near(logFoldChange, Math.log(2.5), 0.03);
    near(dispersion, 0.4, 0.03);
  }
  const estimates = Array.from(
    { length: 800 },
    () => negativeBinomialMoments(draw(20, 30), draw(50, 30)).logFoldChange - Math.log(2.5),
  );
  const spread = Math.sqrt(estimates.reduce((total, e) => total + e * e, 0) / 800);
  const said = foldChangeError(
    { logMean: Math.log(20), logFoldChange: Math.log(2.5), dispersion: 0.4 },
    [30, 30],
  );
  near(spread / said, 1, 0.08);
});

test("groups of zeros, equal counts and huge counts give finite fits", () => {
  for (const fit of [negativeBinomialMoments, negativeBinomialMle]) {
    for (const [a, b] of [
      [
        [0, 0],
        [0, 0, 0],
      ],
      [
        [0, 0],
        [5, 5],
      ],
      [
        [1e6, 3e6],
        [2, 1],
      ],
      [[4], [1, 900]],
    ] as const) {
      const result = fit(a, b);
      for (const value of Object.values(result)) assert.ok(Number.isFinite(value), JSON.stringify(result));
    }
    near(fit([0, 0], [5, 5]).logMean, Math.log(0.25), 1e-12);
    assert.throws(() => fit([], [1, 2, 3]), /0 and 3 counts/);
    assert.throws(() => fit([1], [2]), /three in all/);
    assert.throws(() => fit([1, 2.5], [2]), /first\[1\] is 2.5/);
  }
  assert.throws(() => negativeBinomialLogPmf(-1, 2, 1), /x is -1/);
  assert.throws(() => negativeBinomialLogPmf(1, 0, 1), /mean is 0/);
  assert.throws(() => negativeBinomialLogPmf(1, 1, -1), /dispersion is -1/);
  assert.throws(() => waldTest({ logFoldChange: 1, standardError: 0 }), /standardError is 0/);
});
