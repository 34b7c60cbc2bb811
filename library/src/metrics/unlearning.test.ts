import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { membershipInference, unlearningGap } from "./index.ts";

test("membership inference: worked example", () => {
  const attack = membershipInference({
    members: [0.9, 0.95, 0.99, 0.6],
    nonMembers: [0.5, 0.7, 0.4, 0.92],
    forgotten: [0.3, 0.89, 0.9, 1],
  });
  // At 0.95: two of four members and no other; at 0.9 three and one, no better.
  assert.deepEqual(attack, { threshold: 0.95, balancedAccuracy: 0.75, efficacy: 0.75 });
});

test("the best of all thresholds; who looks alike cannot be told apart", () => {
  const part = fc.array(
    fc.integer({ min: 0, max: 10 }).map((x) => x / 10),
    { minLength: 1, maxLength: 12 },
  );
  fc.assert(
    fc.property(part, part, (members, nonMembers) => {
      const share = (list: number[], t: number) => list.filter((x) => x >= t).length / list.length;
      const balanced = [...members, ...nonMembers, 2].map(
        (t) => (share(members, t) + 1 - share(nonMembers, t)) / 2,
      );
      const { balancedAccuracy } = membershipInference({ members, nonMembers, forgotten: members });
      assert.ok(Math.abs(balancedAccuracy - Math.max(0.5, ...balanced)) < 1e-12);
      assert.equal(membershipInference({ members, nonMembers: members, forgotten: members }).efficacy, 1);
    }),
  );
  const clear = { members: [0.9, 0.8], nonMembers: [0.1] };
  assert.equal(membershipInference({ ...clear, forgotten: [0.85, 0.2] }).efficacy, 0.5);
});

test("gap: none to itself, the mean of four differences", () => {
  const a = { unlearning: 0.1, retain: 1, test: 0.9, membership: 0.2 };
  assert.equal(unlearningGap(a, a), 0);
  const b = { unlearning: 0.2, retain: 0.9, test: 0.9, membership: 0.4 };
  assert.ok(Math.abs(unlearningGap(b, a) - 0.1) < 1e-12);
});

test("errors name what is wrong", () => {
  const ok = { members: [1], nonMembers: [0], forgotten: [0.5] };
  assert.throws(() => membershipInference({ ...ok, members: [] }), /members are empty/);
  assert.throws(() => membershipInference({ ...ok, forgotten: [2] }), /forgotten\[0\] is 2; expected 0 to 1/);
});
