import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { incompleteObservations } from "../data/weak.ts";
import {
  add,
  compile,
  evaluate,
  fullLike,
  grad,
  item,
  matmul,
  relu,
  reshape,
  square,
  subtract,
  type Tensor,
  tensor,
  valueAndGrad,
  values,
} from "../index.ts";
import { adam } from "../optim/index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import {
  absoluteError,
  easyLLP,
  easyLLPLabels,
  logisticLoss,
  pinball,
  proportionMatching,
  puRisk,
  squaredError,
  type TwoSidedLoss,
  u2Loss,
  weightedTwoSided,
  zeroOneLoss,
} from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-9) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance * Math.max(1, Math.abs(expected[i]!)),
      `element ${i}: ${actual[i]} is not ${expected[i]}`,
    );
  }
};
const double = (list: number[] | number[][]) => tensor(list, { dtype: "float64" });
const numbers = async (x: Tensor) => [...values(await evaluate(x))];
const normals = (name: string, shape: number[], scale = 1) =>
  tensor(
    Float64Array.from(
      random(name).normal(
        shape.reduce((a, b) => a * b, 1),
        0,
        scale,
      ),
    ),
    { shape },
  );
const sigma = (f: number) => 1 / (1 + Math.exp(-f));
const none = { reduction: "none" } as const;

test("weightedTwoSided: weights 1 and 0 are the log loss of either label; weights add up", async () => {
  const f = double([-2, 0.5, 3]);
  close(
    await numbers(weightedTwoSided(f, 1, 0, none)),
    [-2, 0.5, 3].map((x) => -Math.log(sigma(x))),
  );
  close(
    await numbers(weightedTwoSided(f, 0, 1, none)),
    [-2, 0.5, 3].map((x) => -Math.log(1 - sigma(x))),
  );
  // a ℓ(f, 1) + b ℓ(f, 0) = (a + b) ℓ(f, 0) − a f, as ℓ(f, 1) − ℓ(f, 0) = −f.
  const softplus = (x: number) => Math.log1p(Math.exp(x));
  close(await numbers(weightedTwoSided(f, double([2, -1, 3]), double([-1, 2, 0.5]), none)), [
    1 * softplus(-2) + 4,
    1 * softplus(0.5) + 0.5,
    3.5 * softplus(3) - 9,
  ]);
});

test("zeroOneLoss counts wrong signs", async () => {
  const f = double([-1, 0, 2]);
  const { positive, negative } = zeroOneLoss(f);
  assert.deepEqual(await numbers(positive), [1, 0, 0]);
  assert.deepEqual(await numbers(negative), [0, 1, 1]);
});

test("puRisk: a labelled example of propensity 1/2 counts 2 as positive and −1 as negative", async () => {
  const f = 0.7;
  const [labelled, unlabelled] = await numbers(
    puRisk(double([f, f]), double([1, 0]), double([0.5, 0.5]), none),
  );
  close([labelled!], [-2 * Math.log(sigma(f)) + Math.log(1 - sigma(f))]);
  close([unlabelled!], [-Math.log(1 - sigma(f))]);
});

test("puRisk: propensity 1 is the log loss on s; a constant one is the two-step SCAR estimate", async () => {
  const f = normals("scar", [9], 2);
  const s = double([1, 0, 0, 1, 1, 0, 0, 0, 1]);
  const supervised = weightedTwoSided(f, s, double([0, 1, 1, 0, 0, 1, 1, 1, 0]));
  const [one, direct, tenth, vector] = await evaluate([
    puRisk(f, s, 1),
    supervised,
    puRisk(f, s, 0.4),
    puRisk(f, s, double(Array(9).fill(0.4))),
  ] as const);
  close([item(one)], [item(direct)]);
  // SCAR: prior-weighted means over labelled and over all examples.
  const labelled = [0, 3, 4, 8].map((i) => values(f)[i]!);
  const prior = labelled.length / 9 / 0.4;
  const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const scar =
    prior * mean(labelled.map((x) => -Math.log(sigma(x)) + Math.log(1 - sigma(x)))) +
    mean([...values(f)].map((x) => -Math.log(1 - sigma(x))));
  close([item(tenth), item(vector)], [scar, scar]);
});

