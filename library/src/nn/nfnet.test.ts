import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compile,
  evaluate,
  fromData,
  item,
  mean,
  square,
  subtract,
  sum,
  type Tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  expectedDeviations,
  normalizerFreeBlock,
  normalizerFreeNet,
  standardizedConv,
  standardizeWeights,
  variancePreserving,
} from "./index.ts";

const drawn = (name: string, shape: number[], mean = 0, deviation = 1) =>
  fromData(
    random(name).normal(
      new Float64Array(shape.reduce((product, size) => product * size, 1)),
      mean,
      deviation,
    ),
    shape,
  );
const single = (t: Tensor) => fromData(Float32Array.from(values(t)), t.shape);
const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("activations keep the variance of standard normal inputs", async () => {
  const x = drawn("x", [400_000]);
  for (const activation of Object.values(variancePreserving)) {
    const y = activation(x);
    close(item(await evaluate(mean(square(subtract(y, mean(y)))))), 1, 0.01);
  }
  close(item(await evaluate(variancePreserving.relu(fromData(Float64Array.of(1), [])))), 1.7128586, 1e-7);
  assert.equal(item(await evaluate(variancePreserving.relu(fromData(Float64Array.of(-1), [])))), 0);
});

test("standardised filters have mean 0 and squared norm 1, whatever the scale and shift of the weights", async () => {
  const weight = drawn("w", [5, 3, 3, 3], 2, 7);
  const standard = values(await evaluate(standardizeWeights(weight)));
  for (let filter = 0; filter < 5; filter++) {
    const row = Array.from(standard).slice(filter * 27, (filter + 1) * 27);
    close(
      row.reduce((a, b) => a + b, 0),
      0,
    );
    close(
      row.reduce((a, b) => a + b * b, 0),
      1,
    );
  }
  const moved = fromData(
    (values(weight) as Float64Array).map((w) => 3 * w - 1),
    weight.shape,
  );
  const other = values(await evaluate(standardizeWeights(moved)));
  for (const [i, w] of standard.entries()) close(other[i]!, w);
});

test("equal weights give zeros, in loss and gradient", async () => {
  const { error, gradients } = await checkGradient(
    (w: Tensor) => sum(square(standardizeWeights(w))),
    fromData(new Float64Array(8).fill(3), [2, 1, 2, 2]),
  );
  assert.ok(error < 1e-6 && gradients[0]!.every(Number.isFinite));
});

test("gains are factors of filters, biases are added", async () => {
  const layer = standardizedConv(2, 3, { size: 1 });
  const params = layer.init(random(1));
  const x = single(drawn("x", [1, 2, 4, 4]));
  const plain = values(await evaluate(layer.apply(params, x)));
  const gain = fromData(Float32Array.of(1, 2, 0), [3, 1, 1, 1]);
  const bias = fromData(Float32Array.of(0, 0, 5), [3, 1, 1]);
  const changed = values(await evaluate(layer.apply({ ...params, gain, bias }, x)));
  for (let at = 0; at < 16; at++) {
    close(changed[at]!, plain[at]!, 1e-6);
    close(changed[16 + at]!, 2 * plain[16 + at]!, 1e-5);
    close(changed[32 + at]!, 5, 1e-6);
  }
});

test("expected deviations: 1, √1.04, √1.08, and back at the second block of a stage", () => {
  const roots = (...squares: number[]) => squares.map(Math.sqrt);
  const expected = [...roots(1, 1.04, 1.08), ...roots(1.12, 1.04)];
  expectedDeviations([3, 2]).forEach((beta, i) => {
    close(beta, expected[i]!);
  });
  close(expectedDeviations([2], 1)[1]!, Math.SQRT2);
});

