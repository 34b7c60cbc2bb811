/** Reads the light marks of a card's texts: `$…$` is a formula, backquotes mark code. */

export interface ProsePart {
  kind: "text" | "formula" | "code";
  text: string;
}

/**
 * A dollar sign opens a formula only where no space follows and closes one only where no space comes
 * before and no digit after, so that prices stay text.
 */
const marks = /\$(?!\s)([^$]+?)(?<!\s)\$(?!\d)|`([^`]+)`/g;

export function splitProse(text: string): ProsePart[] {
  const parts: ProsePart[] = [];
  let end = 0;
  for (const match of text.matchAll(marks)) {
    if (match.index > end) parts.push({ kind: "text", text: text.slice(end, match.index) });
    const [whole, formula, code] = match;
    parts.push(formula !== undefined ? { kind: "formula", text: formula } : { kind: "code", text: code! });
    end = match.index + whole.length;
  }
  if (end < text.length) parts.push({ kind: "text", text: text.slice(end) });
  return parts;
}

/** The text without its marks, for lists. */
export function plainProse(text: string): string {
  return splitProse(text)
    .map((part) => part.text)
    .join("");
}
