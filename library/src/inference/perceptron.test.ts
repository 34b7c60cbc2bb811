import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { batchPerceptron, logisticGradientDescent, logisticLoss, perceptron } from "./index.ts";

/** One point against n − 1: R² = 1.25, margin ½. */
const outnumbered = (n: number) => ({
  x: Float64Array.from({ length: 2 * n }, (_, at) => (at % 2 === 1 ? -1 : at === 0 ? 0.5 : -0.5)),
  signs: Array.from({ length: n }, (_, i) => (i === 0 ? 1 : -1)),
});

/** Random points with norms of at most 1 and a margin of at least 0.1, so that R²/μ² ≤ 100, or of another. */
function separable(seed: number, n: number, width: number, margin = 0.1) {
  const draw = random(seed);
  const plane = draw.normal(new Float64Array(width));
  const length = Math.hypot(...plane);
  const x = new Float64Array(n * width);
  const signs: number[] = [];
  while (signs.length < n) {
    const point = draw.uniform(new Float64Array(width), -1, 1).map((value) => value / Math.sqrt(width));
    const side = point.reduce((sum, value, j) => sum + (value * plane[j]!) / length, 0);
    if (Math.abs(side) < margin) continue;
    x.set(point, signs.length * width);
    signs.push(Math.sign(side));
  }
  return { x, signs };
}

const allRight = ({ x, signs }: { x: Float64Array; signs: number[] }, weights: Float64Array) =>
  signs.every((sign, i) => weights.reduce((sum, w, j) => sum + sign * w * x[i * weights.length + j]!, 0) > 0);

test("iterations on the instance where one point is outnumbered, and their bounds", () => {
  const { x, signs } = outnumbered(1000);
  const descent = (stepSize: number, normalized = false) =>
    logisticGradientDescent(x, signs, { stepSize, normalized }).iterations;
  assert.deepEqual([descent(100), descent(10)], [308, 729]);
  assert.deepEqual(
    [100, 10, 1, 0.1].map((stepSize) => descent(stepSize, true)),
    [2, 2, 16, 157],
  );
  assert.equal(batchPerceptron(x, signs, { normalized: true }).iterations, 2);
  const counts = [10, 100, 1000, 2000].map((n) => {
    const data = outnumbered(n);
    return batchPerceptron(data.x, data.signs).iterations;
  });
  assert.deepEqual(counts, [4, 31, 301, 601]);
  // R²/μ² = 5: n times as many for the batch perceptron; a term in 1/γ for normalised descent.
  assert.ok(301 <= 1000 * 5);
  for (const stepSize of [100, 10, 1, 0.1])
    assert.ok(descent(stepSize, true) <= 5 + (2 * Math.log(1999)) / (stepSize * 0.25));
});

test("the instance where the loss misleads: it grows with the step, one step before all is right", () => {
  for (const [stepSize, first, second] of [
    [100, 12.5, 1.34e-33],
    [10, 1.28944, 5.9014e-4],
  ] as const) {
    const losses: number[] = [];
    const places: number[][] = [];
    const { iterations, separated } = logisticGradientDescent(Float64Array.of(1, -1, -1, -4), [1, -1], {
      stepSize,
      onIteration: (_iteration, weights, margins) => {
        losses.push(logisticLoss(margins));
        places.push([...weights].map((w) => w / stepSize));
      },
    });
    assert.ok(separated && iterations === 2);
    assert.deepEqual(places[0], [0.5, 0.75]);
    assert.ok(Math.abs(losses[0]! - first) < 1e-5, `${losses[0]}`);
    assert.ok(Math.abs(losses[1]! / second - 1) < 1e-2, `${losses[1]}`);
    if (stepSize === 100)
      for (const [j, value] of [1, 0.25].entries()) assert.ok(Math.abs(places[1]![j]! - value) < 1e-9);
  }
});

test("descent divided by its step size comes to the batch perceptron, closer the larger the step", () => {
  for (let seed = 0; seed < 5; seed++) {
    const { x, signs } = separable(seed, 60, 10, 0.01);
    const path = (
      run: (onIteration: (i: number, weights: Float64Array) => void) => unknown,
      scale: number,
    ) => {
      const places: number[][] = [];
      run((_i, weights) => places.push([...weights].map((w) => w / scale)));
      return places.slice(0, 5);
    };
    const limit = path((onIteration) => batchPerceptron(x, signs, { onIteration }), 1);
    const apart = [1e3, 1e5, 1e7].map((stepSize) => {
      const places = path(
        (onIteration) => logisticGradientDescent(x, signs, { stepSize, onIteration }),
        stepSize,
      );
      return Math.max(
        ...limit
          .slice(0, places.length)
          .map((place, t) => Math.hypot(...place.map((w, j) => w - places[t]![j]!))),
      );
    });
    assert.ok(
      apart[0]! > apart[1]! && apart[1]! > apart[2]! - 1e-15 && apart[2]! < 1e-4,
      `seed ${seed}: ${apart}`,
    );
  }
});

test("all separate what can be separated, within their bounds", () => {
  for (let seed = 0; seed < 10; seed++) {
    const data = separable(seed, 100, 5);
    const { x, signs } = data;
    const bounded: [ReturnType<typeof perceptron>, number][] = [
      [perceptron(x, signs, { random: random(seed) }), 100],
      [batchPerceptron(x, signs, { normalized: true }), 100],
      [batchPerceptron(x, signs), 100 * 100],
      [
        logisticGradientDescent(x, signs, { stepSize: 10, normalized: true }),
        100 + (2 * Math.log(199) * 100) / 10,
      ],
    ];
    for (const [found, bound] of bounded) {
      assert.ok(found.separated && found.iterations <= bound, `${found.iterations} of ${bound}`);
      assert.ok(allRight(data, found.weights));
    }
  }
});

test("normalised descent walks along the gradient: its first step is twice the plain one", () => {
  const { x, signs } = separable(1, 20, 3);
  const once = (normalized: boolean) =>
    logisticGradientDescent(x, signs, { stepSize: 0.5, normalized, maxIterations: 1 }).weights;
  const [plain, scaled] = [once(false), once(true)];
  // At θ = 0 every share is ½, and so is their mean.
  plain.forEach((value, j) => {
    assert.ok(Math.abs(scaled[j]! - 2 * value) < 1e-12);
  });
});

test("the logistic loss of extreme margins", () => {
  assert.equal(logisticLoss([1e4]), 0);
  assert.equal(logisticLoss([-1e4]), 1e4);
  assert.ok(Math.abs(logisticLoss([0, 0]) - Math.LN2) < 1e-15);
  const { weights } = logisticGradientDescent(Float64Array.of(1e4, -1e4, 1e4, 1), [1, -1], {
    stepSize: 1e4,
    maxIterations: 50,
  });
  assert.ok(weights.every(Number.isFinite));
});

test("what cannot be separated ends at the limit; a single point; misuse", () => {
  const twice = { x: Float64Array.of(1, 1), signs: [1, -1] };
  const stuck = batchPerceptron(twice.x, twice.signs, { maxIterations: 20 });
  assert.ok(!stuck.separated && stuck.iterations === 20);
  assert.equal(batchPerceptron(Float64Array.of(3), [-1]).iterations, 1);
  assert.throws(() => batchPerceptron(new Float64Array(3), [1, 1]), /x has 3 values for 2 signs/);
  assert.throws(() => batchPerceptron(new Float64Array(2), [1, 0]), /sign 1 is 0; expected 1 or -1/);
  assert.throws(() => logisticGradientDescent(new Float64Array(2), [1, 1], { stepSize: 0 }), /stepSize is 0/);
});
