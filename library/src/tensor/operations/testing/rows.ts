/**
 * Tests of operations as tables: a row says how to draw a sample, what the operation is, and what a
 * plain loop gives; values, gradients, second derivatives and batches are checked from it. A new operation is
 * one more row.
 */
import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compile } from "../../../runtime/index.ts";
import { checkGradients, slopeAlong } from "../../../testing.ts";
import {
  type DType,
  fromData,
  grad,
  multiply,
  stack,
  sum,
  type Tensor,
  type TypedArray,
  tensor,
  values,
  vmap,
} from "../../index.ts";
import { allocate, describe, isFloat } from "../../tensor.ts";
import type { Plain } from "./arrays.ts";
import { seed } from "./samples.ts";

export interface Sample {
  inputs: readonly Plain[];
}

export interface Row<S extends Sample> {
  name: string;
  samples: fc.Arbitrary<S>;
  apply(inputs: Tensor[], sample: S): Tensor;
  expected(inputs: readonly Plain[], sample: S): Plain;
  /** Element types of the float inputs to check values in. Default: float32 and float64. */
  dtypes?: readonly DType[];
  /** How many derivatives exist. Default: 2. */
  derivatives?: 0 | 1 | 2;
  /** For values: relative to max(1, |expected|). Defaults: 1e-5 in float32, 1e-12 in float64. */
  tolerance?: Partial<Record<DType, number>>;
  /** For gradients: element type of the check. Default: float64. */
  gradientType?: "float32" | "float64";
}

// biome-ignore lint/suspicious/noExplicitAny: rows of one table have samples of different types
type AnyRow = Row<any>;

/** Gives a row the type of its own samples. */
export const row = <S extends Sample>(one: Row<S>): AnyRow => one;

/** Many samples for one graph. Without fast-check's bias, which makes most of the first draws tiny. */
const draws = (one: AnyRow, length: number) =>
  fc.array(fc.noBias(one.samples), { minLength: length, maxLength: length }) as fc.Arbitrary<Sample[]>;

/** Registers the tests of a table. */
export function checkRows(rows: readonly AnyRow[]): void {
  const register = (
    one: AnyRow,
    what: string,
    samples: number,
    check: (one: AnyRow, samples: Sample[]) => Promise<void>,
  ) =>
    test(`${one.name}: ${what}`, () =>
      fc.assert(
        fc.asyncProperty(draws(one, samples), (drawn) => check(one, drawn)),
        { numRuns: 1, seed },
      ));
  for (const one of rows) {
    register(one, "values", 16, checkValues);
    register(one, "batches", 5, checkBatches);
    if (one.derivatives !== 0) register(one, "gradients", 12, checkDerivatives);
  }
}

async function checkValues(one: AnyRow, samples: Sample[]): Promise<void> {
  const dtypes = one.dtypes ?? ["float32", "float64"];
  const tasks = dtypes.flatMap((dtype) =>
    samples.map((sample) => ({ dtype, sample, inputs: sample.inputs.map((x) => concrete(x, dtype)) })),
  );
  const run = compile((points: Tensor[][]) => tasks.map(({ sample }, i) => one.apply(points[i]!, sample)), {
    threads: 1,
  });
  const results = await run(tasks.map(({ inputs }) => inputs));
  tasks.forEach(({ dtype, sample, inputs }, i) => {
    const rounded = inputs.map((x, j): Plain => ({ ...sample.inputs[j]!, data: [...values(x)] }));
    const tolerance = one.tolerance?.[dtype] ?? (dtype === "float32" ? 1e-5 : 1e-12);
    assertClose(results[i]!, one.expected(rounded, sample), tolerance, `${one.name} in ${dtype}`);
  });
}

/** Fails unless a tensor has the expected shape and values; NaN equals NaN, infinities themselves. */
export function assertClose(actual: Tensor, expected: Plain, tolerance: number, what: string): void {
  assert.deepEqual([...actual.shape], [...expected.shape], `${what}: shape`);
  const data = values(actual);
  assert.equal(data.length, expected.data.length, `${what}: ${describe(actual)} holds ${data.length} values`);
  expected.data.forEach((wanted, i) => {
    const got = data[i]!;
    const fits =
      Object.is(got, wanted) ||
      got === wanted ||
      Math.abs(got - wanted) <= tolerance * Math.max(1, Math.abs(wanted));
    assert.ok(fits, `${what}: element ${i} is ${got}, expected ${wanted}`);
  });
}

async function checkDerivatives(one: AnyRow, samples: Sample[]): Promise<void> {
  const dtype = one.gradientType ?? "float64";
  const functions = samples.map((sample) => ({
    params: sample.inputs.map((x) => concrete(x, dtype)),
    f: (inputs: Tensor[]) => projected(one.apply(inputs, sample)),
  }));
  const slopes = functions.map(({ params, f }) => ({
    params,
    f: slopeAlong(
      f,
      params.map((x) => wave(x, 0.7)),
    ),
  }));
  const orders = one.derivatives === 1 ? [functions] : [functions, slopes];
  for (const [i, cases] of orders.entries()) {
    const options = dtype === "float32" ? { dtype, step: 2e-2 } : { dtype };
    const limit = dtype === "float32" ? 2e-3 : 2e-6;
    for (const { error, at } of await checkGradients(cases, options)) {
      assert.ok(
        error <= limit,
        `${one.name}: derivative ${i + 1} is off by ${error} at input ${at.tensor}, element ${at.element}`,
      );
    }
  }
}

