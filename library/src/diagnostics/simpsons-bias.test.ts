import assert from "node:assert/strict";
import { test } from "node:test";
import { bleu, f1FromCounts } from "../metrics/index.ts";
import { random } from "../random.ts";
import { reversalRate, simpsonsBias } from "./simpsons-bias.ts";

const near = (actual: number, expected: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

interface Counts {
  truePositives: number;
  falsePositives: number;
  falseNegatives: number;
}
const pooledF1 = (groups: readonly Counts[]) => {
  const total = (key: keyof Counts) => groups.reduce((sum, group) => sum + group[key], 0);
  return f1FromCounts({
    truePositives: total("truePositives"),
    falsePositives: total("falsePositives"),
    falseNegatives: total("falseNegatives"),
  }).f1;
};
const group = (truePositives: number, falsePositives: number, positives: number): Counts => ({
  truePositives,
  falsePositives,
  falseNegatives: positives - truePositives,
});

test("a reversal: better in both groups, worse in both together", () => {
  const a = [group(3, 0, 6), group(4, 40, 21)];
  const b = [group(6, 7, 6), group(1, 3, 21)];
  const f1 = (groups: Counts[]) => groups.map((one) => pooledF1([one]));
  for (const [actual, expected] of [
    [f1(a)[0]!, 2 / 3],
    [f1(a)[1]!, 8 / 65],
    [f1(b)[0]!, 12 / 19],
    [f1(b)[1]!, 0.08],
  ] as const)
    near(actual, expected);
  const [biasA, biasB] = [a, b].map((groups) =>
    simpsonsBias(
      pooledF1,
      groups.map((one) => [one]),
    ),
  );
  near(biasA!.population, 14 / 74);
  near(biasB!.population, 14 / 44);
  near(biasA!.bias, 14 / 74 - (2 / 3 + 8 / 65) / 2);
  assert.equal(reversalRate([biasA!.population, biasB!.population], [biasA!.mean, biasB!.mean]), 1);
});

test("a metric that is a mean has no bias over batches of one size, but has over others", () => {
  const draw = random("accuracy");
  const right = Array.from(draw.bernoulli(120, 0.7));
  const accuracy = (examples: readonly number[]) => examples.reduce((a, b) => a + b, 0) / examples.length;
  for (const size of [1, 8, 60, 120]) {
    const batches = Array.from({ length: 120 / size }, (_, i) => right.slice(i * size, (i + 1) * size));
    near(simpsonsBias(accuracy, batches).bias, 0);
  }
  near(simpsonsBias(accuracy, [[1], [0, 0, 0]]).bias, 1 / 4 - 1 / 2);
});

test("batches without a value are counted and left out", () => {
  const half = (examples: readonly number[]) => (examples.includes(1) ? 0.5 : Number.NaN);
  assert.deepEqual(simpsonsBias(half, [[1], [0], [0, 1]]), {
    population: 0.5,
    mean: 0.5,
    bias: 0,
    skipped: 1,
  });
  assert.throws(() => simpsonsBias(half, [[0], [0]]), /NaN for each of the 2 batches/);
});

test("BLEU of a corpus is not the mean of its sentences'", () => {
  const pairs = [
    ["the cat sat on the mat", "the cat sat on the mat"],
    ["a dog", "a dog barks at the man in the street"],
  ] as const;
  const score = (examples: readonly (readonly [string, string])[]) =>
    bleu(
      examples.map(([hypothesis]) => hypothesis),
      examples.map(([, reference]) => [reference]),
      { effectiveOrder: true },
    ).score;
  const { population, mean } = simpsonsBias(
    score,
    pairs.map((pair) => [pair]),
  );
  near(population, 100 * Math.exp(1 - 15 / 8), 1e-9);
  near(mean, (100 + 100 * Math.exp(1 - 9 / 2)) / 2, 1e-9);
});

test("reversal rate: agreement, reversal, ties", () => {
  assert.equal(reversalRate([1, 2, 3], [10, 20, 30]), 0);
  assert.equal(reversalRate([1, 2, 3], [3, 2, 1]), 1);
  assert.equal(reversalRate([1, 2, 3], [1, 3, 2]), 1 / 3);
  assert.equal(reversalRate([1, 1, 2], [2, 1, 3]), 0);
  assert.ok(Number.isNaN(reversalRate([1, 1], [1, 2])));
  assert.throws(() => reversalRate([1], [1, 2]), /a has 1 entries, b 2/);
});

test("the Dice loss of one example is a pointwise loss: where its minimiser crosses 1/2", () => {
  // (1 − p)²/(p² + 1 + γ) for a positive, p²/(p² + γ) for a negative: expected loss over a share η of positives.
  const minimiser = (eta: number, gamma: number) => {
    let best = { p: 0, loss: Infinity };
    for (let i = 0; i <= 2000; i++) {
      const p = i / 2000;
      const loss = (eta * (1 - p) ** 2) / (p * p + 1 + gamma) + ((1 - eta) * p * p) / (p * p + gamma);
      if (loss < best.loss) best = { p, loss };
    }
    return best.p;
  };
  const crossing = (gamma: number) => {
    let [low, high] = [0, 1];
    while (high - low > 1e-6) {
      const middle = (low + high) / 2;
      if (minimiser(middle, gamma) < 0.5) low = middle;
      else high = middle;
    }
    return low;
  };
  near(crossing(1), 0.5645, 1e-3);
  near(crossing(0.1), 0.5244, 1e-3);
  near(crossing(0.01), 0.5025, 1e-3);
});
