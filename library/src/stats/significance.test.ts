import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { benjaminiHochberg, holm } from "./corrections.ts";
import { leveneTest } from "./levene.ts";
import { differences } from "./moments.ts";
import { pairedPermutationTest, permutationTest, signTest } from "./significance.ts";

// Expected values: SciPy 1.10.1.
const a = [0.912, 0.905, 0.921, 0.899, 0.917, 0.908];
const b = [0.901, 0.903, 0.909, 0.9, 0.905, 0.897];
const close = (actual: number, expected: number, tolerance = 1e-10) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} for ${expected}`);
const signs = (positive: number, negative: number) => [
  ...Array(positive).fill(1),
  ...Array(negative).fill(-2),
  0,
];

test("sign test agrees with the exact binomial test, zeros left out", () => {
  close(signTest(signs(8, 2)).p, 0.109375);
  close(signTest(signs(3, 6)).p, 0.5078125);
  close(signTest(signs(5, 5)).p, 1);
  close(signTest(signs(0, 4)).p, 0.125);
  assert.deepEqual(signTest([0, 0]), { positive: 0, negative: 0, p: 1 });
  assert.throws(() => signTest([Number.NaN]), /difference 0 is NaN/);
});

test("permutation tests agree with SciPy: exact over flips, sampled over sides", () => {
  const paired = pairedPermutationTest(differences(a, b), { random: random(1) });
  close(paired.p, 0.0625);
  close(paired.difference, 0.00783333333333334);
  close(permutationTest(a, b, { random: random(1), permutations: 40_000 }).p, 0.06926406926406926, 0.005);
});

test("drawn flips come close to the exact p, and p is never 0", () => {
  const options = { random: random(2), permutations: 63 };
  close(pairedPermutationTest(differences(a, b), options).p, 0.0625, 0.07);
  assert.equal(
    pairedPermutationTest(new Float64Array(100).fill(1), { random: random(1), permutations: 99 }).p,
    0.01,
  );
});

test("without an effect each test rejects at 5 % in at most about 5 % of 1000 trials", () => {
  const stream = random(3);
  const rejected = { sign: 0, paired: 0, independent: 0, levene: 0 };
  for (let trial = 0; trial < 1000; trial++) {
    const [x, y] = [stream.normal(new Float64Array(8)), stream.normal(new Float64Array(8))];
    const options = { random: stream, permutations: 256 };
    if (signTest(differences(x, y)).p <= 0.05) rejected.sign++;
    if (pairedPermutationTest(differences(x, y), options).p <= 0.05) rejected.paired++;
    if (permutationTest(x, y, options).p <= 0.05) rejected.independent++;
    if (leveneTest([x, y]).p <= 0.05) rejected.levene++;
  }
  for (const [name, count] of Object.entries(rejected)) assert.ok(count <= 72, `${name}: ${count}`);
  assert.ok(rejected.paired >= 28 && rejected.independent >= 28, JSON.stringify(rejected));
});

test("Levene's test agrees with SciPy, around the median and the mean", () => {
  const groups = [
    [8.88, 9.12, 9.04, 8.98, 9, 9.08, 9.01, 8.85, 9.06, 8.99],
    [8.88, 8.95, 9.29, 9.44, 9.15, 9.58, 8.36, 9.18, 8.67, 9.05],
    [8.95, 9.12, 8.95, 8.85, 9.03, 8.84, 9.07, 8.98, 8.86, 8.98],
  ];
  const median = leveneTest(groups);
  close(median.statistic, 7.584952754501659);
  close(median.p, 0.002431505967249681);
  assert.deepEqual(median.degreesOfFreedom, [2, 27]);
  close(leveneTest(groups, { center: "mean" }).p, 0.001983795817472731);
  assert.throws(() => leveneTest([[1, 2]]), /1 groups/);
  assert.throws(() => leveneTest([[1, 2], [3]]), /group 1 has 1 values/);
});

test("Holm and Benjamini-Hochberg by hand", () => {
  const pValues = [0.01, 0.04, 0.03, 0.005];
  holm(pValues).forEach((p, i) => {
    close(p, [0.03, 0.06, 0.06, 0.02][i]);
  });
  benjaminiHochberg(pValues).forEach((p, i) => {
    close(p, [0.02, 0.04, 0.04, 0.02][i]);
  });
  assert.deepEqual(holm([0.6, 0.9]), [1, 1]);
  assert.deepEqual([...holm([]), ...benjaminiHochberg([])], []);
  assert.throws(() => holm([0.1, 1.2]), /p-value 1 is 1.2/);
});

test("bad arguments are named", () => {
  assert.throws(() => pairedPermutationTest([], { random: random(1) }), /a sample is empty/);
  assert.throws(() => permutationTest([1], [2], { random: random(1), permutations: 0 }), /permutations 0/);
});
