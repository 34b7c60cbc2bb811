/**
 * Tables out of comma-separated text (RFC 4180): typed columns, nothing guessed beyond what the
 * values prove, nothing dropped.
 *
 *     const table = await readCsv("flowers.csv", { types: { plot: "category" } });
 *     const width = columnOf(table, "width", "number").values;
 *
 * A column's type is the first of these that fits every value present: boolean, number, date,
 * category, text. See `ColumnType` for what fits.
 */
import { CsvError, parse } from "csv-parse/sync";
import { checkLength, defaultMaxBytes, readTextFile, type TextFileOptions } from "./text-file.ts";

/**
 * - boolean: true and false, in any case of letters;
 * - number: decimal numbers that a float64 holds: not 007 (a code), not integers beyond 2^53 (an id);
 * - date: ISO 8601, 2024-02-29 or with a time; without a zone it is UTC. Other orders of day and month
 *   are ambiguous and stay text;
 * - category: at most `maxCategories` different values, each present twice or more on average;
 * - text: anything.
 */
export type ColumnType = "boolean" | "number" | "date" | "category" | "text";

/** One column; a value that is missing is NaN, -1 (an index of no category) or null. */
export type Column =
  | { name: string; type: "number"; values: Float64Array }
  /** Milliseconds since 1970-01-01, UTC. */
  | { name: string; type: "date"; values: Float64Array }
  /** `values` index `categories`, which are in code unit order. */
  | { name: string; type: "category"; values: Int32Array; categories: string[] }
  | { name: string; type: "boolean"; values: (boolean | null)[] }
  | { name: string; type: "text"; values: (string | null)[] };

export interface Table {
  /** Number of rows, the header not counted. */
  rows: number;
  columns: Column[];
}

export interface CsvOptions {
  /** Default ",". */
  delimiter?: string;
  /** Whether the first row names the columns. Default true; else they are "column 1", "column 2", … */
  header?: boolean;
  /** Texts that mean "no value", spaces around them aside. Default: "", "NA", "N/A", "NaN", "null". */
  missing?: readonly string[];
  /** Types of columns by name, instead of inferred ones. A value that does not fit is an error. */
  types?: Record<string, ColumnType>;
  /** Most categories of a column. Default 1000. */
  maxCategories?: number;
  /** Default 1,000,000. */
  maxRows?: number;
  /** Longest text, in bytes. Default 256 MiB. */
  maxBytes?: number;
}

/**
 * Reads a table from a file. The whole file is held in memory.
 *
 * @throws RangeError as `parseCsv`, the message starting with the path
 */
export async function readCsv(path: string, options: CsvOptions & TextFileOptions = {}): Promise<Table> {
  return tableOf(path, await readTextFile(path, options), options);
}

/**
 * Reads a table from text. Quoted fields, doubled quotes, line breaks within quotes, CRLF or LF and a
 * byte order mark are understood. Blank lines are skipped, except that in a table with one column
 * each is a missing value.
 *
 * @throws RangeError naming the line, for a row with too many or too few fields, a broken quote, or a
 *   value that is not of the type given in `types`; for repeated column names and for exceeded limits
 */
export function parseCsv(text: string, options: CsvOptions = {}): Table {
  return tableOf("csv", text, options);
}

/**
 * A table's column by name.
 *
 * @param type where given, the type that it must have
 * @throws RangeError listing the columns where there is none of this name, or one of another type
 */
export function columnOf(table: Table, name: string): Column;
export function columnOf<T extends ColumnType>(table: Table, name: string, type: T): Column & { type: T };
export function columnOf(table: Table, name: string, type?: ColumnType): Column {
  const column = table.columns.find((column) => column.name === name);
  const list = table.columns.map((column) => `"${column.name}" (${column.type})`).join(", ");
  if (!column) throw new RangeError(`columnOf: no column is named "${name}"; there are ${list}`);
  if (type && column.type !== type)
    throw new RangeError(`columnOf: column "${name}" is of type ${column.type}, not ${type}`);
  return column;
}

const usualMissing = ["", "NA", "N/A", "NaN", "null"];

function tableOf(source: string, text: string, options: CsvOptions): Table {
  const { header = true, missing = usualMissing, types = {}, maxCategories = 1000 } = options;
  const { rows, lines } = records(source, text, options);
  const names = header
    ? rows[0].map((name, i) => name.trim() || `column ${i + 1}`)
    : rows[0].map((_, i) => `column ${i + 1}`);
  const repeated = names.find((name, i) => names.indexOf(name) < i);
  if (repeated !== undefined) throw new RangeError(`${source}: two columns are named "${repeated}"`);
  const stray = Object.keys(types).find((name) => !names.includes(name));
  if (stray !== undefined)
    throw new RangeError(`${source}: types names "${stray}", the columns are ${names.join(", ")}`);

  const first = header ? 1 : 0;
  const absent = new Set(missing);
  const columns = names.map((name, column) => {
    const values: (string | null)[] = [];
    for (let row = first; row < rows.length; row++) {
      const value = rows[row][column];
      values.push(absent.has(value.trim()) ? null : value);
    }
    // A plain lookup would find "constructor" in every object.
    const given = Object.hasOwn(types, name) ? types[name] : undefined;
    const type = given ?? inferType(values, maxCategories);
    const fail = (row: number, wanted: string): never => {
      const line = lines[row + first];
      throw new RangeError(
        `${source}: line ${line}, column "${name}": ${JSON.stringify(values[row])} is ${wanted}`,
      );
    };
    return typedColumn(name, type, values, maxCategories, fail);
  });
  return { rows: rows.length - first, columns };
}

