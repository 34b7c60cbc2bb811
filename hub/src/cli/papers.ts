/** The papers as the read-only commands see them: cards and the snapshot, never the database. */
import { papersRoot, readPaperFiles } from "@nearmiss/papers";
import { mergePapers } from "../catalog/papers.ts";
import { nearNames } from "../catalog/titles.ts";
import { findHome } from "../store/home.ts";
import { readSnapshot } from "../store/snapshot.ts";
import type { Paper } from "../types.ts";
import { CommandError, exitCodes } from "./exit.ts";
import { say } from "./output.ts";

/** The folder of the paper files: NEARMISS_PAPERS, or the shipped one. */
export const papersFolder = () => process.env.NEARMISS_PAPERS || papersRoot;

export function readPapers(): Paper[] {
  return mergePapers(readPaperFiles(papersFolder()), readSnapshot(findHome(), say));
}

/** @throws CommandError with near names where there is no such paper */
export function requirePaper(slug: string): Paper {
  const papers = readPapers();
  const paper = papers.find((candidate) => candidate.slug === slug);
  if (paper !== undefined) return paper;
  const near = nearNames(
    slug,
    papers.map((candidate) => candidate.slug),
  );
  const hint = near.length > 0 ? `Did you mean ${orList(near)}?` : "See nearmiss ls, or nearmiss search.";
  throw new CommandError(exitCodes.notFound, `There is no paper "${slug}". ${hint}`);
}

const orList = (names: string[]) =>
  names.length === 1 ? names[0] : `${names.slice(0, -1).join(", ")} or ${names.at(-1)}`;
