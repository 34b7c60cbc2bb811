import assert from "node:assert/strict";
import { test } from "node:test";
import {
  evaluate,
  grad,
  leaves,
  mapTree,
  multiply,
  subtract,
  sum,
  type Tensor,
  tensor,
  values,
  vjp,
  zipTrees,
} from "./index.ts";

test("leaves and mapTree visit tensors in one order and keep everything else", () => {
  const tree = { b: tensor(1), list: [tensor(2), { deep: tensor(3), name: "x" }], none: undefined, a: 5 };
  assert.deepEqual(
    leaves(tree).map((x) => values(x)[0]),
    [1, 2, 3],
  );
  const numbered = mapTree(tree, (_x, i) => i);
  assert.deepEqual(numbered, { b: 0, list: [1, { deep: 2, name: "x" }], none: undefined, a: 5 });
});

test("zipTrees matches branches by name, not by the order of keys", async () => {
  const joined = zipTrees(
    [
      { a: tensor(1), b: [tensor(2)] },
      { b: [tensor(20)], a: tensor(10) },
    ],
    subtract as never,
  );
  const { a, b } = await evaluate(joined as { a: Tensor; b: Tensor[] });
  assert.deepEqual([values(a)[0], values(b[0]!)[0]], [-9, -18]);
});

test("cotangents may name their branches in another order than the result", async () => {
  const f = (x: Tensor) => ({ twice: multiply(x, 2), thrice: multiply(x, 3) });
  const [, pull] = vjp(f, tensor(1));
  const slope = await evaluate(pull({ thrice: tensor(10), twice: tensor(1) }));
  assert.equal(values(slope)[0], 32);
  assert.equal(values(await evaluate(grad((x: Tensor) => sum(f(x).twice))(tensor(1))))[0], 2);
});

test("zipTrees names the place where a tree is too short", () => {
  const short = [{ layers: [{ w: tensor(1) }, { w: tensor(2) }] }, { layers: [{ w: tensor(1) }] }] as const;
  assert.throws(
    () => zipTrees(short, subtract as never),
    /^TypeError: trees: tree 1 has no tensor at root.layers.1.w/,
  );
});
