import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../../random.ts";
import { compile } from "../../runtime/index.ts";
import { checkGradient, innerProduct } from "../../testing.ts";
import {
  conv1d,
  conv3d,
  convTranspose3d,
  fromData,
  item,
  reshape,
  square,
  sum,
  type Tensor,
  transpose,
  values,
} from "../index.ts";

const oneThread = { threads: 1 };

const drawn = (name: string, shape: readonly number[]): Tensor =>
  fromData(random(name).normal(new Float64Array(shape.reduce((product, size) => product * size, 1))), shape);

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-9) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
};

/** Sums, one product at a time. */
function plain(x: Tensor, weight: Tensor, stride: number, depthStride: number): number[] {
  const [n, channels, ...size] = x.shape as [number, number, number, number, number];
  const [filters, , ...window] = weight.shape as [number, number, number, number, number];
  const steps = [depthStride, stride, stride];
  const places = size.map((length, i) => Math.ceil(length / steps[i]!));
  const [data, taps] = [values(x), values(weight)];
  const out: number[] = [];
  for (let image = 0; image < n; image++)
    for (let filter = 0; filter < filters; filter++)
      for (let place = 0; place < places[0]! * places[1]! * places[2]!; place++) {
        const at = [
          Math.floor(place / (places[1]! * places[2]!)),
          Math.floor(place / places[2]!) % places[1]!,
          place % places[2]!,
        ];
        let total = 0;
        for (let channel = 0; channel < channels; channel++)
          for (let d = 0; d < window[0]!; d++)
            for (let i = 0; i < window[1]!; i++)
              for (let j = 0; j < window[2]!; j++) {
                const see = [d, i, j].map(
                  (tap, axis) => at[axis]! * steps[axis]! + tap - (window[axis]! - 1) / 2,
                );
                if (see.some((s, axis) => s < 0 || s >= size[axis]!)) continue;
                const where =
                  (((image * channels + channel) * size[0]! + see[0]!) * size[1]! + see[1]!) * size[2]! +
                  see[2]!;
                const which =
                  (((filter * channels + channel) * window[0]! + d) * window[1]! + i) * window[2]! + j;
                total += data[where]! * taps[which]!;
              }
        out.push(total);
      }
  return out;
}

const cases = fc.record({
  n: fc.integer({ min: 1, max: 2 }),
  channels: fc.integer({ min: 1, max: 3 }),
  filters: fc.integer({ min: 1, max: 3 }),
  size: fc.tuple(
    fc.integer({ min: 2, max: 6 }),
    fc.integer({ min: 2, max: 4 }),
    fc.integer({ min: 2, max: 4 }),
  ),
  window: fc.tuple(fc.constantFrom(1, 3), fc.constantFrom(1, 3)),
  stride: fc.integer({ min: 1, max: 2 }),
  depthStride: fc.integer({ min: 1, max: 3 }),
});

test("conv3d is the sum over channels and windows", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ n, channels, filters, size, window, stride, depthStride }) => {
      const x = drawn("x", [n, channels, ...size]);
      const weight = drawn("w", [filters, channels, window[0], window[1], window[1]]);
      const run = compile((a: Tensor, b: Tensor) => conv3d(a, b, { stride, depthStride }), oneThread);
      const y = await run(x, weight);
      assert.deepEqual(y.shape, [
        n,
        filters,
        Math.ceil(size[0] / depthStride),
        Math.ceil(size[1] / stride),
        Math.ceil(size[2] / stride),
      ]);
      close(values(y), plain(x, weight, stride, depthStride));
    }),
    { numRuns: 20, seed: 3 },
  );
});

