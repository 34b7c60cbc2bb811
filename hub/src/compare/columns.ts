/** Which columns a comparison learns from, and what is odd about them. */
import { type Column, cellText, columnOf, describeColumns, type Table } from "nearmiss/data";
import { pearson } from "nearmiss/metrics";
import { CommandError, exitCodes } from "../cli/exit.ts";
import { type Target, unknownColumn } from "./target.ts";

export interface ColumnChoice {
  /** Names of the columns that are learnt from. */
  features: string[];
  notes: string[];
  /** What a reader must know before believing the numbers. */
  warnings: string[];
}

/**
 * All columns but the target, less those that say nothing (one value in all rows) and those that only name the
 * row.
 *
 * @param options.ignore Columns to leave out.
 * @param options.keep Columns to keep although they look like names of rows.
 * @throws CommandError for names that are no columns, or if nothing is left
 */
export function chooseColumns(
  table: Table,
  target: Target,
  { ignore = [], keep = [] }: { ignore?: readonly string[]; keep?: readonly string[] } = {},
): ColumnChoice {
  for (const [option, names] of Object.entries({ "--ignore": ignore, "--keep": keep }))
    for (const name of names)
      if (!table.columns.some((column) => column.name === name)) throw unknownColumn(name, table, option);
  const notes: string[] = [];
  const features: string[] = [];
  for (const { name, constant, missing, idLike, distinct } of describeColumns(table)) {
    if (name === target.name || ignore.includes(name)) continue;
    // One value or none at all still tells two kinds of rows apart.
    if (constant && (missing === 0 || distinct === 0))
      notes.push(
        `Column "${name}" was left out: it ${distinct === 0 ? "has no value" : "has the same value"} in every row.`,
      );
    else if (idLike && !keep.includes(name))
      notes.push(
        `Column "${name}" was left out: it is different in every row, as a name or a number of the row is; --keep "${name}" keeps it.`,
      );
    else features.push(name);
  }
  if (features.length === 0)
    throw new CommandError(
      exitCodes.badFile,
      `No column is left to learn from. ${notes.join(" ") || `"${target.name}" is the only one.`}`,
    );
  const warnings = features
    .filter((name) => determines(columnOf(table, name), target))
    .map(leakWarning(target));
  return { features, notes, warnings };
}

const leakWarning = (target: Target) => (name: string) =>
  `Column "${name}" alone determines "${target.name}". If it is known only once "${target.name}" is, leave it out: --ignore "${name}".`;

/** Whether knowing the column is knowing the target, in all rows. */
function determines(column: Column, target: Target): boolean {
  if (target.task === "regression") return followsLine(column, target.values);
  const rows = Array.from(target.labels.keys()).filter((row) => target.labels[row] >= 0);
  return repeatsWithClass(column, target.labels, rows) || sortsByClass(column, target.labels, rows);
}

/** Values that repeat, each with one class only. */
function repeatsWithClass(column: Column, labels: Int32Array, rows: readonly number[]): boolean {
  const classOf = new Map<string | null, number>();
  for (const row of rows) {
    const value = cellText(column, row);
    const known = classOf.get(value);
    if (known !== undefined && known !== labels[row]) return false;
    classOf.set(value, labels[row]);
  }
  return classOf.size * 2 <= rows.length;
}

/** Numbers that fall into one stretch for each class. */
function sortsByClass(column: Column, labels: Int32Array, rows: readonly number[]): boolean {
  if (column.type !== "number" && column.type !== "date") return false;
  if (rows.some((row) => Number.isNaN(column.values[row]))) return false;
  const sorted = rows.toSorted((a, b) => column.values[a] - column.values[b] || labels[a] - labels[b]);
  const seen = new Set<number>();
  for (const [i, row] of sorted.entries()) {
    const before = sorted[i - 1];
    const changed = i === 0 || labels[before] !== labels[row];
    // A class that comes again, or a change between equal numbers, is no clean cut.
    if (changed && (seen.has(labels[row]) || (i > 0 && column.values[before] === column.values[row])))
      return false;
    seen.add(labels[row]);
  }
  return true;
}

/** Numbers that are the target up to scale and shift. */
function followsLine(column: Column, values: Float64Array): boolean {
  if (column.type !== "number") return false;
  const rows = Array.from(values.keys()).filter(
    (row) => !Number.isNaN(values[row]) && !Number.isNaN(column.values[row]),
  );
  if (rows.length * 2 < values.length || rows.length < 3) return false;
  const [xs, ys] = [rows.map((row) => column.values[row]), rows.map((row) => values[row])];
  if (new Set(xs).size < 2) return false;
  return Math.abs(pearson(xs, ys)) > 0.9999;
}
