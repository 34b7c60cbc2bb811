/** The catalogue as the server and the writing commands use it: over an open store. */
import { readPaperFiles } from "@nearmiss/papers";
import { type Entry, readEntries, saveEntries } from "../store/entries.ts";
import type { Store } from "../store/index.ts";
import type { ImportReport, Paper } from "../types.ts";
import { readPapersPage } from "./page-import.ts";
import { mergePapers } from "./papers.ts";
import { type Search, searcher } from "./search.ts";
import { slugFor, titleKey } from "./titles.ts";

export interface Catalog {
  papers(): Paper[];
  find(slug: string): Paper | undefined;
  search: Search;
  /**
   * Imports the text of a papers page: all of it, or nothing where it throws. Importing the same
   * page again changes nothing.
   *
   * @throws ImportError where the page is not what it should be
   */
  importPage(content: Uint8Array | string): Promise<ImportReport>;
  /** Takes up what finished runs have decided, and writes the snapshot. */
  refresh(): Promise<void>;
}

/** @param root folder of the papers, see `readPaperFiles` */
export async function openCatalog(store: Store, root?: string): Promise<Catalog> {
  const files = readPaperFiles(root);
  const shipped = new Map(files.map(({ card }) => [titleKey(card.title), card.slug]));
  let papers: Paper[] = [];
  let search: Search | undefined;
  const refresh = async () => {
    papers = mergePapers(files, await store.refreshSnapshot());
    search = undefined;
    // Indexing takes some 100 ms; better between requests than in the next search.
    setImmediate(() => {
      search ??= searcher(papers);
    }).unref();
  };
  await refresh();

  async function importPage(content: Uint8Array | string): Promise<ImportReport> {
    const imported = readPapersPage(content);
    const known = new Map((await readEntries(store.database)).map((entry) => [entry.titleKey, entry]));
    const taken = new Set([...papers, ...known.values()].map(({ slug }) => slug));
    const report = { papers: imported.length, shipped: 0, added: 0, updated: 0, unchanged: 0 };
    const changed: Entry[] = [];
    for (const { title, abstract } of imported) {
      const key = titleKey(title);
      const entry = known.get(key);
      if (shipped.has(key)) report.shipped++;
      if (entry?.abstract === abstract && entry.title === title) {
        report.unchanged++;
        continue;
      }
      report[entry === undefined ? "added" : "updated"]++;
      const slug = entry?.slug ?? shipped.get(key) ?? slugFor(title, taken);
      taken.add(slug);
      changed.push({ slug, title, titleKey: key, abstract });
    }
    if (changed.length > 0) {
      await saveEntries(store.database, changed);
      await refresh();
    }
    return report;
  }

  // One import after the other: each decides by what the one before it has saved.
  let last: Promise<unknown> = Promise.resolve();
  return {
    papers: () => papers,
    find: (slug) => papers.find((paper) => paper.slug === slug),
    search(query, limit) {
      search ??= searcher(papers);
      return search(query, limit);
    },
    importPage(content) {
      const result = last.then(() => importPage(content));
      last = result.catch(() => {});
      return result;
    },
    refresh,
  };
}
