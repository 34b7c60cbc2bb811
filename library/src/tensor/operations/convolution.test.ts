import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compile } from "../../runtime/index.ts";
import {
  type ConvOptions,
  cast,
  conv1d,
  conv2d,
  convTranspose1d,
  convTranspose2d,
  expandDims,
  fromData,
  grad,
  multiply,
  squeeze,
  sum,
  type Tensor,
  tensor,
  values,
} from "../index.ts";
import { at, build, type Plain, positions } from "./testing/arrays.ts";
import { checkErrors, checkRows, type Row, row, type Sample } from "./testing/rows.ts";
import { filled } from "./testing/samples.ts";

interface Settings {
  stride: number;
  padding: number;
  dilation: number;
  groups: number;
  outputPadding: number;
}

const between = (min: number, max: number) => fc.integer({ min, max });

/** Operands of a convolution and its settings, drawn so that the window fits. */
const convolutions = fc
  .record({
    stride: between(1, 3),
    padding: between(0, 2),
    dilation: between(1, 2),
    groups: between(1, 2),
    n: between(1, 2),
    channels: between(1, 2),
    filters: between(1, 2),
    kernel: fc.tuple(between(1, 3), between(1, 3)),
    extra: fc.tuple(between(0, 3), between(0, 3)),
    outputPadding: between(0, 2),
  })
  .map((s) => ({ ...s, outputPadding: Math.min(s.outputPadding, s.stride - 1) }));

const forward = convolutions.chain(({ n, channels, filters, kernel, extra, ...settings }) => {
  const size = kernel.map((k, i) =>
    Math.max(1, settings.dilation * (k - 1) + 1 + extra[i]! - settings.padding),
  );
  return fc
    .tuple(
      filled([n, channels * settings.groups, ...size]),
      filled([filters * settings.groups, channels, ...kernel], { number: 1 }),
    )
    .map((inputs) => ({ inputs: inputs as Plain[], settings: settings as Settings }));
});

const backward = convolutions.chain(({ n, channels, filters, kernel, extra, ...settings }) => {
  // Enough that the padding leaves something.
  const size = extra.map((e) => e + 1 + 2 * settings.padding);
  return fc
    .tuple(
      filled([n, filters * settings.groups, ...size]),
      filled([filters * settings.groups, channels, ...kernel], { number: 1 }),
    )
    .map((inputs) => ({ inputs: inputs as Plain[], settings: settings as Settings }));
});

/** Settings for each axis of an image. */
interface Axes {
  strides: readonly number[];
  pads: readonly number[];
  dilation: number;
  groups: number;
  outputPads: readonly number[];
}

const ofImage = ({ stride, padding, dilation, groups, outputPadding }: Settings): Axes => ({
  strides: [stride, stride],
  pads: [padding, padding],
  dilation,
  groups,
  outputPads: [outputPadding, outputPadding],
});

/** Sequences are images of height 1 that are only padded along their width. */
const ofSequence = ({ stride, padding, dilation, groups, outputPadding }: Settings): Axes => ({
  strides: [1, stride],
  pads: [0, padding],
  dilation,
  groups,
  outputPads: [0, outputPadding],
});

/** Visits every product of a convolution: which element of the image meets which weight in which place. */
function visit(
  image: readonly number[],
  weight: readonly number[],
  places: readonly number[],
  { strides, pads, dilation, groups }: Axes,
  see: (image: number[], weight: number[], place: number[]) => void,
): void {
  const perGroup = weight[0]! / groups;
  const within = (i: number, axis: number) => i >= 0 && i < image[axis]!;
  for (const [n, f, i, j, c, u, v] of positions([...places, ...weight.slice(1)]) as Seven[]) {
    const channel = Math.floor(f / perGroup) * weight[1]! + c;
    const y = i * strides[0]! + u * dilation - pads[0]!;
    const x = j * strides[1]! + v * dilation - pads[1]!;
    if (within(y, 2) && within(x, 3)) see([n, channel, y, x], [f, c, u, v], [n, f, i, j]);
  }
}

type Seven = [number, number, number, number, number, number, number];

/** An array of sums, filled by calls that name a place and what to add there. */
function tally(
  shape: readonly number[],
  fill: (add: (place: number[], value: number) => void) => void,
): Plain {
  const totals = new Map<string, number>();
  fill((place, value) => totals.set(place.join(), (totals.get(place.join()) ?? 0) + value));
  return build(shape, (index) => totals.get(index.join()) ?? 0);
}

