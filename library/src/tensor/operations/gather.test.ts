import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compile, evaluate } from "../../runtime/index.ts";
import {
  add,
  embeddingBag,
  gather,
  gatherElements,
  grad,
  multiply,
  oneHot,
  pick,
  scatterAdd,
  scatterElements,
  sum,
  type Tensor,
  tensor,
  values,
} from "../index.ts";
import type { DType } from "../tensor.ts";
import { at, build, type Index, type Plain, positions } from "./testing/arrays.ts";
import { checkErrors, checkRows, row } from "./testing/rows.ts";
import { filled, shapes, whole } from "./testing/samples.ts";

const floatsAndInt: DType[] = ["float32", "float64", "int32"];
const small = fc.integer({ min: 1, max: 4 });
const positive = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);
const replaced = (index: Index, axis: number, i: number) => index.map((n, a) => (a === axis ? i : n));

/** An array of at least one axis, one of its axes, and positions along it of another shape; they repeat. */
const gathers = shapes({ minRank: 1 }).chain((shape) =>
  fc
    .tuple(fc.integer({ min: -shape.length, max: shape.length - 1 }), shapes({ maxRank: 2, min: 0 }))
    .chain(([axis, places]) =>
      fc
        .tuple(filled(shape), whole(places, shape.at(axis)!))
        .map(([x, indices]) => ({ inputs: [x, indices], axis: positive(axis, shape.length) })),
    ),
);

/** An array and positions along one axis for single elements; other axes may be shorter. */
const elements = shapes({ minRank: 1 }).chain((shape) =>
  fc.integer({ min: 0, max: shape.length - 1 }).chain((axis) =>
    fc
      .tuple(small, fc.boolean(), ...shape.map((n) => fc.integer({ min: 1, max: n })))
      .map(([along, cut, ...shorter]) =>
        shape.map((n, a) => (a === axis ? along : cut ? (shorter[a] as number) : n)),
      )
      .chain((places) => fc.tuple(filled(shape), filled(places, { number: 1 }), whole(places, shape[axis]!)))
      .map(([x, updates, indices]) => ({ x, updates, indices, axis })),
  ),
);

const bags = fc
  .tuple(small, small, small, small)
  .chain(([rows, width, n, length]) =>
    fc
      .tuple(filled([rows, width]), whole([n, length], rows))
      .map(([table, indices]) => ({ inputs: [table, indices] })),
  );

function plainBag(table: Plain, indices: Plain, reduction: "sum" | "mean", padding: number | null): Plain {
  const [n, length] = indices.shape as [number, number];
  return build([n, table.shape[1]!], ([i, j]) => {
    const rows = Array.from({ length }, (_, k) => at(indices, [i!, k])).filter((row) => row !== padding);
    const total = rows.reduce((sum, row) => sum + at(table, [row, j!]), 0);
    return reduction === "sum" ? total : total / Math.max(1, rows.length);
  });
}