test("convTranspose3d is the transpose: ⟨y, C x⟩ = ⟨Cᵀ y, x⟩", async () => {
  await fc.assert(
    fc.asyncProperty(cases, async ({ n, channels, filters, size, window, stride, depthStride }) => {
      const y = drawn("y", [n, filters, ...size]);
      const weight = drawn("w", [filters, channels, window[0], window[1], window[1]]);
      const x = drawn("x", [n, channels, size[0] * depthStride, size[1] * stride, size[2] * stride]);
      const run = compile((a: Tensor, b: Tensor, w: Tensor) => {
        const forward = conv3d(a, w, { stride, depthStride });
        const back = convTranspose3d(b, w, { stride, depthStride });
        return [innerProduct(forward, b), innerProduct(back, a), sum(square(back))];
      }, oneThread);
      const [one, other, norm] = (await run(x, y, weight)).map(item) as [number, number, number];
      assert.ok(norm > 0);
      close([one], [other], 1e-8);
    }),
    { numRuns: 20, seed: 4 },
  );
});

test("single precision, for which the engine has kernels of its own, agrees with double", async () => {
  const [x, weight] = [drawn("x", [2, 2, 6, 4, 4]), drawn("w", [3, 2, 3, 3, 3])];
  const single = (t: Tensor) => fromData(Float32Array.from(values(t)), t.shape);
  const run = compile((a: Tensor, w: Tensor) => {
    const down = conv3d(a, w, { stride: 2 });
    return [down, convTranspose3d(down, w, { stride: 2 })];
  }, oneThread);
  const [one, other] = [await run(x, weight), await run(single(x), single(weight))];
  for (const i of [0, 1]) {
    close(values(other[i]!), values(one[i]!), 1e-3);
    assert.ok(values(other[i]!).some((value) => Math.abs(value) > 0.1));
  }
});

test("a window of 1 × 1 pixels convolves each pixel's spectrum", async () => {
  const [x, weight] = [drawn("x", [2, 3, 7, 2, 3]), drawn("w", [4, 3, 3, 1, 1])];
  const run = compile((a: Tensor, w: Tensor) => {
    const spectra = reshape(transpose(a, [0, 3, 4, 1, 2]), [2 * 2 * 3, 3, 7]);
    const each = conv1d(spectra, reshape(w, [4, 3, 3]), { padding: "same" });
    return [conv3d(a, w), transpose(reshape(each, [2, 2, 3, 4, 7]), [0, 3, 4, 1, 2])];
  }, oneThread);
  const [volume, lines] = await run(x, weight);
  close(values(volume!), values(lines!));
});

test("gradients agree with central differences", async () => {
  for (const seed of [1, 2, 3]) {
    const params = {
      x: drawn(`x${seed}`, [1, 2, 4, 2, 2]),
      down: drawn(`d${seed}`, [2, 2, 3, 3, 3]),
      up: drawn(`u${seed}`, [2, 2, 3, 1, 1]),
    };
    const { error } = await checkGradient(({ x, down, up }: typeof params) => {
      const small = conv3d(x, down, { stride: 2, depthStride: 1 + (seed % 2) });
      return sum(square(convTranspose3d(small, up, { stride: 2 })));
    }, params);
    assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
  }
});

test("what does not fit is named", () => {
  const x = drawn("x", [1, 2, 4, 4, 4]);
  assert.throws(() => conv3d(x, drawn("w", [3, 1, 3, 3, 3])), /weight is .*expected 2 on axis 1/);
  assert.throws(() => conv3d(x, drawn("w", [3, 2, 2, 3, 3])), /odd windows/);
  assert.throws(() => conv3d(x, drawn("w", [3, 2, 3, 3])), /weight/);
  assert.throws(() => conv3d(drawn("x", [2, 4, 4, 4]), drawn("w", [3, 2, 3, 3, 3])), /input has shape/);
  assert.throws(() => conv3d(x, drawn("w", [3, 2, 3, 3, 3]), { stride: 0 }), /stride is 0/);
  assert.throws(() => convTranspose3d(x, drawn("w", [3, 2, 3, 3, 3])), /expected 2 on axis 0/);
});
