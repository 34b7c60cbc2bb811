/** A user's file as items: JSON Lines, CSV or tab-separated values, gzipped or not, each with its place. */
import { readFile } from "node:fs/promises";
import { extname } from "node:path";
import { gunzipSync } from "node:zlib";
import { columnOf, parseCsv, parseJsonl } from "nearmiss/data";

export interface Item {
  /** For messages: "line 3", or "row 3" of a table, the header not counted. */
  place: string;
  values: Record<string, unknown>;
}

/** Most characters of a file, unpacked. */
const MOST = 2 ** 29 - 24;

/**
 * Reads a file's items.
 *
 * @throws RangeError saying what is wrong with the file and where
 */
export async function readItems(file: string): Promise<Item[]> {
  const text = await readText(file);
  const bare = file.replace(/\.gz$/i, "");
  const named = (error: unknown) => {
    const { message } = error as Error;
    return new RangeError(`${file}: ${message.replace(/^(jsonl|csv): /, "")}`, { cause: error });
  };
  try {
    const ending = extname(bare).toLowerCase();
    if ([".csv", ".tsv", ".tab"].includes(ending)) return tableItems(text, ending === ".csv" ? "," : "\t");
    return lineItems(text);
  } catch (error) {
    throw named(error);
  }
}

/** A text file's content, unpacked where it is gzipped. */
export async function readText(file: string): Promise<string> {
  let bytes: Buffer = await readFile(file);
  if (bytes[0] === 0x1f && bytes[1] === 0x8b)
    try {
      bytes = gunzipSync(bytes, { maxOutputLength: MOST });
    } catch (cause) {
      throw new RangeError(`${file}: it cannot be unpacked: ${(cause as Error).message}`, { cause });
    }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new RangeError(`${file}: the bytes are no UTF-8 text`, { cause });
  }
}

function lineItems(text: string): Item[] {
  const lines = text.split("\n").flatMap((line, i) => (line.trim() === "" ? [] : [i + 1]));
  const values = parseJsonl(text, { read: requireObject, maxRows: 5_000_000, maxBytes: MOST });
  return values.map((value, i) => ({ place: `line ${lines[i]}`, values: value }));
}

function requireObject(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value))
    throw new RangeError(`${JSON.stringify(value).slice(0, 80)} is no object; expected {"text": "…", …}`);
  return value as Record<string, unknown>;
}

function tableItems(text: string, delimiter: string): Item[] {
  const settings = { delimiter, missing: [""], maxRows: 5_000_000, maxBytes: MOST };
  // Read twice: names first, then every column as the text that it is, so that 007 stays 007.
  const firstLines = text.slice(0, endOfHeader(text));
  const names = parseCsv(firstLines, settings).columns.map(({ name }) => name);
  const types = Object.fromEntries(names.map((name) => [name, "text" as const]));
  const table = parseCsv(text, { ...settings, types });
  const columns = names.map((name) => ({ name, values: columnOf(table, name, "text").values }));
  return Array.from({ length: table.rows }, (_, row) => ({
    place: `row ${row + 1}`,
    values: Object.fromEntries(columns.map(({ name, values }) => [name, values[row]])),
  }));
}

/** The first line break outside of quotes. */
function endOfHeader(text: string): number {
  let quoted = false;
  for (let i = 0; i < text.length; i++) {
    if (text[i] === '"') quoted = !quoted;
    else if (!quoted && (text[i] === "\n" || text[i] === "\r")) return i;
  }
  return text.length;
}

/**
 * The name under which items hold something: the one that is asked for, or the first usual one that occurs.
 *
 * @throws RangeError naming the names that there are, where none is it
 */
export function nameIn(
  file: string,
  items: readonly Item[],
  what: string,
  usual: readonly string[],
  asked?: { option: string; name?: string },
): string {
  const found = findName(items, asked?.name === undefined ? usual : [asked.name]);
  if (found !== undefined) return found;
  const names = namesOf(items)
    .map((name) => `"${name}"`)
    .join(", ");
  if (asked?.name !== undefined)
    throw new RangeError(`${file}: ${asked.option}: no column is named "${asked.name}"; there are ${names}`);
  const hint = asked ? `, or ${asked.option} with the column's name` : "";
  throw new RangeError(
    `${file}: no column for the ${what}; there are ${names}, expected one of ${usual.join(", ")}${hint}`,
  );
}

/** The first of the names that occurs in any of the first thousand items. */
export const findName = (items: readonly Item[], names: readonly string[]): string | undefined => {
  const there = namesOf(items);
  return names.find((name) => there.includes(name));
};

const namesOf = (items: readonly Item[]): string[] => [
  ...new Set(items.slice(0, 1000).flatMap(({ values }) => Object.keys(values))),
];

/** A value as text: lists of texts are joined, nothing is empty. */
export function asText(value: unknown, file: string, place: string, name: string): string {
  if (value === undefined || value === null) return "";
  if (typeof value === "string") return value.trim();
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (Array.isArray(value)) return value.map((part) => asText(part, file, place, name)).join(" ");
  throw new RangeError(`${file}: ${place}: "${name}" is an object; expected a text`);
}
