import assert from "node:assert/strict";
import { test } from "node:test";
import { claps, infoNCE, tokenCrossEntropy } from "../losses/index.ts";
import { random } from "../random.ts";
import { meanOfTokens } from "../retrieval/text-transformer.ts";
import { evaluate } from "../runtime/index.ts";
import {
  add,
  exp,
  fromData,
  grad,
  item,
  logSoftmax,
  matmul,
  multiply,
  norm,
  relu,
  subtract,
  sum,
  type Tensor,
  transpose,
  values,
  where,
} from "../tensor/index.ts";
import { checkGradient } from "../testing.ts";
import { distantTarget, likelihoodImposter } from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-9) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
};
const numbers = async (x: Tensor) => Array.from(values(await evaluate(x)) as Float64Array);
const bool = (rows: number[][]) =>
  fromData(Uint8Array.from(rows.flat()), [rows.length, rows[0]!.length], "bool");

/** a sin(1.7 i + k), the numbers that the reference was computed with, too. */
const waves = (k: number, shape: number[], a = 1) => {
  const size = shape.reduce((product, each) => product * each, 1);
  return fromData(
    Float64Array.from({ length: size }, (_, i) => a * Math.sin(1.7 * i + k)),
    shape,
  );
};

const sourceMask = bool([
  [1, 1, 1],
  [1, 1, 0],
]);
const mask = bool([
  [1, 1, 1, 0],
  [1, 1, 1, 1],
]);
const labels = fromData(Int32Array.of(1, 4, 0, -100, 2, 2, 3, 0), [2, 4]);
const output = waves(1, [5, 3]);
const weight = waves(2, [3, 3]);
const bias = waves(3, [3], 0.5);
const source = waves(4, [2, 3, 3]);
const hidden = waves(5, [2, 4, 3]);
const logits = (h: Tensor) => matmul(h, transpose(output));
const likelihood = (h: Tensor) => tokenCrossEntropy(logits(h), labels, mask);
const project = (h: Tensor) => relu(add(matmul(h, transpose(weight)), bias));
const pooledSource = meanOfTokens(project(source), sourceMask);
const pooled = (h: Tensor) => meanOfTokens(project(h), mask);
const contrast = (h: Tensor) => infoNCE(pooledSource, pooled(h), { temperature: 0.1 });
const divergence = (h: Tensor) => {
  const before = logSoftmax(logits(hidden));
  const each = sum(multiply(exp(before), subtract(before, logSoftmax(logits(h)))), { axis: 2 });
  return sum(where(mask, each, 0));
};

// Computed by the official code (seanie12/CLAPS, src/nmt/models.py) in float64 with both radii 0.5.
const officialImposter = [
  -1.1652707595, 0.0583991337, 1.1502219458, -0.9741698579, -0.4952120795, 1.1017805578, 0.2668149246,
  -1.2592328563, 0.0576755166, 0.9927664058, -0.0088513093, -0.9904855209, 0.6117515811, 0.9600947455,
  -0.859157425, -0.4357859517, 0.6688705747, 0.2634253698, -0.9249982734, 0.1032923784, 0.8983809649,
  -0.1166902436, -1.2761995744, 0.4455528211,
];
const officialDistant = [
  -1.0022262433, 0.3883436084, 0.9021543716, -0.625073489, -0.6935243192, 0.8037870693, 0.497028072,
  -0.8340744385, -0.2820962735, 0.9927664058, -0.0088513093, -0.9904855209, 0.235110973, 0.8156461446,
  -0.445294003, -0.7849351067, 0.7100287365, 0.6019685197, -0.908304254, -0.4166699275, 1.0156755062,
  0.1294854314, -1.0992787455, 0.1537865967,
];
const officialFirstTerm = [0.7030181282, 0.7378080874];

test("imposter and distant target are those of the official code", async () => {
  close(await numbers(likelihoodImposter(hidden, likelihood, { radius: 0.5 })), officialImposter);
  // The second token is left alone by the contrastive loss; there the official code adds rounding noise of 3e-6.
  close(await numbers(distantTarget(hidden, { contrast, logits, mask, radius: 0.5 })), officialDistant, 5e-6);
});

test("the first term of the loss is that of the official code", async () => {
  const imposter = pooled(likelihoodImposter(hidden, likelihood, { radius: 0.5 }));
  const target = pooled(hidden);
  // With the target in the distant target's place both terms are the first one.
  const loss = claps(pooledSource, target, imposter, target, { reduction: "none" });
  close(await numbers(loss), officialFirstTerm);
});

test("an imposter is a radius away at each token, and padding stays", async () => {
  const moved = subtract(likelihoodImposter(hidden, likelihood, { radius: 0.7 }), hidden);
  close(await numbers(norm(moved, { axis: 2 })), [0.7, 0.7, 0.7, 0, 0.7, 0.7, 0.7, 0.7]);
});

