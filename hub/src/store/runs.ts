/** Runs and their events in the database. */
import { isDeepStrictEqual } from "node:util";
import type { ClaimVerdict, ScaleName } from "@nearmiss/papers/study";
import type { RunEvent, RunRecord, RunRequest, RunStatus } from "../types.ts";
import type { Database } from "./database.ts";
import { and, asc, desc, eq, gt, sql } from "./drizzle.ts";
import { runEvents, runs } from "./schema.ts";

/** Puts a run at the end of the queue. */
export async function insertRun(database: Database, id: string, request: RunRequest): Promise<RunRecord> {
  const { slug, scale, seeds } = request;
  const [row] = await database.insert(runs).values({ id, slug, scale, seeds, status: "queued" }).returning();
  return toRecord(row);
}

export async function findRun(database: Database, id: string): Promise<RunRecord | undefined> {
  const [row] = await database.select().from(runs).where(eq(runs.id, id));
  return row && toRecord(row);
}

/** Runs, the newest first; of one paper where a slug is given. */
export async function listRuns(
  database: Database,
  { slug, limit = 100 }: { slug?: string; limit?: number } = {},
): Promise<RunRecord[]> {
  const rows = await database
    .select()
    .from(runs)
    .where(slug === undefined ? undefined : eq(runs.slug, slug))
    .orderBy(desc(runs.sequence))
    .limit(limit);
  return rows.map(toRecord);
}

/** Runs with a status, the oldest first. */
export async function listByStatus(database: Database, status: RunStatus): Promise<RunRecord[]> {
  const rows = await database.select().from(runs).where(eq(runs.status, status)).orderBy(asc(runs.sequence));
  return rows.map(toRecord);
}

/** Marks a queued run as running; gives undefined where it is no longer queued. */
export async function startRun(
  database: Database,
  id: string,
  { environment, code }: Pick<RunRecord, "environment" | "code">,
): Promise<RunRecord | undefined> {
  const [row] = await database
    .update(runs)
    .set({ status: "running", startedAt: new Date(), environment, code })
    .where(and(eq(runs.id, id), eq(runs.status, "queued")))
    .returning();
  return row && toRecord(row);
}

/** Stores events of a run, and what its record learns from them, in one transaction. */
export async function appendEvents(database: Database, id: string, newEvents: RunEvent[]): Promise<void> {
  if (newEvents.length === 0) return;
  const events = clean(newEvents);
  const trials = events.flatMap((event) =>
    event.type === "trial"
      ? [{ arm: event.arm, seed: event.seed, metrics: event.metrics, seconds: event.seconds }]
      : [],
  );
  const verdicts = events.findLast((event) => event.type === "verdicts")?.verdicts;
  const settings = events.findLast((event) => event.type === "start")?.settings;
  const end = events.findLast((event) => event.type === "end");
  await database.transaction(async (transaction) => {
    // Many rows an insert, but not so many that the statement has more parameters than PostgreSQL allows.
    for (let first = 0; first < events.length; first += 1000)
      await transaction
        .insert(runEvents)
        .values(events.slice(first, first + 1000).map((event) => ({ runId: id, id: event.id, event })));
    if (trials.length > 0) {
      const [run] = await transaction.select({ trials: runs.trials }).from(runs).where(eq(runs.id, id));
      await transaction
        .update(runs)
        .set({ trials: [...run.trials, ...trials] })
        .where(eq(runs.id, id));
    }
    if (settings) await transaction.update(runs).set({ settings }).where(eq(runs.id, id));
    if (verdicts) await transaction.update(runs).set({ verdicts }).where(eq(runs.id, id));
    if (end)
      await transaction
        .update(runs)
        .set({ status: end.status, error: end.error, finishedAt: new Date() })
        .where(eq(runs.id, id));
  });
}

