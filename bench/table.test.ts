import assert from "node:assert/strict";
import { test } from "node:test";
import type { Measured } from "./contest.ts";
import { goals } from "./goals.ts";
import { format, judge, showGoals, showTable, showTimes } from "./table.ts";
import { workloads } from "./workloads/index.ts";

const measured: Measured[] = [
  { row: "nearmiss", threads: 1, medians: [4, 5], steps: 2, observed: [] },
  { row: "nearmiss", threads: 2, medians: [2, 3], steps: 2, observed: [] },
  { row: "pytorch", threads: 1, medians: [4], steps: 1, observed: [] },
  { row: "jax-js", threads: 2, medians: [], steps: 0, observed: [], error: "not installed" },
];

test("goals are ratios of the best times", () => {
  const [reached, missed, absent] = judge(
    [
      { of: "nearmiss", over: "pytorch", atMost: 0.5 },
      { of: "nearmiss", over: "pytorch", atMost: 0.4 },
      { of: "nearmiss", over: "jax-js", atMost: 1 },
    ],
    measured,
  );
  assert.equal(reached!.ratio, 0.5);
  assert.match(showGoals([reached!]), /0\.50, reached/);
  assert.match(showGoals([missed!]), /0\.50, MISSED/);
  assert.match(showGoals([absent!]), /not measured/);
});

test("the table shows each row once, with the reason where there is no time", () => {
  const lines = showTimes(measured).split("\n");
  assert.equal(lines.length, 4);
  assert.match(lines[1]!, /nearmiss\s+2\.00\s+2\s+1\.00\s+4\.00 to 5\.00 on 1, 2\.00 to 3\.00 on 2/);
  assert.match(lines[2]!, /pytorch\s+4\.00\s+1\s+2\.00/);
  assert.match(lines[3]!, /jax-js\s+not installed/);
});

test("columns line up, numbers to the right", () => {
  assert.equal(
    showTable([
      ["name", "ms"],
      ["a", "10"],
      ["bb", "5"],
    ]),
    "  name  ms\n  a     10\n  bb     5",
  );
});

test("milliseconds keep three digits", () => {
  assert.deepEqual([1.234, 12.34, 123.4].map(format), ["1.23", "12.3", "123"]);
});

test("every workload has a goal over the hand graph", () => {
  for (const { name } of workloads)
    assert.ok(
      goals[name]?.some(({ over }) => over === "hand graph"),
      name,
    );
});
