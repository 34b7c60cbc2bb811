import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, grad, item, sigmoid, type Tensor, tensor, values } from "../index.ts";
import { confusionCounts, confusionMetrics, f1FromCounts, fromConfusion } from "../metrics/index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import {
  anyLoss,
  diceLoss,
  type Pool,
  type ScoreOrientedOptions,
  scoreOrientedLoss,
  softConfusion,
  tverskyLoss,
} from "./overlap.ts";

const double = (...xs: number[]) => tensor(Float64Array.from(xs));
const near = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const one = async (loss: Tensor) => item(await evaluate(loss));
const slopes = async (loss: (p: Tensor) => Tensor, ...p: number[]) =>
  Array.from(values(await evaluate(grad(loss)(double(...p)))));
const [p, y] = [double(0.9, 0.2, 0.6, 0.1), double(1, 0, 1, 0)];

test("soft confusion counts: by hand, for each pool", async () => {
  const probabilities = tensor(
    [
      [0.9, 0.2],
      [0.5, 0.1],
    ],
    { dtype: "float64" },
  );
  const targets = tensor(
    [
      [1, 0],
      [0, 1],
    ],
    { dtype: "float64" },
  );
  const expected: Record<Pool, number[][]> = {
    all: [[1.0], [0.7], [1.0], [1.3]],
    class: [
      [0.9, 0.1],
      [0.5, 0.2],
      [0.1, 0.9],
      [0.5, 0.8],
    ],
    example: [
      [0.9, 0.1],
      [0.2, 0.5],
      [0.1, 0.9],
      [0.8, 0.5],
    ],
    element: [
      [0.9, 0, 0, 0.1],
      [0, 0.2, 0.5, 0],
      [0.1, 0, 0, 0.9],
      [0, 0.8, 0.5, 0],
    ],
  };
  for (const [pool, rows] of Object.entries(expected)) {
    const counts = await evaluate(softConfusion(probabilities, targets, { pool: pool as Pool }));
    [counts.truePositives, counts.falsePositives, counts.falseNegatives, counts.trueNegatives].forEach(
      (count, i) => {
        assert.equal(values(count).length, rows[i]!.length);
        for (const [j, x] of values(count).entries()) near(x, rows[i]![j]!);
      },
    );
  }
});

test("Dice of single elements: worked values, positives and negatives", async () => {
  const dice = async (p: number, y: number, options = {}) =>
    one(diceLoss(double(p), double(y), { pool: "element", ...options }));
  for (const [p, expected] of [
    [0.1, 0.428571],
    [0.5, 0.2],
    [0.9, 0.034483],
    [1, 0],
  ] as const)
    near(await dice(p, 1), expected, 1e-6);
  for (const [p, expected] of [
    [0.1, 0.435407],
    [0.5, 1 / 3],
    [0.9, 0.435407],
    [1, 0.5],
  ] as const)
    near(await dice(p, 1, { selfAdjust: 1 }), expected, 1e-6);
  near(await dice(0.99, 1, { selfAdjust: 0.01 }), 0.018523, 1e-6);
  for (const [p, expected] of [
    [0.1, 0.090909],
    [0.5, 1 / 3],
    [0.9, 0.473684],
  ] as const)
    near(await dice(p, 0), expected, 1e-6);
  near(await dice(0.5, 1, { power: 2 }), 1 / 9);
  near(await dice(0.5, 0, { power: 2 }), 0.2);
});

test("Dice of sets: worked values and a gradient", async () => {
  const [q, z] = [double(0.9, 0.8, 0.1, 0.2), double(1, 1, 0, 0)];
  near(await one(diceLoss(q, z, { power: 2 })), 1 / 45);
  near(await one(diceLoss(q, z)), 0.12);
  near(await one(diceLoss(q, z, { smooth: 0 })), 0.15);
  near(await one(tverskyLoss(q, z, { smooth: 0 })), 0.15);
  // TP = 1.5, FP = 0.3, FN = 0.5
  const unequal = { falsePositiveWeight: 0.3, falseNegativeWeight: 0.7, smooth: 0 };
  near(await one(tverskyLoss(p, y, unequal)), 1 - 1.5 / (1.5 + 0.09 + 0.35));
  near(await one(diceLoss(p, y, { power: 2 })), 0.0521327, 1e-7);
  near(await one(diceLoss(p, y, { power: 2, pool: "element" })), 0.0299295, 1e-7);
  const [half, first] = [double(0.5, 0.5, 0.5, 0.5), double(1, 0, 0, 0)];
  near(await one(diceLoss(first, first)), 0);
  near(await one(diceLoss(double(0, 0, 0, 0), first)), 0.5);
  near(await one(diceLoss(half, first)), 0.5);
  near(await one(diceLoss(half, first, { power: 2 })), 1 / 3);
  near(await one(diceLoss(double(0, 0, 0, 0), double(0, 0, 0, 0))), 0);
  const gradient = await slopes((x) => diceLoss(x, first, { smooth: 0 }), 0.5, 0.5, 0.5, 0.5);
  for (const [i, g] of gradient.entries()) near(g, i === 0 ? -5 / 9 : 1 / 9);
});

