/** The papers that the hub knows: shipped cards merged with what imports and runs have added. */
import type { PaperFile } from "@nearmiss/papers";
import type { Snapshot } from "../store/snapshot.ts";
import type { Paper } from "../types.ts";
import { slugFor, titleKey } from "./titles.ts";

/**
 * Merges cards and entries: an entry whose title is a card's gives that card its abstract, any other
 * is a paper of its own. Cards come first, in the order of their numbers.
 */
export function mergePapers(
  cards: readonly Pick<PaperFile, "card" | "runnable">[],
  { entries, verdicts }: Snapshot,
): Paper[] {
  const abstracts = new Map(entries.map((entry) => [entry.titleKey, entry.abstract]));
  const papers: Paper[] = cards.map(({ card, runnable }) => ({
    ...card,
    abstract: abstracts.get(titleKey(card.title)),
    runnable,
    verdicts: verdicts[card.slug] ?? [],
  }));
  const shipped = new Set(cards.map(({ card }) => titleKey(card.title)));
  const taken = new Set(papers.map((paper) => paper.slug));
  for (const entry of entries) {
    if (shipped.has(entry.titleKey)) continue;
    // A card that came after the import may have the slug that the entry was given.
    const slug = taken.has(entry.slug) ? slugFor(entry.title, taken) : entry.slug;
    taken.add(slug);
    papers.push({ slug, title: entry.title, abstract: entry.abstract, runnable: false, verdicts: [] });
  }
  return papers;
}
