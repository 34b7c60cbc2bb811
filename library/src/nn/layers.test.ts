import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compile,
  evaluate,
  fromData,
  mean,
  multiply,
  sum,
  type Tensor,
  tanh,
  tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { leaves } from "../tree.ts";
import {
  conv,
  convBlock,
  convNet,
  dense,
  dropoutFrom,
  dropoutMasks,
  dropoutShapes,
  embedding,
  encoderBlock,
  fill,
  glorotNormal,
  glorotUniform,
  heNormal,
  heUniform,
  lecunNormal,
  mlp,
  normal,
  orthogonal,
  residualBlock,
  sinusoidalPositions,
  truncatedNormal,
} from "./index.ts";
import { assertClose, double, wave, waves } from "./testing.ts";

const moments = (data: ArrayLike<number>) => {
  const all = Array.from(data);
  const average = all.reduce((a, b) => a + b) / all.length;
  return { average, variance: all.reduce((a, b) => a + (b - average) ** 2, 0) / all.length };
};

test("initialisers have the variance of their formula, for matrices and kernels", () => {
  const [inputs, outputs] = [80, 50];
  const variances = [
    [heNormal, 2 / inputs, 2 / (8 * 9)],
    [heUniform, 2 / inputs, 2 / (8 * 9)],
    [glorotNormal, 2 / (inputs + outputs), 2 / (8 * 9 + 40 * 9)],
    [glorotUniform, 2 / (inputs + outputs), 2 / (8 * 9 + 40 * 9)],
    [lecunNormal, 1 / inputs, 1 / (8 * 9)],
    [normal(0.3), 0.09, 0.09],
    [truncatedNormal(0.3), 0.09 * 0.8796256610342398 ** 2, 0.09 * 0.8796256610342398 ** 2],
  ] as const;
  for (const [initializer, matrix, kernel] of variances) {
    for (const [shape, expected] of [
      [[inputs, outputs], matrix],
      [[40, 8, 3, 3], kernel],
    ] as const) {
      const data = values(initializer(random(2), shape));
      const { average, variance } = moments(data);
      // Six standard errors of a variance of n normal values: σ² √(2 / n).
      const n = data.length;
      assert.ok(Math.abs(variance / expected - 1) < 6 * Math.sqrt(2 / n), `${variance} is not ${expected}`);
      assert.ok(Math.abs(average) < 6 * Math.sqrt(expected / n));
      assert.deepEqual(values(initializer(random(2), shape)), data);
    }
  }
  assert.ok(values(truncatedNormal(0.3)(random(1), [2000])).every((w) => Math.abs(w) <= 0.6 + 1e-6));
  assert.deepEqual([...values(fill(3)(random(1), [2]))], [3, 3]);
  assert.throws(() => heNormal(random(1), [5]), /shape \[5\] has no inputs and outputs/);
});

test("orthogonal: the shorter side's vectors are orthonormal, times the gain", () => {
  for (const shape of [
    [6, 4],
    [4, 6],
    [4, 2, 3, 3],
  ]) {
    const w = values(orthogonal(2)(random(3), shape));
    const rows = shape[0]!;
    const columns = w.length / rows;
    const at = (i: number, k: number) => (rows > columns ? w[k * columns + i]! : w[i * columns + k]!);
    const [short, long] = [Math.min(rows, columns), Math.max(rows, columns)];
    for (let i = 0; i < short; i++) {
      for (let j = 0; j <= i; j++) {
        let dot = 0;
        for (let k = 0; k < long; k++) dot += at(i, k) * at(j, k);
        assert.ok(Math.abs(dot - (i === j ? 4 : 0)) < 1e-5, `${i} ${j}: ${dot}`);
      }
    }
  }
  // Uniform over all orthogonal matrices: a fixed sign of the decomposition would show in the mean of the trace.
  const traces = Array.from({ length: 400 }, (_, seed) => {
    const w = values(orthogonal()(random(seed), [3, 3]));
    return w[0]! + w[4]! + w[8]!;
  });
  assert.ok(Math.abs(moments(traces).average) < 6 / Math.sqrt(400));
});