const BATCH = 3;

/** Compares `vmap` with one example after the other, whichever inputs are batches and whichever shared. */
async function checkBatches(one: AnyRow, samples: Sample[]): Promise<void> {
  const dtype = one.dtypes ? one.dtypes[0]! : "float64";
  const outcome = (inputs: Tensor[], sample: Sample): Tensor[] => {
    const y = one.apply(inputs, sample);
    if (one.derivatives === 0) return [y];
    const gradients = grad((all: Tensor[]) => projected(one.apply(all, sample)))(inputs);
    return [y, ...gradients.filter((g) => isFloat(g.dtype))];
  };
  const tasks = samples.flatMap((sample) => {
    const examples = Array.from({ length: BATCH }, (_, j) =>
      sample.inputs.map((x) => concrete(rotated(x, j), dtype)),
    );
    return subsets(sample.inputs.length).map((isBatched) => ({
      sample,
      isBatched,
      examples: examples.map((inputs) => inputs.map((x, i) => (isBatched[i] ? x : examples[0]![i]!))),
    }));
  });
  const run = compile(
    (points: Tensor[][][]) =>
      tasks.map(({ sample, isBatched }, t) => {
        const own = points[t]!.map((inputs) => inputs.filter((_, i) => isBatched[i]));
        const together = vmap((...mine: Tensor[]) => {
          let next = 0;
          return outcome(
            points[t]![0]!.map((shared, i) => (isBatched[i] ? mine[next++]! : shared)),
            sample,
          );
        })(...own[0]!.map((_, i) => stack(own.map((inputs) => inputs[i]!))));
        const apart = points[t]!.map((inputs) => outcome(inputs, sample));
        return { together, apart: together.map((_, k) => stack(apart.map((results) => results[k]!))) };
      }),
    { threads: 1 },
  );
  const results = await run(tasks.map(({ examples }) => examples));
  results.forEach(({ together, apart }, t) => {
    together.forEach((result, k) => {
      const wanted: Plain = { shape: apart[k]!.shape, data: [...values(apart[k]!)] };
      const what = `${one.name}, result ${k}, batches ${tasks[t]!.isBatched}`;
      assertClose(result, wanted, dtype === "float32" ? 1e-4 : 1e-11, what);
    });
  });
}

/** The same values in another order. */
const rotated = (x: Plain, by: number): Plain => {
  const cut = x.data.length === 0 ? 0 : by % x.data.length;
  return { ...x, data: [...x.data.slice(cut), ...x.data.slice(0, cut)] };
};

/** All ways to choose at least one of some inputs; of many inputs, all of them, the first and the last. */
const subsets = (count: number): boolean[][] =>
  count <= 3
    ? Array.from({ length: 2 ** count - 1 }, (_, bits) =>
        Array.from({ length: count }, (_, i) => ((bits + 1) & (1 << i)) !== 0),
      )
    : [() => true, (i: number) => i === 0, (i: number) => i === count - 1].map((choose) =>
        Array.from({ length: count }, (_, i) => choose(i)),
      );

/** A scalar in which every element of x has a weight of its own. */
const projected = (x: Tensor): Tensor => sum(multiply(x, wave(x, 0)));

/** Fixed values without pattern, in [-1, 1]; zeros where no gradient flows. */
function wave(x: Tensor, phase: number): Tensor {
  const size = x.shape.reduce((product, length) => product * length, 1);
  const data = allocate(x.dtype, size);
  if (isFloat(x.dtype)) {
    for (let i = 0; i < size; i++) data[i] = Math.sin(1 + phase + 2.399 * i);
  }
  return fromData(data, x.shape, x.dtype);
}

/** A plain array as a tensor: of its own type where it has one, else of the type under test. */
export function concrete(x: Plain, dtype: DType): Tensor {
  const type = x.dtype ?? dtype;
  const data: TypedArray = allocate(type, x.data.length);
  data.set(type === "int32" && x.dtype === undefined ? x.data.map((v) => Math.trunc(4 * v)) : x.data);
  return tensor(data, { shape: x.shape, dtype: type });
}

/** Registers one test per entry: building the expression throws an error whose message fits. */
export function checkErrors(entries: readonly [name: string, build: () => unknown, message: RegExp][]): void {
  for (const [name, build, message] of entries) {
    test(`error: ${name}`, () => {
      assert.throws(build, (error: Error) => {
        assert.match(error.message, message);
        return error instanceof RangeError || error instanceof TypeError;
      });
    });
  }
}
