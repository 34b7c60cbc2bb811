import assert from "node:assert/strict";
import { test } from "node:test";
import {
  evaluate,
  fromData,
  grad,
  item,
  mean,
  square,
  subtract,
  sum,
  type Tensor,
  values,
} from "../index.ts";
import { softCrossEntropy } from "../losses/index.ts";
import { random } from "../random.ts";
import { normalKL } from "../stats/index.ts";
import { checkGradient } from "../testing.ts";
import { betaVae, sampleLatents, standardNormalKL } from "./index.ts";

const double = (rows: number[][]) => fromData(Float64Array.from(rows.flat()), [rows.length, rows[0]!.length]);
const drawn = (name: string, n: number, k: number) =>
  fromData(random(name).normal(new Float64Array(n * k)), [n, k]);
const close = (actual: number, expected: number, tolerance = 1e-7) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("KL: worked values, and the sum of one-dimensional divergences", async () => {
  const kl = async (mu: number, logVariance: number) =>
    item(await evaluate(standardNormalKL(double([[mu]]), double([[logVariance]]))));
  close(await kl(1, 0), 0.5);
  close(await kl(0, Math.log(4)), 0.8068528);
  close(await kl(0, 0), 0);
  const [mu, logVariance] = [drawn("mu", 3, 4), drawn("variance", 3, 4)];
  const each = values(await evaluate(standardNormalKL(mu, logVariance, { reduction: "none" })));
  for (let i = 0; i < 3; i++) {
    let expected = 0;
    for (let k = i * 4; k < i * 4 + 4; k++)
      expected += normalKL(
        { mean: values(mu)[k]!, deviation: Math.exp(values(logVariance)[k]! / 2) },
        { mean: 0, deviation: 1 },
      );
    close(each[i]!, expected, 1e-12);
  }
});

test("the likelihood of normalised counts: entropy at the truth, more elsewhere; its gradient adds up to 0", async () => {
  const shares = double([[0.1, 0.3, 0.6]]);
  const logits = (p: number[], shift = 0) => double([p.map((each) => Math.log(each) + shift)]);
  const loss = async (p: number[], shift?: number) =>
    item(await evaluate(softCrossEntropy(logits(p, shift), shares)));
  close(await loss([0.1, 0.3, 0.6]), 0.8979457);
  close(await loss([0.6, 0.1, 0.3]), 1.4642417);
  close(await loss([0.6, 0.1, 0.3], 7), 1.4642417);
  const gradient = values(
    await evaluate(grad((f: Tensor) => softCrossEntropy(f, shares))(logits([0.6, 0.1, 0.3]))),
  );
  [0.5, -0.2, -0.3].forEach((expected, i) => {
    close(gradient[i]!, expected, 1e-12);
  });
});

test("β = 1 is the evidence lower bound, β = 0 the likelihood; the default is 1.2", async () => {
  const [mu, logVariance] = [drawn("mu", 3, 4), drawn("variance", 3, 4)];
  const likelihood = fromData(Float64Array.of(3, 1, 2), [3]);
  const at = async (options?: { beta?: number }) =>
    item(await evaluate(betaVae(likelihood, mu, logVariance, options)));
  const divergence = item(await evaluate(standardNormalKL(mu, logVariance)));
  close(await at({ beta: 0 }), 2, 1e-12);
  close(await at({ beta: 1 }), 2 + divergence, 1e-12);
  close(await at(), 2 + 1.2 * divergence, 1e-12);
});

test("sampled latents have the given mean and variance", async () => {
  const n = 20_000;
  const [mu, logVariance] = [0.7, Math.log(0.25)];
  const column = (value: number) => fromData(new Float64Array(n).fill(value), [n, 1]);
  const z = sampleLatents(column(mu), column(logVariance), drawn("noise", n, 1));
  const [average, spread] = [mean(z), mean(square(subtract(z, mu)))];
  close(item(await evaluate(average)), 0.7, 0.02);
  close(item(await evaluate(spread)), 0.25, 0.02);
});

test("gradients agree with central differences", async () => {
  for (const seed of [1, 2, 3]) {
    const [noise, target] = [drawn(`noise ${seed}`, 2, 3), drawn(`target ${seed}`, 2, 3)];
    const params = { mu: drawn(`mu ${seed}`, 2, 3), logVariance: drawn(`variance ${seed}`, 2, 3) };
    const { error } = await checkGradient(({ mu, logVariance }: typeof params) => {
      const z = sampleLatents(mu, logVariance, noise);
      return betaVae(sum(square(subtract(z, target)), { axis: 1 }), mu, logVariance);
    }, params);
    assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
  }
});

test("extreme latents stay finite in loss and gradient", async () => {
  const params = { mu: double([[1e4, -1e4]]), logVariance: double([[-1e4, 80]]) };
  const at = ({ mu, logVariance }: typeof params) => standardNormalKL(mu, logVariance);
  assert.ok(Number.isFinite(item(await evaluate(at(params)))));
  const gradients = await evaluate(grad(at)(params));
  for (const g of Object.values(gradients)) assert.ok(values(g).every(Number.isFinite));
});

test("what does not fit is named", () => {
  const mu = double([[0, 0]]);
  assert.throws(() => standardNormalKL(mu, double([[0]])), /logVariance is/);
  assert.throws(() => sampleLatents(mu, mu, double([[0], [0]])), /noise is/);
  assert.throws(() => betaVae(fromData(new Float64Array(2), [2]), mu, mu), /negativeLogLikelihood is/);
  assert.throws(() => betaVae(fromData(new Float64Array(1), [1]), mu, mu, { beta: -1 }), /beta is -1/);
});