test("dense and mlp: values by hand, gradients, with and without bias", async () => {
  const layer = dense(2, 2);
  const params = {
    weight: tensor([
      [1, 2],
      [3, 4],
    ]),
    bias: tensor([10, 20]),
  };
  assert.deepEqual([...values(await evaluate(layer.apply(params, tensor([[1, 1]]))))], [14, 26]);
  assert.equal(leaves(dense(2, 2, { bias: false }).init(random(1))).length, 1);
  const network = mlp([3, 4, 2], tanh);
  const { error } = await checkGradient(
    (p) => sum(multiply(network.apply(p.layers, p.x), wave([2, 5, 2], 3))),
    { layers: waves(network.init(random(1))), x: wave([2, 5, 3], 4) },
  );
  assert.ok(error < 1e-7, `${error}`);
  assert.throws(() => mlp([3]), /widths has 1 entries/);
  assert.throws(() => dense(2, -1), /outputs is -1/);
});

test("conv: shapes for strides and groups, gradients by weights and inputs", async () => {
  const x = wave([2, 4, 5, 5], 1);
  for (const [options, shape] of [
    [{}, [2, 6, 5, 5]],
    [{ stride: 2 }, [2, 6, 3, 3]],
    [{ groups: 2, bias: false }, [2, 6, 5, 5]],
    [{ padding: 0, dilation: 2 }, [2, 6, 1, 1]],
    [{ size: 1 }, [2, 6, 5, 5]],
  ] as const) {
    const layer = conv(4, 6, options);
    const params = waves(layer.init(random(1)));
    assert.deepEqual(layer.apply(params, x).shape, shape);
    const { error } = await checkGradient(
      (p) => {
        const y = layer.apply(p.layer, p.x);
        return mean(multiply(y, y));
      },
      { layer: params, x },
    );
    assert.ok(error < 1e-6, `${JSON.stringify(options)}: ${error}`);
  }
  assert.throws(() => conv(4, 6, { groups: 4 }), /cannot be cut into groups = 4/);
});

test("convNet: rows of pixels in, logits out; too small a side is refused", () => {
  const network = convNet({ side: 8, channels: 2, filters: [3, 4], head: [5, 2] });
  assert.deepEqual(
    network.apply(network.init(random(1)), tensor(new Float32Array(3 * 128), { shape: [3, 128] })).shape,
    [3, 2],
  );
  assert.throws(() => convNet({ side: 2, filters: [3, 4], head: [1] }), /side 2 is too small for 2 poolings/);
});

test("convBlock and residualBlock: gradients in training by parameters and inputs", async () => {
  const x = wave([3, 2, 4, 4], 1);
  for (const [name, block, count] of [
    ["convBlock", convBlock(2, 3), 4],
    ["residualBlock", residualBlock(2, 2), 7],
    ["residualBlock with a shortcut", residualBlock(2, 3, { stride: 2 }), 10],
  ] as const) {
    const train = block.train as (params: unknown, statistics: unknown, x: Tensor) => [Tensor, unknown];
    const { error, gradients } = await checkGradient(
      (p: { block: unknown; x: Tensor }) => {
        const [y] = train(p.block, double(block.statistics()), p.x);
        return sum(multiply(y, wave(y.shape, 5)));
      },
      { block: block.init(random(1)) as unknown, x },
      // Few relus turn on or off within so small a step.
      { step: 1e-7 },
    );
    assert.ok(error < 1e-5, `${name}: ${error}`);
    assert.equal(gradients.length, count);
    assert.ok(gradients.every((g) => g.some((v) => Math.abs(v) > 1e-3)));
  }
});

test("residual blocks: shapes, and in use the statistics that training left", async () => {
  const x = fromData(random(4).normal(24 * 32), [24, 2, 4, 4]);
  for (const [filters, stride, shape] of [
    [2, 1, [24, 2, 4, 4]],
    [4, 2, [24, 4, 2, 2]],
  ] as const) {
    const block = residualBlock(2, filters, { stride });
    const params = block.init(random(1));
    assert.equal("shortcut" in params, stride === 2);
    let statistics = block.statistics();
    assert.deepEqual(block.train(params, statistics, x)[0].shape, shape);
    const [trained] = await evaluate(block.train(params, statistics, x));
    const train = compile((s: typeof statistics) => block.train(params, s, x)[1]);
    for (let i = 0; i < 100; i++) statistics = await train(statistics);
    const used = await evaluate(block.apply(params, statistics, x));
    // The same batch again and again: running statistics become its own, but for the unbiased variance.
    const difference = values(used).map((v, i) => Math.abs(v - values(trained)[i]!));
    assert.ok(Math.max(...difference) < 0.05, `${Math.max(...difference)}`);
    assert.ok(values(trained).some((v) => v > 0.5));
  }
});

