import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, square, sum, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { interactionRanker } from "./index.ts";

const draw = random(1);
const ranker = interactionRanker({ width: 3, hidden: [5] });
const params = ranker.init(draw.split("weights"));
const queries = fromData(draw.split("q").normal(2 * 3), [2, 3]);
const candidates = fromData(draw.split("d").normal(2 * 4 * 3), [2, 4, 3]);

test("interactionRanker: a score is that of its own pair, whatever else stands in the list", async () => {
  const all = values(await evaluate(ranker.apply(params, queries, candidates)));
  for (let i = 0; i < 2; i++)
    for (let j = 0; j < 4; j++) {
      const q = fromData(values(queries).slice(i * 3, i * 3 + 3), [1, 3]);
      const at = (i * 4 + j) * 3;
      const d = fromData(values(candidates).slice(at, at + 3), [1, 1, 3]);
      const [alone] = values(await evaluate(ranker.apply(params, q, d)));
      assert.ok(Math.abs(alone! - all[i * 4 + j]!) < 1e-6);
    }
});

test("interactionRanker: gradients in weights and vectors", async () => {
  const { error } = await checkGradient(
    (p: { params: typeof params; queries: typeof queries; candidates: typeof candidates }) =>
      sum(square(ranker.apply(p.params, p.queries, p.candidates))),
    { params, queries, candidates },
  );
  assert.ok(error < 1e-4, `${error}`);
});

test("interactionRanker: errors name what is wrong", () => {
  assert.throws(() => ranker.apply(params, candidates, candidates), /queries is .*expected \[n, 3\]/);
  assert.throws(() => ranker.apply(params, queries, queries), /candidates is .*expected \[2, k, 3\]/);
});
