import assert from "node:assert/strict";
import { test } from "node:test";
import {
  add,
  evaluate,
  fromData,
  grad,
  item,
  logSumExp,
  mean,
  multiply,
  scalar,
  softmax,
  square,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  compositionalLikelihood,
  logNormalizerEstimate,
  noiseContrastive,
  trackLogNormalizer,
} from "./index.ts";

const vector = (numbers: ArrayLike<number>) => fromData(Float64Array.from(numbers), [numbers.length]);
const number = (x: number) => scalar(x, "float64");
const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const HALF_LOG_TAU = Math.log(2 * Math.PI) / 2;
const logNormal = (x: Float64Array, mean: number, deviation: number) =>
  x.map((v) => -(((v - mean) / deviation) ** 2) / 2 - Math.log(deviation) - HALF_LOG_TAU);
const energy = (x: Tensor, theta: Tensor) => multiply(square(subtract(x, theta)), -0.5);
const normal = (seed: number, n: number, deviation = 1) =>
  random(seed).normal(new Float64Array(n), 0, deviation);

test("the estimate of log Z is that of √2π for a Gaussian energy, whatever its mean and the noise", async () => {
  for (const [theta, deviation] of [
    [0, 1],
    [0, 3],
    [2, 4],
    [-3, 5],
  ] as const) {
    const x = normal(1, 50_000, deviation);
    const estimate = logNormalizerEstimate(
      energy(vector(x), number(theta)),
      vector(logNormal(x, 0, deviation)),
    );
    near(item(await evaluate(estimate)), HALF_LOG_TAU, 0.03);
  }
});

test("the moving average is one of numbers, not of logarithms; at 1 the batch stands alone, at 0 nothing moves", async () => {
  const tracked = async (previous: number, estimate: number, gamma: number) =>
    item(await evaluate(trackLogNormalizer(number(previous), number(estimate), gamma)));
  near(await tracked(Math.log(2), Math.log(10), 0.25), Math.log(4), 1e-12);
  near(await tracked(Math.log(2), Math.log(10), 1), Math.log(10), 1e-12);
  near(await tracked(Math.log(2), Math.log(10), 0), Math.log(2), 1e-12);
  near(await tracked(1e4, 1e4 + 1, 0.5), 1e4 + Math.log((1 + Math.E) / 2), 1e-9);
  near(await tracked(0, -1e4, 0.5), Math.log(0.5), 1e-12);
  near(await tracked(0, -1e4, 1), -1e4, 1e-9);
  near(item(await evaluate(trackLogNormalizer(number(0), number(1)))), Math.log(0.9 + 0.1 * Math.E), 1e-12);
  // γ may be a tensor.
  near(item(await evaluate(trackLogNormalizer(number(0), number(1), number(1)))), 1, 1e-12);
});

test("γ = 1: the gradient is that of −mean φ(x) + log mean e^(φ − log q)", async () => {
  for (const seed of [1, 2, 3]) {
    const data = vector(normal(seed, 7));
    const noise = normal(seed + 10, 9, 2);
    const logDensities = vector(logNormal(noise, 0, 2));
    const compositional = (theta: Tensor) => {
      const scores = energy(vector(noise), theta);
      const logU = trackLogNormalizer(number(0), logNormalizerEstimate(scores, logDensities), 1);
      return compositionalLikelihood(energy(data, theta), scores, logDensities, logU);
    };
    const direct = (theta: Tensor) =>
      subtract(
        subtract(logSumExp(subtract(energy(vector(noise), theta), logDensities)), Math.log(9)),
        mean(energy(data, theta)),
      );
    const [a, b] = await evaluate([grad(compositional)(number(0.7)), grad(direct)(number(0.7))]);
    near(item(a!), item(b!), 1e-12);
    const [v, w] = await evaluate([compositional(number(0.7)), direct(number(0.7))]);
    near(item(v!), item(w!), 1e-12);
    // Self-normalised weights, written out.
    const selfNormalised = (theta: Tensor) => {
      const scores = energy(vector(noise), theta);
      const weights = stopGradient(softmax(subtract(scores, logDensities)));
      return subtract(sum(multiply(weights, scores)), mean(energy(data, theta)));
    };
    near(item(await evaluate(grad(selfNormalised)(number(0.7)))), item(a!), 1e-12);
  }
});

test("a constant added to φ, and to log u, changes no gradient", async () => {
  const noise = normal(4, 8, 2);
  const gradient = async (shift: number) => {
    const f = (theta: Tensor) =>
      compositionalLikelihood(
        add(energy(vector(normal(3, 5)), theta), shift),
        add(energy(vector(noise), theta), shift),
        vector(logNormal(noise, 0, 2)),
        number(0.4 + shift),
      );
    return item(await evaluate(grad(f)(number(1))));
  };
  near(await gradient(50), await gradient(0), 1e-10);
});

