/** The parts of a report: a page that needs nothing else, tables, keys of plots. */
import { style } from "./style.ts";
import { mark, type Series, escapeText as text } from "./svg.ts";

/** An HTML page; sections are HTML. */
export function page(title: string, sections: readonly string[], footer: string): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${text(title)}</title>
<style>${style}</style>
</head>
<body>
<main>
${sections.join("\n")}
<footer>${text(footer)}</footer>
</main>
</body>
</html>
`;
}

export function table(
  caption: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const headings = head.map((cell) => `<th scope="col">${text(cell)}</th>`).join("");
  const body = rows.map(
    ([first, ...rest]) =>
      `<tr><th scope="row">${text(first ?? "")}</th>${rest.map((cell) => `<td>${text(cell)}</td>`).join("")}</tr>`,
  );
  return `<table><caption>${text(caption)}</caption><thead><tr>${headings}</tr></thead><tbody>${body.join("")}</tbody></table>`;
}

export function key(entries: readonly (readonly [Series, string])[]): string {
  const item = ([series, name]: readonly [Series, string]) =>
    `<li><svg width="14" height="14" viewBox="0 0 14 14" aria-hidden="true">${mark(series, 7, 7)}</svg>${text(name)}</li>`;
  return `<ul class="key">${entries.map(item).join("")}</ul>`;
}

/** Wide content scrolls within itself, by keyboard too. */
export const figure = (content: string, name: string) =>
  `<div class="wide" tabindex="0" role="region" aria-label="${text(name)}">${content}</div>`;

export const list = (items: readonly string[]) =>
  `<ul>${items.map((item) => `<li>${text(item)}</li>`).join("\n")}</ul>`;

export const paragraph = (content: string, name = "") =>
  `<p${name === "" ? "" : ` class="${name}"`}>${text(content)}</p>`;

/** "nearmiss 0.1.0, node v24" and so on. */
export const versionsText = (versions: Record<string, string>) =>
  Object.entries(versions)
    .map(([name, version]) => `${name} ${version}`)
    .join(", ");
