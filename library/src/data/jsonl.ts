/** JSON Lines: one JSON value a line. */
import { checkLength, defaultMaxBytes, readTextFile, type TextFileOptions } from "./text-file.ts";

export interface JsonlOptions<T> {
  /**
   * Turns a line's value into an item; what it throws is thrown with the line's number. A place for a
   * schema's `parse`. Default: the value as it is.
   */
  read?: (value: unknown) => T;
  /** Default 1,000,000. */
  maxRows?: number;
  /** Longest text, in bytes. Default 256 MiB. */
  maxBytes?: number;
}

/**
 * Reads the items of a file. The whole file is held in memory.
 *
 * @throws RangeError as `parseJsonl`, the message starting with the path
 */
export async function readJsonl<T = unknown>(
  path: string,
  options: JsonlOptions<T> & TextFileOptions = {},
): Promise<T[]> {
  return itemsOf(path, await readTextFile(path, options), options);
}

/**
 * Reads the items of a text. Blank lines and a byte order mark are skipped, CRLF is understood.
 *
 * @throws RangeError naming the line that is no JSON or that `read` refuses, and for exceeded limits
 */
export function parseJsonl<T = unknown>(text: string, options: JsonlOptions<T> = {}): T[] {
  return itemsOf("jsonl", text, options);
}

function itemsOf<T>(source: string, text: string, options: JsonlOptions<T>): T[] {
  const { read = (value: unknown) => value as T, maxRows = 1_000_000, maxBytes = defaultMaxBytes } = options;
  checkLength(source, text, maxBytes);
  const items: T[] = [];
  let number = 0;
  for (const line of text.replace(/^\ufeff/, "").split("\n")) {
    number++;
    if (line.trim() === "") continue;
    if (items.length === maxRows)
      throw new RangeError(
        `${source}: line ${number} exceeds the limit of ${maxRows} items (option maxRows)`,
      );
    try {
      items.push(read(JSON.parse(line)));
    } catch (cause) {
      const reason = cause instanceof Error ? cause.message : String(cause);
      throw new RangeError(`${source}: line ${number}: ${reason}`, { cause });
    }
  }
  return items;
}
