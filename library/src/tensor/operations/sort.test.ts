import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate } from "../../runtime/index.ts";
import { argSort, grad, multiply, sort, sum, type Tensor, tensor, topK, values } from "../index.ts";
import type { DType } from "../tensor.ts";
import { along } from "./testing/arrays.ts";
import { checkErrors, checkRows, row } from "./testing/rows.ts";
import { withAxis } from "./testing/samples.ts";

const floatsAndInt: DType[] = ["float32", "float64", "int32"];
const positive = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);

// As int32, values of this range fall together often: ties keep the order of their positions.
const lines = fc
  .tuple(withAxis({ low: -0.6, high: 0.6, max: 6 }), fc.boolean())
  .map(([sample, descending]) => ({ ...sample, descending }));

const order = (list: readonly number[], descending: boolean) =>
  list.map((_, i) => i).sort((a, b) => (descending ? list[b]! - list[a]! : list[a]! - list[b]!) || a - b);

const somewhere = lines.chain((sample) =>
  fc.integer({ min: 1, max: sample.inputs[0]!.shape.at(sample.axis)! }).map((k) => ({ ...sample, k })),
);

checkRows([
  row({
    name: "sort",
    samples: lines,
    apply: ([x], { axis, descending }) => sort(x!, { axis, descending }),
    expected: ([x], { axis, descending }) =>
      along(x!, positive(axis, x!.shape.length), (list) => order(list, descending).map((i) => list[i]!)),
    dtypes: floatsAndInt,
  }),
  row({
    name: "argSort",
    samples: lines,
    apply: ([x], { axis, descending }) => argSort(x!, { axis, descending }),
    expected: ([x], { axis, descending }) =>
      along(x!, positive(axis, x!.shape.length), (list) => order(list, descending)),
    dtypes: floatsAndInt,
    derivatives: 0,
  }),
  row({
    name: "topK values",
    samples: somewhere,
    apply: ([x], { axis, descending, k }) => topK(x!, k, { axis, largest: descending }).values,
    expected: ([x], { axis, descending, k }) =>
      along(x!, positive(axis, x!.shape.length), (list) =>
        order(list, descending)
          .slice(0, k)
          .map((i) => list[i]!),
      ),
    dtypes: floatsAndInt,
  }),
  row({
    name: "topK indices",
    samples: somewhere,
    apply: ([x], { axis, descending, k }) => topK(x!, k, { axis, largest: descending }).indices,
    expected: ([x], { axis, descending, k }) =>
      along(x!, positive(axis, x!.shape.length), (list) => order(list, descending).slice(0, k)),
    dtypes: floatsAndInt,
    derivatives: 0,
  }),
]);

test("long axes with many ties are sorted stably, and each element gets its own gradient", async () => {
  const list = Array.from({ length: 1000 }, (_, i) => (i * 7919) % 13);
  const x = tensor(list, { dtype: "float64" });
  const weights = tensor(
    Array.from(list, (_, i) => i),
    { dtype: "float64" },
  );
  const [up, down, gradient] = await evaluate([
    argSort(x),
    argSort(x, { descending: true }),
    grad((z: Tensor) => sum(multiply(sort(z), weights)))(x),
  ] as const);
  assert.deepEqual([...values(up)], order(list, false));
  assert.deepEqual([...values(down)], order(list, true));
  order(list, false).forEach((from, to) => {
    assert.equal(values(gradient)[from], to);
  });
});

test("infinities are sorted to the ends", async () => {
  const [low, high] = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
  const sorted = await evaluate(sort(tensor([1, high, low, -1])));
  assert.deepEqual([...values(sorted)], [low, -1, 1, high]);
});

const x = tensor([[3, 1, 2]]);
checkErrors([
  ["k = 0", () => topK(x, 0), /^topK: k = 0 must be a whole number from 1 to 3/],
  ["k beyond the axis", () => topK(x, 4), /^topK: k = 4 .* axis 1 of .*\[1, 3\]/],
  ["an axis that is not there", () => sort(x, { axis: 2 }), /^sort: axis 2 does not exist/],
  ["sorting bools", () => sort(tensor([true, false])), /^topK: x is .*bool/],
]);
