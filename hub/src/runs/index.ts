/**
 * Runs: a queue in the database, worked off one at a time, each in a process of its own that can be
 * stopped and can crash without harm to anything else. Whatever happens, a run's record says how it
 * ended, and its last event is "end".
 */
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { findPaper } from "@nearmiss/papers";
import { fingerprint } from "@nearmiss/papers/fingerprint";
import type { Store } from "../store/index.ts";
import {
  appendEvents,
  findEqualRun,
  findRun,
  insertRun,
  listByStatus,
  listRuns,
  readEvents,
  startRun,
} from "../store/runs.ts";
import type { RunEvent, RunRecord, RunRequest, RunStatus, StudySummary } from "../types.ts";
import { environment } from "./environment.ts";
import { createEventLog, type EventLog } from "./event-log.ts";
import { type Ending, type StudyProcess, startProcess } from "./process.ts";

export interface Runs {
  /**
   * Puts a run into the queue. The caller has made sure that the paper exists and can run. Where a
   * finished run of the same code, scale, seeds, versions and machine is stored, that one is given at
   * once instead, unless `fresh` is set.
   */
  enqueue(request: RunRequest, options?: { fresh?: boolean }): Promise<RunRecord>;
  find(id: string): Promise<RunRecord | undefined>;
  /** The newest first. */
  list(slug?: string): Promise<RunRecord[]>;
  /**
   * Takes a run out of the queue, or asks its process to stop and kills it where it does not. Does
   * nothing to a run that has ended. Gives undefined for an unknown run.
   */
  stop(id: string): Promise<RunRecord | undefined>;
  /**
   * The events with numbers above `after`, past and to come, until the run's end or until the signal
   * is aborted. Nothing for an unknown run.
   */
  events(id: string, after?: number, signal?: AbortSignal): AsyncGenerator<RunEvent>;
  /** A study without its code, read in a process of its own and kept until the paper's file changes. */
  describe(slug: string): Promise<StudySummary>;
  /** Stops what runs and waits for its end; what is queued stays queued. */
  close(): Promise<void>;
}

export interface RunsOptions {
  store: Store;
  /** Folder of the papers, where it is not the shipped one. */
  root?: string;
  /** Runs at the same time. Default 1: studies use all cores as it is. */
  concurrency?: number;
  /** Milliseconds from asking a process to stop to killing it. Default 3000. */
  grace?: number;
  /** Whether to work off what an earlier process has left in the queue. Default true. */
  resume?: boolean;
  /** Called after a run has ended and is stored. */
  onEnd?: (run: RunRecord) => Promise<void>;
}

