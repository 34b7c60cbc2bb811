import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compile, evaluate } from "../../runtime/index.ts";
import {
  batchNorm,
  cast,
  dropout,
  fromData,
  grad,
  layerNorm,
  multiply,
  rmsNorm,
  sum,
  type Tensor,
  tensor,
  values,
} from "../index.ts";
import { at, build, type Plain, reduce, zip } from "./testing/arrays.ts";
import { checkErrors, checkRows, row } from "./testing/rows.ts";
import { booleans, broadcastable, filled, shapes } from "./testing/samples.ts";

const epsilon = 0.01;
const average = (list: number[]) => list.reduce((a, b) => a + b, 0) / list.length;

/** An array, some of its axes, and a gain and a bias along the last. */
const samples = shapes({ minRank: 1, min: 2 }).chain((shape) =>
  fc
    .tuple(
      filled(shape),
      filled([shape.at(-1)!], { number: 1 }),
      filled(shape, { number: 2 }),
      fc.subarray(
        shape.map((_, a) => a),
        { minLength: 1 },
      ),
    )
    .map(([x, gain, bias, axis]) => ({ inputs: [x, gain, bias], axis })),
);

const standard = (x: Plain, axes: number[]): Plain => {
  const mean = reduce(x, axes, true, average);
  const variance = reduce(x, axes, true, (list) => average(list.map((v) => (v - average(list)) ** 2)));
  return zip(x.shape, [x, mean, variance], (v, m, s) => (v - m) / Math.sqrt(s + epsilon));
};

const channels = fc
  .tuple(fc.integer({ min: 2, max: 4 }), fc.integer({ min: 1, max: 3 }), shapes({ maxRank: 2, max: 3 }))
  .chain(([n, c, rest]) =>
    fc.tuple(
      filled([n, c, ...rest]),
      filled([c], { number: 1 }),
      filled([c], { number: 2 }),
      filled([c], { number: 3 }),
      filled([c], { number: 4, low: 0.2 }),
    ),
  )
  .map((inputs) => ({ inputs: inputs as Plain[] }));

const perChannel = (x: Plain, vector: Plain): Plain => build(x.shape, (index) => at(vector, [index[1]!]));
const others = (x: Plain) => x.shape.map((_, a) => a).filter((a) => a !== 1);

checkRows([
  row({
    name: "layerNorm",
    samples,
    apply: ([x, gain, bias], { axis }) => layerNorm(x!, { axis, gain, bias, epsilon }),
    expected: ([x, gain, bias], { axis }) =>
      zip(x!.shape, [standard(x!, axis), gain!, bias!], (v, g, b) => v * g + b),
  }),
  row({
    name: "layerNorm without gain and bias",
    samples,
    apply: ([x]) => layerNorm(x!, { epsilon }),
    expected: ([x]) => standard(x!, [x!.shape.length - 1]),
  }),
  row({
    name: "rmsNorm",
    samples,
    apply: ([x, gain, bias], { axis }) => rmsNorm(x!, { axis, gain, bias, epsilon }),
    expected: ([x, gain, bias], { axis }) => {
      const size = reduce(x!, axis, true, (list) => Math.sqrt(average(list.map((v) => v * v)) + epsilon));
      return zip(x!.shape, [x!, size, gain!, bias!], (v, s, g, b) => (v / s) * g + b);
    },
  }),
  row({
    name: "batchNorm",
    samples: channels,
    apply: ([x, gain, bias]) => batchNorm(x!, { gain, bias, epsilon }).output,
    expected: ([x, gain, bias]) =>
      zip(
        x!.shape,
        [standard(x!, others(x!)), perChannel(x!, gain!), perChannel(x!, bias!)],
        (v, g, b) => v * g + b,
      ),
  }),
  row({
    name: "batchNorm with given statistics",
    samples: channels,
    apply: ([x, gain, bias, mean, variance]) =>
      batchNorm(x!, { gain, bias, epsilon, statistics: { mean: mean!, variance: variance! } }).output,
    expected: ([x, ...vectors]) =>
      zip(
        x!.shape,
        [x!, ...vectors.map((vector) => perChannel(x!, vector))],
        (v, g, b, m, s) => ((v - m) / Math.sqrt(s + epsilon)) * g + b,
      ),
  }),
  ...(["mean", "variance"] as const).map((name) =>
    row({
      name: `batchNorm: ${name}`,
      samples: channels,
      apply: ([x]) => batchNorm(x!)[name],
      expected: ([x]) =>
        reduce(x!, others(x!), false, (list) =>
          name === "mean" ? average(list) : average(list.map((v) => (v - average(list)) ** 2)),
        ),
    }),
  ),
  row({
    name: "dropout",
    samples: broadcastable(2).chain(({ shape, shapes: list }) =>
      fc
        .tuple(filled(shape), booleans(list.find((own) => own !== shape) ?? shape))
        .map((inputs) => ({ inputs: inputs as Plain[] })),
    ),
    apply: ([x, keep]) => dropout(x!, keep!, 0.2),
    expected: ([x, keep]) => zip(x!.shape, [x!, keep!], (v, k) => (k === 1 ? v / 0.8 : 0)),
  }),
]);