test("self-adjusting Dice: the slope of a positive turns at p = 1/(1 + alpha)", async () => {
  for (const alpha of [0.01, 1]) {
    const loss = (x: Tensor) => diceLoss(x, double(1), { selfAdjust: alpha });
    const turn = 1 / (1 + alpha);
    near((await slopes(loss, turn))[0]!, 0, 1e-9);
    assert.ok((await slopes(loss, turn - 1e-3))[0]! < 0);
    assert.ok((await slopes(loss, turn + 1e-3))[0]! > 0);
  }
});

test("a negative's slope in the plain Dice of one element stays within 1/4 and 1", async () => {
  for (const p of [0, 0.3, 1])
    near((await slopes((x) => diceLoss(x, double(0), { pool: "element" }), p))[0]!, 1 / (1 + p) ** 2);
  // Without smoothing there is nothing to learn from a negative: the loss is 1 whatever p is.
  const bare = (x: Tensor) => diceLoss(x, double(0), { power: 2, smooth: 0 });
  near(await one(bare(double(0.3))), 1);
  near((await slopes(bare, 0.3))[0]!, 0);
});

test("identities on hard predictions: Dice is 1 − F1, Tversky at 1 and 1 is 1 − Jaccard; cells of 0 change nothing", async () => {
  const draw = random("hard");
  for (let round = 0; round < 3; round++) {
    const [predictions, labels] = [
      draw.bernoulli(new Float64Array(30), 0.4),
      draw.bernoulli(new Float64Array(30), 0.3),
    ];
    const counts = confusionCounts(predictions, labels);
    for (const power of [1, 2] as const)
      near(
        await one(diceLoss(tensor(predictions), tensor(labels), { power, smooth: 0 })),
        1 - f1FromCounts(counts).f1,
      );
    const options = { falsePositiveWeight: 1, falseNegativeWeight: 1, smooth: 0 };
    near(
      await one(tverskyLoss(tensor(predictions), tensor(labels), options)),
      1 - fromConfusion("jaccard", counts),
    );
    const padded = (x: Float64Array) => double(...x, 0, 0, 0);
    near(
      await one(diceLoss(padded(predictions), padded(labels))),
      await one(diceLoss(tensor(predictions), tensor(labels))),
    );
    const hard = confusionMetrics.map((metric) =>
      scoreOrientedLoss(tensor(predictions), tensor(labels), {
        metric,
        threshold: "uniform",
        epsilon: 1e-300,
      }),
    );
    for (const [i, loss] of (await evaluate(hard)).entries())
      near(item(loss), 1 - fromConfusion(confusionMetrics[i]!, counts));
  }
});

test("identities on soft predictions: Tversky at 1/2 is Dice; a set of one element is an element", async () => {
  const draw = random("soft");
  const shape = [4, 3];
  const probabilities = tensor(draw.uniform(new Float64Array(12)), { shape });
  const targets = tensor(draw.bernoulli(new Float64Array(12), 0.4), { shape });
  const none = { reduction: "none" } as const;
  for (const pool of ["all", "class", "example", "element"] as const) {
    const [dice, tversky] = await evaluate([
      diceLoss(probabilities, targets, { ...none, pool, smooth: 2 }),
      tverskyLoss(probabilities, targets, { ...none, pool, smooth: 1 }),
    ] as const);
    for (const [i, x] of values(dice).entries()) near(x, values(tversky)[i]!);
  }
  for (const power of [1, 2] as const)
    near(
      await one(diceLoss(double(0.3), double(1), { power })),
      await one(diceLoss(double(0.3), double(1), { power, pool: "element" })),
    );
  // The Dice loss without smoothing is one minus the soft F1: a threshold that is uniform on 0 to 1.
  const flat = [double(...values(probabilities)), double(...values(targets))] as const;
  near(
    await one(diceLoss(...flat, { smooth: 0 })),
    await one(scoreOrientedLoss(...flat, { threshold: "uniform", epsilon: 0 })),
  );
});

