import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { infoNCEOfScores } from "../losses/index.ts";
import { random } from "../random.ts";
import { compile } from "../runtime/index.ts";
import { add, concat, fromData, ones, slice, sum, type Tensor, values } from "../tensor/index.ts";
import { checkGradients } from "../testing.ts";
import { coupledWeights, weightedListLoss } from "./index.ts";

const doubles = (data: number[], shape: number[]) => fromData(Float64Array.from(data), shape);

const weigh = async (relevance: number[], selection: number[], options: object = {}) => {
  const run = compile((r: Tensor, s: Tensor) => coupledWeights(r, s, options), { threads: 1 });
  const result = await run(
    doubles(relevance, [1, relevance.length]),
    doubles(selection, [1, selection.length]),
  );
  return { relevance: [...values(result.relevance)], selection: [...values(result.selection)] };
};

const near = (actual: ArrayLike<number>, expected: readonly number[], tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => {
    assert.ok(Math.abs(actual[i]! - value) <= tolerance, `${i}: ${actual[i]}, not ${value}`);
  });
};

const wide = { bounds: [1e-12, 1e12] };

test("coupledWeights: ratios of the softmax, to the positive's", async () => {
  const { relevance, selection } = await weigh([2, 1, 3], [0, Math.log(0.5), Math.log(4)]);
  near(relevance, [0.5, 4]);
  near(selection, [Math.exp(-1), Math.exp(1)]);
  const all = [2, 1, 3].map(Math.exp).reduce((total, x) => total + x, 0);
  near(selection, [Math.exp(1) / all / (Math.exp(2) / all), Math.exp(3) / Math.exp(2)]);
  near((await weigh([0, 0, 0], [0, -50, 50])).relevance, [0.1, 10]);
});

test("coupledWeights: with equal selection everywhere all weights are 1", async () => {
  near((await weigh([1, 7, -3], [2, 2, 2])).relevance, [1, 1]);
  near((await weigh([1, 7, -3], [2, 2, 2], { mode: "posterior" })).relevance, [1, 1], 1e-5);
});

test("coupledWeights: posterior of irrelevance of what is not labelled", async () => {
  const posterior = async (s: number, r: number) =>
    (await weigh([0, Math.log(r)], [0, Math.log(s)], { mode: "posterior", ...wide })).relevance[0]!;
  assert.ok(Math.abs((await posterior(0.5, 0.5)) - 2 / 3) < 1e-9);
  assert.ok(Math.abs((await posterior(1e-300, 0.3)) - 0.7) < 1e-9, "never selected: 1 − r");
  for (const r of [0.01, 0.5, 0.99, 1])
    assert.ok(Math.abs((await posterior(1, r)) - 1) < 1e-5, "always selected: surely irrelevant");
  await fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      fc.double({ min: 0.001, max: 0.999, noNaN: true }),
      async (s, r) => {
        const w = await posterior(s, r);
        assert.ok(w >= 1 - r - 1e-9 && w <= 1 + 1e-9);
        // Bayes, counted out: of what has no label, what is irrelevant.
        assert.ok(Math.abs(w - (1 - r) / (1 - r + r * (1 - s))) < 1e-9);
      },
    ),
    { numRuns: 30 },
  );
});

test("coupledWeights: extreme scores give bounded weights, and no gradients flow through them", async () => {
  for (const mode of ["ratio", "posterior"]) {
    const weights = await weigh([0, 1e4, -1e4, 0], [0, -1e4, 1e4, 0], { mode });
    for (const w of [...weights.relevance, ...weights.selection])
      assert.ok(w >= 0.1 && w <= 10, `${mode}: ${w}`);
  }
  const draw = random(1);
  const [r, s] = [doubles([...draw.normal(8)], [2, 4]), doubles([...draw.normal(8)], [2, 4])];
  const [check] = await checkGradients([
    {
      f: ({ r, s }: { r: Tensor; s: Tensor }) => {
        const { relevance } = coupledWeights(r, s);
        return add(sum(r), sum(relevance));
      },
      params: { r, s },
    },
  ]);
  near(check!.gradients[0]!, new Array(8).fill(1));
  near(check!.gradients[1]!, new Array(8).fill(0));
});

test("weightedListLoss: is the ordinary list loss with weights 1, and that of duplicates with weights 2", async () => {
  const list = doubles([...random(2).normal(5)], [1, 5]);
  const run = compile(
    (x: Tensor) => {
      const one = ones([1, 4], "float64");
      const negatives = slice(x, [null, [1, 5]]);
      return [
        [weightedListLoss(x, one), infoNCEOfScores(x, { temperature: 1 })],
        [weightedListLoss(x, add(one, 1)), infoNCEOfScores(concat([x, negatives], 1), { temperature: 1 })],
      ];
    },
    { threads: 1 },
  );
  for (const [weighted, plain] of await run(list)) near(values(weighted!), [...values(plain!)], 1e-12);
});

test("weightedListLoss: gradients, several seeds; a weight of 0 takes a negative out", async () => {
  const cases = [1, 2, 3].map((seed) => {
    const draw = random(seed);
    return {
      f: ({ scores }: { scores: Tensor }) =>
        weightedListLoss(scores, doubles([0, 0.5, 3, 1, 1, 0.1], [2, 3]), { reduction: "sum" }),
      params: { scores: doubles([...draw.normal(8)], [2, 4]) },
    };
  });
  for (const check of await checkGradients(cases)) {
    assert.ok(check.error < 1e-7, `${check.error}`);
    assert.equal(check.gradients[0]![1], 0);
  }
  const [extreme] = await checkGradients([
    {
      f: ({ scores }: { scores: Tensor }) =>
        weightedListLoss(scores, doubles([1, 0], [1, 2]), { reduction: "sum" }),
      params: { scores: doubles([-1e4, 1e4, 3], [1, 3]) },
    },
  ]);
  near(extreme!.gradients[0]!, [-1, 1, 0]);
});

test("coupled estimation: bad input is named", () => {
  const x = ones([2, 3]);
  assert.throws(() => coupledWeights(x, ones([2, 4])), /expected equal shapes/);
  assert.throws(() => coupledWeights(ones([3]), x), /relevance is .*expected \[n, 1 \+ k\]/);
  assert.throws(() => coupledWeights(x, x, { bounds: [0, 1] }), /bounds is \[0, 1\]/);
  assert.throws(() => coupledWeights(x, x, { mode: "em" as "ratio" }), /mode is "em"/);
  assert.throws(() => weightedListLoss(x, x), /weights is .*expected \[2, 2\]/);
});
