import assert from "node:assert/strict";
import { test } from "node:test";
import { tokenCrossEntropy, tokenLogProbs } from "../losses/index.ts";
import type { KeysAndValues } from "../nn/index.ts";
import { adam } from "../optim/index.ts";
import { random } from "../random.ts";
import { compile, evaluate } from "../runtime/index.ts";
import { fromData, grad, item, multiply, slice, type Tensor, values } from "../tensor/index.ts";
import { leaves, mapTree } from "../tree.ts";
import { causalLanguageModel } from "./causal-language-model.ts";
import { type OptimizedPast, optimizePast } from "./index.ts";

const model = causalLanguageModel({ vocabulary: 7, context: 12, width: 8, heads: 2, layers: 2 });
const params = mapTree(model.init(random("weights")), (x) =>
  // Larger than a new model's, so that the past matters; float64, so that first orders can be seen.
  fromData(
    Float64Array.from(values(x), (value) => 2 * value),
    x.shape,
  ),
);
const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-10) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
};
const numbers = (x: Tensor) => Array.from(values(x) as Float64Array);
const tokensOf = (rows: number[][]) => fromData(Int32Array.from(rows.flat()), [rows.length, rows[0]!.length]);
const draw = random("text");
const text = Array.from({ length: 3 }, () => Array.from({ length: 13 }, () => draw.integer(0, 7)));
const chunk = (rows: number[][], i: number, size = 4) => ({
  inputs: tokensOf(rows.map((row) => row.slice(i * size, (i + 1) * size))),
  targets: tokensOf(rows.map((row) => row.slice(i * size + 1, (i + 1) * size + 1))),
});

const step = compile(
  (inputs: Tensor, targets: Tensor, state: OptimizedPast | undefined, learningRate: Tensor, rule: string) =>
    optimizePast(model, params, inputs, targets, state, { learningRate, rule: rule as "adam" }),
);

/** The states after each chunk, and all log-probabilities, [n][chunks · 4]. */
async function readAll(
  rows: number[][],
  { learningRate = 3e-3, rule = "adam" }: { learningRate?: number; rule?: string } = {},
) {
  const states: OptimizedPast[] = [];
  const logProbs: number[][] = rows.map(() => []);
  for (let i = 0; i < 3; i++) {
    const { inputs, targets } = chunk(rows, i);
    const next = await step(
      inputs,
      targets,
      states.at(-1),
      fromData(Float64Array.of(learningRate), []),
      rule,
    );
    states.push(next.state);
    numbers(next.logProbs).forEach((value, j) => {
      logProbs[Math.floor(j / 4)]!.push(value);
    });
  }
  return { states, logProbs };
}

const all = (targets: Tensor) =>
  fromData(new Uint8Array(values(targets).length).fill(1), targets.shape, "bool");
const chunkLoss = (past: KeysAndValues[], { inputs, targets }: ReturnType<typeof chunk>) =>
  multiply(
    tokenCrossEntropy(model.extend(params, inputs, past).logits, targets, all(targets), { reduction: "sum" }),
    1 / 4,
  );

test("a learning rate of 0 is plain evaluation", async () => {
  const { logProbs } = await readAll(text, { learningRate: 0 });
  const inputs = tokensOf(text.map((row) => row.slice(0, 12)));
  const targets = tokensOf(text.map((row) => row.slice(1)));
  const plain = await evaluate(tokenLogProbs(model.apply(params, inputs), targets, all(targets)));
  close(logProbs.flat(), numbers(plain), 1e-9);
});

test("a small step of plain gradient lowers the chunk's loss by η ‖g‖²", async () => {
  const learningRate = 1e-4;
  const { states } = await readAll(text, { learningRate, rule: "gradient" });
  const before = states[0]!.past;
  const second = chunk(text, 1);
  const after = mapTree(states[1]!.past, (x) => slice(x, [null, null, [0, 4]]));
  const gradients = await evaluate(grad((past: KeysAndValues[]) => chunkLoss(past, second))(before));
  const squares = leaves(gradients)
    .flatMap(numbers)
    .reduce((total, g) => total + g * g, 0);
  const change =
    item(await evaluate(chunkLoss(after, second))) - item(await evaluate(chunkLoss(before, second)));
  assert.ok(Math.abs(change / (-learningRate * squares) - 1) < 0.01, `${change}, ${learningRate * squares}`);
});

test("Adam of each position: the step and its moments are those of the optimizer", async () => {
  const learningRate = 0.02;
  const { states } = await readAll(text, { learningRate });
  const optimizer = adam({ learningRate });
  let state = optimizer.init(states[0]!.past);
  for (const i of [1, 2]) {
    const whole = await evaluate(
      grad((past: KeysAndValues[]) => chunkLoss(past, chunk(text, i)))(states[i - 1]!.past),
    );
    // The first chunk's positions alone are old enough for two updates.
    const gradients = mapTree(whole, (g) => slice(g, [null, null, [0, 4]]));
    state = await evaluate(optimizer.update(state, gradients));
  }
  const moved = mapTree(states[2]!.past, (x) => slice(x, [null, null, [0, 4]]));
  const found = leaves(await evaluate(moved)).flatMap(numbers);
  close(found, leaves(state.params).flatMap(numbers), 1e-8);
  close(numbers(states[2]!.updates), [2, 2, 2, 2, 1, 1, 1, 1, 0, 0, 0, 0]);
});

test("no prediction depends on what comes after it", async () => {
  const { logProbs } = await readAll(text, { learningRate: 0.05 });
  for (let at = 1; at < 13; at++) {
    const changed = text.map((row) => row.with(at, (row[at]! + 1) % 7));
    const { logProbs: others } = await readAll(changed, { learningRate: 0.05 });
    close(
      others.flatMap((row) => row.slice(0, at - 1)),
      logProbs.flatMap((row) => row.slice(0, at - 1)),
      0,
    );
  }
});

test("each text is read by itself", async () => {
  const together = await readAll(text, { learningRate: 0.05 });
  for (const [i, row] of text.entries()) {
    const alone = await readAll([row], { learningRate: 0.05 });
    close(alone.logProbs[0]!, together.logProbs[i]!, 1e-9);
  }
});

test("steps on a text that repeats make its later chunks likelier", async () => {
  const rows = [Array.from({ length: 13 }, (_, i) => [1, 5, 3, 2][i % 4]!)];
  const last = async (learningRate: number) =>
    (await readAll(rows, { learningRate })).logProbs[0]!.slice(8).reduce((a, b) => a + b);
  assert.ok((await last(0.05)) > (await last(0)) + 0.1);
});

test("a past at its extremes stays finite", async () => {
  const { states } = await readAll(text);
  const huge = { ...states[1]!, past: mapTree(states[1]!.past, (x) => multiply(x, 1e4)) };
  const { inputs, targets } = chunk(text, 2);
  const next = await evaluate(optimizePast(model, params, inputs, targets, huge));
  assert.ok([next.logProbs, ...leaves(next.state)].flatMap(numbers).every(Number.isFinite));
});

test("bad input is named", () => {
  const { inputs, targets } = chunk(text, 0);
  assert.throws(
    () => optimizePast(model, params, inputs, chunk(text, 0, 3).targets),
    /targets is .*expected int32 \[3, 4\]/,
  );
  assert.throws(
    () => optimizePast(model, params, inputs, targets, undefined, { rule: "sgd" as "adam" }),
    /rule is "sgd"/,
  );
});
