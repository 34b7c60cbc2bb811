import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { squareAttack } from "./index.ts";

/** A linear classifier's margin: the sum of the pixels minus 8. */
const margins = async (images: Float32Array) =>
  Array.from({ length: images.length / 16 }, (_, i) =>
    images.subarray(i * 16, i * 16 + 16).reduce((total, x) => total + x, -8),
  );

test("finds what a sum of pixels needs, stays in the ball and in the range, and repeats", async () => {
  const images = random(1).uniform(5 * 16, 0.5, 0.7);
  images.fill(0.02, 0, 16);
  const options = { radius: 0.1, side: 4, iterations: 400 };
  const before = await margins(images);
  const attacked = await squareAttack(margins, images, { ...options, random: random(2) });
  for (let i = 0; i < 5; i++) {
    if (before[i]! > 0) assert.ok(attacked.margins[i]! < before[i]!);
    if (before[i]! - 1.55 < 0) assert.ok(attacked.margins[i]! < 0, `image ${i}: ${before[i]}`);
  }
  assert.deepEqual([...attacked.margins], (await margins(attacked.images)).map(Math.fround));
  attacked.images.forEach((x, i) => {
    assert.ok(Math.abs(x - images[i]!) <= 0.1 + 1e-6 && x >= 0 && x <= 1);
  });
  const again = await squareAttack(margins, images, { ...options, random: random(2) });
  assert.deepEqual(again, attacked);
});

test("more queries never help the classifier; none leaves the stripes", async () => {
  const images = random(3).uniform(8 * 16, 0.5, 0.8);
  let last = Number.POSITIVE_INFINITY;
  for (const iterations of [0, 50, 100]) {
    const stretched = await squareAttack(margins, images, {
      radius: 0.05,
      side: 4,
      iterations,
      random: random(4),
    });
    const worst = stretched.margins.reduce((a, b) => a + Math.max(0, b), 0);
    assert.ok(worst <= last + 1e-6);
    last = worst;
    if (iterations === 0)
      for (let i = 0; i < images.length; i++)
        assert.ok(Math.abs(Math.abs(stretched.images[i]! - images[i]!) - 0.05) < 1e-6);
  }
});

test("errors", async () => {
  const options = { radius: 0.1, side: 3, random: random(1) };
  await assert.rejects(
    squareAttack(margins, new Float32Array(16), options),
    /16 values are no images of side 3/,
  );
  await assert.rejects(
    squareAttack(margins, new Float32Array(9), { ...options, radius: -1 }),
    /radius is -1/,
  );
});
