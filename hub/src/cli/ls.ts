/** `nearmiss ls`: all papers, by family. */
import { families } from "@nearmiss/papers/card";
import type { Paper } from "../types.ts";
import { summaryWord } from "./decisions.ts";
import { columns, type Format, lineWidth, print, styled } from "./output.ts";
import { readPapers } from "./papers.ts";

export function ls({ family, format }: { family?: string; format: Format }): void {
  const papers = readPapers().filter((paper) => family === undefined || paper.family === family);
  const listed = papers.map(({ slug, title, family, runnable, verdicts }) => ({
    slug,
    title,
    family,
    runnable,
    verdicts,
  }));
  print(format, listed, toText);
}

type Listed = Pick<Paper, "slug" | "title" | "family" | "runnable" | "verdicts">;

function toText(papers: Listed[]): string {
  const rows = columns(
    papers.map((paper) => [paper.slug, state(paper), paper.title]),
    lineWidth() - 2,
  );
  const groups = [...families, undefined].flatMap((family) => {
    const lines = rows.filter((_, index) => papers[index].family === family);
    return lines.length === 0
      ? []
      : [`${styled("bold", family ?? "imported")}\n${lines.map((line) => `  ${line}`).join("\n")}`];
  });
  const runnable = papers.filter((paper) => paper.runnable).length;
  const total = `${papers.length} paper${papers.length === 1 ? "" : "s"}, ${runnable} can run`;
  return [...groups, styled("dim", total)].join("\n\n");
}

/** What is known of a paper's claims, in a word. */
function state({ runnable, verdicts }: Listed): string {
  if (verdicts.length > 0) return summaryWord(verdicts.map((verdict) => verdict.decision));
  return runnable ? styled("dim", "not run yet") : "";
}
