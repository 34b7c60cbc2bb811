import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type FourfoldTable, stratifiedOddsRatio } from "./stratified-odds-ratio.ts";

const near = (a: number, b: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)), `${a} is not ${b}`);

test("one stratum: ad/bc with Woolf's interval", () => {
  const { estimate, low, high } = stratifiedOddsRatio([[12, 5, 7, 9]]);
  near(estimate, 108 / 35);
  const deviation = Math.sqrt(1 / 12 + 1 / 5 + 1 / 7 + 1 / 9);
  near(low, (108 / 35) * Math.exp(-1.959963984540054 * deviation));
  near(high, (108 / 35) * Math.exp(1.959963984540054 * deviation));
});

test("Berkeley's admissions of 1973: men do better in all, not within departments", () => {
  // Admitted and rejected men, admitted and rejected women, departments A to F; R's mantelhaen.test gives 0.9046968.
  const departments: FourfoldTable[] = [
    [512, 313, 89, 19],
    [353, 207, 17, 8],
    [120, 205, 202, 391],
    [138, 279, 131, 244],
    [53, 138, 94, 299],
    [22, 351, 24, 317],
  ];
  const { estimate, low, high } = stratifiedOddsRatio(departments);
  near(estimate, 0.9046968, 1e-6);
  near(low, 0.7719074, 1e-6);
  near(high, 1.0603298, 1e-6);
  const all = [0, 1, 2, 3].map((i) => departments.reduce((sum, table) => sum + table[i]!, 0));
  assert.ok(stratifiedOddsRatio([all as unknown as FourfoldTable]).low > 1.5);
});

const tables = fc.array(
  fc.tuple(
    ...([1, 1, 1, 1].map(() => fc.integer({ min: 1, max: 50 })) as [
      fc.Arbitrary<number>,
      fc.Arbitrary<number>,
      fc.Arbitrary<number>,
      fc.Arbitrary<number>,
    ]),
  ),
  { minLength: 1, maxLength: 6 },
);

test("exchanging exposed and unexposed inverts it; empty strata and the order change nothing", () => {
  fc.assert(
    fc.property(tables, (strata) => {
      const all = stratifiedOddsRatio(strata);
      const turned = stratifiedOddsRatio(strata.map(([a, b, c, d]): FourfoldTable => [c, d, a, b]));
      near(all.estimate * turned.estimate, 1);
      near(all.low * turned.high, 1);
      const same = stratifiedOddsRatio([[0, 0, 0, 0] as FourfoldTable, ...strata.toReversed()]);
      near(same.estimate, all.estimate);
      near(same.high, all.high);
    }),
  );
});

test("empty cells and bad counts", () => {
  assert.deepEqual(stratifiedOddsRatio([[5, 0, 3, 2]]), {
    estimate: Number.POSITIVE_INFINITY,
    low: 0,
    high: Number.POSITIVE_INFINITY,
  });
  assert.equal(stratifiedOddsRatio([]).estimate, Number.NaN);
  assert.throws(() => stratifiedOddsRatio([[1, 2, -1, 4]]), /tables\[0\] is \[1, 2, -1, 4\]/);
});
