import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate } from "../../runtime/index.ts";
import { checkGradient, slopeAlong } from "../../testing.ts";
import {
  all,
  any,
  argMax,
  argMin,
  cumSum,
  grad,
  logSumExp,
  max,
  mean,
  min,
  multiply,
  norm,
  prod,
  type ReduceOptions,
  slice,
  square,
  sum,
  type Tensor,
  tensor,
  values,
  variance,
} from "../index.ts";
import type { DType } from "../tensor.ts";
import { along, type Plain, reduce } from "./testing/arrays.ts";
import { checkErrors, checkRows, type Row, row, type Sample } from "./testing/rows.ts";
import {
  booleans,
  filled,
  type ShapeOptions,
  shapes,
  type ValueOptions,
  withAxis,
} from "./testing/samples.ts";

const floatsAndInt: DType[] = ["float32", "float64", "int32"];

interface Reduction extends Sample {
  options: ReduceOptions;
}

/** One array, and axes to reduce: none, one or several, counted from either end, or left out for all. */
const reductions = (draw: (shape: number[]) => fc.Arbitrary<Plain>, options: ShapeOptions = {}) =>
  shapes(options).chain((shape) =>
    fc.record({
      inputs: fc.tuple(draw(shape)),
      options: fc.record({
        axis: fc.oneof(
          fc.constant(undefined),
          ...(shape.length > 0 ? [fc.integer({ min: -shape.length, max: shape.length - 1 })] : []),
          fc
            .subarray(shape.map((_, axis) => axis))
            .chain((axes) =>
              fc.tuple(...axes.map((axis) => fc.boolean().map((end) => (end ? axis - shape.length : axis)))),
            ),
        ),
        keepDims: fc.boolean(),
      }),
    }),
  );

/** Non-negative axes, all where none are named. */
const axesOf = (x: Plain, { axis = x.shape.map((_, a) => a) }: ReduceOptions): number[] =>
  [axis].flat().map((a) => ((a as number) + x.shape.length) % x.shape.length);

function reduction(
  name: string,
  f: (x: Tensor, options: ReduceOptions) => Tensor,
  plain: (values: number[]) => number,
  { low, high, min: shortest, ...rest }: ValueOptions & ShapeOptions & Partial<Row<Reduction>> = {},
) {
  return row({
    name,
    samples: reductions((shape) => filled(shape, { low, high }), { min: shortest }),
    apply: ([x], { options }) => f(x!, options),
    expected: ([x], { options }) => reduce(x!, axesOf(x!, options), options.keepDims ?? false, plain),
    ...rest,
  });
}

const total = (list: number[]) => list.reduce((a, b) => a + b, 0);
const average = (list: number[]) => total(list) / list.length;
const spread = (list: number[], correction: number) =>
  total(list.map((v) => (v - average(list)) ** 2)) / (list.length - correction);
const boolReduction = (
  name: string,
  f: (x: Tensor, options: ReduceOptions) => Tensor,
  plain: (list: number[]) => boolean,
) =>
  row({
    name,
    samples: reductions(booleans, { min: 0 }),
    apply: ([x], { options }) => f(x!, options),
    expected: ([x], { options }) =>
      reduce(x!, axesOf(x!, options), options.keepDims ?? false, (list) => Number(plain(list))),
    dtypes: ["float32"],
    derivatives: 0,
  });

const argument = (
  name: string,
  f: (x: Tensor, options: { axis: number; keepDims: boolean }) => Tensor,
  better: (a: number, b: number) => boolean,
) =>
  row({
    name,
    samples: fc
      .tuple(withAxis({ low: -0.5, high: 0.5 }), fc.boolean())
      .map(([sample, keepDims]) => ({ ...sample, keepDims })),
    apply: ([x], { axis, keepDims }) => f(x!, { axis, keepDims }),
    expected: ([x], { axis, keepDims }) =>
      reduce(x!, axesOf(x!, { axis }), keepDims, (list) =>
        list.reduce((best, value, i) => (better(value, list[best]!) ? i : best), 0),
      ),
    dtypes: floatsAndInt,
    derivatives: 0,
  });