test("at the true parameter the gradient is 0 in large batches; a wrong normaliser pulls", async () => {
  const [data, noise] = [normal(5, 50_000), normal(6, 50_000, 2)];
  const slope = async (logU: number) => {
    const f = (theta: Tensor) =>
      compositionalLikelihood(
        energy(vector(data.map((x) => x + 1)), theta),
        energy(vector(noise), theta),
        vector(logNormal(noise, 0, 2)),
        number(logU),
      );
    return item(await evaluate(grad(f)(number(1))));
  };
  near(await slope(HALF_LOG_TAU), 0, 0.03);
  // Moments about θ vanish at the truth whatever u is; away from it they do not.
  const g = (theta: Tensor) =>
    compositionalLikelihood(
      energy(vector(data.map((x) => x + 1)), theta),
      energy(vector(noise), theta),
      vector(logNormal(noise, 0, 2)),
      number(HALF_LOG_TAU),
    );
  near(item(await evaluate(grad(g)(number(0)))), -1, 0.03);
});

test("the gradient is that of fixed weights: central differences of the surrogate written out", async () => {
  for (const seed of [1, 2, 3]) {
    const [data, noise, logDensities] = [normal(seed, 6), normal(seed + 20, 6), normal(seed + 40, 6)];
    const weights = vector(noise.map((x, i) => Math.exp(x - logDensities[i]! - 0.3)));
    const surrogate = (p: { a: Tensor; b: Tensor }) =>
      subtract(mean(multiply(weights, p.b)), mean(multiply(p.a, 1)));
    const loss = (p: { a: Tensor; b: Tensor }) =>
      compositionalLikelihood(p.a, p.b, vector(logDensities), number(0.3));
    const at = { a: vector(data), b: vector(noise) };
    const { gradients } = await checkGradient(surrogate, at);
    const ours = await evaluate(grad(loss)(at));
    [ours.a, ours.b].forEach((g, k) => {
      values(g).forEach((x, i) => {
        near(x, gradients[k]![i]!, 1e-9);
      });
    });
  }
});

test("noise contrast: 2 ln 2 where all agree, the logistic loss of the ratio elsewhere", async () => {
  const x = normal(7, 6);
  const agreed = { scores: vector(logNormal(x, 0, 1)), logDensities: vector(logNormal(x, 0, 1)) };
  near(item(await evaluate(noiseContrastive(agreed, agreed, number(0)))), 2 * Math.LN2, 1e-12);
  const at = (ratio: number) => ({ scores: vector([ratio + 3]), logDensities: vector([1]) });
  const ratios = normal(8, 10, 3);
  const losses = await evaluate(
    Array.from(ratios, (g, i) => noiseContrastive(at(g), at(ratios[9 - i]!), number(2))),
  );
  losses.forEach((loss, i) => {
    near(item(loss), Math.log(1 + Math.exp(-ratios[i]!)) + Math.log(1 + Math.exp(ratios[9 - i]!)), 1e-9);
  });
  for (const seed of [1, 2, 3]) {
    const { error } = await checkGradient(
      (p: Tensor[]) =>
        noiseContrastive(
          { scores: p[0]!, logDensities: p[1]! },
          { scores: p[2]!, logDensities: p[1]! },
          sum(p[3]!),
        ),
      [0, 1, 2, 3].map((k) => vector(normal(seed * 10 + k, k === 3 ? 1 : 4))),
    );
    assert.ok(error < 1e-6, `${error}`);
  }
});

test("extreme scores stay finite", async () => {
  for (const size of [1e4, -1e4]) {
    const scores = vector([size, 0]);
    const zero = vector([0, 0]);
    const loss = (x: Tensor) => {
      const logU = trackLogNormalizer(number(0), logNormalizerEstimate(x, zero), 0.1);
      return compositionalLikelihood(zero, x, zero, logU);
    };
    const [value, gradient] = await evaluate([loss(scores), grad(loss)(scores)]);
    assert.ok(Number.isFinite(item(value!)) && values(gradient!).every(Number.isFinite), `${size}`);
    const contrast = (x: Tensor) =>
      noiseContrastive({ scores: x, logDensities: zero }, { scores: x, logDensities: zero }, number(0));
    const [v, g] = await evaluate([contrast(scores), grad(contrast)(scores)]);
    assert.ok(Number.isFinite(item(v!)) && values(g!).every(Number.isFinite), `${size}`);
  }
});

test("bad input is named", () => {
  const [two, three] = [vector([1, 2]), vector([1, 2, 3])];
  assert.throws(() => logNormalizerEstimate(two, three), /noiseLogDensities is .*as noiseScores/);
  assert.throws(() => trackLogNormalizer(number(0), number(0), 2), /gamma is 2/);
  assert.throws(() => compositionalLikelihood(two, two, two, two), /logNormalizer is .*expected a scalar/);
  assert.throws(() => compositionalLikelihood(number(1), two, two, number(0)), /dataScores is/);
  assert.throws(
    () =>
      noiseContrastive({ scores: two, logDensities: three }, { scores: two, logDensities: two }, number(0)),
    /data has scores/,
  );
});
