import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate } from "../../runtime/index.ts";
import {
  add,
  broadcastTo,
  concat,
  expandDims,
  flip,
  full,
  grad,
  identityMatrix,
  multiply,
  ones,
  pad,
  type Range,
  range,
  reshape,
  slice,
  split,
  squeeze,
  stack,
  sum,
  type Tensor,
  tensor,
  tile,
  transpose,
  values,
  zeros,
} from "../index.ts";
import type { DType } from "../tensor.ts";
import { at, build, type Plain, zip } from "./testing/arrays.ts";
import { assertClose, checkErrors, checkRows, row } from "./testing/rows.ts";
import { booleans, broadcastable, filled, shapes, single, withAxis } from "./testing/samples.ts";

const floatsAndInt: DType[] = ["float32", "float64", "int32"];
const positive = (axis: number, rank: number) => (axis < 0 ? axis + rank : axis);
const axesOf = (x: { shape: readonly number[] }) => x.shape.map((_, a) => a);

/** Another shape with as many elements. */
const regrouped = (size: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 2 }).map((heads) => {
    const shape: number[] = [];
    let rest = size;
    for (const head of heads) {
      const length = rest % head === 0 ? head : 1;
      shape.push(length);
      rest /= length;
    }
    return [...shape, rest];
  });

const withOneUnknown = (shape: number[]): fc.Arbitrary<number[]> =>
  fc
    .integer({ min: -1, max: shape.length - 1 })
    .map((unknown) => shape.map((n, a) => (a === unknown ? -1 : n)));

const ranges = (length: number): fc.Arbitrary<Range> => {
  const position = fc.oneof(
    { weight: 9, arbitrary: fc.integer({ min: -length - 2, max: length + 2 }) },
    { weight: 1, arbitrary: fc.constantFrom(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY) },
  );
  const steps = fc.constantFrom(-3, -2, -1, 1, 2, 3);
  return fc.oneof(
    { weight: 1, arbitrary: fc.constant(null) },
    ...(length > 0 ? [{ weight: 1, arbitrary: fc.integer({ min: -length, max: length - 1 }) }] : []),
    { weight: 1, arbitrary: fc.tuple(position, position) },
    { weight: 2, arbitrary: fc.tuple(position, position, steps) },
    // Long walks in both directions.
    { weight: 2, arbitrary: fc.tuple(fc.constantFrom(0, 1), fc.constant(length), fc.constantFrom(2, 3)) },
    {
      weight: 2,
      arbitrary: fc.tuple(fc.constantFrom(-1, -2), fc.constant(-length - 1), fc.constantFrom(-1, -2, -3)),
    },
  );
};

/** The positions that a range takes from an axis, by the rules of JavaScript's and Python's slices. */
function taken(range: Range, length: number): number[] {
  const list = Array.from({ length }, (_, i) => i);
  if (range === null) return list;
  if (typeof range === "number") return [positive(range, length)];
  const [start, stop, step = 1] = range;
  const every = (part: number[]) => part.filter((_, i) => i % Math.abs(step) === 0);
  if (step > 0) return every(list.slice(start, stop));
  const [first, last] = [positive(start, length), positive(stop, length)];
  return first < 0 ? [] : every(list.slice(Math.max(last + 1, 0), first + 1).reverse());
}

const beside = (count: number, vary: boolean) =>
  shapes({ minRank: 1, min: 0 }).chain((shape) =>
    fc.integer({ min: -shape.length, max: shape.length - 1 }).chain((axis) =>
      fc
        .array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: count })
        .chain((lengths) =>
          fc.tuple(
            ...lengths.map((length, number) =>
              filled(
                shape.map((n, a) => (vary && a === positive(axis, shape.length) ? length : n)),
                { number },
              ),
            ),
          ),
        )
        .map((inputs) => ({ inputs, axis })),
    ),
  );

function joined(inputs: readonly Plain[], axis: number): Plain {
  const shape = inputs[0]!.shape.map((n, a) =>
    a === axis ? inputs.reduce((total, x) => total + x.shape[axis]!, 0) : n,
  );
  return build(shape, (index) => {
    let i = index[axis]!;
    const part = inputs.find((x) => {
      if (i < x.shape[axis]!) return true;
      i -= x.shape[axis]!;
      return false;
    })!;
    return at(
      part,
      index.map((n, a) => (a === axis ? i : n)),
    );
  });
}

