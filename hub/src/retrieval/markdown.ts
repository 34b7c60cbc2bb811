/** A folder of Markdown as documents: one for each heading's section. */
import { readdir } from "node:fs/promises";
import { extname, join, relative, sep } from "node:path";
import type { Document } from "./corpus.ts";
import { readText } from "./items.ts";

/** All sections of all Markdown files below a folder, files in the order of their names. */
export async function readMarkdownFolder(folder: string): Promise<Document[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile() && [".md", ".markdown"].includes(extname(entry.name).toLowerCase()))
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((file) => !relative(folder, file).split(sep).includes("node_modules"))
    .sort();
  const documents: Document[] = [];
  for (const file of files)
    documents.push(...markdownSections(relative(folder, file).split(sep).join("/"), await readText(file)));
  return documents;
}

/**
 * A Markdown text's sections. A title is the path of headings, so that "Install" of one page is not that of
 * another; sections without text lend only their heading. Marks and link targets are left out, code stays.
 */
export function markdownSections(path: string, markdown: string): Document[] {
  const sections: { headings: string[]; lines: string[] }[] = [{ headings: [], lines: [] }];
  const open: { level: number; text: string }[] = [];
  let fence = "";
  const start = (level: number, text: string) => {
    while (open.length > 0 && open.at(-1)!.level >= level) open.pop();
    open.push({ level, text });
    sections.push({ headings: open.map((heading) => heading.text), lines: [] });
  };
  for (const line of withoutFrontMatter(markdown).split(/\r?\n/)) {
    const mark = /^ {0,3}(`{3,}|~{3,})/.exec(line)?.[1];
    if (fence !== "") {
      if (mark?.startsWith(fence)) fence = "";
      else sections.at(-1)!.lines.push(line);
      continue;
    }
    if (mark) {
      fence = mark;
      continue;
    }
    const heading = /^ {0,3}(#{1,6})\s+(.*?)\s*#*\s*$/.exec(line);
    if (heading) {
      start(heading[1]!.length, plain(heading[2]!));
      continue;
    }
    const { lines } = sections.at(-1)!;
    const underline = /^ {0,3}(=+|-{2,})\s*$/.exec(line);
    const above = lines.at(-1)?.trim() ?? "";
    if (underline && above !== "" && !/^([-*+>|]|\d+\.)/.test(above)) {
      lines.pop();
      start(underline[1]!.startsWith("=") ? 1 : 2, plain(above));
      continue;
    }
    lines.push(line);
  }
  const seen = new Map<string, number>();
  return sections.flatMap(({ headings, lines }) => {
    const text = plain(lines.join("\n"));
    if (text === "") return [];
    const title = headings.join(": ");
    const name = headings.length === 0 ? path : `${path}#${slug(headings.at(-1)!)}`;
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return [{ id: count === 1 ? name : `${name}-${count}`, title: title || path, text }];
  });
}

const withoutFrontMatter = (text: string) => text.replace(/^\ufeff?---\r?\n[\s\S]*?\r?\n---\r?\n/, "");

/** Text as it is read: comments, tags, link targets and marks of emphasis gone. */
const plain = (text: string) =>
  text
    .replace(/<!--[\s\S]*?-->/g, " ")
    .replace(/!?\[([^\]]*)\]\((?:[^()]|\([^()]*\))*\)/g, "$1")
    .replace(/<\/?[a-z][^>]*>/gi, " ")
    .replace(/(\*+|__|`+)/g, "")
    .replace(/^\s*[|:\s-]+$/gm, "")
    .replace(/\s+/g, " ")
    .trim();

const slug = (heading: string) =>
  heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N}]+/gu, "-")
    .replace(/^-|-$/g, "");
