/**
 * Runs: a queue in the database, worked off by this process and, on a shared database, by any number
 * of others; each run in a process of its own that can be stopped and can crash without harm to
 * anything else. Whatever happens, a run's record says how it ended, and its last event is "end".
 */
import { randomBytes } from "node:crypto";
import { statSync } from "node:fs";
import { join } from "node:path";
import { findPaper } from "@nearmiss/papers";
import { fingerprint } from "@nearmiss/papers/fingerprint";
import type { Queries } from "../store/database.ts";
import { sql } from "../store/drizzle.ts";
import type { Store } from "../store/index.ts";
import {
  findEqualRun,
  findRun,
  findUnderWay,
  insertRun,
  listRuns,
  listUnderWay,
  readEvents,
  releaseRuns,
  renewJob,
  requestStop,
} from "../store/runs.ts";
import type { RunEvent, RunRecord, RunRequest, StudySummary } from "../types.ts";
import { environment } from "./environment.ts";
import { createFeed } from "./feed.ts";
import { type RunLimits, requireRoom, usualRunLimits } from "./limits.ts";
import { type StudyProcess, startProcess } from "./process.ts";
import type { Queue } from "./queue.ts";
import { createWorker, outcome } from "./worker.ts";

export interface EnqueueOptions {
  /** Runs even where a stored run has the answer. */
  fresh?: boolean;
  /** Who asks, where visitors are limited. */
  visitor?: string;
}

export interface Runs {
  /**
   * Puts a run into the queue. The caller has made sure that the paper exists and can run. Where a
   * finished run of the same code, scale, seeds, versions and machine (on a shared database: of any
   * machine) is stored, that one is given at once instead, unless `fresh` is set. Where an equal run
   * is under way, that one is given: all who asked for it share it.
   *
   * @throws TooManyRunsError where there is no room for another run
   */
  enqueue(request: RunRequest, options?: EnqueueOptions): Promise<RunRecord>;
  find(id: string): Promise<RunRecord | undefined>;
  /** The newest first. */
  list(slug?: string): Promise<RunRecord[]>;
  /**
   * Takes a run out of the queue, or has whoever runs it ask its process to stop and kill it where it
   * does not. Does nothing to a run that has ended. Gives undefined for an unknown run.
   */
  stop(id: string): Promise<RunRecord | undefined>;
  /**
   * The events with numbers above `after`, past and to come, until the run's end or until the signal
   * is aborted. Nothing for an unknown run.
   */
  events(id: string, after?: number, signal?: AbortSignal): AsyncGenerator<RunEvent>;
  /** A study without its code, read in a process of its own and kept until the paper's file changes. */
  describe(slug: string): Promise<StudySummary>;
  /** Fulfilled when the queue is open and this process works; rejects where that cannot be. */
  ready(): Promise<void>;
  /**
   * Ends what this process does. The runs that it runs go back to the queue, with an attempt's work
   * lost, so that nothing that was asked for is: another worker takes them up, or this machine's next
   * one. Only a process that runs but its own requests (`ownOnly`) stops them.
   */
  close(): Promise<void>;
}

export interface RunsOptions {
  store: Store;
  /** Folder of the papers, where it is not the shipped one. */
  root?: string;
  /** Runs at the same time. Default 1: studies use all cores as it is. 0: other processes run them. */
  concurrency?: number;
  /** Whether to run only what this process asks for, before all else, and nothing that waits already. */
  ownOnly?: boolean;
  /** Milliseconds from asking a process to stop to killing it. Default 3000. */
  grace?: number;
  /** Seconds without a sign of life after which a worker counts as dead; 10 or more. Default 30. */
  silence?: number;
  limits?: RunLimits;
  /** Called after a run has ended and is stored, whoever ran it. */
  onEnd?: (run: RunRecord) => Promise<void>;
  /** Called some time after papers or votes have changed through another process on a shared database. */
  onCatalog?: () => Promise<void>;
}

/** Any number that only we use: whoever holds this lock is the one who adds runs. */
const enqueueLock = 4_680_002;

/** Milliseconds until the queue is opened unasked, so that a server answers its first requests before. */
const queueDelay = 1000;

/** Milliseconds until that is tried again where it failed. */
const retryDelay = 10_000;

/** Milliseconds between looks for runs that their worker or their job has deserted. */
const reconcileTime = 5000;

/** Milliseconds for which changes of papers and votes are gathered before they are taken in. */
const catalogTime = 2000;

/** Milliseconds for which it is remembered that a run's end was taken in. */
const memory = 60_000;

