/** What goes to the terminal: results on stdout, everything else on stderr. */
import { stripVTControlCharacters, styleText } from "node:util";

export type Format = "text" | "json";

/** Prints a result, as one JSON document or as text. */
export function print<Value>(format: Format, value: Value, toText: (value: Value) => string): void {
  process.stdout.write(`${format === "json" ? JSON.stringify(value, null, 2) : toText(value)}\n`);
}

/** Says something to the user that is not the result. */
export function say(message: string): void {
  process.stderr.write(`${message}\n`);
}

type Style = Parameters<typeof styleText>[0];

/** Coloured where stdout is a terminal that wants it; NO_COLOR is heard. */
export const styled = (style: Style, text: string) => styleText(style, text, { stream: process.stdout });

/** Characters a line: the terminal's, or none to speak of where the output is not one. */
export const lineWidth = () => (process.stdout.isTTY ? Math.max(40, process.stdout.columns ?? 80) : Infinity);

/** Characters a line of prose: never wider than is good to read. */
export const proseWidth = () => Math.min(lineWidth(), 88);

/** Rows with their columns aligned, two spaces between; the last column, plain text, is cut to the width. */
export function columns(rows: readonly (readonly string[])[], width = Infinity): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length)) - 1;
  const widths = Array.from({ length: count }, (_, column) =>
    Math.max(...rows.map((row) => visibleLength(row[column]))),
  );
  const left = width - widths.reduce((sum, columnWidth) => sum + columnWidth + 2, 0);
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === count ? cut(cell, left) : cell + " ".repeat(widths[column] - visibleLength(cell)),
      )
      .join("  ")
      .trimEnd(),
  );
}

/** Cuts a line that is too long and marks the place. */
export function cut(text: string, width: number): string {
  return text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;
}

/** Breaks prose into indented lines. */
export function wrap(text: string, indent = "  ", width = proseWidth()): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(/\s+/)) {
    if (line !== "" && indent.length + line.length + 1 + word.length > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  lines.push(line);
  return lines.map((part) => indent + part).join("\n");
}

/** A number with four significant digits, as short as it gets. */
export function short(value: number): string {
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  return magnitude >= 1e-4 && magnitude < 1e6 ? String(Number(value.toPrecision(4))) : value.toExponential(2);
}

const visibleLength = (text: string) => stripVTControlCharacters(text).length;