test("puRisk: over all ways of labelling, the expectation is the risk on true labels, for any loss", async () => {
  const squaredHinge: TwoSidedLoss = (f) => ({
    positive: square(relu(subtract(1, f))),
    negative: square(relu(add(1, f))),
  });
  const f = [0.3, -1.2, 2, 0.5];
  const y = [1, 1, 0, 1];
  const e = [0.25, 0.6, 0.9, 0.8];
  for (const loss of [logisticLoss, squaredHinge, zeroOneLoss]) {
    const truth = item(
      await evaluate(weightedTwoSided(double(f), double(y), double(y.map((x) => 1 - x)), { loss })),
    );
    const risk = compile((s: Tensor) => puRisk(double(f), s, double(e), { loss }));
    let expectation = 0;
    for (let choice = 0; choice < 16; choice++) {
      const s = y.map((label, i) => (label && choice & (1 << i) ? 1 : 0));
      const probability = e.reduce((p, ei, i) => p * (choice & (1 << i) ? ei : 1 - ei), 1);
      expectation += probability * item(await risk(double(s)));
    }
    close([expectation], [truth]);
  }
});

test("puRisk: 1e5 labellings agree with the true risk within 3 standard errors", async () => {
  const draw = random("labellings");
  const n = 100_000;
  const f = draw.normal(new Float64Array(n));
  const e = Float64Array.from(f, (x) => 0.2 + 0.6 * sigma(2 * x));
  const y = Float64Array.from(f, (x) => Number(draw.next() < sigma(x)));
  const s = Float64Array.from(y, (label, i) => Number(label === 1 && draw.next() < e[i]!));
  const [each, truth, naive] = await evaluate([
    puRisk(tensor(f), tensor(s), tensor(e), none),
    weightedTwoSided(tensor(f), tensor(y), tensor(y.map((x) => 1 - x)), none),
    puRisk(tensor(f), tensor(s), 1, none),
  ] as const);
  const gap = (a: Tensor) => {
    const differences = values(a).map((x, i) => x - values(truth)[i]!) as Float64Array;
    const mean = differences.reduce((p, q) => p + q, 0) / n;
    const deviation = Math.sqrt(differences.reduce((p, q) => p + (q - mean) ** 2, 0) / n);
    return mean / (deviation / Math.sqrt(n));
  };
  assert.ok(Math.abs(gap(each)) < 3, `${gap(each)} standard errors`);
  assert.ok(Math.abs(gap(naive)) > 10);
});

test("puRisk: the bias under wrong propensities is the mean of y (1 − e/ê)(ℓ₀ − ℓ₁)", async () => {
  const [f, e, wrong] = [0.8, 0.3, 0.5];
  const [labelled, unlabelled] = await numbers(puRisk(double([f, f]), double([1, 0]), wrong, none));
  const expectation = e * labelled! + (1 - e) * unlabelled!;
  const [l1, l0] = [-Math.log(sigma(f)), -Math.log(1 - sigma(f))];
  close([expectation - l1], [(1 - e / wrong) * (l0 - l1)]);
});

test("puRisk: the non-negative correction cuts the negative part at 0 and is idle where that is positive", async () => {
  const s = double([1, 1, 0]);
  const high = double([6, 6, -3]);
  const [plain, cut] = await evaluate([puRisk(high, s, 0.2), puRisk(high, s, 0.2, { nonNegative: true })]);
  assert.ok(item(plain!) < 0);
  close([item(cut!)], [(2 * 5 * Math.log1p(Math.exp(-6))) / 3]);
  const low = double([0.1, -0.2, 1]);
  const [a, b] = await evaluate([puRisk(low, s, 0.9), puRisk(low, s, 0.9, { nonNegative: true })]);
  close([item(a!)], [item(b!)]);
});