checkRows([
  row({
    name: "reshape",
    samples: single().chain(({ inputs }) =>
      regrouped(inputs[0]!.data.length)
        .chain((shape) => fc.tuple(fc.constant(shape), withOneUnknown(shape)))
        .map(([shape, asked]) => ({ inputs, shape, asked })),
    ),
    apply: ([x], { asked }) => reshape(x!, asked),
    expected: ([x], { shape }) => ({ shape, data: x!.data }),
    dtypes: floatsAndInt,
  }),
  row({
    name: "expandDims",
    samples: single({ min: 0 }).chain(({ inputs }) =>
      fc
        .integer({ min: -inputs[0].shape.length - 1, max: inputs[0].shape.length })
        .map((axis) => ({ inputs, axis })),
    ),
    apply: ([x], { axis }) => expandDims(x!, axis),
    expected: ([x], { axis }) => ({
      shape: x!.shape.toSpliced(positive(axis, x!.shape.length + 1), 0, 1),
      data: x!.data,
    }),
    dtypes: floatsAndInt,
  }),
  row({
    name: "squeeze of all axes of length 1",
    samples: single({ max: 2 }),
    apply: ([x]) => squeeze(x!),
    expected: ([x]) => ({ shape: x!.shape.filter((n) => n !== 1), data: x!.data }),
  }),
  row({
    name: "transpose with axes",
    samples: single({ maxRank: 4, min: 0 }).chain(({ inputs }) =>
      fc
        .shuffledSubarray(axesOf(inputs[0]), { minLength: inputs[0].shape.length })
        .map((order) => ({ inputs, order })),
    ),
    apply: ([x], { order }) => transpose(x!, order),
    expected: ([x], { order }) =>
      build(
        order.map((a) => x!.shape[a]!),
        (index) =>
          at(
            x!,
            order.map((_, a) => index[order.indexOf(a)]!),
          ),
      ),
    dtypes: floatsAndInt,
  }),
  row({
    name: "transpose of the last two axes, twice and thrice",
    samples: single({ minRank: 2, min: 0 }),
    apply: ([x]) => transpose(transpose(transpose(x!))),
    expected: ([x]) =>
      build([...x!.shape.slice(0, -2), x!.shape.at(-1)!, x!.shape.at(-2)!], (index) =>
        at(x!, [...index.slice(0, -2), index.at(-1)!, index.at(-2)!]),
      ),
  }),
  row({
    name: "broadcastTo",
    samples: broadcastable(2, { min: 0 }).chain(({ shape, shapes: list }) =>
      filled(list.find((own) => own !== shape) ?? shape).map((x) => ({ inputs: [x], shape })),
    ),
    apply: ([x], { shape }) => broadcastTo(x!, shape),
    expected: (inputs, { shape }) => zip(shape, inputs, (x) => x),
    dtypes: floatsAndInt,
  }),
  row({
    name: "slice",
    samples: single({ min: 0, max: 6 }).chain(({ inputs }) =>
      fc.tuple(...inputs[0].shape.map(ranges)).map((list) => ({ inputs, list: list as Range[] })),
    ),
    apply: ([x], { list }) => slice(x!, list),
    expected: ([x], { list }) => {
      const lines = list.map((one, a) => taken(one, x!.shape[a]!));
      const whole = build(
        lines.map((line) => line.length),
        (index) =>
          at(
            x!,
            index.map((i, a) => lines[a]![i]!),
          ),
      );
      return { ...whole, shape: whole.shape.filter((_, a) => typeof list[a] !== "number") };
    },
    dtypes: floatsAndInt,
  }),
  row({
    name: "flip",
    samples: single({ min: 0 }).chain(({ inputs }) =>
      fc.subarray(axesOf(inputs[0])).map((axes) => ({ inputs, axes })),
    ),
    apply: ([x], { axes }) => flip(x!, axes),
    expected: ([x], { axes }) =>
      build(x!.shape, (index) =>
        at(
          x!,
          index.map((i, a) => (axes.includes(a) ? x!.shape[a]! - 1 - i : i)),
        ),
      ),
    dtypes: floatsAndInt,
  }),
  row({
    name: "pad",
    samples: single({ min: 0 }).chain(({ inputs }) =>
      fc.record({
        inputs: fc.constant(inputs),
        padding: fc.tuple(
          ...inputs[0].shape.map(() =>
            fc.tuple(fc.integer({ min: 0, max: 2 }), fc.integer({ min: 0, max: 2 })),
          ),
        ),
        value: fc.constantFrom(0, 7),
      }),
    ),
    apply: ([x], { padding, value }) => pad(x!, padding as [number, number][], value),
    expected: ([x], { padding, value }) =>
      build(
        x!.shape.map((n, a) => n + padding[a]![0]! + padding[a]![1]!),
        (index) => {
          const source = index.map((i, a) => i - padding[a]![0]!);
          return source.every((i, a) => i >= 0 && i < x!.shape[a]!) ? at(x!, source) : value;
        },
      ),
    dtypes: floatsAndInt,
  }),
  row({
    name: "concat",
    samples: beside(4, true),
    apply: (inputs, { axis }) => concat(inputs, axis),
    expected: (inputs, { axis }) => joined(inputs, positive(axis, inputs[0]!.shape.length)),
    dtypes: floatsAndInt,
  }),
  row({
    name: "stack",
    samples: beside(3, false),
    apply: (inputs, { axis }) => stack(inputs, axis),
    expected: (inputs, { axis }) => {
      const place = positive(axis, inputs[0]!.shape.length + 1);
      return joined(
        inputs.map(({ shape, data }) => ({ shape: shape.toSpliced(place, 0, 1), data })),
        place,
      );
    },
  }),
  row({
    name: "split by lengths, joined in the opposite order",
    samples: withAxis({ min: 0, max: 6 }).chain(({ inputs, axis }) => {
      const length = inputs[0]!.shape.at(axis)!;
      return fc.integer({ min: 0, max: length }).map((cut) => ({ inputs, axis, cut }));
    }),
    apply: ([x], { axis, cut }) => concat(split(x!, [cut, x!.shape.at(axis)! - cut], axis).reverse(), axis),
    expected: ([x], { axis, cut }) => {
      const a = positive(axis, x!.shape.length);
      const length = x!.shape[a]!;
      return build(x!.shape, (index) =>
        at(
          x!,
          index.map((i, j) => (j === a ? (i + cut) % length : i)),
        ),
      );
    },
  }),
  row({
    name: "tile",
    samples: single({ min: 0, max: 3 }).chain(({ inputs }) =>
      fc
        .tuple(...inputs[0].shape.map(() => fc.integer({ min: 0, max: 3 })))
        .map((repeats) => ({ inputs, repeats })),
    ),
    apply: ([x], { repeats }) => tile(x!, repeats as number[]),
    expected: ([x], { repeats }) =>
      build(
        x!.shape.map((n, a) => n * repeats[a]!),
        (index) =>
          at(
            x!,
            index.map((i, a) => i % x!.shape[a]!),
          ),
      ),
    dtypes: floatsAndInt,
  }),
  row({
    name: "bools are moved like numbers",
    samples: shapes({ minRank: 2, maxRank: 2 }).chain((shape) =>
      booleans(shape).map((x) => ({ inputs: [x] })),
    ),
    apply: ([x]) =>
      concat([
        pad(
          slice(transpose(x!), [[-1, Number.NEGATIVE_INFINITY, -1]]),
          [
            [1, 0],
            [0, 0],
          ],
          1,
        ),
        broadcastTo(slice(transpose(x!), [[0, 1]]), [2, x!.shape[0]!]),
      ]),
    expected: ([x]) => {
      const [n, m] = x!.shape as [number, number];
      return build([m + 3, n], ([i, j]) => (i === 0 ? 1 : i! <= m ? at(x!, [j!, m - i!]) : at(x!, [j!, 0])));
    },
    dtypes: ["float32"],
    derivatives: 0,
  }),
]);