test("a block starts as the identity, or as its shortcut", async () => {
  const x = single(drawn("x", [2, 8, 4, 4]));
  const same = normalizerFreeBlock(8, 8, { beta: 1.3 });
  assert.deepEqual(values(await evaluate(same.apply(same.init(random(1)), x))), values(x));
  const smaller = normalizerFreeBlock(8, 12, { stride: 2 });
  const y = await evaluate(smaller.apply(smaller.init(random(1)), x));
  assert.deepEqual(y.shape, [2, 12, 2, 2]);
});

test("with the branch switched on, a stage's variance grows by α² a block, as expected", async () => {
  const alpha = 0.7;
  const block = normalizerFreeBlock(64, 64, { alpha, activation: variancePreserving.relu });
  const params = { ...block.init(random(2)), skip: fromData(Float32Array.of(1), []) };
  const x = single(drawn("x", [16, 64, 8, 8]));
  const variance = (t: Tensor) => mean(square(subtract(t, mean(t))));
  const [before, after] = await evaluate([variance(x), variance(block.apply(params, x))]);
  close(item(after!) - item(before!), alpha ** 2, 0.12);
});

test("dividing by β undoes a larger input, for ReLU", async () => {
  const options = { activation: variancePreserving.relu };
  const params = {
    ...normalizerFreeBlock(4, 4).init(random(3)),
    skip: fromData(Float32Array.of(1), []),
  };
  const x = single(drawn("x", [1, 4, 4, 4]));
  const branch = async (scale: number, beta: number) => {
    const input = fromData(
      (values(x) as Float32Array).map((v) => scale * v),
      x.shape,
    );
    return values(
      await evaluate(subtract(normalizerFreeBlock(4, 4, { ...options, beta }).apply(params, input), input)),
    );
  };
  const [one, other] = [await branch(1, 1), await branch(3, 3)];
  for (const [i, v] of one.entries()) close(other[i]!, v, 1e-5);
});

test("a network: shapes, one batch like its rows, equal seeds, depth without effect at the start", async () => {
  const stages = [
    { filters: 4, depth: 1 },
    { filters: 8, depth: 2 },
  ];
  const network = normalizerFreeNet({ side: 8, stages, outputs: 3 });
  const deeper = normalizerFreeNet({ side: 8, stages: [stages[0]!, { filters: 8, depth: 4 }], outputs: 3 });
  const params = network.init(random(4));
  const x = single(drawn("x", [2, 64]));
  const run = compile(network.apply, { threads: 1 });
  const both = values(await run(params, x));
  assert.equal(both.length, 6);
  const row = values(await run(params, fromData((values(x) as Float32Array).slice(64), [1, 64])));
  for (let i = 0; i < 3; i++) close(row[i]!, both[3 + i]!, 1e-5);
  assert.deepEqual(values(await run(network.init(random(4)), x)), both);
  const deep = deeper.init(random(5));
  const shallow = { ...deep, blocks: deep.blocks.slice(0, 3) };
  assert.deepEqual(
    values(await compile(deeper.apply, { threads: 1 })(deep, x)),
    values(await run(shallow, x)),
  );
});

test("gradients of a block agree with central differences", async () => {
  const block = normalizerFreeBlock(2, 4, { stride: 2, beta: 1.2 });
  const params = { ...block.init(random(6)), skip: fromData(Float32Array.of(0.7), []) };
  const { error } = await checkGradient(
    (p: typeof params) => sum(square(block.apply(p, drawn("x", [1, 2, 4, 4])))),
    params,
  );
  assert.ok(error < 1e-5, `${error}`);
});

test("what does not fit is named", () => {
  assert.throws(() => standardizeWeights(drawn("w", [3, 3])), /weight is/);
  assert.throws(() => normalizerFreeBlock(2, 2, { beta: 0 }), /beta is 0/);
  assert.throws(() => normalizerFreeNet({ side: 8, stages: [], outputs: 2 }), /stages is empty/);
  assert.throws(
    () => normalizerFreeNet({ side: 6, stages: Array(2).fill({ filters: 2, depth: 1 }), outputs: 2 }),
    /side is 6/,
  );
});