test("easyLLPLabels: worked example, and single instances keep their labels", async () => {
  close(await numbers(easyLLPLabels(double([0, 0.25, 0.5, 0.75, 1]), 4, 0.3)), [-0.9, 0.1, 1.1, 2.1, 3.1]);
  close(await numbers(easyLLPLabels(double([0, 1]), 1, 0.3)), [0, 1]);
  const classes = easyLLPLabels(double([[0.5, 0.25, 0.25]]), 4, double([0.2, 0.5, 0.3]));
  close(await numbers(classes), [1.4, -0.5, 0.1]);
});

test("easyLLP: bags of one, not centred, are full supervision", async () => {
  const f = normals("k1", [6, 1], 2);
  const y = [1, 0, 0, 1, 1, 0];
  const bags = easyLLP(f, double(y), { prior: 0.3, centered: false });
  const direct = weightedTwoSided(f, double(y.map((x) => [x])), double(y.map((x) => [1 - x])));
  close(await numbers(bags), await numbers(direct));
});

test("easyLLP: gradient of the log loss, not centred, is (σ(f) − soft label) / k", async () => {
  const f = [0.4, -1, 2, 0.1];
  const gradient = grad((x: Tensor) => easyLLP(x, double([0.5]), { prior: 0.3, centered: false }))(
    double([f]),
  );
  close(
    await numbers(gradient),
    f.map((x) => (sigma(x) - 1.1) / 4),
  );
});

/** Costs that are the same for every instance. */
const costs =
  (one: number, zero: number): TwoSidedLoss =>
  (f) => ({ positive: fullLike(f, one), negative: fullLike(f, zero) });

test("easyLLP: over all labels of a bag, the expectation is η ℓ₁ + (1 − η) ℓ₀", async () => {
  const [eta, l1, l0, k, prior] = [0.8, 0.2, 1.7, 4, 0.3];
  // The instance itself is positive with η, the other three with p each; it alone is looked at.
  let expectation = 0;
  for (let choice = 0; choice < 2 ** k; choice++) {
    const labels = Array.from({ length: k }, (_, i) => (choice >> i) & 1);
    const probability = labels.reduce(
      (p, y, i) => p * (i === 0 ? (y ? eta : 1 - eta) : y ? prior : 1 - prior),
      1,
    );
    const proportion = labels.reduce((a, b) => a + b, 0) / k;
    const bag = easyLLP(double([[0, 0, 0, 0]]), double([proportion]), {
      prior,
      centered: false,
      loss: costs(l1, l0),
    });
    expectation += probability * item(await evaluate(bag));
  }
  close([expectation], [eta * l1 + (1 - eta) * l0]);
  close([expectation], [0.5]);
});

test("easyLLP: over all data sets of two bags of two, centred and plain have the expectation of the true loss", async () => {
  // Two kinds of instance: how often, their P(y = 1), their logit.
  const kinds = [
    { share: 0.3, eta: 0.9, f: -0.7 },
    { share: 0.7, eta: 0.2, f: 1.4 },
  ];
  const prior = 0.3 * 0.9 + 0.7 * 0.2;
  const logLoss = (f: number, y: number) => Math.log1p(Math.exp(y ? -f : f));
  const truth = kinds.reduce(
    (sum, { share, eta, f }) => sum + share * (eta * logLoss(f, 1) + (1 - eta) * logLoss(f, 0)),
    0,
  );
  const both = compile((f: Tensor, alpha: Tensor) => [
    easyLLP(f, alpha, { prior }),
    easyLLP(f, alpha, { prior, centered: false }),
  ]);
  const expectation = [0, 0];
  for (let state = 0; state < 4 ** 4; state++) {
    const drawn = [0, 1, 2, 3].map((i) => ({
      kind: kinds[(state >> (2 * i)) & 1]!,
      y: (state >> (2 * i + 1)) & 1,
    }));
    const probability = drawn.reduce((p, { kind, y }) => p * kind.share * (y ? kind.eta : 1 - kind.eta), 1);
    const [a, b, c, d] = drawn.map(({ kind }) => kind.f) as [number, number, number, number];
    const y = drawn.map((instance) => instance.y) as [number, number, number, number];
    const logits = double([
      [a, b],
      [c, d],
    ]);
    const found = await both(logits, double([(y[0] + y[1]) / 2, (y[2] + y[3]) / 2]));
    for (const [i, value] of found.entries()) expectation[i]! += probability * item(value);
  }
  close(expectation, [truth, truth]);
});

