/** `nearmiss run --all`: every paper that can run, one after the other, a line each. */
import { stripVTControlCharacters } from "node:util";
import type { RunRecord } from "../types.ts";
import { summaryWord } from "./decisions.ts";
import { CommandError, exitCodes } from "./exit.ts";
import { print, styled } from "./output.ts";
import { readPapers } from "./papers.ts";
import { type RunOptions, secondsOf } from "./run.ts";
import { withRunner } from "./runner.ts";

/** A run that fails does not keep the next from starting; the command's end tells of it. */
export async function runAll({ scale, seeds, fresh, format }: RunOptions): Promise<void> {
  const slugs = readPapers().flatMap(({ slug, runnable }) => (runnable ? [slug] : []));
  const width = Math.max(...slugs.map((slug) => slug.length), 0);
  const records: RunRecord[] = [];
  await withRunner("nearmiss run --all", async (runner) => {
    for (const slug of slugs) {
      if (runner.interrupted()) break;
      const { record, stored } = await runner.run({ slug, scale, seeds }, { fresh });
      records.push(record);
      if (format === "text") print(format, record, () => line(record, stored, width));
    }
    if (format === "json") print(format, records, String);
    const missing = slugs.length - records.filter(({ status }) => status === "done").length;
    if (runner.interrupted() && missing > 0)
      throw new CommandError(
        exitCodes.stopped,
        `Stopped: ${missing} of ${slugs.length} papers were not run.`,
      );
    const failed = records.filter(({ status }) => status !== "done").map(({ slug }) => slug);
    if (failed.length > 0)
      throw new CommandError(
        exitCodes.runFailed,
        `${failed.length} of ${slugs.length} runs failed: ${failed.join(", ")}.`,
      );
  });
}

/** A run in a line: paper, what its claims came to, how long it took or why it failed. */
function line(record: RunRecord, stored: boolean, width: number): string {
  const { slug, status, verdicts, error } = record;
  const word =
    status === "done" ? summaryWord(verdicts.map(({ decision }) => decision)) : styled("red", status);
  const padding = " ".repeat(Math.max(0, 12 - stripVTControlCharacters(word).length));
  const note = error ?? (stored ? "stored" : `${secondsOf(record).toFixed(1)} s`);
  return `${slug.padEnd(width)}  ${word}${padding}  ${styled("dim", note)}`;
}
