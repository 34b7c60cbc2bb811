import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { forgettingRate } from "./index.ts";

test("forgettingRate: what stays learned is not forgotten, what comes and goes is", () => {
  assert.deepEqual(
    [
      ...forgettingRate([
        [0, 0],
        [1, 0],
        [1, 1],
      ]),
    ],
    [0, 0, 0],
  );
  assert.deepEqual([...forgettingRate([[1], [0], [1], [0]])], [0, 1, 0, 1]);
  assert.deepEqual(
    [
      ...forgettingRate([
        [true, false],
        [false, false],
        [false, true],
        [false, false],
      ]),
    ],
    [0, 0.5, 0.5, 1],
  );
});

test("forgettingRate agrees with its definition", () => {
  const matrix = fc
    .tuple(fc.integer({ min: 1, max: 6 }), fc.integer({ min: 1, max: 6 }))
    .chain(([c, n]) =>
      fc.array(fc.array(fc.boolean(), { minLength: n, maxLength: n }), { minLength: c, maxLength: c }),
    );
  fc.assert(
    fc.property(matrix, (learned) => {
      const expected = learned.map(
        (now, c) =>
          now.filter((is, i) => !is && learned.slice(0, c).some((before) => before[i])).length / now.length,
      );
      assert.deepEqual([...forgettingRate(learned)], expected);
    }),
  );
});

test("forgettingRate wants as many examples at each checkpoint", () => {
  assert.throws(() => forgettingRate([[1, 0], [1]]), /checkpoint 1 has 1 examples; expected 2/);
  assert.throws(() => forgettingRate([]), /no examples/);
});
