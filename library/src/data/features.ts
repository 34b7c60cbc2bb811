/**
 * Columns of a table as numbers for a network. An encoder is fitted on training rows and is plain JSON; applied
 * to any rows of the same columns it gives one row of numbers each, whatever values those hold.
 *
 *     const encoder = fitFeatures(table, { columns: ["age", "city", "note"], rows: training });
 *     const x = encodeFeatures(encoder, table, validation); // [validation.length, encoder.width]
 */
import { denseBag, hashedBag } from "../text/index.ts";
import { type Column, type ColumnType, columnOf, type Table } from "./csv.ts";

/** How one column becomes numbers. Slots "for missing" and "for other" exist only where training rows fill them. */
export type ColumnEncoding =
  /** (x − mean) / deviation, held within ±10, and then 1 where the value is missing, if there is a slot for it. */
  | { name: string; kind: "number" | "date"; mean: number; deviation: number; missing: boolean }
  /** One slot a category, then one for all other categories, then one for missing values. */
  | { name: string; kind: "category"; categories: string[]; other: boolean; missing: boolean }
  /** log(1 + count) of the words in hashed buckets. A missing text has no words. */
  | { name: string; kind: "text"; buckets: number };

export interface FeatureEncoder {
  columns: ColumnEncoding[];
  /** Numbers a row. */
  width: number;
}

export interface FeatureOptions {
  /** Names of the columns to encode. Default: all. */
  columns?: readonly string[];
  /** The rows to learn from. Default: all. */
  rows?: ArrayLike<number>;
  /** Most categories of a column that get a slot; the rarest beyond count as other. Default 64. */
  maxCategories?: number;
  /** Buckets for the words of a text column. Default 1024. */
  buckets?: number;
}

/** Rarer categories share the slot for other ones, which so is trained too. */
const LEAST_COUNT = 2;
/** Numbers far outside of what was seen would drown all others. */
const LARGEST = 10;
/** Texts are read so far: what makes a text one thing or another is mostly said early. */
const LONGEST_TEXT = 20_000;

/**
 * Learns how to encode columns: means, deviations and categories of the given rows and of no others.
 *
 * @throws RangeError for a column that the table has not, or without any row
 */
export function fitFeatures(table: Table, options: FeatureOptions = {}): FeatureEncoder {
  const { maxCategories = 64, buckets = 1024 } = options;
  for (const [name, value] of Object.entries({ maxCategories, buckets }))
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new RangeError(`fitFeatures: ${name} is ${value}; expected a whole number of at least 1`);
  const rows = options.rows ?? allRows(table);
  if (rows.length === 0) throw new RangeError("fitFeatures: rows is empty; expected at least one row");
  const names = options.columns ?? table.columns.map(({ name }) => name);
  const columns = names.map((name): ColumnEncoding => {
    const column = columnOf(table, name);
    if (column.type === "number" || column.type === "date") return fitNumber(column, rows);
    if (column.type === "text") return { name, kind: "text", buckets };
    return fitCategory(column, rows, maxCategories);
  });
  return { columns, width: columns.reduce((sum, column) => sum + widthOf(column), 0) };
}

/**
 * Encodes rows. Unknown categories count as other; missing numbers as the mean.
 *
 * @param rows Default: all.
 * @returns [rows, encoder.width], row by row
 * @throws RangeError for a column that the table has not, or a text where the encoder needs a number
 */
export function encodeFeatures(
  encoder: FeatureEncoder,
  table: Table,
  rows: ArrayLike<number> = allRows(table),
): Float32Array<ArrayBuffer> {
  const { width } = encoder;
  const out = new Float32Array(rows.length * width);
  let start = 0;
  for (const encoding of encoder.columns) {
    const write = writer(encoding, columnOf(table, encoding.name));
    for (let i = 0; i < rows.length; i++) write(out, i * width + start, rows[i]);
    start += widthOf(encoding);
  }
  return out;
}

/**
 * Types to read a file of new rows with, so that a column means what it meant in training even where the new
 * values would suggest another type: the option `types` of `readCsv`.
 */