// float32 runs on the engine's kernel, float64 on products that the differences above have checked.
test("layerNorm in float32: value and two derivatives are those of float64, on 1 and 2 threads", async () => {
  const data = Float32Array.from({ length: 6 * 5 * 33 }, (_, i) => Math.sin(1 + 1.7 * i) + 3);
  const weights = Float32Array.from(data, (_, i) => Math.cos(2.3 * i));
  const x = fromData(data, [6, 5, 33]);
  const outcomes = (z: Tensor, w: Tensor) =>
    [-1, [1, 2]].flatMap((axis) => {
      const f = (y: Tensor) => layerNorm(y, { axis, epsilon });
      const slope = grad((y: Tensor) => sum(multiply(multiply(f(y), f(y)), w)));
      return [f(z), slope(z), grad((y: Tensor) => sum(multiply(slope(y), w)))(z)];
    });
  const run = (wide: boolean, threads: number) =>
    compile(
      (z: Tensor, w: Tensor) => (wide ? outcomes(cast(z, "float64"), cast(w, "float64")) : outcomes(z, w)),
      { threads },
    )(x, fromData(weights, [6, 5, 33]));
  const exact = await run(true, 1);
  for (const threads of [1, 2]) {
    (await run(false, threads)).forEach((result, i) => {
      const wanted = values(exact[i]!);
      const worst = Math.max(...Array.from(values(result), (v, j) => Math.abs(v - wanted[j]!)));
      assert.ok(
        worst < 2e-4,
        `derivative ${i % 3}, axes ${Math.floor(i / 3)}, ${threads} threads: off by ${worst}`,
      );
    });
  }
});

test("rows without variance give the bias, with finite gradients", async () => {
  for (const dtype of ["float32", "float64"] as const) {
    const x = tensor(
      [
        [3, 3, 3],
        [0, 0, 0],
      ],
      { dtype },
    );
    for (const f of [layerNorm, rmsNorm]) {
      const [y, slope] = await evaluate([f(x), grad((z: Tensor) => sum(multiply(f(z), z)))(x)] as const);
      const wanted = f === layerNorm ? [0, 0, 0] : [1, 1, 1];
      assert.ok([...values(y)].every((v, i) => Math.abs(v - (i < 3 ? wanted[i]! : 0)) < 1e-5));
      assert.ok([...values(slope)].every(Number.isFinite));
    }
  }
});

test("layerNorm keeps its digits far from 0", async () => {
  const data = Float32Array.from({ length: 256 }, (_, i) => 1000 + Math.sin(i * i));
  const x = fromData(data, [1, 256]);
  const [fast, exact] = await evaluate([layerNorm(x), layerNorm(cast(x, "float64"))] as const);
  const worst = Math.max(...Array.from(values(fast), (v, i) => Math.abs(v - values(exact)[i]!)));
  assert.ok(worst < 1e-3, `${worst}`);
});

const x = tensor([
  [1, 2, 3],
  [4, 5, 6],
]);
checkErrors([
  ["normalising integers", () => layerNorm(cast(x, "int32")), /^layerNorm: x is .*int32/],
  [
    "a gain that does not fit",
    () => layerNorm(x, { gain: tensor([1, 2]) }),
    /^layerNorm: gain: shapes \[2\] and \[2, 3\] do not broadcast/,
  ],
  [
    "a bias larger than x",
    () => rmsNorm(x, { bias: tensor([[[1]], [[2]]]) }),
    /^rmsNorm: bias is .*\[2, 1, 1\].*larger than .*\[2, 3\]/,
  ],
  [
    "an epsilon of 0",
    () => layerNorm(x, { epsilon: 0 }),
    /^layerNorm: epsilon is 0; expected a number above 0/,
  ],
  ["an axis that is not there", () => layerNorm(x, { axis: 2 }), /^layerNorm: axis 2 does not exist/],
  [
    "batchNorm of a vector",
    () => batchNorm(tensor([1, 2])),
    /^batchNorm: x is .*\[2\].*expected \[n, channels/,
  ],
  [
    "a gain of batchNorm that does not fit",
    () => batchNorm(x, { gain: tensor([1, 2]) }),
    /^batchNorm: gain is .*\[2\].*expected \[3\]/,
  ],
  [
    "a dropout rate of 1",
    () => dropout(x, tensor([true, false, true]), 1),
    /^dropout: rate is 1; expected a number from 0 to below 1/,
  ],
  [
    "a mask larger than x",
    () => dropout(x, tensor([[[true]], [[true]]]), 0.5),
    /^dropout: keep is .*larger than .*\[2, 3\]/,
  ],
]);
