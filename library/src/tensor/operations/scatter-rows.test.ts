/** Gradients of a table that is read several times are scattered at once, on any number of threads. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  add,
  broadcastTo,
  compile,
  evaluate,
  gather,
  grad,
  multiply,
  reshape,
  scatterAdd,
  slice,
  sum,
  type Tensor,
  tensor,
  toOnnx,
  values,
} from "../../index.ts";
import { random } from "../../random.ts";

const [rows, width, count] = [40_000, 4, 300];
const draw = random("scatter-rows");
// Few distinct rows, so that the same one stands in several readings.
const positions = () => tensor(Int32Array.from({ length: count }, () => draw.integer(0, 50)));
const weights = () =>
  tensor(
    Float32Array.from({ length: count * width }, () => draw.integer(-9, 9)),
    { shape: [count, width] },
  );
const table = tensor(new Float32Array(rows * width), { shape: [rows, width] });
const nodes = (bytes: Uint8Array, type: string) =>
  Buffer.from(bytes).toString("latin1").split(type).length - 1;

type Reading = readonly [Tensor, Tensor];

const readings: Reading[] = Array.from({ length: 3 }, () => [positions(), weights()] as const);

function expected(used: readonly Reading[]): Float64Array {
  const total = new Float64Array(rows * width);
  for (const [at, weight] of used)
    values(at).forEach((row, i) => {
      for (let j = 0; j < width; j++) total[row * width + j]! += values(weight)[i * width + j]!;
    });
  return total;
}

const gradient = (x: Tensor, used: readonly Reading[]) =>
  grad((t: Tensor) =>
    used.map(([at, weight]) => sum(multiply(gather(t, at), weight))).reduce((a, b) => add(a, b)),
  )(x);

for (const threads of [1, 2])
  for (const many of [1, 2, 3])
    test(`${many} readings of a table on ${threads} threads`, async () => {
      const used = readings.slice(0, many);
      const result = await compile(gradient, { threads })(table, used);
      assert.deepEqual(Float64Array.from(values(result)), expected(used));
    });

test("three readings are one scattering without additions", () => {
  const bytes = toOnnx(gradient, table, readings);
  assert.equal(nodes(bytes, "ScatterElements"), 1);
  assert.equal(nodes(bytes, "ScatterND"), 0);
});

test("a part that something else reads too stays apart", async () => {
  const both = (x: Tensor) => {
    const first = gradient(x, readings.slice(0, 1));
    return { first, total: add(first, gradient(x, readings.slice(1, 2))) };
  };
  const { first, total } = await compile(both)(table);
  assert.deepEqual(Float64Array.from(values(first)), expected(readings.slice(0, 1)));
  assert.deepEqual(Float64Array.from(values(total)), expected(readings.slice(0, 2)));
});

const bag = 3;
/** Weights of bags, and the same for each of a bag's tokens. */
const bags: Reading[] = [0, 1].map((i) => [
  readings[i]![0],
  tensor(values(readings[i]![1]).slice(0, (count / bag) * width) as Float32Array, {
    shape: [count / bag, width],
  }),
]);
const tokens = bags.map(
  ([at, weight]): Reading => [at, repeated(weight, (token) => Math.floor(token / bag))],
);

function repeated(rowsOnce: Tensor, which: (row: number) => number): Tensor {
  const once = values(rowsOnce);
  const data = Float32Array.from(
    { length: count * width },
    (_, i) => once[which(Math.floor(i / width)) * width + (i % width)]!,
  );
  return tensor(data, { shape: [count, width] });
}

const bagGradient = (x: Tensor, used: readonly Reading[]) =>
  grad((t: Tensor) =>
    used
      .map(([at, weight]) => sum(multiply(sum(gather(t, reshape(at, [-1, bag])), { axis: 1 }), weight)))
      .reduce((a, b) => add(a, b)),
  )(x);

for (const threads of [1, 2])
  test(`bags whose tokens share a gradient, on ${threads} threads`, async () => {
    const result = await compile(bagGradient, { threads })(table, bags);
    assert.deepEqual(Float64Array.from(values(result)), expected(tokens));
  });

test("bags' gradients are joined before they are repeated", () => {
  // For the zeros, the joined gradients and the positions.
  assert.equal(nodes(toOnnx(bagGradient, table, bags), "Expand"), 3);
});

test("rows repeated along a new axis in front are not taken for bags", async () => {
  // As many new rows as there are old ones, so that the first axes are equally long, but not the same.
  const n = 10;
  const few = bags.map(([, weight]) => slice(weight, [[0, n]]));
  const at = [0, 1].map((i) => slice(readings[i]![0], [[0, n * n]]));
  const scattered = () => {
    const [first, second] = few.map((x, i) =>
      scatterAdd(at[i]!, reshape(broadcastTo(x, [n, n, width]), [n * n, width]), rows),
    ) as [Tensor, Tensor];
    return add(first, second);
  };
  const each = bags.map(
    ([where, weight]): Reading => [
      tensor(values(where).slice(0, n * n) as Int32Array),
      slice(
        repeated(weight, (row) => row % n),
        [[0, n * n]],
      ),
    ],
  );
  const wanted = expected(await evaluate(each));
  assert.deepEqual(Float64Array.from(values(await compile(scattered)())), wanted);
});