/** Mean losses of simulated data sets of n instances in bags of k: plain, centred, supervised. */
async function simulate(k: number, repeats: number, n = 4096) {
  const draw = random("variance");
  const prior = 0.303;
  const losses = compile((f: Tensor, alpha: Tensor, y: Tensor) => [
    easyLLP(f, alpha, { prior, centered: false }),
    easyLLP(f, alpha, { prior }),
    easyLLP(f, alpha, { prior, loss: zeroOneLoss }),
    weightedTwoSided(f, y, subtract(1, y)),
  ]);
  const results: number[][] = [[], [], [], []];
  for (let i = 0; i < repeats; i++) {
    // η is logistic in x with a rate of 0.303; the model's logits are wrong on purpose.
    const x = draw.normal(new Float64Array(n));
    const y = Float64Array.from(x, (v) => Number(draw.next() < sigma(1.5 * v - 1.17)));
    const f = Float64Array.from(x, (v) => 2 - 1.3 * v);
    const alpha = Float64Array.from(
      { length: n / k },
      (_, bag) => y.subarray(bag * k, (bag + 1) * k).reduce((a, b) => a + b, 0) / k,
    );
    const shape = [n / k, k];
    const found = await losses(tensor(f, { shape }), tensor(alpha), tensor(y, { shape }));
    for (const [arm, value] of found.entries()) results[arm]!.push(item(value));
  }
  const mean = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const variance = (list: number[]) =>
    list.reduce((a, b) => a + (b - mean(list)) ** 2, 0) / (list.length - 1);
  return results.map((list) => ({ mean: mean(list), variance: variance(list) }));
}

test("easyLLP: plain and centred estimates are unbiased; variances grow like k² and like k", async () => {
  const [four, sixtyFour] = [await simulate(4, 100), await simulate(64, 100)];
  for (const [plain, centered, errors, supervised] of [four, sixtyFour]) {
    const tolerance = ({ variance }: { variance: number }) => 4 * Math.sqrt(variance / 100);
    for (const estimate of [plain!, centered!])
      assert.ok(Math.abs(estimate.mean - supervised!.mean) < tolerance(estimate) + tolerance(supervised!));
    assert.ok(errors!.mean > 0.4 && errors!.mean < 1);
  }
  // 16 times the bag size: about 256 times the variance without centring, 16 times with it.
  const growth = [0, 1].map((i) => sixtyFour[i]!.variance / four[i]!.variance);
  assert.ok(growth[0]! > 100 && growth[0]! < 600, `plain: ${growth[0]}`);
  assert.ok(growth[1]! > 3 && growth[1]! < 40, `centred: ${growth[1]}`);
});

test("proportionMatching: 0 where the mean probability is the proportion, log loss at bags of one", async () => {
  const f = [0.4, -1, 2];
  const mean = f.map(sigma).reduce((a, b) => a + b, 0) / 3;
  const bag = double([f]);
  close(await numbers(proportionMatching(bag, double([mean]))), [0]);
  close(await numbers(proportionMatching(bag, double([0.25]), { distance: "squared" })), [
    (mean - 0.25) ** 2,
  ]);
  const kl = 0.25 * Math.log(0.25 / mean) + 0.75 * Math.log(0.75 / (1 - mean));
  close(await numbers(proportionMatching(bag, double([0.25]))), [kl]);
  const single = proportionMatching(double([[0.4], [-1]]), double([1, 0]), none);
  close(await numbers(single), [-Math.log(sigma(0.4)), -Math.log(1 - sigma(-1))]);
});