checkRows([
  reduction("sum", sum, total, { dtypes: floatsAndInt, min: 0 }),
  reduction("mean", mean, average),
  reduction("max", max, (list) => Math.max(...list), { dtypes: floatsAndInt }),
  reduction("min", min, (list) => Math.min(...list), { dtypes: floatsAndInt }),
  reduction("prod", prod, (list) => list.reduce((a, b) => a * b, 1), {
    dtypes: floatsAndInt,
    min: 0,
    low: -1.2,
    high: 1.2,
  }),
  reduction("logSumExp", logSumExp, (list) => Math.log(total(list.map(Math.exp))), { low: -4, high: 4 }),
  reduction("variance", variance, (list) => spread(list, 0)),
  row({
    name: "variance with correction 1",
    samples: withAxis({ min: 2 }),
    apply: ([x], { axis }) => variance(x!, { axis, correction: 1 }),
    expected: ([x], { axis }) => reduce(x!, axesOf(x!, { axis }), false, (list) => spread(list, 1)),
  }),
  reduction("norm", norm, (list) => Math.hypot(...list), { low: 0.2, high: 2 }),
  boolReduction("any", any, (list) => list.some((v) => v === 1)),
  boolReduction("all", all, (list) => list.every((v) => v === 1)),
  argument("argMax", argMax, (a, b) => a > b),
  argument("argMin", argMin, (a, b) => a < b),
  row({
    name: "cumSum",
    samples: fc
      .tuple(withAxis({ min: 0 }), fc.boolean(), fc.boolean())
      .map(([sample, exclusive, reverse]) => ({ ...sample, exclusive, reverse })),
    apply: ([x], { axis, exclusive, reverse }) => cumSum(x!, { axis, exclusive, reverse }),
    expected: ([x], { axis, exclusive, reverse }) =>
      along(x!, axesOf(x!, { axis })[0]!, (list) =>
        list.map((_, i) =>
          total(reverse ? list.slice(exclusive ? i + 1 : i) : list.slice(0, exclusive ? i : i + 1)),
        ),
      ),
    dtypes: floatsAndInt,
  }),
]);

const double = (list: number[] | number[][]) => tensor(list, { dtype: "float64" });
const slope = async (f: (x: Tensor) => Tensor, point: number[], dtype: DType = "float64") => {
  const x = tensor(point, { dtype });
  const [y, g] = await evaluate([f(x), grad(f)(x)] as const);
  return { y: values(y)[0]!, gradient: [...values(g)] };
};

test("equal largest and smallest elements share the gradient", async () => {
  assert.deepEqual((await slope(max, [2, 5, 5, 1, 5])).gradient, [0, 1 / 3, 1 / 3, 0, 1 / 3]);
  assert.deepEqual((await slope(min, [2, 1, 1, 5])).gradient, [0, 0.5, 0.5, 0]);
});