function plainConvolution([x, weight]: readonly Plain[], axes: Axes): Plain {
  const reach = [0, 1].map((a) => {
    const span = axes.dilation * (weight!.shape[2 + a]! - 1) + 1;
    return Math.floor((x!.shape[2 + a]! + 2 * axes.pads[a]! - span) / axes.strides[a]!) + 1;
  });
  const shape = [x!.shape[0]!, weight!.shape[0]!, ...reach];
  return tally(shape, (add) =>
    visit(x!.shape, weight!.shape, shape, axes, (image, tap, place) =>
      add(place, at(x!, image) * at(weight!, tap)),
    ),
  );
}

function plainTranspose([y, weight]: readonly Plain[], axes: Axes): Plain {
  const reach = [0, 1].map((a) => {
    const span = axes.dilation * (weight!.shape[2 + a]! - 1) + 1;
    return (y!.shape[2 + a]! - 1) * axes.strides[a]! - 2 * axes.pads[a]! + span + axes.outputPads[a]!;
  });
  const shape = [y!.shape[0]!, weight!.shape[1]! * axes.groups, ...reach];
  return tally(shape, (add) =>
    visit(shape, weight!.shape, y!.shape, axes, (image, tap, place) =>
      add(image, at(y!, place) * at(weight!, tap)),
    ),
  );
}

/** A sample of images as one of sequences: their first rows. */
const firstRows = (sample: { inputs: Plain[]; settings: Settings }) => ({
  settings: sample.settings,
  inputs: sample.inputs.map(({ shape: [a, b, height, width], data }): Plain => {
    const rows = data.filter((_, i) => Math.floor(i / width!) % height! === 0);
    return { shape: [a!, b!, width!], data: rows };
  }),
});

/** The reference for sequences. */
const flat =
  (plain: (inputs: readonly Plain[], axes: Axes) => Plain) =>
  (inputs: readonly Plain[], { settings }: { settings: Settings }): Plain => {
    const images = inputs.map(({ shape: [a, b, width], data }) => ({ shape: [a!, b!, 1, width!], data }));
    const { shape, data } = plain(images, ofSequence(settings));
    return { shape: [shape[0]!, shape[1]!, shape[3]!], data };
  };

type Case = Sample & { settings: Settings };

/** Gradients twice: in float64 through products, in float32 through the engine's kernels. */
const both = (one: Row<Case>) => [
  row(one),
  row({ ...one, name: `${one.name} by the engine's kernels`, dtypes: ["float32"], gradientType: "float32" }),
];

checkRows([
  ...both({
    name: "conv2d",
    samples: forward,
    apply: ([x, weight], { settings: { outputPadding: _, ...options } }) => conv2d(x!, weight!, options),
    expected: (inputs, { settings }) => plainConvolution(inputs, ofImage(settings)),
  }),
  ...both({
    name: "convTranspose2d",
    samples: backward,
    apply: ([y, weight], { settings }) => convTranspose2d(y!, weight!, settings),
    expected: (inputs, { settings }) => plainTranspose(inputs, ofImage(settings)),
  }),
  ...both({
    name: "conv1d",
    samples: forward.map(firstRows),
    apply: ([x, weight], { settings: { outputPadding: _, ...options } }) => conv1d(x!, weight!, options),
    expected: flat(plainConvolution),
  }),
  ...both({
    name: "convTranspose1d",
    samples: backward.map(firstRows),
    apply: ([y, weight], { settings }) => convTranspose1d(y!, weight!, settings),
    expected: flat(plainTranspose),
  }),
  row({
    name: 'padding "same" keeps the size',
    samples: fc
      .tuple(between(1, 5), between(1, 5), fc.constantFrom(1, 3, 5), between(1, 2))
      .chain(([h, w, kernel, dilation]) =>
        fc
          .tuple(filled([1, 2, h, w]), filled([3, 2, kernel, kernel], { number: 1 }))
          .map((inputs) => ({ inputs, kernel, dilation })),
      ),
    apply: ([x, weight], { dilation }) => conv2d(x!, weight!, { padding: "same", dilation }),
    expected: (inputs, { kernel, dilation }) => {
      const padding = (dilation * (kernel - 1)) / 2;
      const result = plainConvolution(
        inputs,
        ofImage({ stride: 1, padding, dilation, groups: 1, outputPadding: 0 }),
      );
      assert.deepEqual(result.shape.slice(2), inputs[0]!.shape.slice(2));
      return result;
    },
  }),
]);

const wave = (shape: number[], phase: number) =>
  fromData(
    Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(phase + 1.7 * i)),
    shape,
  );