test("proportionMatching: far from the proportion, a gradient is left", async () => {
  const far = tensor([[-300, -300]]);
  const gradient = grad((x: Tensor) => proportionMatching(x, tensor([0.5])))(far);
  close(await numbers(gradient), [-0.25, -0.25], 1e-6);
});

test("u2Loss: with the absolute loss, 2/β times the pinball loss of the quantile 1 − β/2", () =>
  fc.assert(
    fc.asyncProperty(
      fc.double({ min: 0.05, max: 0.999 }),
      fc.integer({ min: 0, max: 1e6 }),
      async (completeness, seed) => {
        const draw = random(seed);
        const [f, y] = [0, 1].map(() => tensor(draw.normal(new Float64Array(5), 0, 3))) as [Tensor, Tensor];
        const quantile = 1 - completeness / 2;
        const both = (loss: (x: Tensor) => Tensor) => numbers(loss(f));
        const scaled = (list: number[]) => list.map((x) => (x * 2) / completeness);
        close(
          await both((x) => u2Loss(x, y, { completeness, ...none })),
          scaled(await both((x) => pinball(x, y, { quantile, ...none }))),
        );
        close(
          await both(grad((x: Tensor) => u2Loss(x, y, { completeness }))),
          scaled(await both(grad((x: Tensor) => pinball(x, y, { quantile })))),
        );
      },
    ),
    { numRuns: 10 },
  ));

test("u2Loss: with complete labels only, the absolute error", async () => {
  const [f, y] = [normals("f", [6]), normals("y", [6])];
  close(await numbers(u2Loss(f, y, { completeness: 1, ...none })), await numbers(absoluteError(f, y, none)));
});

test("u2Loss: labels below the prediction have no influence on the gradient", async () => {
  for (const upper of ["absolute", "squared"] as const) {
    const of = (y: number[]) =>
      numbers(grad((x: Tensor) => u2Loss(x, double(y), { completeness: 0.6, upper }))(double([1, 2, 3])));
    close(await of([2, 1.5, -40]), await of([2, -7, 2.9]));
  }
  // Squared above: (f − y − 1)/β + 1.
  const gradient = grad((x: Tensor) => u2Loss(x, double([3]), { completeness: 0.5, upper: "squared" }));
  close(await numbers(gradient(double([1]))), [(-2 - 1) / 0.5 + 1]);
});

test("u2Loss: the expected gradient is that of complete labels at and above the function, not below it", async () => {
  const n = 200_000;
  const [beta, draw] = [0.6, random("shift")];
  const noise = draw.normal(new Float64Array(n));
  const losses = draw.exponential(new Float64Array(n));
  const observed = noise.map((e, i) => (draw.next() < beta ? e : e - 2 * Math.abs(e) - losses[i]!));
  const slope = async (shift: number, y: Float64Array, completeness: number) => {
    const g = grad((x: Tensor) => u2Loss(add(x, fullLike(tensor(y), 0)), tensor(y), { completeness }));
    return item(await evaluate(g(tensor(shift, { dtype: "float64" }))));
  };
  const tolerance = 0.015;
  for (const shift of [0, 0.5, 2]) {
    const [weak, clean] = [await slope(shift, observed, beta), await slope(shift, noise, 1)];
    assert.ok(Math.abs(weak - clean) < tolerance, `at ${shift}: ${weak} is not ${clean}`);
  }
  // P(|ε| < 1/2) = 0.3829; below the function, incomplete labels can lie above the prediction.
  close([await slope(0.5, observed, beta)], [0.383], tolerance);
  close([await slope(-0.5, observed, beta)], [-0.46], tolerance);
  close([await slope(-0.5, noise, 1)], [-0.383], tolerance);
});