export async function openRuns(options: RunsOptions): Promise<Runs> {
  const { store, root, concurrency = 1, grace = 3000, resume = true, onEnd = async () => {} } = options;
  const { database } = store;
  const machine = environment();
  const queue: string[] = [];
  /** Logs of the runs that this process has queued or runs. */
  const logs = new Map<string, EventLog>();
  const running = new Map<string, { stopping: boolean; process?: StudyProcess; ended: Promise<void> }>();
  let closed = false;

  const admit = (id: string) => {
    logs.set(
      id,
      createEventLog((events) => appendEvents(database, id, events)),
    );
    queue.push(id);
  };

  /** Starts queued runs while there is room. */
  function pump(): void {
    while (!closed && running.size < concurrency && queue.length > 0) {
      const id = queue.shift()!;
      const run = { stopping: false, ended: Promise.resolve() };
      running.set(id, run);
      run.ended = execute(id)
        .catch((error) => console.error(`run ${id}:`, error))
        .finally(() => {
          running.delete(id);
          pump();
        });
    }
  }

  async function execute(id: string): Promise<void> {
    const log = logs.get(id)!;
    const run = running.get(id)!;
    const queued = await findRun(database, id);
    const code = queued && codeOf(queued.slug);
    const record = await startRun(database, id, { environment: machine, code });
    if (record === undefined) {
      logs.delete(id);
      return;
    }
    if (run.stopping) return end(id, "stopped");
    const { slug, scale, seeds } = record;
    run.process = startProcess({
      order: { type: "run", request: { slug, scale, seeds }, root },
      log: join(store.home.logs, `${id}.log`),
      grace,
      onEvent: (event) => log.append(event),
    });
    const ending = await run.process.ended;
    const { status, error } = outcome(ending, run.stopping);
    await end(id, status, error);
  }

  /** The end of a run: its last event, its record, and whoever wants to know. */
  async function end(id: string, status: RunStatus, error?: string): Promise<void> {
    const event = { type: "end" as const, status, ...(error !== undefined && { error }) };
    await logs.get(id)!.end(event, async () => onEnd((await findRun(database, id))!));
    logs.delete(id);
  }

  async function stop(id: string): Promise<RunRecord | undefined> {
    const place = queue.indexOf(id);
    if (place >= 0) {
      queue.splice(place, 1);
      await end(id, "stopped");
    }
    const run = running.get(id);
    if (run) {
      run.stopping = true;
      run.process?.stop();
    }
    return findRun(database, id);
  }

  /** The fingerprint of a paper's code now; undefined where it cannot be read, which the run will tell. */
  function codeOf(slug: string): string | undefined {
    try {
      return fingerprint(findPaper(slug, root)!);
    } catch {
      return undefined;
    }
  }

  const summaries = new Map<string, { modified: number; summary: Promise<StudySummary> }>();
  function describe(slug: string): Promise<StudySummary> {
    const path = findPaper(slug, root);
    if (path === undefined) return Promise.reject(new Error(`there is no paper "${slug}"`));
    const modified = statSync(path).mtimeMs;
    const known = summaries.get(slug);
    if (known?.modified === modified) return known.summary;
    const summary = describeIn(startProcess({ order: { type: "describe", slug, root }, grace: 0 }));
    summaries.set(slug, { modified, summary });
    summary.catch(() => summaries.delete(slug));
    return summary;
  }

  if (resume) for (const { id } of await listByStatus(database, "queued")) admit(id);
  pump();

  return {
    async enqueue(request, { fresh = false } = {}) {
      const code = fresh ? undefined : codeOf(request.slug);
      const known = code && (await findEqualRun(database, request, { environment: machine, code }));
      if (known) return known;
      const id = randomBytes(6).toString("hex");
      const record = await insertRun(database, id, request);
      admit(id);
      pump();
      return record;
    },
    find: (id) => findRun(database, id),
    list: (slug) => listRuns(database, { slug }),
    stop,
    async *events(id, after = 0, signal) {
      const log = logs.get(id);
      if (log !== undefined) yield* log.follow(after, signal);
      else yield* await readEvents(database, id, after);
    },
    describe,
    async close() {
      closed = true;
      const ended = [...running.values()].map((run) => run.ended);
      await Promise.all([...running.keys()].map(stop));
      await Promise.all(ended);
    },
  };
}

/** Milliseconds that importing a study may take. */
const describeTime = 20_000;

async function describeIn(process: StudyProcess): Promise<StudySummary> {
  const timer = setTimeout(process.stop, describeTime);
  const ending = await process.ended;
  clearTimeout(timer);
  if (ending.type === "summary") return ending.summary;
  throw new Error(outcome(ending, false).error);
}

function outcome(ending: Ending, stopping: boolean): { status: RunStatus; error?: string } {
  if (ending.type === "done") return { status: "done" };
  if (stopping) return { status: "stopped" };
  const error = "error" in ending ? ending.error : "The run's process ended out of turn.";
  return { status: "failed", error: forReaders(error) };
}

/** A message without paths, on one line, of bounded length. */
export function forReaders(message: string): string {
  const line = message.split("\n")[0].trim() || "The study failed without saying why.";
  const bare = line.replace(/(^|[\s"'`([=:,])(?:file:\/\/)?(?:\/[\w@.+~-]+)+\/([\w@.+~-]+)/g, "$1$2");
  return bare.length <= 1000 ? bare : `${bare.slice(0, 997)}...`;
}