test("amplifier: worked values of the losses", async () => {
  const amplified = (p: number) => 1 / (1 + Math.exp(-73 * (p - 0.5)));
  near(amplified(0), 1.40686e-16, 1e-20);
  near(amplified(0.45), 0.0253327, 1e-7);
  // Only one positive with p = 0.45: recall is A(p).
  near(await one(anyLoss(double(0.45), double(1), { metric: "recall", epsilon: 0 })), 1 - 0.0253327, 1e-7);
  near(await one(anyLoss(p, y, { epsilon: 0 })), 1.68799e-4, 1e-9);
  const gentle = { amplification: 10, epsilon: 0 };
  near(await one(anyLoss(p, y, gentle)), 0.093249, 1e-7);
  near(await one(anyLoss(p, y, { ...gentle, metric: "geometricMean" })), 0.089768, 1e-7);
  near(await one(anyLoss(p, y, { ...gentle, metric: "balancedAccuracy" })), 0.0880849, 1e-7);
  // The accuracy loss is the mean distance of A(p) and the label.
  const distance = [0.9, 0.2, 0.6, 0.1].map((x, i) =>
    Math.abs(1 / (1 + Math.exp(-10 * (x - 0.5))) - [1, 0, 1, 0][i]!),
  );
  near(await one(anyLoss(p, y, { ...gentle, metric: "accuracy" })), distance.reduce((a, b) => a + b) / 4);
  // The peak slope of the amplifier is L/4.
  near((await slopes((x) => anyLoss(x, double(1), { metric: "accuracy", epsilon: 0 }), 0.5))[0]!, -73 / 4);
});

test("a steep amplifier gives the hard metric", async () => {
  const draw = random("steep");
  const probabilities = draw.uniform(new Float64Array(40)).map((x) => (Math.abs(x - 0.5) < 0.01 ? 0.4 : x));
  const labels = draw.bernoulli(new Float64Array(40), 0.3);
  const counts = confusionCounts(
    probabilities.map((x) => Number(x > 0.5)),
    labels,
  );
  const steep = confusionMetrics.map((metric) =>
    anyLoss(tensor(probabilities), tensor(labels), { metric, amplification: 1e5, epsilon: 0 }),
  );
  for (const [i, loss] of (await evaluate(steep)).entries())
    near(item(loss), 1 - fromConfusion(confusionMetrics[i]!, counts), 1e-9);
});

test("gradients pull positives up and negatives down, whatever the metric", async () => {
  const draw = random("signs");
  for (let round = 0; round < 5; round++) {
    const probabilities = draw.uniform(new Float64Array(12), 0.3, 0.7);
    const labels = Float64Array.from(draw.bernoulli(12, 0.4)).fill(1, 0, 1).fill(0, 1, 2);
    const gradients = confusionMetrics.map((metric) =>
      grad((x: Tensor) => anyLoss(x, tensor(labels), { metric, amplification: 10 }))(tensor(probabilities)),
    );
    for (const [m, gradient] of (await evaluate(gradients)).entries())
      for (const [i, g] of values(gradient).entries())
        assert.ok(labels[i] ? g <= 0 : g >= 0, `${confusionMetrics[m]}: ${g} for ${labels[i]}`);
  }
});

test("score-oriented loss: the distribution of a raised cosine", async () => {
  const recall = (x: number, options: ScoreOrientedOptions = {}) =>
    one(scoreOrientedLoss(double(x), double(1), { metric: "recall", epsilon: 0, ...options }));
  near(await recall(0.5), 0.5);
  near(await recall(0.39), 1);
  near(await recall(0.61), 0);
  // F(μ + δ/2) = (1 + 1/2 + 1/π)/2
  near(await recall(0.55), 1 - (1.5 + 1 / Math.PI) / 2);
  near(await recall(0.3, { halfWidth: 0.4 }), 1 - (0.5 - 1 / Math.PI) / 2);
  near(await recall(0.3, { threshold: "uniform" }), 0.7);
});

const losses: Record<string, (p: Tensor, y: Tensor) => Tensor> = {
  plain: (p, y) => diceLoss(p, y),
  squared: (p, y) => diceLoss(p, y, { power: 2, pool: "class" }),
  bare: (p, y) => diceLoss(p, y, { smooth: 0, pool: "example" }),
  pointwise: (p, y) => diceLoss(p, y, { power: 2, pool: "element", reduction: "sum" }),
  selfAdjusting: (p, y) => diceLoss(p, y, { selfAdjust: 0.01 }),
  stronglyAdjusting: (p, y) => diceLoss(p, y, { selfAdjust: 1, pool: "element" }),
  tverskyLoss: (p, y) => tverskyLoss(p, y, { falsePositiveWeight: 0.3, falseNegativeWeight: 0.7 }),
  scoreOrientedLoss: (p, y) => scoreOrientedLoss(p, y, { halfWidth: 0.5 }),
  ...Object.fromEntries(
    confusionMetrics.map((metric) => [
      metric,
      (p: Tensor, y: Tensor) => anyLoss(p, y, { metric, amplification: 8 }),
    ]),
  ),
};

