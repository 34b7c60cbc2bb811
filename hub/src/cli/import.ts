/** `nearmiss import FILE`: takes up the abstracts of a papers page. */
import { readFileSync, statSync } from "node:fs";
import { ImportError, largestImport, readPapersPage } from "../catalog/page-import.ts";
import type { ImportReport } from "../types.ts";
import { CommandError, exitCodes } from "./exit.ts";
import { openHub } from "./hub.ts";
import { type Format, print } from "./output.ts";

export async function importFile(file: string, { format }: { format: Format }): Promise<void> {
  const content = readContent(file);
  // The file is checked before anything is opened: a bad one costs nothing.
  try {
    readPapersPage(content);
  } catch (error) {
    if (error instanceof ImportError)
      throw new CommandError(exitCodes.badFile, `${file}: ${error.message}. Nothing was changed.`);
    throw error;
  }
  const hub = await openHub(`nearmiss import ${file}`);
  try {
    print(format, await hub.importPage(content), toText);
  } finally {
    await hub.close();
  }
}

function readContent(file: string): Uint8Array {
  try {
    // A size that no page has is refused before it is read.
    const { size } = statSync(file);
    if (size > largestImport)
      throw new Error(
        `it has ${(size / 1024 / 1024).toFixed(1)} MB, expected at most ${largestImport / 1024 / 1024}`,
      );
    return readFileSync(file);
  } catch (error) {
    throw new CommandError(exitCodes.badFile, `${file} cannot be read: ${(error as Error).message}`);
  }
}

function toText({ papers, shipped, added, updated, unchanged }: ImportReport): string {
  const count = `${papers} paper${papers === 1 ? "" : "s"}: ${added} added, ${updated} updated, ${unchanged} unchanged.`;
  return `${count} ${shipped} of them ${shipped === 1 ? "is" : "are"} in the collection.`;
}
