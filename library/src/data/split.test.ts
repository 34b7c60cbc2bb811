import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { split } from "./split.ts";

test("parts are disjoint, of the sizes asked for, and in range", () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(40), { maxLength: 5 }),
      fc.nat(30),
      fc.nat(),
      fc.boolean(),
      (sizes, spare, seed, byClass) => {
        const count = sizes.reduce((sum, size) => sum + size, spare);
        const labels = byClass ? Array.from({ length: count }, (_, i) => (i * i) % 3) : undefined;
        const parts = split(count, { sizes, random: random(seed), labels });
        assert.deepEqual(
          parts.map((part) => part.length),
          sizes,
        );
        const all = parts.flatMap((part) => [...part]);
        assert.equal(new Set(all).size, all.length);
        assert.ok(all.every((i) => i >= 0 && i < count));
      },
    ),
  );
});

test("with labels each part holds each class in proportion, to within two", () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 30, maxLength: 300 }),
      fc.nat(),
      (labels, seed) => {
        const third = Math.floor(labels.length / 3);
        const parts = split(labels.length, { sizes: [third, third], random: random(seed), labels });
        for (let label = 0; label < 5; label++) {
          const expected = (labels.filter((l) => l === label).length * third) / labels.length;
          for (const part of parts) {
            const found = part.filter((i) => labels[i] === label).length;
            assert.ok(Math.abs(found - expected) <= 2, `class ${label}: ${found} for ${expected}`);
          }
        }
      },
    ),
  );
});

test("every item is as likely as any other to be in a part; order within parts is random", () => {
  const labels = [0, 0, 0, 0, 0, 0, 0, 0, 1, 1];
  const inFirst = new Float64Array(10);
  let ascending = 0;
  for (let seed = 0; seed < 4000; seed++) {
    const [first] = split(10, { sizes: [5], random: random(seed), labels });
    for (const i of first) inFirst[i]++;
    if (first[0] < first[1]) ascending++;
  }
  for (const count of inFirst) assert.ok(Math.abs(count - 2000) < 4 * Math.sqrt(1000), `${inFirst}`);
  assert.ok(Math.abs(ascending - 2000) < 4 * Math.sqrt(1000), `${ascending}`);
});

test("bad arguments are named", () => {
  assert.throws(() => split(3, { sizes: [2, 2], random: random(1) }), /ask for 4 items, there are 3/);
  assert.throws(() => split(3, { sizes: [-1], random: random(1) }), /sizes \[-1\]/);
  assert.throws(() => split(3, { sizes: [1], random: random(1), labels: [0] }), /labels has 1 entries for 3/);
});
