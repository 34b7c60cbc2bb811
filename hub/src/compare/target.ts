/** The column to predict: which kind it is, and each row's class or number. */
import { type Column, cellText, type Table } from "nearmiss/data";
import { nearNames } from "../catalog/titles.ts";
import { CommandError, exitCodes } from "../cli/exit.ts";
import type { Task } from "./objectives.ts";

export type Target =
  | {
      task: "classification";
      name: string;
      classes: string[];
      /** Class of each row of the table; -1 where it takes no part. */
      labels: Int32Array;
      notes: string[];
    }
  | {
      task: "regression";
      name: string;
      /** NaN where the row takes no part. */
      values: Float64Array;
      notes: string[];
    };

/** Whole numbers with so few different values are taken for classes. */
const MOST_NUMBERED_CLASSES = 10;
const MOST_CLASSES = 1000;
/** Below, every part of the split would be a handful of rows. */
const LEAST_ROWS = 30;

/**
 * Makes the target out of a column.
 *
 * @param task How to take the column. Default: as its values suggest.
 * @throws CommandError for an unknown column, and where nothing can be learnt of it
 */
export function chooseTarget(table: Table, name: string, task?: Task): Target {
  const column = table.columns.find((candidate) => candidate.name === name);
  if (!column) throw unknownColumn(name, table);
  const texts = Array.from({ length: table.rows }, (_, row) => cellText(column, row));
  const present = texts.filter((text) => text !== null);
  const bad = (problem: string) => new CommandError(exitCodes.badFile, `The target "${name}" ${problem}.`);
  if (present.length === 0)
    throw bad(table.rows === 0 ? "has no rows" : `has no value in any of the ${table.rows} rows`);
  const different = new Set(present);
  if (different.size === 1)
    throw bad(`is "${present[0]}" in every row that has a value; expected at least two different values`);
  if (column.type === "date") throw bad("is a column of dates; expected classes or numbers");
  if (present.length < LEAST_ROWS)
    throw bad(
      `has ${present.length} row${present.length === 1 ? "" : "s"} with a value; expected at least ${LEAST_ROWS}, ` +
        "since rows for training, for choosing and for testing must all come out of them",
    );
  const absent = table.rows - present.length;
  const notes = absent > 0 ? [`${rowsOf(absent)} without a value of "${name}" took no part.`] : [];

  if ((task ?? taskOf(column, different)) === "regression") {
    if (column.type !== "number")
      throw new CommandError(
        exitCodes.wrongUsage,
        `--task regression: "${name}" holds ${column.type} values; expected numbers.`,
      );
    return { task: "regression", name, values: column.values, notes };
  }
  if (column.type === "number" && task === undefined)
    notes.push(
      `"${name}" holds ${different.size} different whole numbers, taken for classes; --task regression takes them for numbers.`,
    );
  return { ...chooseClasses(name, column, texts, bad, notes), notes };
}

function taskOf(column: Column, different: ReadonlySet<string>): Task {
  const whole = () => [...different].every((text) => Number.isInteger(Number(text)));
  const numbered = different.size <= MOST_NUMBERED_CLASSES && whole();
  return column.type === "number" && !numbered ? "regression" : "classification";
}

function chooseClasses(
  name: string,
  column: Column,
  texts: readonly (string | null)[],
  bad: (problem: string) => CommandError,
  notes: string[],
) {
  const counts = new Map<string, number>();
  for (const text of texts) if (text !== null) counts.set(text, (counts.get(text) ?? 0) + 1);
  const kept = [...counts.keys()].filter((text) => counts.get(text)! >= 2);
  const single = counts.size - kept.length;
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  if (single > total / 2)
    throw bad(
      `has ${counts.size} different values in ${total} rows, ${single} of them once; expected classes that repeat`,
    );
  if (kept.length < 2)
    throw bad("has a single value that occurs more than once; expected at least two classes");
  if (kept.length > MOST_CLASSES)
    throw bad(`has ${kept.length} different values; expected at most ${MOST_CLASSES} classes`);
  if (single > 0)
    notes.push(
      `${rowsOf(single)} took no part: each is the only one of its class, and a class must be both learnt and tested.`,
    );
  const classes = column.type === "number" ? kept.sort((a, b) => Number(a) - Number(b)) : kept.sort();
  const smallest = Math.min(...classes.map((text) => counts.get(text)!));
  if (smallest < 10)
    notes.push(
      `The smallest class has ${rowsOf(smallest)}: some parts of the split hold none of it, and count the classes that they hold.`,
    );
  if (classes.length > 50)
    notes.push(
      `All ${classes.length} classes are learnt by one network with an output for each, ${Math.round(total / classes.length)} rows a class on average. With few rows a class, differences between objectives are hard to tell from chance.`,
    );
  const index = new Map(classes.map((text, i) => [text, i]));
  const labels = Int32Array.from(texts, (text) => (text === null ? -1 : (index.get(text) ?? -1)));
  return { task: "classification" as const, name, classes, labels };
}

/** The error for a column that is not there, with names like it. */
export function unknownColumn(name: string, table: Table, option = "--target"): CommandError {
  const names = table.columns.map((column) => column.name);
  const lowered = new Map(names.map((candidate) => [candidate.toLowerCase(), candidate]));
  const near = nearNames(name, [...lowered.keys()]).map((candidate) => `"${lowered.get(candidate)}"`);
  const hint =
    near.length > 0
      ? `Did you mean ${near.join(" or ")}?`
      : `The columns are ${names.slice(0, 30).join(", ")}${names.length > 30 ? ", …" : ""}.`;
  return new CommandError(exitCodes.wrongUsage, `${option}: no column is named "${name}". ${hint}`);
}

/** "1 row", "2 rows". */
export const rowsOf = (count: number) => `${count} row${count === 1 ? "" : "s"}`;
