import assert from "node:assert/strict";
import { test } from "node:test";
import { trainingStep } from "../fit.ts";
import { evaluate, fromData, grad, mean, square, subtract, type Tensor, tensor, values } from "../index.ts";
import { mlp } from "../nn/index.ts";
import { adam } from "../optim/index.ts";
import { random } from "../random.ts";
import {
  applyMask,
  fullMask,
  iterativePruning,
  magnitude,
  magnitudeSign,
  pruneLowest,
  remainingShare,
} from "./index.ts";

const network = mlp([6, 10, 3]);
type Params = ReturnType<typeof network.init>;
const draw = random("pruning");
const x = fromData(draw.normal(20 * 6), [20, 6]);
const target = fromData(draw.normal(20 * 3), [20, 3]);
const loss = (params: Params, { mask }: { mask: Params }) =>
  mean(square(subtract(network.apply(applyMask(params, mask), x), target)));
const optimizer = adam({ learningRate: 0.01 });
const step = trainingStep({ optimizer, loss, compile: { threads: 1 } });
const weights = (params: Params) => params.flatMap(({ weight }) => [...values(weight)]);

async function rounds(options: { rounds: number; rate?: number | ((tensor: number) => number) }) {
  const initial = network.init(random(1));
  const starts: number[][] = [];
  const seen = [];
  const pruning = iterativePruning<Params>({
    ...options,
    initial,
    async train(start, mask) {
      starts.push(weights(start));
      let state = optimizer.init(start);
      for (let i = 0; i < 5; i++) ({ state } = await step(state, { mask }));
      return state.params;
    },
  });
  for await (const round of pruning) seen.push(round);
  return { initial, starts, seen };
}

test("each round prunes its share of what is left, and masks are nested", async () => {
  const { seen } = await rounds({ rounds: 6 });
  assert.deepEqual(
    seen.map(({ round }) => round),
    [0, 1, 2, 3, 4, 5, 6],
  );
  for (const [r, { remaining, mask }] of seen.entries()) {
    // 60 and 30 weights: a round rounds by at most half a weight in each tensor, and errors shrink.
    assert.ok(Math.abs(remaining * 90 - 0.8 ** r * 90) < 3, `round ${r}: ${remaining}`);
    if (r > 0)
      weights(mask).forEach((bit, i) => {
        assert.ok(bit <= weights(seen[r - 1]!.mask)[i]!);
      });
  }
});

test("survivors start where they started first, pruned weights stay at 0 and biases are kept", async () => {
  const { initial, starts, seen } = await rounds({ rounds: 3, rate: 0.5 });
  const first = weights(initial);
  for (const [r, { mask, params }] of seen.entries()) {
    const bits = weights(mask);
    starts[r]!.forEach((start, i) => {
      assert.equal(start, bits[i] === 1 ? first[i] : 0);
    });
    weights(params).forEach((weight, i) => {
      if (bits[i] === 0) assert.ok(weight === 0);
    });
    assert.ok(values(params[1]!.bias!).every((b) => b !== 0));
    const gradients = await evaluate(grad((p: Params) => loss(p, { mask }))(params));
    weights(gradients).forEach((g, i) => {
      if (bits[i] === 0) assert.ok(g === 0);
    });
  }
});

test("a rate for each tensor; the lowest scores go", async () => {
  const { seen } = await rounds({ rounds: 1, rate: (tensor) => (tensor === 0 ? 0.5 : 0.1) });
  const [dense, pruned] = seen as [(typeof seen)[0], (typeof seen)[0]];
  for (const [layer, share] of [0.5, 0.9].entries()) {
    const bits = [...values(pruned.mask[layer]!.weight)];
    assert.equal(
      bits.reduce((a, b) => a + b, 0),
      Math.round(share * bits.length),
    );
    const magnitudes = [...values(dense.params[layer]!.weight)].map(Math.abs);
    const kept = magnitudes.filter((_, i) => bits[i] === 1);
    const gone = magnitudes.filter((_, i) => bits[i] === 0);
    assert.ok(Math.max(...gone) <= Math.min(...kept));
  }
});

test("pruneLowest: a pruned weight never comes back, equal scores go by place, all may go", () => {
  const mask = tensor([
    [0, 1],
    [1, 1],
  ]);
  const scores = tensor([
    [9, 1],
    [1, 2],
  ]);
  assert.deepEqual([...values(pruneLowest(mask, scores, 1 / 3))], [0, 0, 1, 1]);
  assert.equal(remainingShare(pruneLowest(mask, scores, 1)), 0);
  assert.equal(remainingShare(fullMask({ a: scores, bias: tensor([1, 2]) })), 1);
  assert.throws(() => pruneLowest(mask, scores, 1.5), /rate is 1.5 for tensor 0/);
});

test("criteria: magnitude, and magnitude of weights that kept their sign", () => {
  assert.deepEqual([magnitude(-2, 1), magnitude(1, 1)], [2, 1]);
  assert.deepEqual([magnitudeSign(-2, 1), magnitudeSign(-2, -1), magnitudeSign(3, 0.1)], [0, 2, 3]);
});

test("rounds must be a whole number", async () => {
  const none = iterativePruning({
    initial: tensor([[1]]),
    train: async (start: Tensor) => start,
    rounds: -1,
  });
  await assert.rejects(none.next(), /rounds is -1/);
});
