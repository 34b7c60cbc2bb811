import assert from "node:assert/strict";
import { test } from "node:test";
import { bestOfRows, type Contestant, contest, disagreements, type Measured } from "./contest.ts";

/** A contestant that takes `ms` a step, sees the losses given, and can end before its first round. */
const fake = (row: string, { loss = 1, ms = 1, ends = false, says = "" } = {}): Contestant => ({
  row,
  threads: 1,
  agreement: "all",
  command: process.execPath,
  args: [
    "-e",
    `const answer = (x) => console.log(JSON.stringify(x));
     ${says ? `console.error(${JSON.stringify(says)}); process.exit(1);` : "answer({ ready: true });"}
     require("node:readline").createInterface({ input: process.stdin }).on("line", (line) => {
       const { command, steps } = JSON.parse(line);
       if (command === "check") answer({ observed: Array(steps).fill([${loss}]) });
       else if (${ends}) process.exit(1);
       else answer({ median: ${ms}, steps: 5, at: Date.now() });
     });`,
  ],
});

const options = { rounds: 3, milliseconds: 1, checkSteps: 2 };

test("contestants run in processes of their own, every round", async () => {
  const measured = await contest([fake("a", { ms: 2 }), fake("b", { ms: 4 })], options);
  assert.deepEqual(
    measured.map(({ row, medians, steps, error }) => ({ row, medians, steps, error })),
    [
      { row: "a", medians: [2, 2, 2], steps: 15, error: undefined },
      { row: "b", medians: [4, 4, 4], steps: 15, error: undefined },
    ],
  );
  assert.deepEqual(measured[0]!.observed, [[1], [1]]);
});

test("one that fails says why and stops nobody", async () => {
  const measured = await contest(
    [
      fake("broken", { says: "ImportError: no such module" }),
      fake("leaves", { ends: true }),
      { ...fake("missing"), command: "/nonexistent/program" },
      fake("fine"),
    ],
    options,
  );
  assert.match(measured[0]!.error!, /ImportError: no such module/);
  assert.match(measured[1]!.error!, /ended/);
  assert.match(measured[2]!.error!, /nonexistent/);
  assert.deepEqual(measured[3]!.medians, [1, 1, 1]);
  assert.deepEqual([...bestOfRows(measured).keys()], ["fine"]);
});

test("whoever sees other numbers than the first of its group is named", async () => {
  const contestants = [
    fake("first", { loss: 2 }),
    fake("same", { loss: 2.0001 }),
    fake("cheat", { loss: 2.1 }),
    { ...fake("other group", { loss: 9 }), agreement: "other" },
    { ...fake("not compared", { loss: 9 }), agreement: undefined },
  ];
  const measured = await contest(contestants, { ...options, rounds: 1 });
  const sentences = disagreements(contestants, measured, 1e-3);
  assert.equal(sentences.length, 1);
  assert.match(sentences[0]!, /^cheat on 1 thread.*loss 2\.1 after 0 steps, but first has 2$/);
});

test("a loss that is not a number, or not there, is a difference", () => {
  const contestants = [fake("first"), fake("nan"), fake("silent")];
  const measured = [[[1]], [[Number.NaN]], []].map(
    (observed, i): Measured => ({ row: contestants[i]!.row, threads: 1, medians: [], steps: 0, observed }),
  );
  assert.equal(disagreements(contestants, measured, 1e-3).length, 2);
});

test("the best of a row is its least median on any number of threads", () => {
  const entry = (row: string, threads: number, ...medians: number[]): Measured => ({
    row,
    threads,
    medians,
    steps: 0,
    observed: [],
  });
  const best = bestOfRows([entry("a", 1, 5, 4), entry("a", 2, 9, 3), entry("b", 1, 7), entry("c", 1)]);
  assert.deepEqual(
    [...best],
    [
      ["a", { milliseconds: 3, threads: 2 }],
      ["b", { milliseconds: 7, threads: 1 }],
    ],
  );
});
