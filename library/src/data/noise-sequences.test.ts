import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { type Clip, extractNoiseSequences, mixNoise, rotatePatches } from "./index.ts";

const clipOf = (
  frames: number,
  side: number,
  pixel: (frame: number, row: number, column: number) => number,
): Clip => ({
  frames,
  height: side,
  width: side,
  pixels: Float32Array.from({ length: frames * side * side }, (_, at) =>
    pixel(Math.floor(at / (side * side)), Math.floor(at / side) % side, at % side),
  ),
});
const noise = (name: string, frames: number, side: number, deviation: number) => {
  const draws = random(name).normal(frames * side * side, 0.5, deviation);
  return clipOf(frames, side, (frame, row, column) => draws[(frame * side + row) * side + column]!);
};
const count = (clip: Clip) => extractNoiseSequences(clip, { window: 8 }).length;

test("flat windows are taken with their pixels, in order", () => {
  assert.equal(count(clipOf(3, 16, () => 0.5)), 4);
  const steps = clipOf(
    2,
    16,
    (frame, row, column) => 0.1 + 0.01 * frame + 0.2 * Number(row >= 8) + 0.4 * Number(column >= 8),
  );
  const found = extractNoiseSequences(steps, { window: 8 });
  assert.deepEqual(
    found.map(({ pixels }) => Number(pixels[0]!.toFixed(2))),
    [0.1, 0.5, 0.3, 0.7],
  );
  assert.ok(Math.abs(found[3]!.pixels[64]! - 0.71) < 1e-6);
  assert.equal(extractNoiseSequences(steps, { window: 8, stride: 4 }).length, 4);
});

test("a window with an edge in one frame alone is not taken", () => {
  const edge = (frame: number, _row: number, column: number) => (frame === 1 && column < 4 ? 0.2 : 0.5);
  assert.equal(count(clipOf(3, 8, edge)), 0);
  assert.equal(count(clipOf(3, 8, (frame, row, column) => edge(0 * frame, row, column))), 1);
});

test("limits are of 255 grey levels: noise of deviation 5 is taken, of 9 not; black is not", () => {
  assert.equal(count(noise("soft", 3, 8, 5 / 255)), 1);
  assert.equal(count(noise("loud", 3, 8, 9 / 255)), 0);
  assert.equal(count(clipOf(3, 8, () => 0)), 0);
});

test("windows that flicker, in brightness or in noise, are not taken", () => {
  // Means that differ by 2 × 0.02 have a variance of (0.02 × 255)² = 26, by 2 × 0.04 of 104.
  const flicker = (by: number) => clipOf(2, 8, (frame) => 0.5 + (frame === 0 ? by : -by));
  assert.equal(count(flicker(0.02)), 1);
  assert.equal(count(flicker(0.04)), 0);
  // Variances of 0 and 36 have a variance of 324; of 0 and 9 one of 20.
  const calm = (deviation: number) =>
    clipOf(2, 8, (frame, _row, column) => 0.5 + (frame * (column % 2 === 0 ? 1 : -1) * deviation) / 255);
  assert.equal(count(calm(3)), 1);
  assert.equal(count(calm(6)), 0);
});

test("mixing: no share gives the clip, the whole share the noise", () => {
  const [clip, other] = [noise("a", 2, 4, 0.1), noise("b", 2, 4, 0.1)];
  assert.deepEqual([...mixNoise(clip, other, 0).pixels], [...clip.pixels]);
  assert.deepEqual([...mixNoise(clip, other, 1).pixels], [...other.pixels]);
  const half = mixNoise(clip, other).pixels;
  assert.ok(Array.from(half).every((x, i) => Math.abs(x - (clip.pixels[i]! + other.pixels[i]!) / 2) < 1e-6));
});

test("turning keeps each patch's pixels, and what is not turned", () => {
  fc.assert(
    fc.property(fc.integer(), fc.double({ min: 0, max: 1, noNaN: true }), (seed, probability) => {
      const clip = noise("patches", 2, 8, 0.2);
      const turned = rotatePatches(clip, { grid: 4, probability, random: random(seed) });
      if (probability === 0) assert.deepEqual([...turned.pixels], [...clip.pixels]);
      for (let frame = 0; frame < 2; frame++)
        for (let patch = 0; patch < 16; patch++) {
          const corner = frame * 64 + Math.floor(patch / 4) * 16 + (patch % 4) * 2;
          const of = ({ pixels }: Clip) =>
            [0, 1, 8, 9].map((step) => pixels[corner + step]!).sort((a, b) => a - b);
          assert.deepEqual(of(turned), of(clip));
        }
    }),
    { numRuns: 30 },
  );
});

test("three of five turns change a patch, each as often: at probability 1 these are 0.6 of them", () => {
  const clip = clipOf(50, 32, (_frame, row, column) => ((row % 2) * 2 + (column % 2)) / 4);
  const turned = rotatePatches(clip, { grid: 16, probability: 1, random: random(1) });
  const corners: Record<string, number> = {};
  for (let patch = 0; patch < 50 * 256; patch++) {
    const at = Math.floor(patch / 256) * 1024 + Math.floor((patch % 256) / 16) * 64 + (patch % 16) * 2;
    const key = [0, 1, 32, 33].map((step) => turned.pixels[at + step]! * 4).join("");
    corners[key] = (corners[key] ?? 0) + 1 / (50 * 256);
  }
  // As it was, and one, two and three quarter turns.
  assert.deepEqual(Object.keys(corners).sort(), ["0123", "1302", "2031", "3210"]);
  for (const [key, share] of Object.entries(corners))
    assert.ok(Math.abs(share - (key === "0123" ? 0.4 : 0.2)) < 0.02, `${key}: ${share}`);
});

test("four single turns of the whole frame are none", () => {
  const clip = noise("whole", 1, 6, 0.2);
  // A stream that always turns, once.
  const once = { ...random(1), next: () => 0, integer: () => 1 };
  let turned = clip;
  for (let k = 0; k < 4; k++) {
    turned = rotatePatches(turned, { grid: 1, probability: 1, random: once });
    // Against the clock: the last column comes first, as a row.
    if (k === 0)
      assert.deepEqual(
        turned.pixels.slice(0, 6),
        clip.pixels.filter((_, at) => at % 6 === 5),
      );
    if (k < 3) assert.notDeepEqual([...turned.pixels], [...clip.pixels]);
  }
  assert.deepEqual([...turned.pixels], [...clip.pixels]);
});

test("what does not fit is named", () => {
  const clip = noise("x", 2, 8, 0.1);
  assert.throws(() => extractNoiseSequences({ ...clip, frames: 3 }), /clip is \[3, 8, 8\] with 128 pixels/);
  assert.throws(() => extractNoiseSequences(clip, { window: 0 }), /window is 0/);
  assert.throws(() => mixNoise(clip, noise("y", 2, 4, 0.1)), /noise is \[2, 4, 4\]/);
  assert.throws(() => mixNoise(clip, clip, 2), /share is 2/);
  assert.throws(() => rotatePatches(clip, { grid: 3, random: random(1) }), /grid is 3/);
  assert.throws(
    () => rotatePatches(clip, { grid: 2, probability: 2, random: random(1) }),
    /probability is 2/,
  );
});
