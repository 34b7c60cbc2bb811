import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { batches, take } from "./batches.ts";

test("an epoch visits every index once, in batches of the size", () => {
  fc.assert(
    fc.property(fc.nat(100), fc.integer({ min: 1, max: 20 }), fc.nat(), (count, size, seed) => {
      const epoch = batches(count, size, random(seed));
      const all = epoch.flatMap((batch) => [...batch]);
      assert.deepEqual(
        all.sort((a, b) => a - b),
        Array.from({ length: count }, (_, i) => i),
      );
      assert.ok(epoch.slice(0, -1).every((batch) => batch.length === size));
    }),
  );
});

test("dropLast leaves out the smaller batch; epochs differ by stream", () => {
  const root = random(1);
  const epoch = batches(10, 4, root.split(0), { dropLast: true });
  assert.deepEqual(
    epoch.map((batch) => batch.length),
    [4, 4],
  );
  assert.equal(batches(8, 4, root.split(0), { dropLast: true }).length, 2);
  assert.notDeepEqual(batches(10, 4, root.split(0)), batches(10, 4, root.split(1)));
  assert.throws(() => batches(3, 4, root, { dropLast: true }), /3 items make no batch of size 4/);
  assert.throws(() => batches(3, 0, root), /size 0 must be/);
});

test("take gathers rows of typed arrays and items of arrays, keeping the type", () => {
  assert.deepEqual(take(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 0, 2], 2), Float32Array.of(5, 6, 1, 2, 5, 6));
  assert.deepEqual(take(Int32Array.of(7, 8, 9), Int32Array.of(1)), Int32Array.of(8));
  assert.deepEqual(take(["a", "b"], [1, 1, 0]), ["b", "b", "a"]);
  assert.throws(() => take(Float32Array.of(1, 2, 3), [0], 2), /3 values are no rows of width 2/);
  assert.throws(() => take(Float32Array.of(1, 2), [0, 1], 2), /index 1 is 1, outside the 1 rows/);
  assert.throws(() => take(["a"], [-1]), /index 0 is -1/);
});
