/** How the command line ends: its exit codes, and errors that carry one. */
import { StoreError } from "../store/home.ts";

/** Kept for good: scripts rely on them. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  wrongUsage: 2,
  notFound: 3,
  badFile: 4,
  storeUnavailable: 5,
  addressInUse: 6,
  runFailed: 7,
  stopped: 130,
} as const;

export const exitCodesHelp = `Exit codes:
  0    it worked
  1    it failed in a way that no other code names
  2    wrong usage: unknown command or option, missing or senseless argument
  3    not found: no such paper, or no such run
  4    bad input file: missing, unreadable, or not what it should be; nothing was changed
  5    the store is in use by another process, damaged, or cannot be written
  6    the address to serve on is in use
  7    the run failed; of several, at least one
  130  stopped by Ctrl-C or a signal; the run is recorded as stopped`;

/** A failure that is told to the user as it stands, and the exit code that goes with it. */
export class CommandError extends Error {
  readonly exitCode: number;

  constructor(exitCode: number, message: string) {
    super(message);
    this.exitCode = exitCode;
  }
}

/** The exit code for an error, and what to say of it. */
export function explain(error: unknown): { exitCode: number; message: string } {
  if (error instanceof CommandError) return { exitCode: error.exitCode, message: error.message };
  if (error instanceof StoreError) return { exitCode: exitCodes.storeUnavailable, message: error.message };
  const message = error instanceof Error ? error.message : String(error);
  const detail = process.env.NEARMISS_DEBUG && error instanceof Error ? `\n${error.stack}` : "";
  return { exitCode: exitCodes.failure, message: message + detail };
}
