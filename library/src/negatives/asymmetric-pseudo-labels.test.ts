import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { asymmetricPseudoLabels, type PseudoLabels } from "./index.ts";

test("asymmetricPseudoLabels: the lowest unknown scores of a class, as soft labels", () => {
  const scores = [0.1, 0.9, 0.2, 0.8, 0.3, 0.7, 0.4, 0.6];
  const observed = [1, 0, 0, 0, 0, 1, 0, 0];
  // Both classes have three unknown rows; half of them in one round is one each.
  const { chosen, targets } = asymmetricPseudoLabels(scores, observed, {
    classes: 2,
    rounds: 1,
    proportion: 0.5,
  });
  assert.deepEqual([...chosen], [0, 0, 1, 0, 0, 0, 0, 1]);
  assert.deepEqual([...targets], [0, 0, Math.fround(0.2), 0, 0, 0, 0, Math.fround(0.6)]);
});

test("asymmetricPseudoLabels: never a known label, never more than the proportion, what is stored stays", () =>
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 4 }).chain((classes) =>
        fc.record({
          classes: fc.constant(classes),
          rows: fc.integer({ min: 1, max: 30 }),
          rounds: fc.integer({ min: 1, max: 5 }),
          proportion: fc.double({ min: 0, max: 1, noNaN: true }),
          seed: fc.integer({ min: 1, max: 1000 }),
        }),
      ),
      ({ classes, rows, rounds, proportion, seed }) => {
        const value = (i: number, round: number) => Math.abs(Math.sin(seed * (i + 1) + round * 7.3));
        const size = classes * rows;
        const observed = Array.from({ length: size }, (_, i) => Number(value(i, 99) < 0.3));
        let state: PseudoLabels | undefined;
        for (let round = 0; round < rounds; round++) {
          const scores = Array.from({ length: size }, (_, i) => value(i, round));
          const next = asymmetricPseudoLabels(scores, observed, {
            classes,
            rounds,
            proportion,
            previous: state,
          });
          for (let i = 0; i < size; i++) {
            if (state?.chosen[i]) assert.ok(next.chosen[i] && next.targets[i] === state.targets[i]);
            else if (next.chosen[i]) assert.equal(next.targets[i], Math.fround(scores[i]!));
          }
          state = next;
        }
        for (let c = 0; c < classes; c++) {
          const column = Array.from({ length: rows }, (_, row) => row * classes + c);
          const unknown = column.filter((i) => observed[i] === 0);
          const labelled = column.filter((i) => state!.chosen[i]);
          assert.ok(labelled.every((i) => observed[i] === 0));
          assert.equal(labelled.length, rounds * Math.floor((proportion * unknown.length) / rounds));
        }
      },
    ),
  ));

test("errors name the argument, what it is and what is expected", () => {
  const options = { classes: 2, rounds: 1 };
  assert.throws(() => asymmetricPseudoLabels([1], [0], options), /1 scores are no rows of 2 classes/);
  assert.throws(() => asymmetricPseudoLabels([1, 0], [0], options), /observed has 1 entries; expected 2/);
  assert.throws(() => asymmetricPseudoLabels([1, 0], [0, 0], { classes: 2, rounds: 0 }), /rounds is 0/);
  assert.throws(
    () => asymmetricPseudoLabels([1, 0], [0, 0], { ...options, proportion: 2 }),
    /proportion is 2/,
  );
});