test("split into equal parts", async () => {
  const parts = split(tensor([[1, 2, 3, 4]]), 2, 1);
  assert.deepEqual(
    (await evaluate(parts)).map((part) => [...values(part)]),
    [
      [1, 2],
      [3, 4],
    ],
  );
});

test("constants of a shape", async () => {
  for (const [made, expected] of [
    [zeros([2, 3]), build([2, 3], () => 0)],
    [ones([2], "int32"), build([2], () => 1)],
    [full([2, 0], 5), build([2, 0], () => 5)],
    [full([], 5, "float64"), build([], () => 5)],
    [full([2], 1, "bool"), build([2], () => 1)],
    [range(4), build([4], ([i]) => i!)],
    [range(0), build([0], () => 0)],
    [identityMatrix(3, "float64"), build([3, 3], ([i, j]) => Number(i === j))],
  ] as const) {
    assertClose(await evaluate(made), expected, 0, "constant");
  }
});

// The engine's Expand gives elements where there are none.
test("broadcasting to a shape without elements", async () => {
  const x = await evaluate(broadcastTo(add(tensor([1]), 1), [3, 0, 0]));
  assert.deepEqual([[...x.shape], [...values(x)]], [[3, 0, 0], []]);
});

test("an element that is read several times collects all its cotangents", async () => {
  const x = tensor([1, 2, 3], { dtype: "float64" });
  const f = (z: Tensor) =>
    sum(multiply(add(slice(z, [[0, 2]]), slice(z, [[1, 3]])), tensor([1, 10], { dtype: "float64" })));
  assert.deepEqual([...values(await evaluate(grad(f)(x)))], [1, 11, 10]);
});

