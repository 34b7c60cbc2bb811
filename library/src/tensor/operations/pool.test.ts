import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compile, evaluate } from "../../runtime/index.ts";
import {
  averagePool2d,
  cast,
  grad,
  maxPool2d,
  multiply,
  type PoolOptions,
  sum,
  type Tensor,
  tensor,
  upsample2d,
  values,
} from "../index.ts";
import { at, build, type Plain } from "./testing/arrays.ts";
import { checkErrors, checkRows, type Row, row, type Sample } from "./testing/rows.ts";
import { filled } from "./testing/samples.ts";

const between = (min: number, max: number) => fc.integer({ min, max });

const images = fc
  .record({ size: between(1, 3), stride: fc.option(between(1, 3), { nil: undefined }), padded: fc.boolean() })
  .chain(({ size, stride, padded }) =>
    fc
      .tuple(between(1, 2), between(1, 2), between(size, 6), between(size, 6))
      .chain((shape) => filled(shape))
      .map((x) => ({ inputs: [x], size, options: { stride, padding: padded ? Math.floor(size / 2) : 0 } })),
  );

function plainPool(x: Plain, size: number, options: PoolOptions, pool: (seen: number[]) => number): Plain {
  const { stride = size, padding = 0 } = options;
  const [n, c, h, w] = x.shape as [number, number, number, number];
  const count = (length: number) => Math.floor((length + 2 * padding - size) / stride) + 1;
  return build([n, c, count(h), count(w)], ([image, channel, i, j]) => {
    const seen: number[] = [];
    for (let u = i! * stride - padding; u < i! * stride - padding + size; u++) {
      for (let v = j! * stride - padding; v < j! * stride - padding + size; v++) {
        if (u >= 0 && u < h && v >= 0 && v < w) seen.push(at(x, [image!, channel!, u, v]));
      }
    }
    return pool(seen);
  });
}

interface Window extends Sample {
  size: number;
  options: PoolOptions;
}

const pools: Row<Window>[] = [
  {
    name: "maxPool2d",
    samples: images,
    apply: ([x], { size, options }) => maxPool2d(x!, size, options),
    expected: ([x], { size, options }) => plainPool(x!, size, options, (seen) => Math.max(...seen)),
  },
  {
    name: "averagePool2d",
    samples: images,
    apply: ([x], { size, options }) => averagePool2d(x!, size, options),
    expected: ([x], { size, options }) =>
      plainPool(x!, size, options, (seen) => seen.reduce((a, b) => a + b, 0) / seen.length),
  },
];

checkRows([
  ...pools.map(row),
  row({
    name: "upsample2d",
    samples: fc
      .tuple(between(1, 3), between(1, 2), between(1, 2), between(1, 4), between(1, 4))
      .chain(([factor, ...shape]) => filled(shape).map((x) => ({ inputs: [x], factor }))),
    apply: ([x], { factor }) => upsample2d(x!, factor),
    expected: ([x], { factor }) =>
      build([...x!.shape.slice(0, 2), x!.shape[2]! * factor, x!.shape[3]! * factor], ([n, c, i, j]) =>
        at(x!, [n!, c!, Math.floor(i! / factor), Math.floor(j! / factor)]),
      ),
  }),
]);

// float32 runs on other kernels than float64, which the differences above have checked.
test("gradients and their gradients in float32 are those of float64", async () => {
  const functions: ((x: Tensor) => Tensor)[] = [
    (x) => maxPool2d(x),
    (x) => maxPool2d(x, 3),
    (x) => maxPool2d(x, 3, { stride: 2, padding: 1 }),
    (x) => averagePool2d(x),
    (x) => averagePool2d(x, 3),
    (x) => averagePool2d(x, 3, { stride: 1, padding: 1 }),
    (x) => upsample2d(x, 3),
  ];
  // Small whole numbers: many ties.
  const data = Float32Array.from({ length: 2 * 3 * 7 * 8 }, (_, i) => (i * 29) % 5);
  const x = tensor(data, { shape: [2, 3, 7, 8] });
  const derivatives = (z: Tensor) =>
    functions.flatMap((f) => {
      const slope = grad((y: Tensor) => sum(multiply(f(y), multiply(f(y), f(y)))));
      return [slope(z), grad((y: Tensor) => sum(multiply(slope(y), y)))(z)];
    });
  const exact = await compile((z: Tensor) => derivatives(cast(z, "float64")))(x);
  for (const threads of [1, 2]) {
    const results = await compile(derivatives, { threads })(x);
    results.forEach((result, i) => {
      const wanted = values(exact[i]!);
      const wrong = values(result).findIndex(
        (v, j) => Math.abs(v - wanted[j]!) > 1e-3 * Math.max(1, Math.abs(wanted[j]!)),
      );
      assert.equal(wrong, -1, `derivative ${(i % 2) + 1} of function ${Math.floor(i / 2)} at ${wrong}`);
    });
  }
});

test("equal largest elements of a window share its gradient", async () => {
  const x = tensor([
    [
      [
        [1, 1],
        [0, 1],
      ],
    ],
  ]);
  for (const options of [{}, { stride: 1 }]) {
    const slope = await evaluate(grad((z: Tensor) => sum(maxPool2d(z, 2, options)))(x));
    assert.deepEqual(
      [...values(slope)].map((v) => v.toFixed(4)),
      ["0.3333", "0.3333", "0.0000", "0.3333"],
    );
  }
});

const image = tensor(new Float32Array(2 * 3 * 4 * 4), { shape: [2, 3, 4, 4] });
checkErrors([
  [
    "pooling a matrix",
    () => maxPool2d(tensor([[1]])),
    /^maxPool2d: x has shape \[1, 1\]; expected \[n, channels, height, width\]/,
  ],
  [
    "a window larger than the image",
    () => maxPool2d(image, 5),
    /^maxPool2d: a window of 5 .* does not fit axis 2/,
  ],
  ["half a window", () => averagePool2d(image, 1.5), /^averagePool2d: size is 1.5; expected a whole number/],
  ["a stride of 0", () => averagePool2d(image, 2, { stride: 0 }), /^averagePool2d: stride is 0/],
  [
    "too much padding",
    () => maxPool2d(image, 3, { padding: 2 }),
    /^maxPool2d: padding is 2; expected at most half of the size 3/,
  ],
  ["pooling integers", () => maxPool2d(cast(image, "int32")), /^maxPool2d: x is .*int32/],
  ["upsampling by a fraction", () => upsample2d(image, 1.5), /^upsample2d: factor is 1.5/],
]);
