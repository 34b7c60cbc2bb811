import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { projectConflicting } from "./index.ts";

const tree = (a: number[], b: number[]) => ({
  a: tensor(Float64Array.from(a)),
  layers: [tensor(Float64Array.from(b))],
});
const flat = (t: ReturnType<typeof tree>) => [...values(t.a), ...values(t.layers[0]!)];
const dot = (x: number[], y: number[]) => x.reduce((total, value, i) => total + value * y[i]!, 0);

test("projectConflicting: takes off what opposes the main gradient, over all parameters together", async () => {
  const main = tree([1, 0], [0]);
  assert.deepEqual(flat(await evaluate(projectConflicting(main, tree([-2, 3], [4])))), [0, 3, 4]);
  // Opposed in the first tensor alone, but not in all: left as it is.
  assert.deepEqual(
    flat(await evaluate(projectConflicting(tree([1, 0], [3]), tree([-2, 3], [4])))),
    [-2, 3, 4],
  );
});

test("projectConflicting: the result never opposes the main gradient; agreeing ones stay", async () => {
  const draw = random("projection");
  const [mains, auxiliaries] = [0, 1].map(() =>
    Array.from({ length: 40 }, () => tree([...draw.normal(3)], [...draw.normal(2)])),
  ) as [ReturnType<typeof tree>[], ReturnType<typeof tree>[]];
  const results = await evaluate(mains.map((main, i) => projectConflicting(main, auxiliaries[i]!)));
  let projected = 0;
  for (const [i, result] of results.entries()) {
    const [m, g, r] = [mains[i]!, auxiliaries[i]!, result].map(flat) as [number[], number[], number[]];
    assert.ok(dot(m, r) >= -1e-9);
    if (dot(m, g) >= 0) assert.deepEqual(r, g);
    else {
      projected++;
      g.forEach((x, k) => {
        assert.ok(Math.abs(r[k]! - (x - (dot(m, g) / dot(m, m)) * m[k]!)) < 1e-9);
      });
    }
  }
  assert.ok(projected > 5 && projected < 35);
});

test("projectConflicting: a main gradient of zeros projects nothing away and gives no NaN", async () => {
  assert.deepEqual(
    flat(await evaluate(projectConflicting(tree([0, 0], [0]), tree([-2, 3], [4])))),
    [-2, 3, 4],
  );
  assert.throws(() => projectConflicting([], []), /no tensor/);
});