export async function openRuns(options: RunsOptions): Promise<Runs> {
  const { store, root, concurrency = 1, ownOnly = false, grace = 3000, silence = 30 } = options;
  const { limits = usualRunLimits, onEnd = async () => {}, onCatalog } = options;
  const { database, shared } = store;
  const machine = environment();
  /** Runs that this process has asked for. */
  const asked = new Set<string>();
  const settled = new Map<string, Promise<void>>();
  let queue: Promise<Queue> | undefined;
  let reconciler: NodeJS.Timeout | undefined;
  let closed = false;

  const worker = createWorker({
    database,
    root,
    environment: machine,
    codeOf,
    log: (id) => join(store.home.logs, `${id}.log`),
    grace,
    handBack: !ownOnly,
    onEnd: settle,
  });
  const feed = createFeed({
    read: (id, after) => readEvents(database, id, after),
    underWay: async (id) => {
      const run = await findRun(database, id);
      return run && run.finishedAt === undefined;
    },
    beforeEnd: settle,
  });

  /** Takes in the end of a run, once. */
  function settle(id: string): Promise<void> {
    const known = settled.get(id);
    if (known) return known;
    const settling = findRun(database, id)
      .then((run) => (run?.finishedAt === undefined ? undefined : onEnd(run)))
      .catch((error) => {
        // The next who hears of this end tries again.
        settled.delete(id);
        console.error(`run ${id}:`, error);
      });
    settled.set(id, settling);
    setTimeout(() => settled.delete(id), memory).unref();
    return settling;
  }

  let catalogTimer: NodeJS.Timeout | undefined;
  /** Takes in changes that other processes have made of papers and votes, many at once. */
  function catalogChanged(): void {
    if (!shared || closed || onCatalog === undefined) return;
    catalogTimer ??= setTimeout(() => {
      catalogTimer = undefined;
      onCatalog().catch((error) => console.error("The catalogue cannot be read anew:", error.message));
    }, catalogTime);
  }

  /** The queue, opened at the first call; tried again at the next where it fails. */
  function ready(): Promise<Queue> {
    if (closed) return Promise.reject(new Error("the runs are closed"));
    if (queue === undefined) {
      queue = start();
      queue.catch(() => {
        queue = undefined;
      });
    }
    return queue;
  }

  async function start(): Promise<Queue> {
    const { openQueue } = await import("./queue.ts");
    const opened = await openQueue(store, {
      ownOnly,
      silence,
      onNotice(notice) {
        feed.notice(notice);
        if (notice.type === "catalog") catalogChanged();
        if (notice.type === "stop") worker.stop(notice.run);
        if (notice.type === "events" && notice.end) void settle(notice.run);
      },
      onGap() {
        feed.gap();
        catalogChanged();
      },
    });
    try {
      await reconcile(opened, { first: true });
      await opened.work(worker.work, concurrency);
    } catch (error) {
      await opened.close();
      throw error;
    }
    reconciler = setInterval(() => reconcile(opened, { first: false }).catch(() => {}), reconcileTime);
    return opened;
  }

  /**
   * Brings runs and their jobs together: after a crash, after a backup was put back, after a worker's
   * death was noticed.
   */
  async function reconcile(queue: Queue, { first }: { first: boolean }): Promise<void> {
    for (const { id, job, status, attempts } of await listUnderWay(database)) {
      // While all goes well there is nothing to find about those that wait.
      if (!first && status === "queued" && !asked.has(id)) continue;
      const state = await queue.state(job);
      if (state === "none")
        await renewJob(database, { id, job }, (transaction) => queue.add(transaction, id, asked.has(id)));
      if (state === "active" && first && !shared) await queue.release([job!]);
      if (state === "waiting" && status === "running") await releaseRuns(database, { id, attempts });
      if (state === "waiting" && asked.has(id)) await queue.prefer(job!);
    }
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

  let timer: NodeJS.Timeout | undefined;
  /** Opens the queue after a while, and again and again where that fails. */
  function openLater(delay: number): void {
    timer = setTimeout(() => {
      ready().catch((error) => {
        if (closed) return;
        console.error("The queue of runs cannot be opened:", error.message);
        openLater(retryDelay);
      });
    }, delay);
  }
  openLater(queueDelay);

  return {
    async enqueue(request, { fresh = false, visitor } = {}) {
      const code = codeOf(request.slug);
      const findStored = async (from: Queries) => {
        if (fresh || code === undefined) return undefined;
        return findEqualRun(from, request, { environment: machine, code }, { anyMachine: shared });
      };
      const stored = await findStored(database);
      if (stored) return stored;
      const queue = await ready();
      const { slug, scale, seeds } = request;
      const requestKey = JSON.stringify([slug, scale, seeds ?? null, code ?? null]);
      const run = await database.transaction(async (transaction) => {
        // One after the other: whoever comes second finds the run of the first, and limits are exact.
        await transaction.execute(sql`select pg_advisory_xact_lock(${enqueueLock})`);
        // One that was under way a moment ago may be done by now.
        const same = (await findUnderWay(transaction, requestKey)) ?? (await findStored(transaction));
        if (same) return same;
        await requireRoom(transaction, limits, visitor);
        const id = randomBytes(6).toString("hex");
        const job = await queue.add(transaction, id, true);
        return insertRun(transaction, id, request, { job, requestKey, visitor });
      });
      if (ownOnly && run.finishedAt === undefined) {
        asked.add(run.id);
        await reconcile(queue, { first: false });
      }
      return run;
    },
    find: (id) => findRun(database, id),
    list: (slug) => listRuns(database, { slug }),
    async stop(id) {
      const run = await findRun(database, id);
      if (run === undefined || run.finishedAt !== undefined) return run;
      const queue = await ready();
      await requestStop(database, id, queue.cancel);
      worker.stop(id);
      return findRun(database, id);
    },
    events: (id, after = 0, signal) => feed.follow(id, after, signal),
    describe,
    ready: async () => void (await ready()),
    async close() {
      clearTimeout(timer);
      clearTimeout(catalogTimer);
      clearInterval(reconciler);
      closed = true;
      const opened = await queue?.catch(() => undefined);
      clearInterval(reconciler);
      await worker.close();
      await opened?.close();
      await Promise.all(settled.values());
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
