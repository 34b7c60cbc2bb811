import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate } from "../index.ts";
import { tokenCrossEntropy } from "../losses/index.ts";
import { random } from "../random.ts";
import { fromData, grad, item, slice, type Tensor, values } from "../tensor/index.ts";
import { causalLanguageModel, prefixedLogits } from "./index.ts";

const model = causalLanguageModel({ vocabulary: 9, context: 12, width: 8, heads: 2, layers: 2 });
const params = model.init(random(1));
const tokens = (rows: number[][]) => fromData(Int32Array.from(rows.flat()), [rows.length, rows[0]!.length]);
const differ = async (a: Tensor, b: Tensor) => {
  const [x, y] = (await evaluate([a, b])).map((each) => Array.from(values(each), Number));
  return Math.max(...x!.map((value, i) => Math.abs(value - y![i]!)));
};

test("with vectors that are the model's own it reads what it would read as tokens", async () => {
  const middle = tokens([
    [4, 5, 6],
    [7, 1, 2],
  ]);
  const tail = tokens([
    [3, 8],
    [2, 0],
  ]);
  const all = model.apply(
    params,
    tokens([
      [1, 2, 4, 5, 6, 3, 8],
      [1, 2, 7, 1, 2, 2, 0],
    ]),
  );
  const found = prefixedLogits(model, params, { head: [1, 2], vectors: model.embed(params, middle), tail });
  assert.ok((await differ(found, slice(all, [null, [5, 7]]))) < 1e-5);
  const headless = prefixedLogits(model, params, { head: [], vectors: model.embed(params, middle), tail });
  const short = model.apply(
    params,
    tokens([
      [4, 5, 6, 3, 8],
      [7, 1, 2, 2, 0],
    ]),
  );
  assert.ok((await differ(headless, slice(short, [null, [3, 5]]))) < 1e-5);
});

test("the loss of an answer ignores the question's own tokens as targets, and reaches the vectors", async () => {
  const vectors = fromData(random(2).normal(2 * 3 * 8), [2, 3, 8]);
  const tail = tokens([
    [3, 8, 5, 6],
    [3, 8, 5, 7],
  ]);
  const answer = fromData(Uint8Array.of(0, 0, 1, 0, 0, 1), [2, 3]);
  const loss = (x: Tensor, targets: Tensor) => {
    const logits = prefixedLogits(model, params, { head: [1], vectors: x, tail });
    return tokenCrossEntropy(slice(logits, [null, [0, 3]]), targets, answer);
  };
  const targets = tokens([
    [8, 5, 6],
    [8, 5, 7],
  ]);
  const others = tokens([
    [1, 2, 6],
    [0, 4, 7],
  ]);
  const wrong = tokens([
    [8, 5, 7],
    [8, 5, 7],
  ]);
  const [a, b, c] = await evaluate([
    loss(vectors, targets),
    loss(vectors, others),
    loss(vectors, wrong),
  ] as const);
  assert.equal(item(a), item(b));
  assert.notEqual(item(a), item(c));
  const gradient = values(await evaluate(grad((x: Tensor) => loss(x, targets))(vectors)));
  for (let row = 0; row < 6; row++)
    assert.ok(gradient.subarray(row * 8, (row + 1) * 8).some((x) => Math.abs(Number(x)) > 1e-6));
});

test("vectors of another width are refused", () => {
  const vectors = fromData(new Float32Array(2 * 3 * 4), [2, 3, 4]);
  assert.throws(
    () => prefixedLogits(model, params, { head: [], vectors, tail: tokens([[1], [2]]) }),
    /vectors is/,
  );
  const one = fromData(new Float32Array(3 * 8), [1, 3, 8]);
  assert.throws(
    () => prefixedLogits(model, params, { head: [], vectors: one, tail: tokens([[1], [2]]) }),
    /expected \[2/,
  );
});
