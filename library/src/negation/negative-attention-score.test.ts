import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { attentionMaps } from "../language/attention-maps.ts";
import { causalLanguageModel } from "../language/causal-language-model.ts";
import { causalMask, layerNormalization, multiHeadAttention, type Normalization } from "../nn/index.ts";
import { random } from "../random.ts";
import { compile, evaluate } from "../runtime/index.ts";
import { add, fromData, values } from "../tensor/index.ts";
import { negativeAttentionScore } from "./negative-attention-score.ts";

const near = (a: number, b: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(a - b) <= tolerance, `${a} is not ${b}`);

/** One sequence and head of length 4; "yes" at 0, "no" at 1, and rows 2 and 3 count. */
const maps = (rows: number[][]) => fromData(Float64Array.from(rows.flat()), [1, 1, 4, 4], "float64");
const at = { yes: [0], no: [1], start: [2] };
const blank = [0.25, 0.25, 0.25, 0.25];

test("one row by hand, and exchanged words turn the sign", () => {
  const attention = maps([blank, blank, [0.1, 0.3, 0.6, 0], [0, 0, 0, 1]]);
  // The last row looks at neither: its part is 2e-9 log 1.
  near(negativeAttentionScore(attention, at)[0]!, 0.4 * Math.log(3), 1e-7);
  near(negativeAttentionScore(attention, at)[0]!, 0.43944, 1e-5);
  const turned = negativeAttentionScore(attention, { ...at, yes: [1], no: [0] });
  assert.equal(turned[0], -negativeAttentionScore(attention, at)[0]!);
});

const share = fc.double({ min: 0, max: 0.5, noNaN: true });

test("equal attention gives 0, rows outside do not count, and rows add up", () => {
  fc.assert(
    fc.property(share, share, share, share, (a, b, c, d) => {
      assert.equal(negativeAttentionScore(maps([blank, blank, [a, a, 0, 0], [b, b, 0, 0]]), at)[0], 0);
      const both = maps([
        [c, d, 0, 0],
        [d, c, 0, 0],
        [a, b, 0, 0],
        [c, d, 0, 0],
      ]);
      const [score] = negativeAttentionScore(both, at);
      const elsewhere = maps([blank, blank, [a, b, 0, 0], [c, d, 0, 0]]);
      assert.equal(negativeAttentionScore(elsewhere, at)[0], score);
      const first = negativeAttentionScore(both, { ...at, end: [2] })[0]!;
      const second = negativeAttentionScore(both, { ...at, start: [3] })[0]!;
      near(first + second, score!, 1e-12);
      assert.ok(Number.isFinite(score));
    }),
  );
});

test("sequences and heads stay apart, each with its own positions", () => {
  const draw = random(1);
  const attention = fromData(draw.uniform(2 * 3 * 4 * 4), [2, 3, 4, 4]);
  const scores = negativeAttentionScore(attention, { yes: [0, 2], no: [1, 0], start: [2, 3] });
  assert.equal(scores.length, 6);
  const [i, head] = [1, 2];
  const w = (key: number) => Number(values(attention)[((i * 3 + head) * 4 + 3) * 4 + key]);
  near(scores[5]!, (w(0) + w(2)) * Math.log(w(0) / w(2)), 1e-6);
});

test("maps of a language model: rows sum to 1, look back only, and are those of its own pass", async () => {
  const options = { vocabulary: 9, context: 5, width: 8, heads: 2, layers: 2 };
  const model = causalLanguageModel(options);
  const params = model.init(random(2));
  const tokens = fromData(Int32Array.from([1, 2, 3, 4, 5, 5, 6, 7, 8, 1]), [2, 5]);
  const found = await compile(attentionMaps(options))(params, tokens);
  assert.deepEqual(
    found.map(({ shape }) => shape),
    [
      [2, 2, 5, 5],
      [2, 2, 5, 5],
    ],
  );
  for (const map of found) {
    const data = values(map);
    for (let row = 0; row < 20; row++) {
      let sum = 0;
      for (let key = 0; key < 5; key++) {
        sum += Number(data[row * 5 + key]);
        if (key > row % 5) assert.equal(Number(data[row * 5 + key]), 0);
      }
      near(sum, 1, 1e-5);
    }
  }
});

test("maps of the first block are the softmax of its own queries and keys", async () => {
  const options = { vocabulary: 9, context: 5, width: 8, heads: 2, layers: 1 };
  const params = causalLanguageModel(options).init(random(3));
  const tokens = fromData(Int32Array.from([1, 8, 3, 5, 5]), [1, 5]);
  const [found] = await evaluate(attentionMaps(options)(params, tokens));
  const block = params.stack.blocks[0]!;
  const vectors = add(causalLanguageModel(options).embed(params, tokens), params.positions);
  const expected = await evaluate(
    multiHeadAttention({ width: 8, heads: 2 }).weights(
      block.attention,
      layerNormalization(8).apply(block.attentionNormalization as Normalization, vectors),
      { mask: causalMask(5) },
    ),
  );
  const weights = values(found!);
  for (let i = 0; i < weights.length; i++) near(Number(weights[i]), Number(values(expected)[i]));
});

test("bad input is named", () => {
  const attention = maps([blank, blank, blank, blank]);
  assert.throws(
    () => negativeAttentionScore(attention, { ...at, no: [4] }),
    /no\[0\] is 4; expected a position/,
  );
  assert.throws(
    () => negativeAttentionScore(attention, { ...at, yes: [] }),
    /yes has 0 positions; expected 1/,
  );
  assert.throws(
    () => negativeAttentionScore(fromData(Float32Array.of(1, 2), [2]), at),
    /expected \[n, heads/,
  );
});
