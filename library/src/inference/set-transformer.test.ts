import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, fromData, mean, square, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { twoSetTransformer } from "./index.ts";

const model = twoSetTransformer({ outputs: 3, width: 8, layers: 2, heads: 2 });
const params = model.init(random(1));
const answer = compile((a: Tensor, b: Tensor) => model.apply(params, a, b), { threads: 1 });
const set = (rows: number[][]) => fromData(Float32Array.from(rows.flat()), [rows.length, rows[0]!.length]);
const close = (a: ArrayLike<number>, b: ArrayLike<number>, tolerance: number) =>
  Array.from(a).every((x, i) => Math.abs(x - b[i]!) <= tolerance);

test("order within a set does not matter, which set does", async () => {
  const [a, b] = [
    [1, 4, 2],
    [0, 3],
  ];
  const straight = values(await answer(set([a]), set([b])));
  const turned = values(await answer(set([a.toReversed()]), set([b.toReversed()])));
  const mixed = values(await answer(set([[1, 4, 0]]), set([[2, 3]])));
  const swapped = values(await answer(set([b]), set([a])));
  assert.ok(close(straight, turned, 1e-5));
  assert.ok(!close(straight, mixed, 1e-3));
  assert.ok(!close(straight, swapped, 1e-3));
  // Without a mark of its set, equal members would be equal tokens, however they are divided.
  const [even, uneven] = [
    values(await answer(set([[3, 3]]), set([[3, 3]]))),
    values(await answer(set([[3]]), set([[3, 3, 3]]))),
  ];
  assert.ok(!close(even, uneven, 1e-3));
});

test("rows do not see each other", async () => {
  const rows = [
    [1, 2],
    [5, 0],
  ];
  const both = values(
    await answer(
      set(rows),
      set([
        [3, 3],
        [9, 1],
      ]),
    ),
  );
  const second = values(await answer(set([rows[1]!]), set([[9, 1]])));
  assert.ok(close(Array.from(both).slice(3), second, 1e-5));
});

test("gradients agree with central differences", async () => {
  const small = twoSetTransformer({ outputs: 2, width: 2, layers: 1, heads: 1 });
  const cases = [1, 2, 3].map((seed) => {
    const stream = random(seed);
    const a = fromData(Float64Array.from(stream.normal(4)), [2, 2]);
    const b = fromData(Float64Array.from(stream.normal(6)), [2, 3]);
    const f = (trees: { params: typeof params; a: Tensor; b: Tensor }) =>
      mean(square(small.apply(trees.params, trees.a, trees.b)));
    return { f, params: { params: small.init(stream), a, b } };
  });
  for (const { error } of await checkGradients(cases)) assert.ok(error < 1e-5, `${error}`);
});

test("bad input is named; large input stays finite", async () => {
  assert.throws(() => twoSetTransformer({ outputs: 0 }), /outputs is 0/);
  assert.throws(
    () => model.apply(params, set([[1]]), set([[1], [2]])),
    /second is .*expected \[n, members\]/,
  );
  assert.ok(values(await answer(set([[1e4]]), set([[-1e4]]))).every(Number.isFinite));
});
