/**
 * One workload, measured side by side: every contestant in a process of its own, all alive at once, rounds
 * in turn (A B C A B C …), so that a busy moment of the machine hits all of them alike.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";

export interface Contestant {
  /** As in the table: one row may have several contestants (threads), of which the best counts. */
  row: string;
  threads: number;
  command: string;
  args: string[];
  /** Contestants of one group must see the same losses. Undefined: not compared. */
  agreement?: string;
}

export interface Measured {
  row: string;
  threads: number;
  /** Median milliseconds a step, round by round. */
  medians: number[];
  /** Steps timed in all. */
  steps: number;
  /** Loss (and gradient norms, where those are the result) of the first steps from the initial weights. */
  observed: number[][];
  /** What went wrong, if the contestant could not take part. */
  error?: string;
}

export interface ContestOptions {
  rounds: number;
  /** Of one round. */
  milliseconds: number;
  checkSteps: number;
}

/** Runs all contestants; one that fails is reported as such and does not stop the others. */
export async function contest(
  contestants: readonly Contestant[],
  { rounds, milliseconds, checkSteps }: ContestOptions,
): Promise<Measured[]> {
  const entrants: { measured: Measured; peer: Peer }[] = [];
  const ask = async ({ measured, peer }: (typeof entrants)[number], request: unknown) => {
    if (measured.error !== undefined) return undefined;
    try {
      return await peer.ask(request);
    } catch (error) {
      measured.error = (error as Error).message;
      return undefined;
    }
  };
  try {
    for (const { row, threads, command, args } of contestants) {
      const measured: Measured = { row, threads, medians: [], steps: 0, observed: [] };
      const entrant = { measured, peer: startPeer(command, args) };
      entrants.push(entrant);
      await ask(entrant, undefined);
      const answer = await ask(entrant, { command: "check", steps: checkSteps });
      measured.observed = (answer?.observed as number[][]) ?? [];
    }
    for (let i = 0; i < rounds; i++) {
      for (const entrant of entrants) {
        // Threads of the one before that still spin for work would take a core from this one.
        await pause(50);
        const answer = await ask(entrant, { command: "round", milliseconds });
        if (!answer) continue;
        entrant.measured.medians.push(answer.median as number);
        entrant.measured.steps += answer.steps as number;
      }
    }
  } finally {
    for (const { peer } of entrants) peer.stop();
  }
  return entrants.map(({ measured }) => measured);
}

interface Peer {
  /** Sends a request, if there is one, and waits for the next answer. */
  ask(request: unknown): Promise<Record<string, unknown>>;
  stop(): void;
}

function startPeer(command: string, args: readonly string[]): Peer {
  const child: ChildProcess = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  let complaints = "";
  child.stderr!.on("data", (chunk: Buffer) => {
    complaints = (complaints + chunk.toString()).slice(-2000);
  });
  const failed = new Promise<never>((_, reject) => {
    child.on("error", (error) => reject(new Error(`${command}: ${error.message}`)));
  });
  failed.catch(() => {});
  child.stdin!.on("error", () => {});
  return {
    async ask(request) {
      if (request !== undefined) child.stdin!.write(`${JSON.stringify(request)}\n`);
      const { done, value } = await Promise.race([lines.next(), failed]);
      if (done) throw new Error(`${command} ${args[0]} ended: ${lastLine(complaints)}`);
      try {
        return JSON.parse(value) as Record<string, unknown>;
      } catch {
        throw new Error(`${command} ${args[0]} answered ${JSON.stringify(value)}; expected a line of JSON`);
      }
    },
    stop() {
      child.stdin!.end();
      child.kill();
    },
  };
}

/** The last line that says something: of a stack trace in Python the error, in Node its last frame's text. */
function lastLine(text: string): string {
  const lines = text.split("\n").map((line) => line.trim());
  return (
    lines.find((line) => /^\w*Error\b/.test(line)) ??
    lines.filter((line) => line !== "").at(-1) ??
    "no message"
  );
}

/** The best contestant of each row: the least of its rounds' medians, on the threads where that is least. */
export function bestOfRows(
  measured: readonly Measured[],
): Map<string, { milliseconds: number; threads: number }> {
  const best = new Map<string, { milliseconds: number; threads: number }>();
  for (const { row, threads, medians } of measured) {
    if (medians.length === 0) continue;
    const milliseconds = Math.min(...medians);
    const before = best.get(row);
    if (!before || milliseconds < before.milliseconds) best.set(row, { milliseconds, threads });
  }
  return best;
}

/**
 * Where contestants of one group saw different numbers.
 *
 * @param tolerance Largest relative difference from the group's first contestant.
 * @returns One sentence for each contestant that differs; nothing if all agree.
 */
export function disagreements(
  contestants: readonly Contestant[],
  measured: readonly Measured[],
  tolerance: number,
): string[] {
  const reference = new Map<string, Measured>();
  const sentences: string[] = [];
  contestants.forEach(({ agreement }, i) => {
    const mine = measured[i]!;
    if (agreement === undefined || mine.error !== undefined) return;
    const first = reference.get(agreement);
    if (!first) {
      reference.set(agreement, mine);
      return;
    }
    for (const [step, numbers] of first.observed.entries()) {
      const other = mine.observed[step] ?? [];
      const at = numbers.findIndex((x, j) => !(Math.abs(other[j]! - x) <= tolerance * Math.abs(x)));
      if (at >= 0) {
        const what = at === 0 ? "loss" : `gradient norm ${at}`;
        sentences.push(
          `${mine.row} on ${mine.threads} thread(s): ${what} ${other[at]} after ${step} steps, ` +
            `but ${first.row} has ${numbers[at]}`,
        );
        return;
      }
    }
  });
  return sentences;
}