/** The fields of each row as text, all rows of one length, and the line where each row ends. */
function records(source: string, text: string, options: CsvOptions): { rows: string[][]; lines: number[] } {
  const { delimiter = ",", header = true, maxRows = 1_000_000, maxBytes = defaultMaxBytes } = options;
  checkLength(source, text, maxBytes);
  const rows: string[][] = [];
  const lines: number[] = [];
  const limit = maxRows + (header ? 1 : 0);
  try {
    parse(text, {
      bom: true,
      delimiter,
      // Left to itself the parser takes the first line's ending for all.
      record_delimiter: ["\r\n", "\n", "\r"],
      // Lengths are checked below: which blank lines count depends on the first row.
      relax_column_count: true,
      on_record: (fields: string[], { lines: line }) => {
        const width = rows[0]?.length ?? 0;
        if (fields.length === 1 && fields[0] === "" && width !== 1) return null;
        if (rows.length > 0 && fields.length !== width)
          throw new RangeError(
            `${source}: the row that ends on line ${line} has ${fields.length} fields, the first row has ${width}`,
          );
        if (rows.length === limit)
          throw new RangeError(
            `${source}: line ${line} exceeds the limit of ${maxRows} rows (option maxRows)`,
          );
        rows.push(fields);
        lines.push(line);
        return null;
      },
    });
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause;
    // The parser would name the last line of the text.
    const unclosed = `a quote that opens after line ${lines.at(-1) ?? 0} is never closed`;
    const reason = cause.code === "CSV_QUOTE_NOT_CLOSED" ? unclosed : cause.message;
    throw new RangeError(`${source}: ${reason}`, { cause });
  }
  if (rows.length === 0) throw new RangeError(`${source}: there is no row; a header at least is needed`);
  return { rows, lines };
}

function inferType(values: (string | null)[], maxCategories: number): ColumnType {
  const present = values.filter((value) => value !== null);
  if (present.length === 0) return "text";
  if (present.every((value) => truth(value) !== undefined)) return "boolean";
  if (present.every((value) => number(value) !== undefined && !isCode(value))) return "number";
  if (present.every((value) => date(value) !== undefined)) return "date";
  const different = new Set<string>();
  for (const value of present) {
    different.add(value);
    if (different.size > maxCategories) return "text";
  }
  return different.size * 2 <= present.length ? "category" : "text";
}

function typedColumn(
  name: string,
  type: ColumnType,
  values: (string | null)[],
  maxCategories: number,
  fail: (row: number, wanted: string) => never,
): Column {
  const numbers = (read: (value: string) => number | undefined, wanted: string) =>
    Float64Array.from(values, (value, row) =>
      value === null ? Number.NaN : (read(value) ?? fail(row, wanted)),
    );
  switch (type) {
    case "number":
      return { name, type, values: numbers(number, "no decimal number") };
    case "date":
      return { name, type, values: numbers(date, "no ISO 8601 date") };
    case "boolean": {
      const read = (value: string, row: number) => truth(value) ?? fail(row, "neither true nor false");
      return { name, type, values: values.map((value, row) => (value === null ? null : read(value, row))) };
    }
    case "category": {
      const categories = [...new Set(values.filter((value) => value !== null))].sort();
      if (categories.length > maxCategories)
        throw new RangeError(
          `column "${name}" has ${categories.length} categories, the limit is ${maxCategories} (maxCategories)`,
        );
      const indices = new Map(categories.map((category, i) => [category, i]));
      return {
        name,
        type,
        values: Int32Array.from(values, (value) => (value === null ? -1 : indices.get(value)!)),
        categories,
      };
    }
    case "text":
      return { name, type, values };
    default:
      throw new RangeError(`types: "${type satisfies never}" of column "${name}" is no type of column`);
  }
}

function truth(value: string): boolean | undefined {
  const word = value.trim().toLowerCase();
  return word === "true" ? true : word === "false" ? false : undefined;
}

function number(value: string): number | undefined {
  if (!/^\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*$/i.test(value)) return undefined;
  const parsed = Number(value);
  return Number.isFinite(parsed) ? parsed : undefined;
}

/** Digits that a number would not give back: leading zeros, or integers beyond what a float64 holds. */
function isCode(value: string): boolean {
  const text = value.trim().replace(/^[+-]/, "");
  return /^0\d/.test(text) || (/^\d+$/.test(text) && !Number.isSafeInteger(Number(text)));
}

const datePattern =
  /^\s*(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?(Z|[+-]\d\d:?\d\d)?)?\s*$/;

function date(value: string): number | undefined {
  const match = datePattern.exec(value);
  if (!match) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map((part) => Number(part ?? 0));
  const milliseconds = Number(`0.${match[7] ?? 0}`) * 1000;
  const start = new Date(0);
  start.setUTCFullYear(year, month - 1, day);
  // Date.UTC turns 30 February into 1 or 2 March.
  if (start.getUTCMonth() !== month - 1 || start.getUTCDate() !== day) return undefined;
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  const zone = match[8] && match[8] !== "Z" ? match[8].replace(":", "") : "+0000";
  const offset = (Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3))) * (zone[0] === "-" ? -1 : 1);
  return start.getTime() + ((hour * 60 + minute - offset) * 60 + second) * 1000 + Math.floor(milliseconds);
}