for (const dtype of ["float32", "float64"] as const) {
  test(`logSumExp and its gradient at ±1e4 and at −∞, in ${dtype}`, async () => {
    const far = await slope(logSumExp, [1e4, -1e4, 1e4], dtype);
    assert.ok(Math.abs(far.y - (1e4 + Math.log(2))) < 1e-3);
    // The result is rounded at a size of 1e4, and its exponential by as much.
    const rounding = dtype === "float32" ? 5e-4 : 1e-12;
    assert.ok(
      far.gradient.every((g, i) => Math.abs(g - [0.5, 0, 0.5][i]!) < rounding),
      `${far.gradient}`,
    );
    const low = await slope(logSumExp, [-1e4, -1e4], dtype);
    assert.ok(Math.abs(low.y - (Math.log(2) - 1e4)) < 1e-3);
    const none = Number.NEGATIVE_INFINITY;
    const masked = await slope(logSumExp, [none, 1, none], dtype);
    assert.deepEqual(masked, { y: 1, gradient: [0, 1, 0] });
    assert.deepEqual(await slope(logSumExp, [none, none], dtype), { y: none, gradient: [0, 0] });
    const infinite = await evaluate(logSumExp(tensor([1, Number.POSITIVE_INFINITY], { dtype })));
    assert.equal(values(infinite)[0], Number.POSITIVE_INFINITY);
  });

  for (const bound of [20, 30, 31, 100, 1e4]) {
    test(`logSumExp of numbers known to be within ±${bound} is what it is without knowing, in ${dtype}`, async () => {
      // The second row has nothing but lowest values, the last nothing at all.
      const spread = Array.from({ length: 40 }, (_, i) => bound * Math.cos(i ** 2));
      const x = tensor([spread, spread.map(() => -bound), spread.map(() => Number.NEGATIVE_INFINITY)], {
        dtype,
      });
      const of = (known?: number) => (z: Tensor) => logSumExp(z, { axis: 1, bound: known });
      const squares = (f: (z: Tensor) => Tensor) => (z: Tensor) => sum(square(slice(f(z), [[0, 2]])));
      const derivatives = (known?: number) => {
        const first = grad(squares(of(known)));
        return [of(known)(x), first(x), grad(squares(first))(x)] as const;
      };
      const [got, wanted] = await evaluate([derivatives(bound), derivatives()] as const);
      const tolerance = dtype === "float32" ? 1e-5 : 1e-13;
      for (const [i, y] of got.entries()) {
        const expected = [...values(wanted[i]!)];
        const size = Math.max(...expected.map(Math.abs).filter(Number.isFinite));
        for (const [j, e] of expected.entries()) {
          const found = values(y)[j]!;
          assert.ok(found === e || Math.abs(found - e) <= tolerance * size, `${i}, ${j}: ${found}, ${e}`);
        }
      }
    });
  }

  test(`the norm of the zero vector is 0 with gradient 0, in ${dtype}`, async () => {
    assert.deepEqual(await slope(norm, [0, 0, 0], dtype), { y: 0, gradient: [0, 0, 0] });
  });
}

test("prod: first and second derivatives are exact with no, one, two and three zeros", async () => {
  for (const point of [[2, 3, 5], [2, 0, 5], [0, 3, 0], [0, 0, 0], [0, 0, 2, 3], [7]]) {
    const x = double(point);
    const f = (z: Tensor) => prod(z);
    assert.ok((await checkGradient(f, x)).error < 1e-8, `${point}`);
    const along = slopeAlong(f, double(point.map((_, i) => i + 1)));
    assert.ok((await checkGradient(along, x)).error < 1e-8, `second, ${point}`);
  }
  const { gradient } = await slope((x) => prod(x), [2, 0, 5]);
  assert.deepEqual(gradient, [0, 10, 0]);
});

test("any does not let values cancel", async () => {
  const x = tensor([
    [true, true],
    [false, false],
  ]);
  assert.deepEqual([...values(await evaluate(any(x, { axis: 1 })))], [1, 0]);
  assert.deepEqual([...values(await evaluate(all(x, { axis: 1 })))], [1, 0]);
});

const float = double([[1, 2, 3]]);
const ints = tensor([1, 2, 4], { dtype: "int32" });
checkErrors([
  [
    "an axis that is not there",
    () => sum(float, { axis: 2 }),
    /^sum: axis 2 does not exist in a tensor of rank 2/,
  ],
  ["a fraction as axis", () => sum(float, { axis: 0.5 }), /^sum: axis 0.5/],
  ["the mean of integers", () => mean(ints), /^mean: x is .*int32.*expected float32, float64/],
  ["the mean of nothing", () => mean(double([])), /^mean: there is no element/],
  ["the largest of nothing", () => max(double([])), /^max: cannot reduce an axis of length 0/],
  ["argMax of nothing", () => argMax(double([])), /^argMax: axis 0 .* is empty/],
  [
    "too few elements for the unbiased variance",
    () => variance(double([1]), { correction: 1 }),
    /^variance: 1 elements/,
  ],
  ["any of floats", () => any(float), /^any: x is .*float64.*expected bool/],
  ["all of integers", () => all(ints), /^all: x is .*int32.*expected bool/],
]);

test("a gradient through a mean of squares in both layouts of the axes", async () => {
  const x = double([
    [1, 2],
    [3, 4],
  ]);
  const f = (z: Tensor) => sum(multiply(mean(z, { axis: 0 }), mean(z, { axis: -1 })));
  assert.ok((await checkGradient(f, x)).error < 1e-8);
});
