/** From a table to a comparison's parts: the target, the columns to learn from, and who sees which rows when. */
import type { Table } from "nearmiss/data";
import { random } from "nearmiss/random";
import { chooseColumns } from "./columns.ts";
import type { Task } from "./objectives.ts";
import { dealParts, equalRows } from "./parts.ts";
import { chooseTarget, rowsOf, type Target } from "./target.ts";

export interface PrepareOptions {
  target: string;
  task?: Task;
  ignore?: readonly string[];
  keep?: readonly string[];
  /** Most rows to use; of more, a random sample. */
  maxRows: number;
}

export interface Prepared {
  table: Table;
  target: Target;
  /** Names of the columns that are learnt from. */
  features: string[];
  /** Rows that nothing is decided by. Groups of equal rows, as all parts. */
  heldBack: number[][];
  /** Rows that choose learning rates and when to stop. */
  validation: number[][];
  /** Rows that every seed divides anew into training and evaluation. */
  pool: number[][];
  /** Rows that take part, and what is said of the others. */
  rows: number;
  notes: string[];
  warnings: string[];
}

export const shares = { heldBack: 0.2, validation: 0.16, pool: 0.64, training: 0.75, evaluation: 0.25 };

/** Decides what a comparison works on. Pure: an equal table and equal options give equal parts. */
export function prepare(table: Table, options: PrepareOptions): Prepared {
  const target = chooseTarget(table, options.target, options.task);
  const { features, notes, warnings } = chooseColumns(table, target, options);
  const labelOf = labelsOf(target);
  const present = Array.from({ length: table.rows }, (_, row) => row).filter((row) => takesPart(target, row));
  const all = equalRows(table, features, present);
  const told = [...target.notes, ...notes];
  const repeated = present.length - all.length;
  if (repeated > 0)
    told.push(
      `${rowsOf(repeated)} repeat${repeated === 1 ? "s" : ""} an earlier one in all columns but the target. Equal rows always stay in one part of a split.`,
    );
  const root = random("nearmiss compare");
  const share = options.maxRows / present.length;
  const groups = share < 1 ? dealParts(all, [share, 1 - share], labelOf, root.split("sample"))[0] : all;
  const rows = groups.reduce((sum, group) => sum + group.length, 0);
  if (share < 1)
    told.push(
      `A random sample of ${rows} of ${present.length} rows was used, with the classes in proportion; --max-rows takes more.`,
    );
  const [heldBack, validation, pool] = dealParts(
    groups,
    [shares.heldBack, shares.validation, shares.pool],
    labelOf,
    root.split("parts"),
  );
  return { table, target, features, heldBack, validation, pool, rows, notes: told, warnings };
}

/** Training and evaluation rows of one seed, out of the pool. */
export function poolSplit({ pool, target }: Prepared, seed: number | string): [number[][], number[][]] {
  const stream = random("nearmiss compare").split("seed").split(seed);
  const [training, evaluation] = dealParts(
    pool,
    [shares.training, shares.evaluation],
    labelsOf(target),
    stream,
  );
  return [training, evaluation];
}

/** Rows of each class among some; nothing for numbers. */
export function classCounts(target: Target, groups: readonly number[][]): number[] {
  if (target.task === "regression") return [];
  const counts = target.classes.map(() => 0);
  for (const row of groups.flat()) counts[target.labels[row]]++;
  return counts;
}

const takesPart = (target: Target, row: number): boolean =>
  target.task === "classification" ? target.labels[row] >= 0 : !Number.isNaN(target.values[row]);

const labelsOf =
  (target: Target) =>
  (row: number): number =>
    target.task === "classification" ? target.labels[row] : 0;
