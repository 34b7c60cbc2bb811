/**
 * The snapshot: what `search`, `ls` and `show` need of the database, in one JSON file beside it, so
 * that they answer at once, whoever has the database open. The database remains the truth; the
 * snapshot is rebuilt from it. Nothing here loads the database's code, which takes half a second.
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import type { Paper } from "../types.ts";
import type { Entry } from "./entries.ts";
import type { Home } from "./home.ts";
import type { LatestVerdicts } from "./runs.ts";

export interface Snapshot {
  version: 1;
  entries: Entry[];
  /** Latest decisions by slug. */
  verdicts: Record<string, Paper["verdicts"]>;
  /** What these decisions rest on, effects and intervals. Missing in snapshots of earlier versions. */
  latest?: LatestVerdicts[];
}

export const emptySnapshot: Snapshot = { version: 1, entries: [], verdicts: {}, latest: [] };

/** Replaces the file as a whole, so that a reader sees the old one or the new one, never a part. */
export function writeSnapshot(home: Home, snapshot: Snapshot): void {
  const draft = `${home.snapshot}.${process.pid}`;
  writeFileSync(draft, JSON.stringify(snapshot), { flush: true });
  renameSync(draft, home.snapshot);
}

/** The snapshot; an empty one where there is none, or, after a warning, where it is broken. */
export function readSnapshot(home: Home, warn: (message: string) => void): Snapshot {
  if (!existsSync(home.snapshot)) return emptySnapshot;
  try {
    const snapshot: unknown = JSON.parse(readFileSync(home.snapshot, "utf8"));
    if (isSnapshot(snapshot)) return snapshot;
  } catch {
    // Said below.
  }
  warn(
    `${home.snapshot} is broken and left aside; imported texts and verdicts are missing until the database is opened next (by serve, run or import).`,
  );
  return emptySnapshot;
}

function isSnapshot(value: unknown): value is Snapshot {
  const { version, entries, verdicts, latest = [] } = (value ?? {}) as Partial<Snapshot>;
  return (
    version === 1 &&
    Array.isArray(latest) &&
    Array.isArray(entries) &&
    entries.every((entry) =>
      [entry?.slug, entry?.title, entry?.titleKey, entry?.abstract].every((text) => typeof text === "string"),
    ) &&
    typeof verdicts === "object" &&
    verdicts !== null &&
    Object.values(verdicts).every(Array.isArray)
  );
}
