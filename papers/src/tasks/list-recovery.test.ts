import assert from "node:assert/strict";
import { test } from "node:test";
import { leaves, values } from "nearmiss";
import { remainingShare } from "nearmiss/compression";
import { random } from "nearmiss/random";
import { CAPABILITIES, instructions, magnitudeMask, recoveryPool, trainMasked } from "./list-recovery.ts";
import { listModel } from "./list-skills.ts";

test("a pool has frequent and rare capabilities, and about the share of wrong answers that is asked for", () => {
  const pool = recoveryPool(1000, 0.2, random(1));
  const counts = Array.from(
    { length: CAPABILITIES },
    (_, i) => pool.filter((each) => each.capability === i).length,
  );
  assert.deepEqual(counts, [360, 240, 160, 100, 80, 60]);
  const wrong = pool.filter((each) => each.wrong).length / 1000;
  assert.ok(wrong > 0.15 && wrong < 0.25, `${wrong}`);
  assert.ok(recoveryPool(100, 0, random(1)).every((each) => !each.wrong));
});

test("what is pruned stays 0 through training, and the rest moves", async () => {
  const size = { layers: 1, width: 8, batchSize: 4 };
  const params = listModel(1, 8).policy.model.init(random("weights"));
  const mask = await magnitudeMask(params, 0.5);
  assert.ok(Math.abs(remainingShare(mask) - 0.5) < 0.01);
  const draw = random(2);
  const trained = await trainMasked({
    ...size,
    params,
    mask,
    draw: (own) => own.choice(instructions(0, 5, draw)),
    steps: 3,
    learningRate: 1e-2,
    random: draw,
    signal: new AbortController().signal,
  });
  const [before, after, left] = [params, trained, mask].map((tree) =>
    leaves(tree).map((x) => [...values(x)]),
  );
  let moved = 0;
  after!.forEach((numbers, leaf) => {
    numbers.forEach((x, i) => {
      if (left![leaf]![i] === 0) assert.ok(x === 0);
      else if (x !== before![leaf]![i]) moved++;
    });
  });
  assert.ok(moved > 100);
});
