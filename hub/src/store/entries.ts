/** Imported texts in the database. */

import type { Database } from "./database.ts";
import { sql } from "./drizzle.ts";
import { entries } from "./schema.ts";

/** A title and abstract that an import brought, of a shipped paper or of one that is not shipped. */
export interface Entry {
  slug: string;
  title: string;
  /** See `catalog/titles.ts`: titles with equal keys are the same title. */
  titleKey: string;
  abstract: string;
}

const columns = {
  slug: entries.slug,
  title: entries.title,
  titleKey: entries.titleKey,
  abstract: entries.abstract,
};

/** All entries, the oldest first. */
export function readEntries(database: Database): Promise<Entry[]> {
  return database.select(columns).from(entries).orderBy(entries.createdAt, entries.slug);
}

/**
 * Saves entries in one transaction: all or none. An entry whose title is known keeps its slug and
 * gets the new text.
 */
export async function saveEntries(database: Database, changed: Entry[]): Promise<void> {
  await database.transaction(async (transaction) => {
    for (let first = 0; first < changed.length; first += 1000)
      await transaction
        .insert(entries)
        .values(changed.slice(first, first + 1000))
        .onConflictDoUpdate({
          target: entries.titleKey,
          set: { title: sql`excluded.title`, abstract: sql`excluded.abstract`, updatedAt: sql`now()` },
        });
  });
}