test("a small step raises the loss by the sum of the gradients' lengths", async () => {
  const radius = 1e-3;
  const moved = likelihoodImposter(hidden, likelihood, { radius });
  const lengths = (await numbers(norm(grad(likelihood)(hidden), { axis: 2 }))).reduce((a, b) => a + b);
  const rise = async (h: Tensor) => item(await evaluate(subtract(likelihood(h), likelihood(hidden))));
  assert.ok(Math.abs((await rise(moved)) / (radius * lengths) - 1) < 0.05);
  const back = subtract(multiply(hidden, 2), moved);
  assert.ok(Math.abs((await rise(back)) / (radius * lengths) + 1) < 0.05);
});

test("no direction of the same length raises the loss more, to first order", async () => {
  const draw = random("directions");
  const best = item(await evaluate(likelihood(likelihoodImposter(hidden, likelihood, { radius: 1e-3 }))));
  for (let i = 0; i < 10; i++) {
    const direction = fromData(Float64Array.from(draw.normal(24)), [2, 4, 3]);
    const any = likelihoodImposter(hidden, (h) => sum(multiply(h, direction)), { radius: 1e-3 });
    assert.ok(item(await evaluate(likelihood(any))) <= best);
  }
});

test("a distant target goes away from the source and restores the output's distribution", async () => {
  const radius = 0.05;
  const away = likelihoodImposter(hidden, contrast, { radius });
  const distant = distantTarget(hidden, { contrast, logits, mask, radius });
  const [near, far, gone] = await Promise.all(
    [hidden, distant, away].map(async (h) => item(await evaluate(divergence(h)))),
  );
  assert.ok(near === 0 && far! < gone!, `${far} is not below ${gone}`);
  assert.ok(item(await evaluate(contrast(away))) > item(await evaluate(contrast(hidden))));
  // Where nothing has moved, nothing is to be restored.
  close(await numbers(grad(divergence)(hidden)), Array(24).fill(0), 1e-12);
});

test("no gradient flows through the pairs", async () => {
  const size = (make: (h: Tensor) => Tensor) => sum(make(hidden));
  const through = grad((h: Tensor) => size(() => likelihoodImposter(h, likelihood)))(hidden);
  const further = grad((h: Tensor) => size(() => distantTarget(h, { contrast, logits, mask })))(hidden);
  close(await numbers(add(through, further)), Array(24).fill(0), 0);
  const toOutput = grad((w: Tensor) =>
    sum(likelihoodImposter(hidden, (h) => tokenCrossEntropy(matmul(h, transpose(w)), labels, mask))),
  )(output);
  close(await numbers(toOutput), Array(15).fill(0), 0);
});

test("extreme vectors and lone examples stay finite", async () => {
  for (const scale of [0, 1e4]) {
    const h = multiply(hidden, scale);
    const loss = (w: Tensor) => {
      const imposter = likelihoodImposter(h, (x) => tokenCrossEntropy(matmul(x, transpose(w)), labels, mask));
      const distant = distantTarget(h, { contrast, logits: (x) => matmul(x, transpose(w)), mask });
      return claps(pooledSource, pooled(h), pooled(imposter), pooled(distant));
    };
    assert.ok((await numbers(loss(output))).every(Number.isFinite));
    assert.ok((await numbers(grad(loss)(output))).every(Number.isFinite));
  }
});

test("claps: gradient agrees with central differences", async () => {
  for (let seed = 0; seed < 6; seed++) {
    const draw = random(seed);
    const rows = [0, 1, 2, 3].map(() => fromData(Float64Array.from(draw.normal(12)), [3, 4]));
    const reduction = seed % 2 ? "mean" : "sum";
    const { error } = await checkGradient(
      ([a, b, c, d]: Tensor[]) => claps(a!, b!, c!, d!, { reduction, temperature: 0.5 }),
      rows,
    );
    assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
  }
});

test("claps: without a pair that differs it is InfoNCE with one more negative", async () => {
  const [x, y, imposter] = [1, 2, 3].map((k) => waves(k, [3, 4])) as [Tensor, Tensor, Tensor];
  const loss = claps(x, y, imposter, y);
  const reference = infoNCE(x, y, {
    temperature: 0.1,
    negatives: fromData(values(imposter), [3, 1, 4]),
  });
  close(await numbers(loss), await numbers(reference), 1e-12);
  // A lone pair whose imposter is its target has two candidates of one score.
  const lone = waves(1, [1, 4]);
  close(await numbers(claps(lone, lone, lone, lone)), [Math.log(2)], 1e-12);
  const distantIsTarget = await numbers(claps(x, y, imposter, x));
  assert.ok(distantIsTarget[0]! < (await numbers(loss))[0]!, "a positive that is the source costs less");
});

test("bad input is named", () => {
  const x = waves(1, [2, 3]);
  assert.throws(() => likelihoodImposter(x, likelihood), /hidden is .*expected \[n, length, width\]/);
  assert.throws(() => likelihoodImposter(hidden, likelihood, { radius: 0 }), /radius is 0/);
  assert.throws(
    () => distantTarget(hidden, { contrast, logits, mask: sourceMask }),
    /mask is .*expected bool \[2, 4\]/,
  );
  assert.throws(() => claps(x, x, x, waves(1, [3, 3])), /distants is .*expected \[2, 3\]/);
  assert.throws(() => claps(x, x, x, x, { temperature: 0 }), /temperature is 0/);
});
