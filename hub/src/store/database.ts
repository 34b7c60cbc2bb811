/**
 * Opens the database: PostgreSQL in the process (PGlite) on a folder, brought up to date by the
 * plain SQL files in `migrations/`. The caller holds the lock.
 */
import { existsSync, readdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import type { PGlite as Client } from "@electric-sql/pglite";
import type { PgliteDatabase } from "drizzle-orm/pglite";
import { drizzle, PGlite } from "./drizzle.ts";
import { type Home, StoreError, unavailable } from "./home.ts";

export type Database = PgliteDatabase;

export interface OpenDatabase {
  database: Database;
  close(): Promise<void>;
}

/** @throws StoreError "corrupted" or "unavailable"; nothing in the folder is deleted then */
export async function openDatabase(home: Home): Promise<OpenDatabase> {
  const client = await openFolder(home);
  try {
    await migrate(client, home);
  } catch (cause) {
    await client.close().catch(() => {});
    throw cause instanceof StoreError ? cause : corrupted(home, cause);
  }
  return { database: drizzle({ client }), close: () => client.close() };
}

async function openFolder(home: Home): Promise<Client> {
  if (!existsSync(home.database)) await createFolder(home);
  // PGlite would create a new database over whatever else lies there.
  if (!existsSync(join(home.database, "PG_VERSION")))
    throw corrupted(home, new Error("it is not a PostgreSQL data folder"));
  try {
    return await PGlite.create(home.database);
  } catch (cause) {
    throw corrupted(home, cause);
  }
}

/** Creates the database beside its place and moves it there whole: a creation cut short leaves no half of one. */
async function createFolder(home: Home): Promise<void> {
  const draft = `${home.database}.new`;
  try {
    // We hold the lock, so a draft that is there was left by a process that died.
    rmSync(draft, { recursive: true, force: true });
    const client = await PGlite.create(draft);
    await client.close();
    renameSync(draft, home.database);
  } catch (cause) {
    throw unavailable(home, cause);
  }
}

interface Migration {
  name: string;
  sql: string;
}

/** Runs the migrations that the database has not seen, each in a transaction that also records it. */
async function migrate(client: Client, home: Home): Promise<void> {
  await client.exec(
    "create table if not exists migrations (name text primary key, applied_at timestamptz not null default now())",
  );
  const { rows } = await client.query<{ name: string }>("select name from migrations");
  const applied = new Set(rows.map((row) => row.name));
  const known = readMigrations();
  const unknown = [...applied].filter((name) => !known.some((migration) => migration.name === name));
  if (unknown.length > 0)
    throw new StoreError(
      "corrupted",
      `The database in ${home.database} was written by a newer nearmiss (${unknown.join(", ")}). Update nearmiss, or set NEARMISS_HOME to another folder. Nothing was changed.`,
    );
  for (const { name, sql } of known.filter((migration) => !applied.has(migration.name)))
    await client.transaction(async (transaction) => {
      await transaction.exec(sql);
      await transaction.query("insert into migrations (name) values ($1)", [name]);
    });
}

function readMigrations(): Migration[] {
  const folder = new URL("./migrations/", import.meta.url);
  return readdirSync(folder)
    .filter((name) => name.endsWith(".sql"))
    .sort()
    .map((name) => ({ name: basename(name, ".sql"), sql: readFileSync(new URL(name, folder), "utf8") }));
}

function corrupted(home: Home, cause: unknown): StoreError {
  const detail = String((cause as Error)?.message ?? "").split("\n")[0];
  const aside = join(dirname(home.folder), `${basename(home.folder)}-damaged`);
  return new StoreError(
    "corrupted",
    `The database in ${home.database} cannot be opened${detail ? `: ${detail.replace(/\.$/, "")}` : ""}. ` +
      `Nothing was deleted. To start afresh, move the home folder away (mv ${home.folder} ${aside}) or set NEARMISS_HOME to another folder; ` +
      "to keep what it holds, put back a copy of the folder.",
    { cause },
  );
}
