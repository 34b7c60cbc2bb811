import assert from "node:assert/strict";
import { test } from "node:test";
import { curveLines } from "./curveLines.ts";
import type { Series } from "./runState.ts";

function line(arm: string, seed: number, ys: number[], curve = "loss"): Series {
  return { curve, arm, seed, points: ys.map((y, index) => ({ x: index, y })) };
}

test("each arm has its own mean over its seeds", () => {
  const series = [
    line("a", 1, [1, 2]),
    line("a", 2, [3, 6]),
    line("b", 1, [5, 5]),
    line("a", 1, [9], "other"),
  ];
  const { seeds, means } = curveLines(series, "loss");
  assert.equal(seeds.length, 6);
  assert.deepEqual(means, [
    { arm: "a", x: 0, y: 2, seeds: 2 },
    { arm: "a", x: 1, y: 4, seeds: 2 },
    { arm: "b", x: 0, y: 5, seeds: 1 },
    { arm: "b", x: 1, y: 5, seeds: 1 },
  ]);
});

test("the mean ends where fewer than half of the seeds have a point", () => {
  const { means } = curveLines([line("a", 1, [1, 1, 1]), line("a", 2, [3]), line("a", 3, [5])], "loss");
  assert.deepEqual(means, [{ arm: "a", x: 0, y: 3, seeds: 3 }]);
});

test("half of the seeds are enough for the mean", () => {
  const { means } = curveLines([line("a", 1, [1, 7]), line("a", 2, [3])], "loss");
  assert.deepEqual(means.at(-1), { arm: "a", x: 1, y: 7, seeds: 1 });
});

test("long lines are thinned alike and keep their last point", () => {
  const long = Array.from({ length: 1001 }, (_, index) => index);
  const { seeds, means } = curveLines([line("a", 1, long), line("a", 2, long)], "loss");
  assert.ok(seeds.length <= 2 * 401, `${seeds.length} points`);
  assert.deepEqual(means.at(-1), { arm: "a", x: 1000, y: 1000, seeds: 2 });
});
