/** A user's file as a table: CSV, tab-separated values, or JSON Lines, by its ending. */
import { extname } from "node:path";
import { type ColumnType, type CsvOptions, parseCsv, readCsv, readJsonl, type Table } from "nearmiss/data";
import { csvLine } from "./csv-line.ts";

export interface RowOptions {
  /** Whether the first line of a CSV file names the columns. Default true. */
  header?: boolean;
  /** A text that means "no value", beside the usual ones: nothing, NA, N/A, NaN, null. */
  missing?: string;
  /** Types of columns that must not be inferred. Columns that the file has not are passed over. */
  types?: Record<string, ColumnType>;
}

/**
 * Reads a file's rows.
 *
 * @throws RangeError saying what is wrong with the file and where, or that it is too large
 */
export async function readRows(file: string, options: RowOptions = {}): Promise<Table> {
  const { header = true, missing, types = {} } = options;
  const settings: CsvOptions = {
    missing: ["", "NA", "N/A", "NaN", "null", ...(missing === undefined ? [] : [missing])],
  };
  const read = await reader(file, { ...settings, header });
  const table = await read({});
  const known = table.columns.filter(({ name }) => Object.hasOwn(types, name));
  if (known.every(({ name, type }) => types[name] === type)) return table;
  return read(Object.fromEntries(known.map(({ name }) => [name, types[name]])));
}

/** Whether a file's name says that it holds JSON Lines. */
export const isJsonLines = (file: string) => [".jsonl", ".ndjson"].includes(extname(file).toLowerCase());

type Read = (types: Record<string, ColumnType>) => Promise<Table>;

async function reader(file: string, settings: CsvOptions): Promise<Read> {
  const delimiter = [".tsv", ".tab"].includes(extname(file).toLowerCase()) ? "\t" : ",";
  if (!isJsonLines(file)) return (types) => readCsv(file, { ...settings, delimiter, types });
  const items = await readJsonl(file, { read: requireItem });
  if (items.length === 0) throw new RangeError(`${file}: there is no row`);
  // As CSV text, its values get the types that they would have in a CSV file.
  const names = [...new Set(items.flatMap((item) => Object.keys(item)))];
  const lines = items.map((item) => csvLine(names.map((name) => oneLine(item[name]))));
  const text = [csvLine(names), ...lines].join("");
  return async (types) => {
    try {
      return parseCsv(text, { ...settings, header: true, types });
    } catch (error) {
      const message = (error as Error).message.replace(/^csv: line (\d+)/, (_, line) => `item ${line - 1}`);
      throw new RangeError(`${file}: ${message}`, { cause: error });
    }
  };
}

type Item = Record<string, string | number | boolean | null | undefined>;

function requireItem(value: unknown): Item {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RangeError(`${JSON.stringify(value).slice(0, 80)} is no object; expected {"column": value, …}`);
  for (const [name, cell] of Object.entries(value))
    if (typeof cell === "object" && cell !== null)
      throw new RangeError(
        `"${name}" is a list or an object; expected a number, a text, true, false or null`,
      );
  return value as Item;
}

/** One line a row, so that a line's number tells the item's. */
const oneLine = (value: Item[string]) => String(value ?? "").replace(/[\r\n]+/g, " ");
