/** `nearmiss verdicts`: what the latest finished runs have decided, with effects and intervals. */
import type { ClaimVerdict, Decision } from "@nearmiss/papers/study";
import { findHome } from "../store/home.ts";
import { readSnapshot } from "../store/snapshot.ts";
import { decisionWord } from "./decisions.ts";
import { effectName, interval } from "./effects.ts";
import { columns, type Format, lineWidth, print, say, styled } from "./output.ts";
import { readPapers } from "./papers.ts";

/** A paper that can run, and its latest finished run at the largest scale; null where there is none. */
interface PaperVerdicts {
  slug: string;
  title: string;
  run: { id: string; scale: string; finishedAt: string } | null;
  verdicts: ClaimVerdict[];
}

export function verdicts({ format }: { format: Format }): void {
  const { latest = [] } = readSnapshot(findHome(), say);
  const bySlug = new Map(latest.map((result) => [result.slug, result]));
  const papers = readPapers()
    .filter(({ runnable }) => runnable)
    .map(({ slug, title }): PaperVerdicts => {
      const { verdicts = [], ...run } = bySlug.get(slug) ?? {};
      const { id, scale, finishedAt } = run as NonNullable<PaperVerdicts["run"]>;
      return { slug, title, run: id === undefined ? null : { id, scale, finishedAt }, verdicts };
    });
  print(format, papers, toText);
}

function toText(papers: PaperVerdicts[]): string {
  const head = ["paper", "scale", "claim", "verdict", "compared", "difference and 95 % interval"];
  const rows = columns([head.map((name) => styled("dim", name)), ...papers.flatMap(paperRows)], lineWidth());
  const decisions = papers.flatMap((paper) => paper.verdicts.map((verdict) => verdict.decision));
  const count = (decision: Decision) => decisions.filter((other) => other === decision).length;
  const total = `${papers.length} can run, ${papers.filter(({ run }) => run !== null).length} have run: ${count("supports")} claims supported, ${count("contradicts")} contradicted, ${count("inconclusive")} inconclusive`;
  return [...rows, "", styled("dim", total)].join("\n");
}

/** A row for each effect; what it shares with the row above is left out. */
function paperRows({ slug, run, verdicts }: PaperVerdicts): string[][] {
  if (run === null) return [[slug, "", "", styled("dim", "not run yet"), "", ""]];
  return verdicts.flatMap(({ claim, decision, effects }, claimIndex) =>
    effects.map((effect, effectIndex) => [
      ...(claimIndex + effectIndex === 0 ? [slug, run.scale] : ["", ""]),
      ...(effectIndex === 0 ? [claim, decisionWord(decision)] : ["", ""]),
      effectName(effect),
      interval(effect),
    ]),
  );
}