export function featureTypes(encoder: FeatureEncoder): Record<string, ColumnType> {
  const type = (kind: ColumnEncoding["kind"]): ColumnType => (kind === "category" ? "text" : kind);
  return Object.fromEntries(encoder.columns.map(({ name, kind }) => [name, type(kind)]));
}

/** The text of a value as the file has it, but for numbers and dates, which are written anew; null if missing. */
export function cellText(column: Column, row: number): string | null {
  switch (column.type) {
    case "category":
      return column.values[row] < 0 ? null : column.categories[column.values[row]];
    case "text":
      return column.values[row];
    case "boolean":
      return column.values[row] === null ? null : String(column.values[row]);
    case "date":
      return Number.isNaN(column.values[row]) ? null : new Date(column.values[row]).toISOString();
    case "number":
      return Number.isNaN(column.values[row]) ? null : String(column.values[row]);
  }
}

/** Numbers that a column takes in a row. */
export function widthOf(encoding: ColumnEncoding): number {
  if (encoding.kind === "text") return encoding.buckets;
  if (encoding.kind === "category")
    return encoding.categories.length + Number(encoding.other) + Number(encoding.missing);
  return 1 + Number(encoding.missing);
}

function fitNumber(column: Column & { type: "number" | "date" }, rows: ArrayLike<number>): ColumnEncoding {
  let [count, mean, squares] = [0, 0, 0];
  for (let i = 0; i < rows.length; i++) {
    const value = column.values[rows[i]];
    if (Number.isNaN(value)) continue;
    count++;
    const before = value - mean;
    mean += before / count;
    squares += before * (value - mean);
  }
  const { name, type: kind } = column;
  return {
    name,
    kind,
    mean,
    deviation: count > 1 ? Math.sqrt(squares / (count - 1)) : 0,
    missing: count < rows.length,
  };
}

function fitCategory(column: Column, rows: ArrayLike<number>, maxCategories: number): ColumnEncoding {
  const counts = new Map<string, number>();
  let missing = false;
  for (let i = 0; i < rows.length; i++) {
    const value = cellText(column, rows[i]);
    if (value === null) missing = true;
    else counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const frequent = [...counts]
    .filter(([, count]) => count >= LEAST_COUNT)
    .sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1))
    .slice(0, maxCategories)
    .map(([category]) => category);
  const other = counts.size > frequent.length;
  return { name: column.name, kind: "category", categories: frequent.sort(), other, missing };
}

type Write = (out: Float32Array, at: number, row: number) => void;

function writer(encoding: ColumnEncoding, column: Column): Write {
  switch (encoding.kind) {
    case "text":
      return (out, at, row) => {
        const text = cellText(column, row)?.slice(0, LONGEST_TEXT) ?? "";
        out.set(
          denseBag(hashedBag(text, encoding.buckets), encoding.buckets).map((count) => Math.log1p(count)),
          at,
        );
      };
    case "category": {
      const { categories, other, missing } = encoding;
      const slots = new Map(categories.map((category, i) => [category, i]));
      return (out, at, row) => {
        const value = cellText(column, row);
        // An input that was 0 in all of training has weights that nobody chose: it stays 0.
        if (value === null && missing) out[at + categories.length + Number(other)] = 1;
        else if (value !== null && slots.has(value)) out[at + slots.get(value)!] = 1;
        else if (other) out[at + categories.length] = 1;
      };
    }
    default: {
      const { mean, deviation, missing } = encoding;
      return (out, at, row) => {
        const value = numberOf(column, row);
        if (Number.isNaN(value)) {
          if (missing) out[at + 1] = 1;
        } else if (deviation > 0) {
          out[at] = Math.max(-LARGEST, Math.min(LARGEST, (value - mean) / deviation));
        }
      };
    }
  }
}

function numberOf(column: Column, row: number): number {
  if (column.type === "number" || column.type === "date") return column.values[row];
  const text = cellText(column, row);
  if (text === null) return Number.NaN;
  throw new RangeError(
    `encodeFeatures: column "${column.name}" is ${JSON.stringify(text)} in row ${row + 1}; expected a number`,
  );
}

const allRows = (table: Table) => Int32Array.from({ length: table.rows }, (_, i) => i);
