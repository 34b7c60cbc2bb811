import assert from "node:assert/strict";
import { test } from "node:test";
import { falseHeadRate } from "./index.ts";

test("falseHeadRate: 1 where all is taken for the first class, 0 where all is right", () => {
  const labels = Array.from({ length: 10 }, (_, k) => k);
  assert.equal(
    falseHeadRate(
      labels.map(() => 0),
      labels,
      10,
    ),
    1,
  );
  assert.equal(falseHeadRate(labels, labels, 10), 0);
  // Only class 9 is taken for class 6: head for the border at 8 alone, one of two tail examples.
  assert.equal(falseHeadRate([...labels.slice(0, 9), 6], labels, 10), 1 / 6);
  assert.throws(() => falseHeadRate([0], [0], 10), /no label is 3 or above/);
});
