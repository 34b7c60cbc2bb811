import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate } from "../../runtime/index.ts";
import { gather, grad, logSoftmax, softmax, sum, type Tensor, tensor, values } from "../index.ts";
import { along } from "./testing/arrays.ts";
import { checkErrors, checkRows, row } from "./testing/rows.ts";
import { withAxis } from "./testing/samples.ts";

const positive = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);
const shares = (list: readonly number[]) => {
  const total = list.reduce((sum, v) => sum + Math.exp(v), 0);
  return list.map((v) => Math.exp(v) / total);
};

checkRows([
  row({
    name: "softmax",
    samples: withAxis({ low: -4, high: 4 }),
    apply: ([x], { axis }) => softmax(x!, { axis }),
    expected: ([x], { axis }) => along(x!, positive(axis, x!.shape.length), shares),
  }),
  row({
    name: "logSoftmax",
    samples: withAxis({ low: -4, high: 4 }),
    apply: ([x], { axis }) => logSoftmax(x!, { axis }),
    expected: ([x], { axis }) =>
      along(x!, positive(axis, x!.shape.length), (list) => shares(list).map(Math.log)),
  }),
]);

for (const dtype of ["float32", "float64"] as const) {
  test(`softmax and logSoftmax at ±1e4 and at −∞, in ${dtype}`, async () => {
    const none = Number.NEGATIVE_INFINITY;
    const first = (f: (x: Tensor) => Tensor) => (x: Tensor) => sum(gather(f(x), tensor(Int32Array.of(0))));
    const check = async (f: (x: Tensor) => Tensor, point: number[], y: number[], slope: number[]) => {
      const x = tensor(point, { dtype });
      const [a, b] = await evaluate([f(x), grad(first(f))(x)] as const);
      assert.deepEqual([...values(a)], y);
      assert.deepEqual([...values(b)].map(Math.abs), slope.map(Math.abs));
    };
    await check(softmax, [1e4, -1e4], [1, 0], [0, 0]);
    await check(softmax, [-1e4, -1e4], [0.5, 0.5], [0.25, -0.25]);
    await check(softmax, [none, 0, 0], [0, 0.5, 0.5], [0, 0, 0]);
    await check(logSoftmax, [1e4, -1e4], [0, -2e4], [0, 0]);
    await check(logSoftmax, [-1e4, 1e4], [-2e4, 0], [1, -1]);
    await check(logSoftmax, [0, none], [0, none], [0, 0]);
  });
}

checkErrors([
  [
    "softmax of integers",
    () => softmax(tensor([1], { dtype: "int32" })),
    /^softmax: x is .*int32.*expected float32, float64/,
  ],
  ["softmax of nothing", () => softmax(tensor([])), /^softmax: axis 0 of .*\[0\].* is empty/],
  ["softmax of a number", () => softmax(tensor(1)), /^softmax: axis -1 does not exist in a tensor of rank 0/],
]);
