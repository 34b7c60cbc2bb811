/** `nearmiss show SLUG`: a paper's card. */
import type { Paper } from "../types.ts";
import { decisionWord } from "./decisions.ts";
import { type Format, print, styled, wrap } from "./output.ts";
import { requirePaper } from "./papers.ts";

export function show(slug: string, { format }: { format: Format }): void {
  print(format, requirePaper(slug), toText);
}

function toText(paper: Paper): string {
  const section = (name: string, text: string | undefined) =>
    text ? [`${styled("bold", name)}\n${text}`] : [];
  const list = (items: string[] = []) => items.map((item) => wrap(item)).join("\n");
  const facts = [paper.family, paper.kind, paper.year, paper.arxiv && `arXiv ${paper.arxiv}`];
  const verdicts = paper.verdicts.map(
    ({ claim, decision, scale }) => `  ${claim}: ${decisionWord(decision)} (scale ${scale})`,
  );
  return [
    [styled("bold", wrap(paper.title, "")), styled("dim", facts.filter(Boolean).join(", "))]
      .filter((line) => line !== styled("dim", ""))
      .join("\n"),
    ...section("Summary", paper.summary && wrap(paper.summary)),
    ...section("Claim", paper.claim && wrap(paper.claim)),
    ...section("Verdicts", verdicts.join("\n")),
    ...section("Formula", paper.formula && `  ${paper.formula}`),
    ...section("Exports", list(paper.exports)),
    ...section("Notes", list(paper.notes)),
    ...section("Abstract", paper.abstract && wrap(paper.abstract)),
    ...section(
      "Links",
      [paper.link, paper.code]
        .filter(Boolean)
        .map((link) => `  ${link}`)
        .join("\n"),
    ),
    paper.runnable
      ? `Run it: nearmiss run ${paper.slug}`
      : styled("dim", "It has no study yet, so it cannot run."),
  ].join("\n\n");
}
