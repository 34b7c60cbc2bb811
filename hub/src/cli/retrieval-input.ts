/** What the retrieval commands take: corpora, pairs, judged queries and folders, and what is wrong with them. */
import { existsSync, mkdirSync, readdirSync, statSync } from "node:fs";
import { basename } from "node:path";
import { type Corpus, type CorpusOptions, readCorpus } from "../retrieval/corpus.ts";
import { environment } from "../runs/environment.ts";
import { CommandError, exitCodes } from "./exit.ts";

/** Reads something of the user's; whatever is wrong with it is a bad input file. Faults of ours pass through. */
export async function fromFile<T>(read: () => Promise<T> | T): Promise<T> {
  try {
    return await read();
  } catch (error) {
    const { code, path, message } = error as NodeJS.ErrnoException;
    if (!(error instanceof RangeError || error instanceof SyntaxError || code !== undefined)) throw error;
    const absent = code === "ENOENT" && path !== undefined;
    throw new CommandError(exitCodes.badFile, absent ? `${path}: there is no such file or folder` : message);
  }
}

export const corpusFrom = (path: string, options: CorpusOptions = {}): Promise<Corpus> =>
  fromFile(() => readCorpus(path, options));

/** Where results go: a folder that is not there yet, or an empty one, so that nothing is overwritten. */
export function freeFolder(corpus: string, ending: string, out?: string): string {
  if (out !== undefined) {
    if (existsSync(out) && (!statSync(out).isDirectory() || readdirSync(out).length > 0))
      throw new CommandError(
        exitCodes.wrongUsage,
        `--out: ${out} exists already; expected a new or an empty folder, so that nothing is overwritten.`,
      );
    return out;
  }
  const base = `${basename(corpus).replace(/(\.(jsonl|ndjson|csv|tsv|tab))?(\.gz)?$/i, "") || "corpus"}-${ending}`;
  for (let copy = 1; ; copy++) {
    const folder = copy === 1 ? base : `${base}-${copy}`;
    if (!existsSync(folder)) return folder;
  }
}

export function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new CommandError(exitCodes.failure, `--out: ${folder} cannot be made: ${(error as Error).message}`);
  }
}

/** Versions of what computes. */
export function versions(): Record<string, string> {
  const { nearmiss, node, onnxruntime } = environment();
  return { nearmiss: nearmiss!, node: node!, onnxruntime: onnxruntime! };
}