test("u2Loss: a linear function is found despite 40 % incomplete labels; other losses end up too low", async () => {
  const n = 3000;
  const draw = random("linear");
  const x = tensor(draw.normal(new Float64Array(2 * n)), { shape: [n, 2] });
  const truth = Float64Array.from(
    { length: n },
    (_, i) => values(x)[2 * i]! - 2 * values(x)[2 * i + 1]! + 0.5,
  );
  const noise = draw.normal(new Float64Array(n), 0, 0.5);
  const clean = truth.map((f, i) => f + noise[i]!);
  const { labels } = incompleteObservations(clean, { completeness: 0.6, scale: 2, noise, random: draw });
  const y = tensor(labels);
  const predict = (p: { w: Tensor; b: Tensor }) => add(reshape(matmul(x, p.w), [n]), p.b);
  const error = async (loss: (f: Tensor) => Tensor) => {
    const optimizer = adam({ learningRate: 0.05 });
    let state = optimizer.init({ w: double([[0], [0]]), b: tensor(0, { dtype: "float64" }) });
    const step = compile(
      (s: typeof state) => optimizer.update(s, grad((p: typeof s.params) => loss(predict(p)))(s.params)),
      { threads: 1 },
    );
    for (let i = 0; i < 200; i++) state = await step(state);
    const found = await numbers(predict(state.params));
    return found.reduce((sum, f, i) => sum + Math.abs(f - truth[i]!), 0) / n;
  };
  const [squared, absolute, u2] = [
    await error((f) => squaredError(f, y)),
    await error((f) => absoluteError(f, y)),
    await error((f) => u2Loss(f, y, { completeness: 0.6 })),
  ];
  // The mean is lowered by 0.4 (2 E|ε| + 2) = 1.12.
  assert.ok(Math.abs(squared - 1.12) < 0.06, `squared: ${squared}`);
  assert.ok(Math.abs(absolute - 0.435) < 0.06, `absolute: ${absolute}`);
  assert.ok(u2 < 0.06, `u2: ${u2}`);
});

const smoothLosses: Record<string, (x: Tensor) => Tensor> = {
  puRisk: (x) => puRisk(x, double([1, 0, 1, 0, 0, 1]), double([0.3, 0.5, 0.9, 0.2, 0.5, 0.001])),
  "puRisk, non-negative": (x) => puRisk(x, double([1, 0, 1, 0, 0, 1]), 0.3, { nonNegative: true }),
  easyLLP: (x) => easyLLP(reshape(x, [3, 2]), double([0, 0.5, 1]), { prior: 0.4 }),
  "easyLLP, plain": (x) => easyLLP(reshape(x, [3, 2]), double([0, 0.5, 1]), { prior: 0.4, centered: false }),
  proportionMatching: (x) => proportionMatching(reshape(x, [2, 3]), double([0, 0.4])),
  "proportionMatching, squared": (x) =>
    proportionMatching(reshape(x, [2, 3]), double([1, 0.4]), { distance: "squared" }),
  u2Loss: (x) => u2Loss(x, double([1, 0, -1, 5, -5, 0.2]), { completeness: 0.6 }),
  "u2Loss, squared": (x) =>
    u2Loss(x, double([1, 0, -1, 5, -5, 0.2]), { completeness: 0.6, upper: "squared" }),
};

test("gradients agree with central differences", async () => {
  const cases = Object.entries(smoothLosses).flatMap(([name, f]) =>
    Array.from({ length: 6 }, (_, seed) => ({ name, f, params: normals(`${name} ${seed}`, [6], 2) })),
  );
  const checks = await checkGradients(cases);
  for (const [i, { error }] of checks.entries()) assert.ok(error < 1e-6, `${cases[i]!.name}: ${error}`);
});

test("extreme inputs stay finite in float64", async () => {
  const rows = [Array(6).fill(1e4), Array(6).fill(-1e4), Array(6).fill(0), [1e4, -1e4, 0, 1e4, 1, 2]];
  const cases = Object.entries(smoothLosses).flatMap(([name, f]) =>
    rows.map((row) => ({ name: `${name} at ${row}`, result: valueAndGrad(f)(double(row)) })),
  );
  const found = await evaluate(cases.map(({ result }) => result));
  for (const [i, [value, gradient]] of found.entries())
    assert.ok([item(value), ...values(gradient)].every(Number.isFinite), cases[i]!.name);
});