checkRows([
  row({
    name: "gather",
    samples: gathers,
    apply: ([x, indices], { axis }) => gather(x!, indices!, { axis }),
    expected: ([x, indices], { axis }) => {
      const many = indices!.shape.length;
      const shape = [...x!.shape.slice(0, axis), ...indices!.shape, ...x!.shape.slice(axis + 1)];
      return build(shape, (index) => {
        const position = at(indices!, index.slice(axis, axis + many));
        return at(x!, [...index.slice(0, axis), position, ...index.slice(axis + many)]);
      });
    },
    dtypes: floatsAndInt,
  }),
  row({
    name: "scatterAdd",
    samples: fc
      .tuple(fc.integer({ min: 0, max: 6 }), small, shapes({ maxRank: 2 }))
      .chain(([n, size, rest]) =>
        fc.tuple(filled([n, ...rest]), whole([n], size)).map((inputs) => ({ inputs, size })),
      ),
    apply: ([updates, indices], { size }) => scatterAdd(indices!, updates!, size),
    expected: ([updates, indices], { size }) =>
      build([size, ...updates!.shape.slice(1)], ([row, ...rest]) =>
        indices!.data.reduce((sum, to, i) => sum + (to === row ? at(updates!, [i, ...rest]) : 0), 0),
      ),
  }),
  row({
    name: "gatherElements",
    samples: elements.map(({ x, indices, axis }) => ({ inputs: [x, indices], axis })),
    apply: ([x, indices], { axis }) => gatherElements(x!, indices!, { axis }),
    expected: ([x, indices], { axis }) =>
      build(indices!.shape, (index) => element(x!, replaced(index, axis, element(indices!, index)))),
    dtypes: floatsAndInt,
  }),
  row({
    name: "scatterElements",
    samples: elements.map(({ x, updates, indices, axis }) => ({
      inputs: [updates, indices],
      axis,
      shape: x.shape,
    })),
    apply: ([updates, indices], { axis, shape }) => scatterElements(shape, indices!, updates!, axis),
    expected: ([updates, indices], { axis, shape }) =>
      build(shape, (index) =>
        positions(indices!.shape).reduce((sum, place) => {
          const target = replaced(place, axis, element(indices!, place));
          return target.every((n, a) => n === index[a]) ? sum + element(updates!, place) : sum;
        }, 0),
      ),
    dtypes: floatsAndInt,
  }),
  row({
    name: "pick",
    samples: fc
      .tuple(small, small)
      .chain(([n, m]) => fc.tuple(filled([n, m]), whole([n], m)).map((inputs) => ({ inputs }))),
    apply: ([x, indices]) => pick(x!, indices!),
    expected: ([x, indices]) => build([x!.shape[0]!], ([i]) => element(x!, [i!, indices!.data[i!]!])),
    dtypes: floatsAndInt,
  }),
  row({
    name: "oneHot",
    samples: fc
      .tuple(shapes({ maxRank: 2 }), small)
      .chain(([shape, depth]) => whole(shape, depth + 2).map((indices) => ({ inputs: [indices], depth }))),
    apply: ([indices], { depth }) => oneHot(indices!, depth),
    expected: ([indices], { depth }) =>
      build([...indices!.shape, depth], (index) => Number(at(indices!, index.slice(0, -1)) === index.at(-1))),
    dtypes: ["float32"],
    derivatives: 0,
  }),
  ...(["sum", "mean"] as const).flatMap((reduction) =>
    [0, null].map((padding) =>
      row({
        name: `embeddingBag: ${reduction}, padding ${padding}`,
        samples: bags,
        apply: ([table, indices]) => embeddingBag(table!, indices!, { reduction, padding }),
        expected: ([table, indices]) => plainBag(table!, indices!, reduction, padding),
      }),
    ),
  ),
]);

/** As `at`, for a position of exactly the array's rank, so that axes of length 1 do not repeat. */
function element(x: Plain, index: Index): number {
  return x.data[index.reduce((offset, i, axis) => offset * x.shape[axis]! + i, 0)]!;
}

// The sizes lie on both sides of the limit above which a one-hot product gives way to ScatterElements.
for (const [rows, width, count] of [
  [50, 8, 20_000],
  [40_000, 16, 2_000],
] as const) {
  test(`the gradient of a gather of ${count} repeating rows out of ${rows} is exact on 1 and 2 threads`, async () => {
    const indices = Int32Array.from({ length: count }, (_, i) => (i * i + 7 * i) % Math.min(rows, 97));
    const weights = Float32Array.from({ length: count * width }, (_, i) => ((i * 31) % 17) - 8);
    const expected = new Float64Array(rows * width);
    weights.forEach((w, i) => {
      expected[indices[Math.floor(i / width)]! * width + (i % width)]! += w;
    });
    const table = tensor(new Float32Array(rows * width), { shape: [rows, width] });
    const step = (x: Tensor, i: Tensor, w: Tensor) => grad((t: Tensor) => sum(multiply(gather(t, i), w)))(x);
    for (const threads of [1, 2]) {
      const run = compile(step, { threads });
      for (let round = 0; round < 5; round++) {
        const result = await run(table, tensor(indices), tensor(weights, { shape: [count, width] }));
        // Whole numbers below 2^24 add up exactly in any order.
        const data = values(result);
        const wrong = expected.findIndex((v, i) => v !== data[i]);
        assert.equal(wrong, -1, `${threads} threads, round ${round}: element ${wrong}`);
      }
    }
  });
}

