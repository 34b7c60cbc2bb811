/** For tests: tables whose answers are known. */
import { parseCsv, type Table } from "nearmiss/data";
import { random } from "nearmiss/random";
import { csvLine } from "./csv-line.ts";

/**
 * Rows of two classes whose `x` differ by `distance` standard deviations; a share of them is "rare". Beside it a
 * number that says nothing, a category that says a little, and a text.
 */
export function twoClassText(rows: number, rare: number, distance = 2): string {
  const stream = random("two classes");
  const lines = Array.from({ length: rows }, () => {
    const positive = stream.next() < rare;
    const [x, noise] = stream.normal(2);
    const color = stream.next() < (positive ? 0.6 : 0.4) ? "red" : "green";
    const note = stream.next() < 0.5 ? "seen at noon" : "seen by night, twice";
    return csvLine([
      String((x + (positive ? distance : 0)).toFixed(4)),
      stream.next() < 0.05 ? "" : noise.toFixed(4),
      color,
      `${note} ${stream.integer(0, rows)}`,
      positive ? "rare" : "usual",
    ]);
  });
  return [csvLine(["x", "noise", "color", "note", "kind"]), ...lines].join("");
}

export const twoClasses = (rows: number, rare: number, distance?: number): Table =>
  parseCsv(twoClassText(rows, rare, distance));

/** Rows with a number y = 3 a − 2 b + noise. */
export function numbersText(rows: number, seed = 1): string {
  const stream = random(seed);
  const lines = Array.from({ length: rows }, () => {
    const [a, b, noise] = stream.normal(3);
    return csvLine([a, b, 100 + 3 * a - 2 * b + 0.3 * noise].map((value) => value.toFixed(4)));
  });
  return [csvLine(["a", "b", "y"]), ...lines].join("");
}
