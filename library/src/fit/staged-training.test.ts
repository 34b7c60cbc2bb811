import assert from "node:assert/strict";
import { test } from "node:test";
import { stagedTraining } from "../fit.ts";
import { adamW, schedules } from "../optim/index.ts";
import { compile } from "../runtime/index.ts";
import {
  add,
  fromData,
  item,
  mean,
  multiply,
  square,
  subtract,
  type Tensor,
  valueAndGrad,
  values,
} from "../tensor/index.ts";

const vector = (...numbers: number[]) => fromData(Float32Array.from(numbers), [numbers.length]);
const start = { slope: vector(1, -1), offset: vector(0.5, 0.5) };
type Params = typeof start;
/** (slope · x + offset − target)² */
const loss = ({ slope, offset }: Params, { x }: { x: Tensor }) =>
  mean(square(subtract(add(multiply(slope, x), offset), 3)));
const batch = (step: number) => ({ x: vector(1 + step / 10, 2) });
const numbers = (x: Tensor) => Array.from(values(x), Number);

test("parts that a stage does not name stay bit for bit", async () => {
  const train = stagedTraining({ loss });
  const first = await train({
    params: start,
    stages: [{ parts: ["slope"], steps: 5, learningRate: 0.1 }],
    batch,
  });
  assert.deepEqual(numbers(first.offset), [0.5, 0.5]);
  assert.ok(numbers(first.slope).every((x, i) => x !== numbers(start.slope)[i]));
  const second = await train({
    params: first,
    stages: [{ parts: ["offset"], steps: 5, learningRate: 0.1 }],
    batch,
  });
  assert.deepEqual(numbers(second.slope), numbers(first.slope));
  assert.ok(numbers(second.offset).every((x) => x !== 0.5));
});

test("one stage with all parts is AdamW with a rate that falls in ten stairs", async () => {
  const losses: number[] = [];
  const found = await stagedTraining({ loss, weightDecay: 0.1 })({
    params: start,
    stages: [{ parts: ["slope", "offset"], steps: 20, learningRate: 0.2 }],
    batch,
    onStep: (step, steps, value) => {
      assert.equal(steps, 20);
      losses[step - 1] = value;
    },
  });
  const learningRate = schedules.steps({ from: 0.2, factor: 0.7, every: 2 });
  const optimizer = adamW({ learningRate, weightDecay: 0.1 });
  let state = optimizer.init(start);
  const step = compile((s: typeof state, b: { x: Tensor }) => {
    const [value, gradients] = valueAndGrad((p: Params) => loss(p, b))(s.params);
    return { state: optimizer.update(s, gradients), loss: value };
  });
  for (let i = 0; i < 20; i++) {
    const result = await step(state, batch(i));
    state = result.state;
    assert.ok(Math.abs(losses[i]! - item(result.loss)) < 1e-6 * (1 + losses[i]!));
  }
  for (const part of ["slope", "offset"] as const)
    for (const [i, x] of numbers(found[part]).entries())
      assert.ok(Math.abs(x - numbers(state.params[part])[i]!) < 1e-5);
});

test("batches are counted over all stages, and each stage begins with a new optimizer", async () => {
  const seen: number[] = [];
  const stage = { parts: ["slope" as const], steps: 2, learningRate: 0.1 };
  const train = stagedTraining({ loss });
  const counting = (step: number) => {
    seen.push(step);
    return batch(0);
  };
  const both = await train({ params: start, stages: [stage, stage], batch: counting });
  assert.deepEqual(seen, [0, 1, 2, 3]);
  const once = await train({ params: start, stages: [stage], batch: () => batch(0) });
  const again = await train({ params: once, stages: [stage], batch: () => batch(0) });
  assert.deepEqual(numbers(both.slope), numbers(again.slope));
});

test("unknown parts are refused", async () => {
  const run = (parts: string[]) =>
    stagedTraining({ loss })({
      params: start,
      stages: [{ parts: parts as never, steps: 1, learningRate: 1 }],
      batch,
    });
  await assert.rejects(run(["bias"]), /stages\[0\].parts is \[bias\]; expected some of slope, offset/);
  await assert.rejects(run([]), /expected some of/);
});