test("a layer of a usual size: float32 kernels and float64 products agree on 1 and 2 threads", async () => {
  const options: ConvOptions = { padding: 1, stride: 2 };
  const [x, weight, g] = [wave([8, 6, 13, 13], 0.1), wave([10, 6, 3, 3], 0.2), wave([8, 10, 7, 7], 0.3)];
  const step = (p: { x: Tensor; weight: Tensor }, cotangent: Tensor) =>
    grad((q: typeof p) => sum(multiply(conv2d(q.x, q.weight, options), cotangent)))(p);
  const wide = (tensors: Tensor[]) => tensors.map((one) => cast(one, "float64"));
  const exact = await compile((...list: Tensor[]) => {
    const [a, b, c] = wide(list) as [Tensor, Tensor, Tensor];
    return step({ x: a, weight: b }, c);
  })(x, weight, g);
  for (const threads of [1, 2]) {
    const result = await compile(step, { threads })({ x, weight }, g);
    for (const key of ["x", "weight"] as const) {
      const wanted = values(exact[key]);
      const worst = Math.max(...Array.from(values(result[key]), (v, i) => Math.abs(v - wanted[i]!)));
      assert.ok(worst < 1e-4, `${key} on ${threads} threads is off by ${worst}`);
    }
  }
});

test("a sequence is an image of height 1", async () => {
  const [x, weight] = [wave([2, 3, 9], 0.1), wave([4, 3, 3], 0.2)];
  const [a, b] = await compile((p: Tensor, q: Tensor) => [
    conv1d(p, q, { stride: 2, dilation: 2 }),
    squeeze(conv2d(expandDims(p, 2), expandDims(q, 2), { stride: 2, dilation: 2 }), 2),
  ])(x, weight);
  assert.deepEqual(a!.shape, [2, 4, 3]);
  assert.deepEqual(
    [...values(a!)].map((v) => v.toFixed(5)),
    [...values(b!)].map((v) => v.toFixed(5)),
  );
});

const image = wave([1, 4, 5, 5], 0);
const weight = wave([6, 4, 3, 3], 0);
checkErrors([
  [
    "a sequence as image",
    () => conv2d(wave([1, 4, 5], 0), weight),
    /^conv2d: x has shape \[1, 4, 5\]; expected \[n, channels, height, width\]/,
  ],
  [
    "channels that do not fit",
    () => conv2d(image, wave([6, 3, 3, 3], 0)),
    /^conv2d: 4 channels in 1 groups do not fit weight .*\[6, 3, 3, 3\].*expected 4/,
  ],
  [
    "filters that the groups do not divide",
    () => conv2d(image, wave([5, 2, 3, 3], 0), { groups: 2 }),
    /^conv2d: 4 channels in 2 groups/,
  ],
  [
    "a window larger than the image",
    () => conv2d(image, wave([6, 4, 7, 3], 0)),
    /^conv2d: a window of 7 .* does not fit axis 2 of .*\[1, 4, 5, 5\]/,
  ],
  [
    "same padding of an even kernel",
    () => conv2d(image, wave([6, 4, 2, 2], 0), { padding: "same" }),
    /^conv2d: padding "same" needs an odd kernel, got 2 × 2/,
  ],
  [
    "same padding of an even kernel in a sequence",
    () => conv1d(wave([1, 4, 5], 0), wave([6, 4, 2], 0), { padding: "same" }),
    /^conv1d: padding "same" needs an odd kernel/,
  ],
  [
    "a stride of 0",
    () => conv2d(image, weight, { stride: 0 }),
    /^conv2d: stride is 0; expected a whole number, at least 1/,
  ],
  ["half a padding", () => conv2d(image, weight, { padding: 0.5 }), /^conv2d: padding is 0.5/],
  [
    "integers",
    () => conv2d(tensor(new Int32Array(100), { shape: [1, 4, 5, 5] }), weight),
    /^conv2d: x is .*int32/,
  ],
  [
    "types that differ",
    () => conv2d(image, cast(weight, "float64")),
    /^conv2d: weight is .*float64.*expected float32/,
  ],
  [
    "filters that do not fit a transpose",
    () => convTranspose2d(image, weight),
    /^convTranspose2d: 4 filters in 1 groups do not fit weight .*expected 4 on its axis 0/,
  ],
  [
    "an output padding as large as the stride",
    () => convTranspose2d(wave([1, 6, 2, 2], 0), weight, { outputPadding: 1 }),
    /^convTranspose2d: outputPadding is 1; expected less than the stride 1/,
  ],
  [
    "a padding that leaves nothing",
    () => convTranspose1d(wave([1, 6, 1], 0), wave([6, 4, 3], 0), { padding: 2 }),
    /^convTranspose1d: padding 2 leaves nothing/,
  ],
]);
