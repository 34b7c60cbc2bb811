import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { spectrumImage } from "./index.ts";

const size = { height: 20, width: 20 };

/** Mean counts of channels over the pixels that a test lets through. */
function spectrum(image: ReturnType<typeof spectrumImage>, of: (pixel: number) => boolean): number[] {
  const sums = new Array<number>(image.channels).fill(0);
  let pixels = 0;
  for (let pixel = 0; pixel < image.mask.length; pixel++) {
    if (!of(pixel)) continue;
    pixels++;
    for (let e = 0; e < image.channels; e++) sums[e]! += image.counts[pixel * image.channels + e]!;
  }
  return sums.map((sum) => sum / pixels);
}

const peak = (x: readonly number[], from: number, to: number) =>
  x.reduce((best, value, at) => (at >= from && at < to && value > x[best]! ? at : best), from);

test("lines stand at 708 and 721 eV, and where the mask says by the shift above", () => {
  const image = spectrumImage({
    ...size,
    counts: 200,
    edge: 1,
    shift: 2.5,
    anomalous: 0.4,
    random: random(1),
  });
  const [normal, moved] = [0, 1].map((kind) => spectrum(image, (pixel) => image.mask[pixel] === kind));
  assert.equal(image.energies[peak(normal!, 20, 50)], 708);
  assert.equal(image.energies[peak(normal!, 52, 80)], 721);
  assert.equal(image.energies[peak(moved!, 20, 52)], 710.5);
  assert.equal(image.energies[peak(moved!, 56, 80)], 723.5);
});

test("as many pixels are shifted as asked for, in one disc; the others are as they were", () => {
  for (const anomalous of [0.5, 0.1, 0.01]) {
    const [image, normal] = [2.5, 0].map((shift) =>
      spectrumImage({ ...size, shift, anomalous, random: random(2) }),
    );
    assert.equal(
      image!.mask.reduce((a, b) => a + b, 0),
      Math.round(anomalous * 400),
    );
    let changed = 0;
    for (let pixel = 0; pixel < 400; pixel++) {
      const row = (of: typeof image) => of!.counts.subarray(pixel * 96, pixel * 96 + 96).join();
      if (row(image) === row(normal)) continue;
      changed++;
      assert.equal(image!.mask[pixel], 1);
    }
    assert.ok(changed > 0);
  }
});

test("counts are Poisson: variance over repeats is their mean", () => {
  const repeats = Array.from({ length: 300 }, (_, i) => {
    const at = random(3);
    // The crystal stays, the counts are drawn anew.
    const stream = { ...at, split: (key: string | number) => at.split(key === "counts" ? `${i}` : key) };
    return spectrumImage({ height: 1, width: 1, channels: 60, random: stream }).counts;
  });
  let [means, variances] = [0, 0];
  for (let e = 0; e < 60; e++) {
    const mean = repeats.reduce((sum, counts) => sum + counts[e]!, 0) / repeats.length;
    means += mean;
    variances += repeats.reduce((sum, counts) => sum + (counts[e]! - mean) ** 2, 0) / (repeats.length - 1);
  }
  assert.ok(Math.abs(variances / means - 1) < 0.05, `${variances / means}`);
});

test("equal seeds give equal images, and what is out of range is named", () => {
  const [one, other] = [4, 4].map((seed) => spectrumImage({ ...size, random: random(seed) }));
  assert.deepEqual(one, other);
  assert.notDeepEqual(one!.counts, spectrumImage({ ...size, random: random(5) }).counts);
  assert.throws(() => spectrumImage({ ...size, anomalous: 2, random: random(1) }), /anomalous is 2/);
  assert.throws(() => spectrumImage({ height: 0, width: 2, random: random(1) }), /height is 0/);
  assert.throws(() => spectrumImage({ ...size, counts: 0, random: random(1) }), /counts is 0/);
  assert.throws(() => spectrumImage({ ...size, lattice: 2, random: random(1) }), /lattice is 2/);
});