const matrix = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
const ints = tensor([1, 2], { dtype: "int32" });
checkErrors([
  [
    "a reshape that loses elements",
    () => reshape(matrix, [4]),
    /^reshape: \[2, 3\] with 6 elements does not fit into \[4\]/,
  ],
  ["a reshape with two unknowns", () => reshape(matrix, [-1, -1]), /^reshape: .*\[-1, -1\]/],
  ["a reshape with a remainder", () => reshape(matrix, [4, -1]), /^reshape: /],
  ["no place for a new axis", () => expandDims(matrix, 4), /^expandDims: no place 4/],
  ["squeezing a long axis", () => squeeze(matrix, 1), /^squeeze: axis 1 .* has length 3, not 1/],
  [
    "transposing by half of the axes",
    () => transpose(matrix, [0]),
    /^transpose: axes \[0\] must name each axis/,
  ],
  ["transposing by an axis twice", () => transpose(matrix, [0, 0]), /^transpose: axes \[0, 0\]/],
  [
    "broadcasting to a shape that does not fit",
    () => broadcastTo(matrix, [2, 4]),
    /^broadcastTo: shapes \[2, 3\] and \[2, 4\]/,
  ],
  [
    "broadcasting to fewer axes",
    () => broadcastTo(matrix, [3]),
    /^broadcastTo: .*does not broadcast to \[3\]/,
  ],
  ["a position outside", () => slice(matrix, [2]), /^slice: position 2 lies outside of axis 0 of .*\[2, 3\]/],
  ["a step of 0", () => slice(matrix, [[0, 2, 0]]), /^slice: step 0 along axis 0/],
  [
    "a range of fractions",
    () => slice(matrix, [[0.5, 2]]),
    /^slice: range \[0.5,2\] along axis 0 must hold whole numbers/,
  ],
  ["too many ranges", () => slice(matrix, [null, null, null]), /^slice: 3 ranges given for .*\[2, 3\]/],
  [
    "negative padding",
    () =>
      pad(matrix, [
        [0, -1],
        [0, 0],
      ]),
    /^pad: padding \[\[0,-1\],\[0,0\]\] must give two numbers/,
  ],
  ["padding for too few axes", () => pad(matrix, [[0, 1]]), /^pad: padding/],
  [
    "padding integers with a fraction",
    () => pad(ints, [[1, 1]], 0.5),
    /^pad: .*int32 cannot hold the value 0.5/,
  ],
  [
    "joining shapes that do not fit",
    () => concat([matrix, tensor([[1, 2]])]),
    /^concat: .*\[1, 2\].* does not fit beside .*\[2, 3\].* axis 0/,
  ],
  [
    "joining types that differ",
    () => concat([ints, tensor([1, 2])]),
    /^concat: .*float32 does not fit beside .*int32/,
  ],
  ["joining nothing", () => concat([]), /^concat: tensors is empty/],
  ["splitting with a remainder", () => split(matrix, 2, 1), /^split: parts 2 do not divide axis 1/],
  ["parts that do not add up", () => split(matrix, [1, 3], 1), /^split: parts \[1,3\]/],
  ["tiling too few axes", () => tile(matrix, [2]), /^tile: repeats \[2\]/],
]);
