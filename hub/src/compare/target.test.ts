import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCsv } from "nearmiss/data";
import { CommandError, exitCodes } from "../cli/exit.ts";
import { chooseTarget } from "./target.ts";

/** A table with one column beside an empty one. */
const column = (values: readonly (string | number | boolean)[]) =>
  parseCsv(`y,other\n${values.map((value) => `${value},1\n`).join("")}`);
const times = <T>(count: number, value: (i: number) => T) =>
  Array.from({ length: count }, (_, i) => value(i));
const fails = (exitCode: number, message: RegExp) => (error: unknown) => {
  assert.ok(error instanceof CommandError);
  assert.match(error.message, message);
  assert.equal(error.exitCode, exitCode);
  return true;
};

test("words, truths and few whole numbers are classes, in order; other numbers are numbers", () => {
  const words = chooseTarget(column(times(40, (i) => (i % 2 ? "b" : "a"))), "y");
  assert.ok(words.task === "classification");
  assert.deepEqual(words.classes, ["a", "b"]);
  assert.deepEqual([...words.labels.slice(0, 3)], [0, 1, 0]);
  const truths = chooseTarget(column(times(40, (i) => i % 2 === 0)), "y");
  assert.ok(truths.task === "classification" && truths.classes.join() === "false,true");
  const grades = chooseTarget(column(times(40, (i) => [2, 10, 9][i % 3])), "y");
  assert.ok(grades.task === "classification");
  assert.deepEqual(grades.classes, ["2", "9", "10"]);
  assert.match(grades.notes[0], /3 different whole numbers, taken for classes; --task regression/);
  assert.equal(chooseTarget(column(times(40, (i) => i)), "y").task, "regression");
  assert.equal(chooseTarget(column(times(40, (i) => (i % 3) + 0.5)), "y").task, "regression");
});

test("the task can be asked for", () => {
  const grades = column(times(40, (i) => i % 3));
  assert.equal(chooseTarget(grades, "y", "regression").task, "regression");
  const many = chooseTarget(column(times(60, (i) => i % 20)), "y", "classification");
  assert.ok(many.task === "classification" && many.classes.length === 20);
  assert.throws(
    () => chooseTarget(column(times(40, (i) => (i % 2 ? "b" : "a"))), "y", "regression"),
    fails(exitCodes.wrongUsage, /"y" holds category values; expected numbers/),
  );
});

test("rows without a value and classes of one row take no part, and that is said", () => {
  const target = chooseTarget(column([...times(40, (i) => (i % 2 ? "b" : "a")), "once", "", "NA"]), "y");
  assert.ok(target.task === "classification");
  assert.deepEqual([...target.labels.slice(40)], [-1, -1, -1]);
  assert.match(
    target.notes.join(" "),
    /2 rows without a value of "y" took no part.*1 row took no part: each is the only/s,
  );
});

test("many classes are taken, with a word about it", () => {
  const target = chooseTarget(column(times(2000, (i) => `class ${i % 1000}`)), "y");
  assert.ok(target.task === "classification");
  assert.equal(target.classes.length, 1000);
  assert.match(
    target.notes.join(" "),
    /smallest class has 2 rows.*All 1000 classes are learnt.*2 rows a class/s,
  );
});

test("targets that cannot be learnt are refused", () => {
  const { badFile, wrongUsage } = exitCodes;
  const table = parseCsv(`Kind,size\n${"a,1\nb,2\n".repeat(20)}`);
  assert.throws(
    () => chooseTarget(table, "kind"),
    fails(wrongUsage, /no column is named "kind". Did you mean "Kind"\?/),
  );
  assert.throws(() => chooseTarget(table, "zzzzzz"), fails(wrongUsage, /The columns are Kind, size/));
  const refused: [(string | number)[], RegExp][] = [
    [times(40, () => "a"), /is "a" in every row/],
    [times(40, () => ""), /has no value in any of the 40 rows/],
    [["a", "b", "a"], /has 3 rows with a value; expected at least 30/],
    [times(40, (i) => `word ${i}`), /40 different values in 40 rows, 40 of them once/],
    [[...times(39, () => "a"), "b"], /a single value that occurs more than once/],
    [times(40, (i) => `2024-01-${String(1 + (i % 28)).padStart(2, "0")}`), /column of dates/],
    [times(2004, (i) => `class ${i % 1002}`), /1002 different values; expected at most 1000 classes/],
  ];
  for (const [values, message] of refused)
    assert.throws(() => chooseTarget(column(values), "y"), fails(badFile, message));
});
