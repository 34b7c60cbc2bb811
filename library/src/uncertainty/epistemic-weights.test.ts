import assert from "node:assert/strict";
import { test } from "node:test";
import { epistemicWeights, predictiveVariance } from "./index.ts";

test("variance over members, averaged over what they predict", () => {
  const members = [
    [1, 2, 0, 0],
    [3, 2, 0, 6],
  ];
  assert.deepEqual([...predictiveVariance(members, 2)], [0.5, 4.5]);
  assert.deepEqual([...predictiveVariance([members[0]!, members[0]!, members[0]!], 2)], [0, 0]);
});

test("weights are proportional to uncertainty within their limits", () => {
  assert.deepEqual([...epistemicWeights([1, 2, 3])], [0.5, 1, 1.5]);
  assert.deepEqual([...epistemicWeights([0, 0, 0, 4])], [0.2, 0.2, 0.2, 4]);
  assert.deepEqual([...epistemicWeights([...Array(9).fill(0), 1], { highest: 3 })].slice(-1), [3]);
  assert.deepEqual([...epistemicWeights([0, 0])], [1, 1]);
});

test("bad input is named", () => {
  assert.throws(() => predictiveVariance([[1]], 1), /1 entries/);
  assert.throws(
    () =>
      predictiveVariance(
        [
          [1, 2, 3],
          [1, 2, 3],
        ],
        2,
      ),
    /width, 2/,
  );
  assert.throws(() => epistemicWeights([1, Number.NaN]), /uncertainties\[1\] is NaN/);
  assert.throws(() => epistemicWeights([1], { lowest: 2 }), /lowest is 2/);
});
