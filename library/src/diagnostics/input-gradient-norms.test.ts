import assert from "node:assert/strict";
import { test } from "node:test";
import { causalLanguageModel } from "../language/index.ts";
import { tokenLogProbs } from "../losses/index.ts";
import { random } from "../random.ts";
import { evaluate } from "../runtime/index.ts";
import { fromData, multiply, sum, type Tensor, values } from "../tensor/index.ts";
import { inputGradientNorms } from "./index.ts";

test("of a linear score they are the norms of its weights", async () => {
  const weights = fromData(Float32Array.of(3, 4, 0, 0, -1, 0), [3, 2]);
  const x = fromData(random(1).normal(2 * 3 * 2), [2, 3, 2]);
  const norms = await inputGradientNorms((y) => sum(multiply(y, weights), { axis: [1, 2] }), x);
  assert.deepEqual(Array.from(norms), [5, 0, 1, 5, 0, 1]);
});

test("of an answer's log-probability: 0 for padding behind it, those of central differences before", async () => {
  const model = causalLanguageModel({ vocabulary: 7, context: 6, width: 8, heads: 2, layers: 2 });
  const params = model.init(random(2));
  const targets = fromData(Int32Array.of(0, 0, 3, 0, 0, 0), [1, 6]);
  const mask = fromData(Uint8Array.of(0, 0, 1, 0, 0, 0), [1, 6]);
  const score = (vectors: Tensor) =>
    sum(tokenLogProbs(model.logits(params, model.hidden(params, vectors)), targets, mask), { axis: 1 });
  const start = Float64Array.from(random(3).normal(6 * 8));
  const doubled = (data: Float64Array) => fromData(Float32Array.from(data), [1, 6, 8]);
  const norms = await inputGradientNorms(score, doubled(start));
  assert.ok(norms.subarray(0, 3).every((norm) => norm > 1e-4));
  assert.deepEqual(Array.from(norms.subarray(3)), [0, 0, 0]);
  const at = async (i: number, change: number) => {
    const moved = start.slice();
    moved[i]! += change;
    return Number(values(await evaluate(score(doubled(moved))))[0]);
  };
  for (const token of [0, 2]) {
    let squares = 0;
    for (let i = token * 8; i < token * 8 + 8; i++)
      squares += (((await at(i, 0.02)) - (await at(i, -0.02))) / 0.04) ** 2;
    assert.ok(Math.abs(Math.sqrt(squares) - norms[token]!) < 1e-2 * norms[token]!);
  }
});

test("vectors of another form are refused", () =>
  assert.rejects(
    inputGradientNorms((y) => sum(y), fromData(new Float32Array(4), [2, 2])),
    /vectors is/,
  ));