test("embedding: rows by position; vectors of length near 1", async () => {
  const layer = embedding(50, 64);
  const table = layer.init(random(1));
  const rows = await evaluate(layer.apply(table, tensor(Int32Array.of(3, 3, 49), { shape: [1, 3] })));
  assert.deepEqual(rows.shape, [1, 3, 64]);
  assert.deepEqual([...values(rows)].slice(128), [...values(table)].slice(49 * 64));
  const squares = Array.from(values(table), (v) => v * v).reduce((a, b) => a + b) / 50;
  assert.ok(Math.abs(squares - 1) < 0.1);
});

test("sinusoidal positions: the formula; products depend on the distance alone", () => {
  const p = values(sinusoidalPositions(20, 6));
  assertClose(p.slice(0, 6), [0, 1, 0, 1, 0, 1]);
  assertClose(
    [p[3 * 6 + 2]!, p[3 * 6 + 3]!],
    [Math.sin(3 / 10000 ** (1 / 3)), Math.cos(3 / 10000 ** (1 / 3))],
    1e-7,
  );
  const dot = (a: number, b: number) =>
    [0, 1, 2, 3, 4, 5].reduce((t, i) => t + p[a * 6 + i]! * p[b * 6 + i]!, 0);
  assert.ok(Math.abs(dot(2, 5) - dot(11, 14)) < 1e-6);
  assert.throws(() => sinusoidalPositions(4, 5), /width is 5; expected an even number/);
});

test("dropout: what is kept is scaled up, the mean stays, masks are those of the seed", async () => {
  const [mask] = dropoutMasks(random(1), [[20000]], 0.25);
  const y = values(await evaluate(dropoutFrom([mask!], 0.25)(tensor(new Float32Array(20000).fill(3)))));
  assert.ok(y.every((v) => v === 0 || v === 4));
  assert.ok(Math.abs(moments(y).average - 3) < 6 * Math.sqrt((3 * 3 * 0.25) / 0.75 / 20000));
  assert.deepEqual(values(dropoutMasks(random(1), [[20000]], 0.25)[0]!), values(mask!));
  assert.ok(values(dropoutMasks(random(1), [[100]], 0)[0]!).every((kept) => kept === 1));
});

test("dropout in a transformer block: masks for each place that asks, gradients through them", async () => {
  const block = encoderBlock({ width: 4, heads: 2, hidden: 5 });
  const params = waves(block.init(random(1)));
  const x = wave([2, 3, 4], 2);
  const shapes = dropoutShapes((dropout) => block.apply(params, x, { dropout }));
  assert.deepEqual(shapes, [
    [2, 2, 3, 3],
    [2, 3, 4],
    [2, 3, 4],
  ]);
  const masks = dropoutMasks(random(5), shapes, 0.5);
  const run = (p: typeof params, input: Tensor) =>
    block.apply(p, input, { dropout: dropoutFrom(masks, 0.5) });
  const { error, gradients } = await checkGradient(
    (p) => sum(multiply(run(p.block, p.x), wave([2, 3, 4], 3))),
    { block: params, x },
  );
  assert.ok(error < 1e-6, `${error}`);
  assert.ok(gradients.length > 10);
  assert.throws(
    () => block.apply(params, x, { dropout: dropoutFrom(masks.slice(0, 2), 0.5) }),
    /2 masks and none is left .* number 3/,
  );
  assert.throws(() => dropoutFrom([masks[1]!], 0.5)(wave([3], 1)), /of shape \[3\]/);
  assert.throws(() => dropoutMasks(random(1), shapes, 1), /rate is 1; expected a number from 0 to below 1/);
});
