import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../library/src/random.ts";
import { fromData } from "../library/src/tensor/index.ts";
import { check } from "./contestant.ts";
import { handGraphs, type Ways } from "./hand/index.ts";
import { handTrainer } from "./peers/hand.ts";
import { nearmissTrainer } from "./peers/nearmiss.ts";
import type { Problem } from "./problem.ts";
import { BATCHES, workloads } from "./workloads/index.ts";

const relative = (a: number, b: number) => Math.abs(a - b) / Math.abs(b);

function assertSame(got: number[][], expected: number[][], tolerance: number, label: string): void {
  assert.equal(got.length, expected.length, label);
  expected.forEach((numbers, step) => {
    assert.equal(got[step]!.length, numbers.length, label);
    numbers.forEach((x, i) => {
      assert.ok(
        Number.isFinite(x) && relative(got[step]![i]!, x) < tolerance,
        `${label}: ${got[step]} against ${numbers}`,
      );
    });
  });
}

// Three steps: the third loss depends on both gradients and moments of the two before.
for (const workload of workloads) {
  test(`${workload.name}: nearmiss and the hand graph see the same losses`, async () => {
    const problem = workload.problem(random(3));
    const hand = await handTrainer(problem, handGraphs[workload.name]!(problem), { intraOpNumThreads: 1 });
    const mine = nearmissTrainer(problem, workload.programs.nearmiss!, 1);
    const expected = await check(hand, 1, 3);
    assert.ok(workload.name === "contrastive-loss" || expected[2]![0]! < expected[0]![0]!, "the loss falls");
    assertSame(await check(mine, 1, 3), expected, 1e-3, workload.name);
  });
}

const draw = random(5);
const matrix = (name: string, rows: number, columns: number) =>
  fromData(draw.split(name).normal(rows * columns), [rows, columns]);
const vector = (name: string, length: number) => fromData(draw.split(name).normal(length), [length]);
const labels = (n: number, classes: number) =>
  fromData(
    Int32Array.from({ length: n }, (_, i) => i % classes),
    [n],
  );

const smallClassifier: Problem = {
  parameters: [
    { weight: matrix("w0", 12, 8), bias: vector("b0", 8) },
    { weight: matrix("w1", 8, 8), bias: vector("b1", 8) },
    { weight: matrix("w2", 8, 3), bias: vector("b2", 3) },
  ],
  batches: [{ x: matrix("x", 6, 12), labels: labels(6, 3) }],
};

const smallContrast: Problem = {
  parameters: [],
  batches: [{ anchors: matrix("a", 16, 8), positives: matrix("p", 16, 8) }],
};

const kernel = (name: string, filters: number, channels: number) =>
  fromData(draw.split(name).normal(filters * channels * 9, 0, 0.3), [filters, channels, 3, 3]);
const bias = (name: string, filters: number) => fromData(draw.split(name).normal(filters), [filters, 1, 1]);

const smallConvnet: Problem = {
  parameters: {
    convolutions: [
      { weight: kernel("k0", 3, 1), bias: bias("c0", 3) },
      { weight: kernel("k1", 4, 3), bias: bias("c1", 4) },
    ],
    head: [
      { weight: matrix("h0", 16, 6), bias: vector("d0", 6) },
      { weight: matrix("h1", 6, 3), bias: vector("d1", 3) },
    ],
  },
  batches: [{ x: matrix("images", 5, 64), labels: labels(5, 3) }],
};

const alternatives: [string, Problem, Ways[]][] = [
  [
    "classifier",
    smallClassifier,
    [
      { relu: "sign" },
      { relu: "where" },
      { columnSum: "reduce" },
      { softmax: "softmax" },
      { pick: "oneHot" },
      { update: "after" },
      { identities: true },
    ],
  ],
  [
    "contrastive-loss",
    smallContrast,
    [
      { contrast: "softmax" },
      { contrast: "turn" },
      { contrast: "shifted" },
      { contrast: "twice" },
      { length: "reduceL2" },
    ],
  ],
  [
    "convnet",
    smallConvnet,
    [
      { pool: "reduceMax" },
      { pool: "equal" },
      { pool: "slices" },
      { pool: "resizeMul" },
      { pool: "resize" },
      { pool: "maxUnpool" },
      { poolFirst: false },
      { weightGradient: "conv" },
      { weightGradient: "rows" },
      { inputGradient: "conv" },
      { forward: "im2col" },
    ],
  ],
];

for (const [name, problem, list] of alternatives) {
  test(`${name}: every way to write the graph computes the same`, async () => {
    const run = async (ways: Ways) =>
      check(await handTrainer(problem, handGraphs[name]!(problem, ways), { intraOpNumThreads: 1 }), 1, 4);
    const expected = await run({});
    for (const ways of list) assertSame(await run(ways), expected, 1e-4, JSON.stringify(ways));
  });
}

test("every workload has a hand graph and batches enough", () => {
  for (const workload of workloads) {
    assert.ok(workload.name in handGraphs, workload.name);
    assert.equal(workload.problem(random(1)).batches.length, BATCHES);
  }
});
