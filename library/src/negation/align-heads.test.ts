import assert from "node:assert/strict";
import { test } from "node:test";
import { causalLanguageModel } from "../language/causal-language-model.ts";
import { softmaxCrossEntropy } from "../losses/classification.ts";
import { adam } from "../optim/index.ts";
import { random } from "../random.ts";
import { compile } from "../runtime/index.ts";
import { fromData, multiply, slice, valueAndGrad, values } from "../tensor/index.ts";
import { mapTree, zipTrees } from "../tree.ts";
import { alignHeads, type Head, headMask } from "./align-heads.ts";

/** A world in which heads are numbers: each has a score, and tuning lowers it. */
function toy(effect: (params: Record<string, number>, name: string) => Record<string, number>) {
  const name = ({ block, head }: Head) => `${block}.${head}`;
  return {
    tune: async (params: Record<string, number>, head: Head) => effect(params, name(head)),
    measure: async (params: Record<string, number>) => ({
      score: (head: Head) => params[name(head)]!,
      gap: params.gap!,
      accuracy: params.accuracy!,
    }),
  };
}
const heads = [
  { block: 0, head: 1 },
  { block: 1, head: 0 },
];
const params = { "0.1": 3, "1.0": 1, gap: 0.5, accuracy: 0.8 };

test("a head is tuned until its score has crossed 0, at most for its rounds", async () => {
  const tuned: string[] = [];
  const world = toy((p, name) => {
    tuned.push(name);
    return { ...p, [name]: p[name]! - 1, gap: p.gap! - 0.05 };
  });
  const result = await alignHeads({ params, heads, ...world, rounds: 2 });
  assert.deepEqual(tuned, ["0.1", "0.1", "1.0"]);
  assert.deepEqual(result.kept, heads);
  assert.deepEqual(result.setBack, []);
  assert.equal(result.params["1.0"], 0);
});

test("a head that costs accuracy or does not close the gap is set back to the saved weights", async () => {
  const saved = { ...params };
  const costly = toy((p, name) => ({ ...p, gap: 0.1, accuracy: name === "0.1" ? 0.78 : 0.795 }));
  const first = await alignHeads({ params, heads, ...costly });
  assert.deepEqual([first.kept, first.setBack], [[heads[1]], [heads[0]]]);
  const useless = toy((p) => ({ ...p, gap: -0.5 }));
  const second = await alignHeads({ params, heads, ...useless });
  assert.deepEqual([second.kept, second.setBack], [[], heads]);
  assert.equal(second.params, params, "the very same");
  assert.deepEqual(params, saved);
  const tolerant = await alignHeads({ params, heads, ...costly, tolerance: 0.05 });
  assert.equal(tolerant.kept[0], heads[0]);
});

test("with a mask on one head, all other parameters stay as they are to the bit", async () => {
  const model = causalLanguageModel({ vocabulary: 7, context: 4, width: 8, heads: 4, layers: 2 });
  const start = model.init(random(1));
  const head = { block: 1, head: 2 };
  const mask = headMask(start, head, 4);
  const optimizer = adam({ learningRate: 0.1 });
  const tokens = fromData(Int32Array.from([1, 2, 3, 4, 4, 3, 2, 1]), [2, 4]);
  const step = compile((state: ReturnType<typeof optimizer.init<typeof start>>) => {
    const [, gradients] = valueAndGrad((p: typeof start) =>
      softmaxCrossEntropy(slice(model.apply(p, tokens), [null, 3]), fromData(Int32Array.from([5, 6]), [2])),
    )(state.params);
    return optimizer.update(state, zipTrees([gradients, mask], multiply));
  });
  let state = optimizer.init(start);
  for (let i = 0; i < 3; i++) state = await step(state);
  let changed = 0;
  const after = new Map<string, number[]>();
  mapTree(state.params, (tensor, _, path) => after.set(path, [...values(tensor)].map(Number)));
  mapTree(start, (tensor, _, path) => {
    const before = [...values(tensor)].map(Number);
    before.forEach((value, i) => {
      const own = /blocks\.1\.attention\.(query|key)\.(weight|bias)$/.test(path) && [4, 5].includes(i % 8);
      if (own) changed += Number(value !== after.get(path)![i]);
      else assert.equal(after.get(path)![i], value, `${path} ${i}`);
    });
  });
  // Two columns each of two 8 × 8 matrices, and the queries' biases: a key's bias shifts all scores alike.
  assert.ok(changed >= 32, `${changed}`);
});

test("bad input is named", async () => {
  const model = causalLanguageModel({ vocabulary: 7, context: 4, width: 8, heads: 4, layers: 1 });
  const start = model.init(random(1));
  assert.throws(() => headMask(start, { block: 1, head: 0 }, 4), /block 1 has no head 0/);
  assert.throws(() => headMask(start, { block: 0, head: 4 }, 4), /block 0 has no head 4/);
  const world = toy((p) => p);
  await assert.rejects(alignHeads({ params, heads, ...world, rounds: 0 }), /rounds is 0/);
});
