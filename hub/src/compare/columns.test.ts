import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCsv } from "nearmiss/data";
import { CommandError, exitCodes } from "../cli/exit.ts";
import { chooseColumns } from "./columns.ts";
import { chooseTarget } from "./target.ts";

const table = parseCsv(
  `id,same,empty,some,x,copy,coarse,y\n${Array.from({ length: 60 }, (_, i) => {
    const y = i % 3 === 0 ? "yes" : "no";
    return `r${i},1,,${i % 2 ? "v" : ""},${(i * 37) % 11},${y === "yes" ? "JA" : "NEIN"},${y === "yes" ? 5 + (i % 7) / 7 : (i % 7) / 7},${y}\n`;
  }).join("")}`,
);
const target = chooseTarget(table, "y");

test("names of rows and columns of one value are left out, and it is said", () => {
  const { features, notes } = chooseColumns(table, target);
  assert.deepEqual(features, ["some", "x", "copy", "coarse"]);
  assert.equal(notes.length, 3);
  assert.match(notes.join("\n"), /"id" was left out: it is different in every row.*--keep "id"/);
  assert.match(notes.join("\n"), /"same" was left out: it has the same value in every row/);
  assert.match(notes.join("\n"), /"empty" was left out: it has no value in every row/);
});

test("--keep and --ignore are heard, and checked", () => {
  const { features } = chooseColumns(table, target, { keep: ["id"], ignore: ["x"] });
  assert.deepEqual(features, ["id", "some", "copy", "coarse"]);
  assert.throws(
    () => chooseColumns(table, target, { ignore: ["X"] }),
    /--ignore: no column is named "X". Did you mean "x"/,
  );
  assert.throws(
    () => chooseColumns(table, target, { ignore: ["some", "x", "copy", "coarse"] }),
    (error: unknown) =>
      error instanceof CommandError &&
      error.exitCode === exitCodes.badFile &&
      /No column is left/.test(error.message),
  );
});

test("columns that determine the target are warned of, others are not", () => {
  const { warnings } = chooseColumns(table, target);
  assert.equal(warnings.length, 2);
  assert.match(warnings[0], /"copy" alone determines "y".*--ignore "copy"/);
  assert.match(warnings[1], /"coarse" alone determines "y"/);
});

test("a number that is the target in another unit is warned of", () => {
  const text = Array.from({ length: 40 }, (_, i) => {
    const y = Math.sin(i) * 10;
    return `${(y * 1.8 + 32).toFixed(6)},${Math.cos(i * 3)},${y.toFixed(6)}\n`;
  });
  const numbers = parseCsv(`fahrenheit,other,celsius\n${text.join("")}`);
  const { warnings } = chooseColumns(numbers, chooseTarget(numbers, "celsius"));
  assert.deepEqual(
    warnings.map((warning) => warning.slice(0, 26)),
    ['Column "fahrenheit" alone '],
  );
});
