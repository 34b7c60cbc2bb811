/** The hub's state: opened by one process at a time, which owns the home folder meanwhile. */
import { type Database, openDatabase } from "./database.ts";
import { readEntries } from "./entries.ts";
import type { Home } from "./home.ts";
import { acquireLock } from "./lock.ts";
import { interruptRuns, readLatestVerdicts } from "./runs.ts";
import { type Snapshot, writeSnapshot } from "./snapshot.ts";

export interface Store {
  home: Home;
  database: Database;
  /** Writes the snapshot anew and gives it; to be called after entries or verdicts have changed. */
  refreshSnapshot(): Promise<Snapshot>;
  /** Closes the database and gives the home folder back. */
  close(): Promise<void>;
}

/**
 * Opens the store: takes the lock, opens the database, marks runs whose process has died, and
 * writes the snapshot.
 *
 * @param command what this process is, for the message that others get: "nearmiss serve"
 * @throws StoreError where the home folder is in use, damaged or not writable
 */
export async function openStore(home: Home, command: string): Promise<Store> {
  const release = await acquireLock(home, command);
  const opened = await openDatabase(home).catch((error) => {
    release();
    throw error;
  });
  const { database } = opened;
  const close = async () => {
    await opened.close();
    release();
  };
  const refreshSnapshot = async () => {
    const snapshot = await takeSnapshot(database);
    writeSnapshot(home, snapshot);
    return snapshot;
  };
  try {
    await interruptRuns(database);
    await refreshSnapshot();
  } catch (error) {
    await close();
    throw error;
  }
  return { home, database, refreshSnapshot, close };
}

/** What the snapshot would hold if it were written now. */
async function takeSnapshot(database: Database): Promise<Snapshot> {
  const latest = await readLatestVerdicts(database);
  return {
    version: 1,
    entries: await readEntries(database),
    verdicts: Object.fromEntries(
      latest.map(({ slug, scale, verdicts }) => [
        slug,
        verdicts.map(({ claim, decision }) => ({ claim, decision, scale })),
      ]),
    ),
    latest,
  };
}
