import assert from "node:assert/strict";
import { test } from "node:test";
import {
  add,
  evaluate,
  grad,
  item,
  log,
  mean,
  multiply,
  negate,
  subtract,
  type Tensor,
  tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { type LampOptions, lamp, logAmplify, logMSE, squaredError, ssim } from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance,
      `element ${i}: ${actual[i]} is not ${expected[i]}`,
    );
  }
};
const number = async (x: Tensor) => item(await evaluate(x));
const uniform = (name: string, shape: number[]) =>
  tensor(Float64Array.from(random(name).uniform(shape.reduce((a, b) => a * b))), { shape });
const images = (name: string, side = 9) => uniform(name, [2, 1, side, side]);
const variants: LampOptions[] = [
  { base: "l2" },
  { base: "l2", level: "sample" },
  { base: "l1" },
  { base: "l1", level: "sample" },
  { base: "ssim" },
];

/** Structural similarity of one channel as the formula reads, loop by loop. */
function ssimByLoops(a: ArrayLike<number>, b: ArrayLike<number>, side: number, window: number): number {
  let total = 0;
  const starts = side - window + 1;
  for (let top = 0; top < starts; top++) {
    for (let left = 0; left < starts; left++) {
      const at = Array.from(
        { length: window * window },
        (_, i) => (top + Math.floor(i / window)) * side + left + (i % window),
      );
      const average = (f: (i: number) => number) => at.reduce((sum, i) => sum + f(i), 0) / at.length;
      const [ma, mb] = [average((i) => a[i]!), average((i) => b[i]!)];
      const [va, vb] = [average((i) => (a[i]! - ma) ** 2), average((i) => (b[i]! - mb) ** 2)];
      const ab = average((i) => (a[i]! - ma) * (b[i]! - mb));
      total += ((2 * ma * mb + 1e-4) * (2 * ab + 9e-4)) / ((ma ** 2 + mb ** 2 + 1e-4) * (va + vb + 9e-4));
    }
  }
  return total / starts ** 2;
}

test("ssim: the formula in loops; 1 for equal images; symmetric", async () => {
  const [a, b] = [images("a"), images("b")];
  for (const window of [3, 7, 9]) {
    const [ab, ba, aa] = await evaluate([
      ssim(a, b, { window }),
      ssim(b, a, { window }),
      ssim(a, a, { window }),
    ] as const);
    const expected = [0, 81].map((at) =>
      ssimByLoops(values(a).subarray(at, at + 81), values(b).subarray(at, at + 81), 9, window),
    );
    close(values(ab), expected, 1e-12);
    close(values(ba), expected, 1e-12);
    close(values(aa), [1, 1], 1e-12);
  }
});

test("ssim: an image and its negative are below 0; shapes that do not fit", async () => {
  const a = images("a");
  const opposite = values(await evaluate(ssim(a, subtract(1, a))));
  assert.ok(opposite.every((s) => s < 0 && s >= -1));
  assert.throws(() => ssim(uniform("flat", [2, 81]), uniform("flat", [2, 81])), /expected \[n, channels/);
  assert.throws(() => ssim(a, a, { window: 10 }), /window is 10; expected a whole number from 2 to 9/);
});

test("lamp: base errors of single pixels, amplified", async () => {
  const [x, y] = [tensor(Float64Array.of(0.5, 0.9)), tensor(Float64Array.of(0, 0))];
  const of = async (options: LampOptions) =>
    values(await evaluate(lamp(x, y, { reduction: "none", ...options })));
  close(await of({}), [0.287682, 1.660731]);
  close(await of({ base: "l1" }), [Math.LN2, Math.LN10]);
  // As logMSE, but for its ε.
  close(await of({}), values(await evaluate(logMSE(x, y, { reduction: "none", eps: 1e-12 }))), 1e-10);
});

test("lamp: level sample amplifies the mean error of each example and is at most level element", async () => {
  const [x, y] = [uniform("x", [3, 5]), uniform("y", [3, 5])];
  const sample = values(await evaluate(lamp(x, y, { level: "sample", reduction: "none" })));
  const errors = mean(squaredError(x, y, { reduction: "none" }), { axis: 1 });
  close(sample, values(await evaluate(logAmplify(errors))), 1e-12);
  const element = values(await evaluate(mean(lamp(x, y, { reduction: "none" }), { axis: 1 })));
  assert.ok(sample.every((s, i) => s < element[i]!));
  assert.ok((await number(lamp(x, y))) > (await number(squaredError(x, y))));
  assert.equal(await number(lamp(x, x)), 0);
});

test("lamp: l1 on targets of 0 and 1 is binary cross-entropy", async () => {
  const p = uniform("p", [4, 6]);
  const x = tensor(Float64Array.from(values(uniform("x", [4, 6])), Math.round), { shape: [4, 6] });
  const bce = negate(mean(add(multiply(x, log(p)), multiply(subtract(1, x), log(subtract(1, p))))));
  close([await number(lamp(p, x, { base: "l1", tail: 0.9999999 }))], [await number(bce)], 1e-12);
});

test("lamp: ssim at level sample is −log of the mean of 1 and SSIM", async () => {
  const [a, b] = [images("a"), images("b")];
  const s = values(await evaluate(ssim(a, b)));
  const loss = values(await evaluate(lamp(a, b, { base: "ssim", reduction: "none" })));
  close(
    loss,
    Array.from(s, (x) => -Math.log((1 + x) / 2)),
    1e-12,
  );
});

for (const options of variants) {
  const name = JSON.stringify(options);
  test(`lamp ${name}: gradient agrees with central differences`, async () => {
    for (let seed = 0; seed < 3; seed++) {
      const [x, y] = [images(`x${seed}`, 7), images(`y${seed}`, 7)];
      const { error } = await checkGradient((p: Tensor) => lamp(p, y, { ...options, reduction: "sum" }), x);
      assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    }
  });

  test(`lamp ${name}: extreme images stay finite in float32`, async () => {
    for (const [from, to] of [
      [0, 0],
      [1, 0],
      [1e4, -1e4],
    ] as const) {
      const x = tensor(new Float32Array(49).fill(from), { shape: [1, 1, 7, 7] });
      const y = tensor(new Float32Array(49).fill(to), { shape: [1, 1, 7, 7] });
      const f = (p: Tensor) => lamp(p, y, options);
      const [value, g] = await evaluate([f(x), grad(f)(x)] as const);
      assert.ok(Number.isFinite(item(value)), `${from}: ${item(value)}`);
      assert.ok(values(g).every(Number.isFinite), `${from}: ${values(g)}`);
    }
  });
}

test("lamp: options that do not fit", () => {
  const a = images("a");
  assert.throws(() => lamp(a, a, { base: "l3" as never }), /base is "l3"; expected "l2", "l1" or "ssim"/);
  assert.throws(() => lamp(a, a, { level: "pixel" as never }), /level is "pixel"; expected "element"/);
  assert.throws(() => lamp(a, a, { base: "ssim", level: "element" }), /expected "sample"/);
  assert.throws(() => lamp(a, images("b", 8)), /targets is .* expected .*9, 9/);
});
