import assert from "node:assert/strict";
import { test } from "node:test";
import {
  add,
  compile,
  evaluate,
  fromData,
  grad,
  item,
  matmul,
  multiply,
  slice,
  stack,
  sum,
  type Tensor,
  tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  noisedEmbeddings,
  noPropChain,
  noPropLoss,
  noPropPrior,
  noPropSteps,
  risingCosineSchedule,
} from "./index.ts";

const near = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const normal = (seed: string, shape: number[]) =>
  fromData(random(seed).normal(new Float64Array(shape.reduce((a, b) => a * b))), shape);

test("the schedule of ten blocks, and the steps of its signal-to-noise ratio", () => {
  const open = risingCosineSchedule(10, { highest: 1 - 1e-5 });
  const expected = [
    1e-5,
    0.02791,
    0.10129,
    0.21309,
    0.35252,
    0.50616,
    0.65919,
    0.79688,
    0.90595,
    0.97591,
    1 - 1e-5,
  ];
  open.forEach((level, t) => {
    near(level, expected[t]!, 6e-6);
  });
  const ratios = Array.from(open, (level) => level / (1 - level));
  [0.0287, 0.084, 0.158, 0.274, 0.48, 0.909, 1.989, 5.71, 30.87].forEach((step, t) => {
    near(ratios[t + 1]! - ratios[t]!, step, step * 2e-3);
  });
  assert.ok(ratios[10]! > 9e4);
  assert.equal(risingCosineSchedule(10)[10], 0.99);
});

test("with right predictions the chain keeps mean √ᾱ u and variance 1 − ᾱ", () => {
  const levels = risingCosineSchedule(10);
  let [mean, variance] = [Math.sqrt(levels[0]!), 1 - levels[0]!];
  noPropSteps(levels).forEach(({ prediction, state, noise }, i) => {
    mean = prediction + state * mean;
    variance = state ** 2 * variance + noise ** 2;
    near(mean, Math.sqrt(levels[i + 1]!), 1e-12);
    near(variance, 1 - levels[i + 1]!, 1e-12);
  });
});

test("the chain by tensors follows its steps, and blocks are numbered from 1", async () => {
  const levels = [0.1, 0.4, 0.8];
  const noise = normal("chain", [3, 2, 4]);
  const seen: number[] = [];
  const { state, predictions } = noPropChain(
    (block, z) => {
      seen.push(block);
      return multiply(z, block);
    },
    noise,
    levels,
  );
  assert.deepEqual(seen, [1, 2]);
  assert.equal(predictions.length, 2);
  const [first, second] = noPropSteps(levels) as [
    ReturnType<typeof noPropSteps>[0],
    ReturnType<typeof noPropSteps>[0],
  ];
  const draws = values(noise);
  values(await evaluate(state)).forEach((value, i) => {
    const z1 = (first.prediction + first.state) * draws[i]! + first.noise * draws[8 + i]!;
    near(value, (2 * second.prediction + second.state) * z1 + second.noise * draws[16 + i]!, 1e-12);
  });
});

test("noised embeddings have the signal and the noise of their step", async () => {
  const targets = tensor(
    [
      [1, 0],
      [0, 2],
    ],
    { dtype: "float64" },
  );
  const noise = normal("noised", [3, 2, 2]);
  const levels = [0.04, 0.36, 0.64];
  const [z, u, e] = [await evaluate(noisedEmbeddings(targets, noise, levels)), targets, noise].map((x) =>
    values(x),
  );
  for (let t = 0; t < 3; t++)
    for (let i = 0; i < 4; i++)
      near(
        z![t * 4 + i]!,
        Math.sqrt(levels[t]!) * u![i]! + Math.sqrt(1 - levels[t]!) * e![t * 4 + i]!,
        1e-12,
      );
});

test("the loss is the mean over t of T η/2 times the step of the ratio times the squared error", async () => {
  const levels = risingCosineSchedule(4);
  const [predictions, targets] = [normal("p", [4, 3, 2]), normal("u", [3, 2])];
  const [p, u] = [values(predictions), values(targets)];
  const ratio = (t: number) => levels[t]! / (1 - levels[t]!);
  const expected = [0, 1, 2].map((n) => {
    let total = 0;
    for (let t = 1; t <= 4; t++) {
      let distance = 0;
      for (let j = 0; j < 2; j++) distance += (p[(t - 1) * 6 + n * 2 + j]! - u[n * 2 + j]!) ** 2;
      total += (1 / 4) * ((4 * 0.3) / 2) * (ratio(t) - ratio(t - 1)) * distance;
    }
    return total;
  });
  const each = values(
    await evaluate(noPropLoss(predictions, targets, levels, { eta: 0.3, reduction: "none" })),
  );
  each.forEach((value, n) => {
    near(value, expected[n]!, 1e-9);
  });
  near(
    item(await evaluate(noPropLoss(predictions, targets, levels, { eta: 0.3 }))),
    (expected[0]! + expected[1]! + expected[2]!) / 3,
    1e-9,
  );
});

