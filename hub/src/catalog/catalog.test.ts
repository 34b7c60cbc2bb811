import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Card } from "@nearmiss/papers/card";
import { mergePapers } from "./papers.ts";

const card = (slug: string, title: string) => ({ card: { slug, title, year: 2020 } as Card, runnable: true });
const entry = (slug: string, title: string, titleKey: string) => ({
  slug,
  title,
  titleKey,
  abstract: `On ${title}.`,
});

describe("mergePapers", () => {
  test("gives a card the abstract of the entry with its title, whatever the entry's slug", () => {
    const [paper, ...others] = mergePapers([card("near", "Near Misses")], {
      version: 1,
      entries: [entry("old-slug", "near misses!", "nearmisses")],
      verdicts: { near: [{ claim: "c", decision: "supports", scale: "smoke" }] },
    });
    assert.deepEqual(others, []);
    assert.equal(paper.title, "Near Misses");
    assert.equal(paper.abstract, "On near misses!.");
    assert.equal(paper.runnable, true);
    assert.equal(paper.verdicts[0].decision, "supports");
  });

  test("makes other entries papers of their own, and gives way to a card's slug", () => {
    const papers = mergePapers([card("near", "Near Misses")], {
      version: 1,
      entries: [entry("near", "Near", "near"), entry("far", "Far", "far")],
      verdicts: {},
    });
    assert.deepEqual(
      papers.map(({ slug, runnable }) => [slug, runnable]),
      [
        ["near", true],
        ["near-2", false],
        ["far", false],
      ],
    );
  });
});
