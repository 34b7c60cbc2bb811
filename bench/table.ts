/** Text tables of what was measured. */
import { bestOfRows, type Measured } from "./contest.ts";
import type { Goal } from "./goals.ts";

export interface GoalResult extends Goal {
  /** Undefined if one of both was not measured. */
  ratio?: number;
}

/** The ratio that each goal is about. */
export function judge(goals: readonly Goal[], measured: readonly Measured[]): GoalResult[] {
  const best = bestOfRows(measured);
  return goals.map((goal) => {
    const mine = best.get(goal.of);
    const other = best.get(goal.over);
    return { ...goal, ...(mine && other ? { ratio: mine.milliseconds / other.milliseconds } : {}) };
  });
}

/** One row for each contestant's name: milliseconds a step, on how many threads, and how many times nearmiss. */
export function showTimes(measured: readonly Measured[]): string {
  const best = bestOfRows(measured);
  const mine = best.get("nearmiss")?.milliseconds;
  const rows = [...new Set(measured.map(({ row }) => row))].map((row) => {
    const found = best.get(row);
    if (!found) {
      const error = measured.find((m) => m.row === row)?.error;
      return [row, "", "", "", error ?? "no round was measured"];
    }
    const all = measured
      .filter((m) => m.row === row && m.medians.length > 0)
      .map((m) => `${format(Math.min(...m.medians))} to ${format(Math.max(...m.medians))} on ${m.threads}`);
    const times = mine === undefined ? "" : (found.milliseconds / mine).toFixed(2);
    return [row, format(found.milliseconds), String(found.threads), times, all.join(", ")];
  });
  return showTable([
    ["", "ms a step", "threads", "× nearmiss", "medians of rounds, ms, by threads"],
    ...rows,
  ]);
}

/** One line for each goal. */
export const showGoals = (results: readonly GoalResult[]): string =>
  results
    .map(({ of, over, atMost, ratio }) => {
      const outcome =
        ratio === undefined
          ? "not measured"
          : `${ratio.toFixed(2)}, ${ratio <= atMost ? "reached" : "MISSED"}`;
      return `  ${of} / ${over} ≤ ${atMost}: ${outcome}`;
    })
    .join("\n");

export const format = (milliseconds: number): string =>
  milliseconds >= 100 ? milliseconds.toFixed(0) : milliseconds.toFixed(milliseconds >= 10 ? 1 : 2);

/** Rows of cells under each other; the first row is the heading. */
export function showTable(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `  ${row.map((cell, i) => (isNumber(cell) ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join("  ")}`.trimEnd();
  return rows.map(line).join("\n");
}

const isNumber = (cell: string) => cell !== "" && !Number.isNaN(Number(cell));