test("the gradient of gatherElements at repeating positions is exact on 1 and 2 threads", async () => {
  const [n, m, k] = [64, 300, 500];
  const indices = Int32Array.from({ length: n * k }, (_, i) => (i * 13) % 29);
  const weights = Float32Array.from({ length: n * k }, (_, i) => ((i * 31) % 17) - 8);
  const expected = new Float64Array(n * m);
  weights.forEach((w, i) => {
    expected[Math.floor(i / k) * m + indices[i]!]! += w;
  });
  const step = (x: Tensor, i: Tensor, w: Tensor) =>
    grad((z: Tensor) => sum(multiply(gatherElements(z, i), w)))(x);
  for (const threads of [1, 2]) {
    const result = await compile(step, { threads })(
      tensor(new Float32Array(n * m), { shape: [n, m] }),
      tensor(indices, { shape: [n, k] }),
      tensor(weights, { shape: [n, k] }),
    );
    const data = values(result);
    assert.ok(
      expected.every((v, i) => v === data[i]),
      `${threads} threads`,
    );
  }
});

test("a table that is gathered from twice collects both gradients", async () => {
  const table = tensor([[1], [2], [3]], { dtype: "float64" });
  const f = (t: Tensor) =>
    sum(add(gather(t, tensor(new Int32Array([0, 0, 2]))), gather(t, tensor(new Int32Array([2, 1, 2])))));
  assert.deepEqual([...values(await evaluate(grad(f)(table)))], [2, 1, 3]);
});

const table = tensor([
  [1, 2],
  [3, 4],
  [5, 6],
]);
const int = (...list: number[]) => tensor(Int32Array.from(list));
checkErrors([
  [
    "float indices",
    () => gather(table, tensor([0, 1])),
    /^gather: indices is .*float32 \[2\]|^gather: indices is .*expected int32/,
  ],
  [
    "a constant position outside",
    () => gather(table, int(0, 3)),
    /^gather: indices holds 3 at position 1; expected 0 to 2/,
  ],
  ["a negative constant position", () => gather(table, int(-1)), /^gather: indices holds -1 at position 0/],
  ["scattering outside", () => scatterAdd(int(0, 5), tensor([[1], [2]]), 5), /^scatterAdd: indices holds 5/],
  [
    "scattering with too few indices",
    () => scatterAdd(int(0), table, 5),
    /^scatterAdd: indices .*\[1\].* one for each row of .*\[3, 2\]/,
  ],
  ["scattering integers", () => scatterAdd(int(0, 1), int(1, 2), 5), /^scatterAdd: updates is .*int32/],
  [
    "gatherElements of another rank",
    () => gatherElements(table, int(0)),
    /^gatherElements: indices .*\[1\].* rank of .*\[3, 2\]/,
  ],
  [
    "scatterElements with shapes that differ",
    () => scatterElements([3, 2], tensor([[0]], { dtype: "int32" }), table),
    /^scatterElements: indices .*\[1, 1\].* updates .*\[3, 2\]/,
  ],
  ["pick from a vector", () => pick(tensor([1, 2]), int(0)), /^pick: indices/],
  ["oneHot of floats", () => oneHot(tensor([0.5]), 2), /^oneHot: indices is .*expected int32/],
  [
    "a bag of a vector",
    () => embeddingBag(table, int(0, 1)),
    /^embeddingBag: table .* indices .*expected \[rows, d\] and \[n, length\]/,
  ],
]);
