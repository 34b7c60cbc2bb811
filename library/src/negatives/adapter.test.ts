import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { puRisk } from "../losses/index.ts";
import { adam } from "../optim/index.ts";
import { random } from "../random.ts";
import { compile } from "../runtime/index.ts";
import { add, fromData, slice, sum, valueAndGrad, values } from "../tensor/index.ts";
import { checkGradient } from "../testing.ts";
import {
  falseNegativeAdapter,
  falseNegativeLogWeights,
  rerankByAdapter,
  sampleWithoutReplacement,
  simansLogWeights,
} from "./index.ts";

const logit = fc.double({ min: -30, max: 30, noNaN: true });

test("falseNegativeAdapter: gradients reach its weights, and none the retriever's vectors", async () => {
  const adapter = falseNegativeAdapter(3, { hidden: 4 });
  for (const seed of [1, 2]) {
    const draw = random(seed);
    const vectorsOf = () => fromData(Float64Array.from(draw.normal(6)), [2, 3]);
    const params = adapter.init(draw.split("weights"));
    const [queries, documents] = [vectorsOf(), vectorsOf()];
    const check = await checkGradient(
      (p: typeof params) => sum(adapter.apply(p, queries, documents)),
      params,
    );
    assert.ok(check.error < 1e-4, `${check.error}`);
    assert.ok(check.gradients.some((gradient) => gradient.some((g) => g !== 0)));
  }
  const draw = random(3);
  const params = adapter.init(draw);
  const towers = { q: fromData(draw.normal(6), [2, 3]), d: fromData(draw.normal(6), [2, 3]) };
  const run = compile(
    (t: typeof towers, p: typeof params) =>
      valueAndGrad((x: typeof towers) => sum(adapter.apply(p, x.q, x.d)))(t),
    { threads: 1 },
  );
  const [, gradients] = await run(towers, params);
  for (const g of [...values(gradients.q), ...values(gradients.d)]) assert.equal(g, 0);
});

test("falseNegativeAdapter learns what the score cannot tell", async () => {
  // A pair is relevant where the signs of the first coordinates agree; the rest of the vectors is noise.
  const [width, n] = [4, 256];
  const draw = random(4);
  const queries = draw.normal(n * width);
  const documents = draw.normal(n * width);
  // First half positive, second half negative.
  for (let i = 0; i < n; i++) {
    const agree = queries[i * width]! * documents[i * width]! > 0;
    if (agree !== i < n / 2) documents[i * width]! *= -1;
  }
  const adapter = falseNegativeAdapter(width, { hidden: 16 });
  const optimizer = adam({ learningRate: 1e-2 });
  let state = optimizer.init(adapter.init(draw.split("weights")));
  const data = { q: fromData(queries, [n, width]), d: fromData(documents, [n, width]) };
  const observed = fromData(
    Float32Array.from({ length: n }, (_, i) => (i < n / 2 ? 1 : 0)),
    [n],
  );
  const step = compile(
    (current: typeof state, { q, d }: typeof data) => {
      const [loss, gradients] = valueAndGrad((params: typeof current.params) => {
        return puRisk(adapter.apply(params, q, d), observed, 0.95, { nonNegative: true });
      })(current.params);
      return { state: optimizer.update(current, gradients), loss };
    },
    { threads: 1 },
  );
  for (let i = 0; i < 150; i++) state = (await step(state, data)).state;
  const logits = values(
    await compile((p: typeof state.params) => adapter.apply(p, data.q, data.d))(state.params),
  );
  const mean = (from: number, to: number) =>
    [...logits].slice(from, to).reduce((total, x) => total + x, 0) / (to - from);
  assert.ok(mean(0, n / 2) > mean(n / 2, n) + 2, `${mean(0, n / 2)} and ${mean(n / 2, n)}`);
});

test("falseNegativeLogWeights: equal probabilities leave the other rule, a certain one is never drawn", () => {
  const base = simansLogWeights([0.9, 0.7, 0.2], 0.8, { a: 5 });
  const weights = falseNegativeLogWeights([0.4, 0.4, 0.4], { base });
  const shift = weights[0]! - base[0]!;
  weights.forEach((weight, i) => {
    assert.ok(Math.abs(weight - base[i]! - shift) < 1e-12);
  });
  const certain = falseNegativeLogWeights([0, Number.POSITIVE_INFINITY, -3]);
  assert.equal(certain[1], Number.NEGATIVE_INFINITY);
  assert.deepEqual(sampleWithoutReplacement(certain, 3, random(1)).toSorted(), [0, 2]);
  assert.deepEqual([...falseNegativeLogWeights([5, Number.POSITIVE_INFINITY], { exponent: 0 })], [0, 0]);
});

test("falseNegativeLogWeights: is η log(1 − p), also where that underflows", () => {
  fc.assert(
    fc.property(logit, fc.double({ min: 0.1, max: 5, noNaN: true }), (x, exponent) => {
      const [log] = falseNegativeLogWeights([x], { exponent });
      assert.ok(Math.abs(log! - exponent * Math.log(1 / (1 + Math.exp(x)))) < 1e-9 * (1 + Math.abs(log!)));
    }),
  );
  assert.equal(falseNegativeLogWeights([1e4])[0], -1e4);
  assert.ok(falseNegativeLogWeights([-1e4])[0]! > -1e-300);
});

test("rerankByAdapter: λ of 0 keeps the order, a large one is the adapter's, nothing is lost", () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: -1, max: 1, noNaN: true }), logit), { maxLength: 15 }),
      fc.double({ min: 0, max: 2, noNaN: true }),
      (pairs, lambda) => {
        const results = pairs
          .map(([score], document) => ({ document, score }))
          .sort((a, b) => b.score - a.score);
        const logits = results.map(({ document }) => pairs[document]![1]);
        assert.deepEqual(rerankByAdapter(results, logits, 0), results);
        const some = rerankByAdapter(results, logits, lambda);
        assert.deepEqual(new Set(some), new Set(results));
        const byAdapter = rerankByAdapter(results, logits, 1e12).map(({ document }) => pairs[document]![1]);
        for (let i = 1; i < byAdapter.length; i++) assert.ok(byAdapter[i]! <= byAdapter[i - 1]! + 1e-9);
      },
    ),
  );
});

test("adapter: bad input is named", () => {
  const x = fromData(new Float32Array(6), [2, 3]);
  const adapter = falseNegativeAdapter(3);
  const params = adapter.init(random(1));
  assert.throws(() => falseNegativeAdapter(0), /width is 0/);
  assert.throws(() => adapter.apply(params, x, slice(x, [[0, 1]])), /documents is .*expected \[2, 3\]/);
  assert.throws(
    () => adapter.apply(params, add(x, 0), fromData(new Float32Array(4), [2, 2])),
    /documents is/,
  );
  assert.throws(() => falseNegativeLogWeights([1], { exponent: -1 }), /exponent is -1/);
  assert.throws(() => falseNegativeLogWeights([1], { base: [] }), /base has 0 entries; expected 1/);
  assert.throws(() => rerankByAdapter([{ score: 1 }], [], 1), /0 logits; expected 1/);
  assert.throws(() => rerankByAdapter([], [], -1), /lambda is -1/);
});