test("gradients agree with central differences", async () => {
  for (let seed = 0; seed < 4; seed++) {
    const draw = random(seed);
    const shape = [2, 3];
    const logits = tensor(draw.normal(new Float64Array(6)), { shape });
    const targets = tensor(Float64Array.from(draw.bernoulli(6, 0.5)).fill(1, 0, 1).fill(0, 5), { shape });
    const cases = Object.values(losses).map((loss) => ({
      f: (z: Tensor) => loss(sigmoid(z), targets),
      params: logits,
    }));
    for (const [i, { error }] of (await checkGradients(cases)).entries())
      assert.ok(error < 1e-6, `${Object.keys(losses)[i]}, seed ${seed}: ${error}`);
  }
});

test("saturated probabilities, one class alone and a single example stay finite in float32", async () => {
  const all = {
    ...losses,
    anyLoss: (p: Tensor, y: Tensor) => anyLoss(p, y),
    sol: (p: Tensor, y: Tensor) => scoreOrientedLoss(p, y),
  };
  const batches = [
    [[[1e4, -1e4, 20, -20, 0, 3]], [[1, 1, 0, 0, 1, 0]]],
    [[[1e4, -1e4, 20, -20, 0, 3]], [[0, 0, 0, 0, 0, 0]]],
    [[[1e4, -1e4, 20, -20, 0, 3]], [[1, 1, 1, 1, 1, 1]]],
    [[[-1e4, -1e4]], [[0, 0]]],
    [[[1e4]], [[1]]],
    [[[-1e4]], [[1]]],
  ] as const;
  const cases = Object.entries(all).flatMap(([name, loss]) =>
    batches.map(([z, targets]) => {
      const f = (x: Tensor) => loss(sigmoid(x), tensor(targets.map((row) => [...row])));
      const logits = tensor(z.map((row) => [...row]));
      return { name: `${name} at ${z}, ${targets}`, value: f(logits), gradient: grad(f)(logits) };
    }),
  );
  for (const [i, [value, gradient]] of (
    await evaluate(cases.map(({ value, gradient }) => [value, gradient] as const))
  ).entries()) {
    assert.ok(Number.isFinite(item(value)), `${cases[i]!.name}: ${item(value)}`);
    assert.ok(values(gradient).every(Number.isFinite), `${cases[i]!.name}: ${values(gradient)}`);
  }
});

test("reductions and errors", async () => {
  const [m, t] = [
    tensor([
      [0.5, 0.2],
      [0.1, 0.7],
    ]),
    tensor([
      [1, 0],
      [0, 1],
    ]),
  ];
  const each = Array.from(values(await evaluate(diceLoss(m, t, { pool: "class", reduction: "none" }))));
  assert.equal(each.length, 2);
  near(await one(diceLoss(m, t, { pool: "class", reduction: "sum" })), each[0]! + each[1]!, 1e-6);
  near(await one(diceLoss(m, t, { pool: "class" })), (each[0]! + each[1]!) / 2, 1e-6);
  for (const loss of [softConfusion, diceLoss, tverskyLoss, anyLoss, scoreOrientedLoss])
    assert.throws(() => loss(m, tensor([1, 0])), /targets is .*\[2\].*expected the shape and type.*\[2, 2\]/);
  assert.throws(
    () => diceLoss(p, y, { pool: "class" }),
    /probabilities is .*\[4\].*expected \[n, classes\] for pool "class"/,
  );
  assert.throws(() => diceLoss(p, y, { pool: "batch" as never }), /pool is "batch"/);
  assert.throws(() => diceLoss(p, y, { power: 3 as never }), /power is 3/);
  assert.throws(() => diceLoss(p, y, { smooth: -1 }), /smooth is -1/);
  assert.throws(() => diceLoss(p, y, { selfAdjust: Number.NaN }), /selfAdjust is NaN/);
  assert.throws(() => tverskyLoss(p, y, { falsePositiveWeight: -1 }), /falsePositiveWeight is -1/);
  assert.throws(() => anyLoss(p, y, { amplification: 0 }), /amplification is 0/);
  assert.throws(() => anyLoss(p, y, { metric: "f1" as never }), /metric is "f1"/);
  assert.throws(() => scoreOrientedLoss(p, y, { halfWidth: 0 }), /halfWidth is 0/);
  assert.throws(() => scoreOrientedLoss(p, y, { threshold: "normal" as never }), /threshold is "normal"/);
});
