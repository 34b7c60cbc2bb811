/** Starts a run's process and tells what becomes of it. */
import { type ChildProcess, fork } from "node:child_process";
import { closeSync, mkdirSync, openSync, rmSync, statSync } from "node:fs";
import { getCompileCacheDir } from "node:module";
import { dirname } from "node:path";
import type { Answer, Order } from "./messages.ts";

/** How a process ended: by its last word, or without one. */
export type Ending = Exclude<Answer, { type: "event" }> | { type: "vanished"; error: string };

export interface StudyProcess {
  /** Asks the process to stop, and kills it where it does not within the grace period. */
  stop(): void;
  /** Fulfilled when the process is gone and everything that it said was heard. Never rejects. */
  ended: Promise<Ending>;
}

export interface StudyProcessOptions {
  order: Exclude<Order, { type: "stop" }>;
  /** Where the process's output goes; removed again where there was none. None: output is dropped. */
  log?: string;
  /** Milliseconds between asking the process to stop and killing it. */
  grace: number;
  onEvent?: (event: Extract<Answer, { type: "event" }>["event"]) => void;
}

export function startProcess({ order, log, grace, onEvent }: StudyProcessOptions): StudyProcess {
  const output = log === undefined ? "ignore" : openLog(log);
  const cache = getCompileCacheDir();
  const child = fork(new URL("./child.ts", import.meta.url), {
    execArgv: [],
    env: cache === undefined ? process.env : { ...process.env, NODE_COMPILE_CACHE: cache },
    serialization: "advanced",
    stdio: ["ignore", output, output, "ipc"],
  });
  if (typeof output === "number") closeSync(output);

  let last: Ending | undefined;
  child.on("message", (answer: Answer) => {
    if (answer.type === "event") onEvent?.(answer.event);
    else last ??= answer;
  });
  // A process that dies meanwhile is told of by its end; only then is the order lost.
  child.send(order, () => {});

  let killer: NodeJS.Timeout | undefined;
  const ended = untilGone(child).then((how): Ending => {
    clearTimeout(killer);
    if (log !== undefined) removeIfEmpty(log);
    return last ?? { type: "vanished", error: `The run's process ended unexpectedly (${how}).` };
  });
  return {
    stop() {
      if (child.connected) child.send({ type: "stop" } satisfies Order, () => {});
      killer ??= setTimeout(() => child.kill("SIGKILL"), grace);
    },
    ended,
  };
}

/** Waits for the process to end and for its last message to arrive, which can come after the end. */
function untilGone(child: ChildProcess): Promise<string> {
  return new Promise((resolve) => {
    let how: string | undefined;
    let connected = true;
    const settle = () => {
      if (how !== undefined && !connected) resolve(how);
    };
    child.once("disconnect", () => {
      connected = false;
      settle();
    });
    child.once("exit", (code, signal) => {
      how = signal === null ? `exit code ${code}` : `signal ${signal}`;
      settle();
    });
    child.once("error", (error) => {
      if (child.pid === undefined) resolve(`it could not be started: ${error.message}`);
    });
  });
}

function openLog(path: string): number {
  mkdirSync(dirname(path), { recursive: true });
  return openSync(path, "w");
}

function removeIfEmpty(path: string): void {
  try {
    if (statSync(path).size === 0) rmSync(path);
  } catch {
    // Somebody tidied up before us.
  }
}