/** A run's events with numbers above `after`, in order. */
export async function readEvents(database: Database, id: string, after = 0): Promise<RunEvent[]> {
  const rows = await database
    .select({ event: runEvents.event })
    .from(runEvents)
    .where(and(eq(runEvents.runId, id), gt(runEvents.id, after)))
    .orderBy(asc(runEvents.id));
  return rows.map((row) => row.event);
}

/**
 * Ends runs that say "running" although no process runs them: the process that did has died.
 * Only the owner of the database may call this, before it starts any run.
 */
export async function interruptRuns(database: Database): Promise<number> {
  const orphans = await listByStatus(database, "running");
  for (const { id } of orphans) {
    const [{ last }] = await database
      .select({ last: sql<number>`coalesce(max(${runEvents.id}), 0)` })
      .from(runEvents)
      .where(eq(runEvents.runId, id));
    const error = "The process that ran it ended before the run was finished.";
    // A reader may have seen events under the next numbers that were lost before they were stored.
    const end = last + 1_000_000;
    await appendEvents(database, id, [{ id: end, type: "end", status: "interrupted", error }]);
  }
  return orphans.length;
}

/**
 * The latest finished run whose numbers a request would only repeat: same paper, scale, seeds, code
 * and environment.
 */
export async function findEqualRun(
  database: Database,
  { slug, scale, seeds }: RunRequest,
  { environment, code }: Required<Pick<RunRecord, "environment" | "code">>,
): Promise<RunRecord | undefined> {
  const rows = await database
    .select()
    .from(runs)
    .where(and(eq(runs.status, "done"), eq(runs.code, code), eq(runs.slug, slug), eq(runs.scale, scale)))
    .orderBy(desc(runs.sequence));
  return rows.map(toRecord).find(({ settings, ...run }) => {
    // Equal code has equal settings, so the scale's own number of seeds is known from the record.
    const usual = settings?.seeds;
    return (seeds ?? usual) === (run.seeds ?? usual) && isDeepStrictEqual(run.environment, environment);
  });
}

/** What a paper's latest finished run at the largest scale decided. */
export interface LatestVerdicts {
  /** The run's id. */
  id: string;
  slug: string;
  scale: ScaleName;
  finishedAt: string;
  /** Fingerprint of the code that ran; null in records of earlier versions. */
  code: string | null;
  verdicts: ClaimVerdict[];
}

export async function readLatestVerdicts(database: Database): Promise<LatestVerdicts[]> {
  const rank = sql`array_position(array['smoke', 'default', 'full'], ${runs.scale})`;
  const { id, slug, scale, finishedAt, code, verdicts } = runs;
  const rows = await database
    .selectDistinctOn([runs.slug], { id, slug, scale, finishedAt, code, verdicts })
    .from(runs)
    .where(eq(runs.status, "done"))
    .orderBy(asc(runs.slug), desc(rank), desc(runs.finishedAt));
  return rows.map((row) => ({ ...row, finishedAt: row.finishedAt!.toISOString() }));
}

function toRecord(row: typeof runs.$inferSelect): RunRecord {
  const { id, slug, scale, seeds, status, createdAt, startedAt, finishedAt, error } = row;
  const { trials, verdicts, environment, code, settings } = row;
  return {
    id,
    slug,
    scale,
    ...(seeds !== null && { seeds }),
    status,
    createdAt: createdAt.toISOString(),
    ...(startedAt && { startedAt: startedAt.toISOString() }),
    ...(finishedAt && { finishedAt: finishedAt.toISOString() }),
    trials,
    verdicts,
    environment,
    ...(code !== null && { code }),
    ...(settings !== null && { settings }),
    ...(error !== null && { error }),
  };
}

/** PostgreSQL's texts hold no character 0. */
function clean<Value>(value: Value): Value {
  const replacer = (_: string, part: unknown) =>
    typeof part === "string" ? part.replaceAll("\0", "\ufffd") : part;
  return JSON.parse(JSON.stringify(value, replacer));
}
