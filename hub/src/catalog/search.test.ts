import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readPaperFiles } from "@nearmiss/papers";
import fc from "fast-check";
import { emptySnapshot } from "../store/snapshot.ts";
import type { Paper } from "../types.ts";
import { mergePapers } from "./papers.ts";
import { QueryError, searcher } from "./search.ts";

const paper = (slug: string, title: string, rest: Partial<Paper> = {}): Paper => ({
  slug,
  title,
  runnable: false,
  verdicts: [],
  ...rest,
});

const search = searcher([
  paper("margins", "Margins for Ranking", { summary: "A penalty on temperature.", arxiv: "2001.00001" }),
  paper("warmth", "Temperature of Losses", { abstract: "We speak of margins." }),
  paper("sheep", "Counting Sheep", { exports: ["losses/sheep: woolCrossEntropy"], year: 1999 }),
]);
const slugs = (query: string, limit = 10) => search(query, limit).map((result) => result.slug);

describe("searcher", () => {
  test("ranks words in titles above words in texts", () => {
    assert.deepEqual(slugs("temperature"), ["warmth", "margins"]);
    assert.deepEqual(slugs("margin"), ["margins", "warmth"]);
    assert.deepEqual(slugs("margin", 1), ["margins"]);
  });

  test("finds parts of exported names, years and plurals", () => {
    assert.deepEqual(slugs("entropy"), ["sheep"]);
    assert.deepEqual(slugs("1999"), ["sheep"]);
    assert.deepEqual(slugs("penalties"), ["margins"]);
  });

  test("reads an unfinished word as the words that it begins, and forgives a typo", () => {
    assert.deepEqual(slugs("coun"), ["sheep"]);
    assert.deepEqual(slugs("temprature"), ["warmth", "margins"]);
    assert.deepEqual(slugs("cuonting"), ["sheep"]);
    assert.deepEqual(slugs("qqqqqq"), []);
  });

  test("puts slugs and arXiv ids first, in all the ways they are written", () => {
    for (const query of ["2001.00001", "arXiv:2001.00001v3", "https://arxiv.org/abs/2001.00001"])
      assert.equal(slugs(query)[0], "margins", query);
    assert.equal(slugs("https://arxiv.org/pdf/2001.00001v2.pdf")[0], "margins");
    assert.equal(slugs("WARMTH")[0], "warmth");
  });

  test("refuses a query without a word", () => {
    for (const query of ["", "  ", "?!"]) assert.throws(() => search(query, 5), QueryError);
  });

  test("never fails on any query that holds a word, and keeps to the limit", () => {
    fc.assert(
      fc.property(fc.string(), fc.integer({ min: 1, max: 2 }), (query, limit) => {
        const results = searchOrRefuse(query, limit);
        assert.ok(results === undefined || results.length <= limit);
      }),
    );
  });

  const searchOrRefuse = (query: string, limit: number) => {
    try {
      return search(query, limit);
    } catch (error) {
      assert.ok(error instanceof QueryError, String(error));
      return undefined;
    }
  };
});

describe("search over the shipped papers", () => {
  const papers = mergePapers(readPaperFiles(), emptySnapshot);
  const search = searcher(papers);
  const first = (query: string) => search(query, 1)[0]?.slug;

  test("an exact title, slug or arXiv id is first", () => {
    for (const { slug, title, arxiv } of papers) {
      assert.equal(first(title), slug);
      assert.equal(first(title.toUpperCase()), slug);
      assert.equal(first(slug), slug);
      if (arxiv) assert.equal(first(arxiv), slug);
    }
  });

  test("a title with any one typo is first", () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...papers),
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        fc.constantFrom("remove", "double", "replace", "swap"),
        ({ slug, title }, where, kind) => {
          const at = Math.floor(where * (title.length - 1));
          const [before, letter, next, after] = [
            title.slice(0, at),
            title[at],
            title[at + 1],
            title.slice(at + 2),
          ];
          const typos = {
            remove: before + next + after,
            double: before + letter + letter + next + after,
            replace: `${before}x${next}${after}`,
            swap: before + next + letter + after,
          };
          assert.equal(first(typos[kind as keyof typeof typos]), slug);
        },
      ),
      { numRuns: 300 },
    );
  });
});
