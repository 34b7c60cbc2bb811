import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, grad, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { contrastiveRationales, negativeRationales, positiveRationales } from "./index.ts";

const rows = (data: number[][]) => fromData(Float64Array.from(data.flat()), [data.length, data[0]!.length]);
const numbers = async (x: Tensor) => Array.from(values(await evaluate(x)), (each) => Number(each) + 0); // no −0
const close = (actual: number[], expected: number[], tolerance = 1e-12) => {
  assert.equal(actual.length, expected.length);
  actual.forEach((x, i) => {
    assert.ok(Math.abs(x - expected[i]!) <= tolerance, `element ${i}: ${x} is not ${expected[i]}`);
  });
};

test("by hand: a loss of 1 below δ = 3 costs 0.4 at quality 0 and nothing at quality 1", async () => {
  const losses = rows([[1], [1], [3], [7]]);
  const quality = rows([[0], [1], [0], [0]]);
  close(await numbers(negativeRationales({ losses, quality }, { reduction: "none" })), [0.4, 0, 0, 0]);
  close(await numbers(negativeRationales({ losses, quality })), [0.1]);
  close(await numbers(negativeRationales({ losses, quality }, { beta: 1, delta: 2, reduction: "sum" })), [1]);
});

test("at δ and above a negative has no gradient", async () => {
  const quality = rows([[0], [0], [0.5]]);
  const gradient = grad((losses: Tensor) => negativeRationales({ losses, quality }, { reduction: "sum" }));
  close(await numbers(gradient(rows([[3.001], [9], [2]]))), [0, 0, -0.1]);
});

test("only the likeliest positive is learnt, as much as its quality says", async () => {
  const losses = rows([
    [2, 1, 3],
    [0.5, 4, 4],
  ]);
  const quality = rows([
    [1, 0.25, 1],
    [0.5, 1, 1],
  ]);
  close(await numbers(positiveRationales({ losses, quality }, { reduction: "none" })), [0.25, 0.25]);
  const gradient = grad((x: Tensor) => positiveRationales({ losses: x, quality }, { reduction: "sum" }));
  close(await numbers(gradient(losses)), [0, 0.25, 0, 0.5, 0, 0]);
});

test("without negatives' weight, with one positive of quality 1 it is the rationale's own loss", async () => {
  const losses = rows([[2], [0.3]]);
  const one = { losses, quality: rows([[1], [1]]) };
  close(await numbers(contrastiveRationales(one, one, { beta: 0, reduction: "none" })), [2, 0.3]);
  close(await numbers(contrastiveRationales(one, one)), [1.15 + (0.2 * 0) / 2]);
});

test("which negative counts: the hardest, the easiest, or all", async () => {
  const negatives = { losses: rows([[1, 2, 5]]), quality: rows([[0.5, 0, 0]]) };
  const of = (choose: "min" | "max" | "mean") =>
    numbers(negativeRationales(negatives, { choose, beta: 1, reduction: "none" }));
  close(await of("min"), [1]);
  close(await of("max"), [0]);
  close(await of("mean"), [2 / 3]);
});

test("gradients are those of central differences, and none flows into the quality", async () => {
  const draw = (seed: number) => fromData(random(seed).normal(new Float64Array(12), 2.5, 1), [4, 3]);
  const quality = rows(Array.from({ length: 4 }, (_, i) => [0.1 * i, 0.5, 0.9]));
  const checks = await checkGradients(
    [1, 2, 3].flatMap((seed) =>
      (["min", "max", "mean"] as const).map((choose) => ({
        f: (p: { positive: Tensor; negative: Tensor }) =>
          contrastiveRationales({ losses: p.positive, quality }, { losses: p.negative, quality }, { choose }),
        params: { positive: draw(seed), negative: draw(seed + 10) },
      })),
    ),
  );
  for (const { error } of checks) assert.ok(error < 1e-8, `${error}`);
  const losses = draw(1);
  const gradient = grad((q: Tensor) => contrastiveRationales({ losses, quality: q }, { losses, quality: q }));
  assert.ok((await numbers(gradient(quality))).every((g) => g === 0));
});

test("extreme losses give no NaN; bad input is named", async () => {
  const losses = rows([
    [0, 1e4],
    [1e4, 0],
  ]);
  const quality = rows([
    [0, 1],
    [1, 0],
  ]);
  const each = { losses, quality };
  const gradient = await numbers(
    grad((x: Tensor) => contrastiveRationales({ losses: x, quality }, each))(losses),
  );
  assert.ok(gradient.every(Number.isFinite));
  assert.throws(() => positiveRationales({ losses, quality: rows([[1, 1]]) }), /quality is/);
  assert.throws(() => negativeRationales(each, { beta: -1 }), /beta is -1/);
  assert.throws(() => negativeRationales(each, { choose: "median" as "min" }), /choose is "median"/);
  assert.throws(
    () => contrastiveRationales(each, { losses: rows([[1]]), quality: rows([[1]]) }),
    /negatives are .*expected \[2, rationales\]/,
  );
});
