import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "nearmiss/random";
import { consistentIntents, drawProblem } from "./hidden-intents.ts";

const problems = (ambiguous: boolean) => {
  const draw = random(1);
  return Array.from({ length: 500 }, () => drawProblem(draw, { count: 2, ambiguous }));
};

test("one good answer leaves three intents, a near miss leaves one", () => {
  assert.equal(consistentIntents([[1, 2, 3]], []).length, 3);
  assert.deepEqual(consistentIntents([[1, 2, 3]], [[1, 4, 3]]), [{ attribute: 1, value: 2 }]);
  assert.equal(consistentIntents([[1, 2, 3]], [[1, 4, 4]]).length, 2);
  const two = [
    [1, 2, 3],
    [1, 2, 4],
  ];
  assert.equal(consistentIntents(two, []).length, 2);
  assert.equal(consistentIntents([], []).length, 15);
});

test("the intent stays possible; good answers alone leave others if and only if that is asked for", () => {
  for (const ambiguous of [true, false])
    for (const { intent, good, bad } of problems(ambiguous)) {
      assert.ok(consistentIntents(good, bad).some((each) => JSON.stringify(each) === JSON.stringify(intent)));
      assert.equal(consistentIntents(good, []).length > 1, ambiguous);
    }
});

test("choosing among the intents that are left is right with probability 1 / how many there are", () => {
  const draw = random(2);
  let right = 0;
  let expected = 0;
  const all = problems(true);
  for (const { intent, good, bad } of all) {
    const left = consistentIntents(good, bad.slice(0, 1));
    const chosen = draw.choice(left);
    right += Number(chosen.attribute === intent.attribute && chosen.value === intent.value);
    expected += 1 / left.length;
  }
  assert.ok(Math.abs(right - expected) / all.length < 0.06, `${right} ${expected}`);
});
