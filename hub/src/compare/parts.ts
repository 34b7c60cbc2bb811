/** Splits of rows in which equal rows stay together, so that no part knows another's answers. */
import { cellText, columnOf, type Table } from "nearmiss/data";
import type { Random } from "nearmiss/random";

/** Rows that are equal in all of the given columns, in order of their first row. */
export function equalRows(table: Table, names: readonly string[], rows: ArrayLike<number>): number[][] {
  const columns = names.map((name) => columnOf(table, name));
  const groups = new Map<string, number[]>();
  for (let i = 0; i < rows.length; i++) {
    const key = JSON.stringify(columns.map((column) => cellText(column, rows[i])?.trim() ?? null));
    const group = groups.get(key);
    if (group) group.push(rows[i]);
    else groups.set(key, [rows[i]]);
  }
  return [...groups.values()];
}

/**
 * Deals groups of rows out to parts, each class in proportion: groups of a class in random order, the largest
 * first, each to the part that lacks most rows of it. Where groups are single rows, every part gets its share of
 * every class, rounded down or up.
 *
 * @param shares Share of each part; they sum to 1.
 * @param labelOf Class of a row. A group goes by its first row's.
 */
export function dealParts(
  groups: readonly number[][],
  shares: readonly number[],
  labelOf: (row: number) => number,
  random: Random,
): number[][][] {
  const byClass = Map.groupBy(random.shuffle(groups), (group) => labelOf(group[0]));
  const parts: number[][][] = shares.map(() => []);
  for (const label of [...byClass.keys()].sort((a, b) => a - b)) {
    const members = byClass.get(label)!.toSorted((a, b) => b.length - a.length);
    const total = members.reduce((sum, group) => sum + group.length, 0);
    const lacking = shares.map((share) => share * total);
    for (const group of members) {
      const part = lacking.indexOf(Math.max(...lacking));
      lacking[part] -= group.length;
      parts[part].push(group);
    }
  }
  return parts;
}

/** The rows of groups, in ascending order. */
export const rowsIn = (groups: readonly number[][]): Int32Array => Int32Array.from(groups.flat()).sort();