test("no gradient passes between blocks", async () => {
  const levels = risingCosineSchedule(3);
  const [targets, noise] = [normal("u", [5, 2]), normal("z", [3, 5, 2])];
  const z = noisedEmbeddings(targets, noise, levels.subarray(0, 3));
  const partOf = (block: number) => (weights: Tensor[]) => {
    const predictions = matmul(z, stack(weights));
    // The loss of one block alone: the others predict without error.
    const errors = Array.from({ length: 3 }, (_, t) => (t === block ? 1 : 0));
    const mask = fromData(Float64Array.from(errors), [3, 1, 1]);
    return noPropLoss(
      add(multiply(predictions, mask), multiply(targets, add(multiply(mask, -1), 1))),
      targets,
      levels,
    );
  };
  const weights = [0, 1, 2].map((t) => normal(`w${t}`, [2, 2]));
  const whole = await compile(grad((w: Tensor[]) => noPropLoss(matmul(z, stack(w)), targets, levels)))(
    weights,
  );
  for (let block = 0; block < 3; block++) {
    const part = await compile(grad(partOf(block)))(weights);
    part.forEach((gradient, t) => {
      if (t !== block) assert.ok(values(gradient).every((g) => g === 0));
      else
        values(gradient).forEach((g, i) => {
          near(g, values(whole[t]!)[i]!, 1e-9);
        });
    });
  }
});

test("the prior is 0 for the norm at which both Gaussians agree, and as integrated otherwise", async () => {
  const u = tensor(
    [
      [3, 4],
      [0, 0],
    ],
    { dtype: "float64" },
  );
  const each = values(await evaluate(noPropPrior(u, 0.2, { reduction: "none" })));
  const byHand = (norm: number) => 0.5 * (2 * 0.8 + 0.2 * norm - 2 - 2 * Math.log(0.8));
  near(each[0]!, byHand(25), 1e-12);
  near(each[1]!, byHand(0), 1e-12);
});

test("gradients agree with central differences; extreme inputs stay finite", async () => {
  for (let seed = 0; seed < 6; seed++) {
    const levels = risingCosineSchedule(3);
    const noise = normal(`n${seed}`, [4, 2, 3]);
    const objective = ({ w, u }: { w: Tensor; u: Tensor }) => {
      const z = noisedEmbeddings(u, noise, levels);
      const seen = matmul(z, w);
      const local = noPropLoss(slice(seen, [[0, 3]]), u, levels);
      const { state } = noPropChain((_t, x) => matmul(x, w), noise, levels);
      return add(add(local, noPropPrior(u, levels[0]!)), sum(multiply(state, state)));
    };
    const { error } = await checkGradient(objective, {
      w: normal(`w${seed}`, [3, 3]),
      u: normal(`u${seed}`, [2, 3]),
    });
    assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
  }
  const far = fromData(new Float64Array(6).fill(1e4), [3, 1, 2]);
  const zero = fromData(new Float64Array(2), [1, 2]);
  const levels = risingCosineSchedule(3);
  const { value } = await checkGradient((p: Tensor) => multiply(noPropLoss(p, zero, levels), 1e-9), far);
  assert.ok(Number.isFinite(value));
});

test("bad input is named", () => {
  const levels = [0.1, 0.5];
  assert.throws(() => risingCosineSchedule(0), /blocks is 0/);
  assert.throws(() => risingCosineSchedule(3, { highest: 1 }), /highest 1; expected/);
  assert.throws(() => noPropSteps([0.5, 0.5]), /alphaBars\[1\] is 0.5/);
  assert.throws(() => noPropSteps([0.5]), /has 1 entries/);
  assert.throws(
    () => noPropLoss(normal("p", [2, 3, 4]), normal("u", [3, 4]), levels),
    /expected \[1, 3, 4\]/,
  );
  assert.throws(
    () => noPropLoss(normal("p", [1, 3, 4]), normal("u", [3, 4]), levels, { eta: 0 }),
    /eta is 0/,
  );
  assert.throws(() => noPropPrior(normal("u", [3, 4]), 1), /alphaBar is 1/);
  assert.throws(() => noPropChain((_t, z) => z, normal("n", [3, 1, 2]), levels), /expected \[2, n, d\]/);
  assert.throws(() => noPropChain((_t, z) => sum(z), normal("n", [2, 1, 2]), levels), /block 1 predicts/);
});