test("in float32, logits of ±1e4 give finite losses and gradients, also in a batch of one", async () => {
  const f32 = (list: number[]) => tensor(Float32Array.from(list));
  const losses: ((x: Tensor) => Tensor)[] = [
    (x) => puRisk(x, f32([1]), f32([0])),
    (x) => easyLLP(reshape(x, [1, 1]), f32([1]), { prior: 0.5, centered: false }),
    (x) => proportionMatching(reshape(x, [1, 1]), f32([0])),
    (x) => proportionMatching(reshape(x, [1, 1]), f32([1])),
    (x) => u2Loss(x, f32([0]), { completeness: 0.1, upper: "squared" }),
  ];
  const cases = losses.flatMap((loss) => [-1e4, 0, 1e4].map((x) => valueAndGrad(loss)(f32([x]))));
  for (const [i, [value, gradient]] of (await evaluate(cases)).entries())
    assert.ok([item(value), ...values(gradient)].every(Number.isFinite), `case ${i}`);
});

test("errors name the argument, what it is and what is expected", () => {
  const f = double([1, 2]);
  const bags = double([[1, 2]]);
  assert.throws(() => puRisk(bags, f, 1), /puRisk: logits is .*expected \[n\]/);
  assert.throws(() => puRisk(f, double([1]), 1), /puRisk: observed is .*like logits/);
  assert.throws(() => puRisk(f, f, 0), /propensity is 0; expected above 0, to 1/);
  assert.throws(() => puRisk(f, f, 1, { minimumPropensity: 0 }), /minimumPropensity is 0/);
  assert.throws(() => puRisk(f, f, 1, { nonNegative: true, reduction: "none" }), /corrects a mean/);
  assert.throws(() => easyLLP(f, f, { prior: 0.5 }), /easyLLP: logits is .*expected \[bags, size\]/);
  assert.throws(() => easyLLP(bags, f, { prior: 0.5 }), /proportions is .*expected \[1\], one a bag/);
  assert.throws(() => easyLLP(bags, double([1]), { prior: 2 }), /prior is 2; expected a number from 0 to 1/);
  assert.throws(() => easyLLP(bags, double([1]), { prior: 0.5 }), /has 1 bag; .*at least 2/);
  assert.throws(() => easyLLPLabels(f, 0, 0.5), /size is 0/);
  assert.throws(
    () => proportionMatching(bags, double([1]), { distance: "l1" as never }),
    /distance is "l1"; expected "kl" or "squared"/,
  );
  assert.throws(() => u2Loss(f, double([1]), { completeness: 0.5 }), /labels is .*like predictions/);
  assert.throws(() => u2Loss(f, f, { completeness: 0 }), /completeness is 0; expected above 0, to 1/);
  assert.throws(() => u2Loss(f, f, { completeness: 1, upper: "l2" as never }), /upper is "l2"/);
  assert.throws(
    () => u2Loss(f, f, { completeness: 1, reduction: "median" as never }),
    /reduction: got "median"/,
  );
});

test("reductions: sum and mean are those of the single losses", async () => {
  const proportions = double([0, 0.5, 1]);
  const x = normals("reductions", [3, 2]);
  const vector = reshape(x, [6]);
  const each: ((reduction: "none" | "mean" | "sum") => Tensor)[] = [
    (reduction) => puRisk(vector, double([1, 0, 1, 0, 0, 0]), 0.5, { reduction }),
    (reduction) => easyLLP(x, proportions, { prior: 0.4, reduction }),
    (reduction) => proportionMatching(x, proportions, { reduction }),
    (reduction) => u2Loss(vector, double([1, 0, 0, 0, 0, 3]), { completeness: 0.5, reduction }),
  ];
  for (const loss of each) {
    const [none, total, average] = await evaluate([loss("none"), loss("sum"), loss("mean")] as const);
    const list = [...values(none)];
    const sum = list.reduce((a, b) => a + b, 0);
    close([item(total), item(average)], [sum, sum / list.length]);
  }
});
