import { readFile, stat } from "node:fs/promises";

export interface TextFileOptions {
  /** Largest file that is read, in bytes. Default 256 MiB: tables are held in memory whole. */
  maxBytes?: number;
  /** Any label of the WHATWG Encoding Standard: "utf-8" (default), "windows-1252", "utf-16le", … */
  encoding?: string;
}

export const defaultMaxBytes = 2 ** 28;

/**
 * Reads a text file whole, without its byte order mark.
 *
 * @throws RangeError where the file is larger than `maxBytes`, or its bytes are no text in `encoding`
 */
export async function readTextFile(path: string, options: TextFileOptions = {}): Promise<string> {
  const { maxBytes = defaultMaxBytes, encoding = "utf-8" } = options;
  const { size } = await stat(path);
  if (size > maxBytes)
    throw new RangeError(`${path}: ${size} bytes are more than the limit of ${maxBytes} (option maxBytes)`);
  const decoder = new TextDecoder(encoding, { fatal: true });
  try {
    return decoder.decode(await readFile(path));
  } catch (cause) {
    throw new RangeError(`${path}: the bytes are no ${encoding} text; name its encoding (option encoding)`, {
      cause,
    });
  }
}

/** Refuses texts that are longer than the limit of bytes allows; a code unit is at least one byte. */
export function checkLength(what: string, text: string, maxBytes: number): void {
  if (text.length > maxBytes)
    throw new RangeError(
      `${what}: ${text.length} characters exceed the limit of ${maxBytes} bytes (maxBytes)`,
    );
}
