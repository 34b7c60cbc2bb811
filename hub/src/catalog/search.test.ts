import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { readPaperFiles } from "@nearmiss/papers";
import fc from "fast-check";
import { type Random, random } from "nearmiss/random";
import { emptySnapshot } from "../store/snapshot.ts";
import type { Paper } from "../types.ts";
import { encoderBytes, readEncoder } from "./encoder.ts";
import { mergePapers } from "./papers.ts";
import { QueryError, searcher } from "./search.ts";
import { isTypo } from "./typo.ts";

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
    assert.deepEqual(slugs("temprature rankign"), ["margins", "warmth"]);
    assert.deepEqual(slugs("cuonting"), ["sheep"]);
    assert.deepEqual(slugs("qqqqqq"), []);
  });

  test("puts slugs and arXiv ids first, in all the ways they are written", () => {
    for (const query of ["2001.00001", "arXiv:2001.00001v3", "https://arxiv.org/abs/2001.00001"])
      assert.equal(slugs(query)[0], "margins", query);
    assert.equal(slugs("https://arxiv.org/pdf/2001.00001v2.pdf")[0], "margins");
    assert.equal(slugs("WARMTH")[0], "warmth");
  });

  test("ranks neighbours of the query that are neighbours in the text above the same words apart", () => {
    const search = searcher(
      [
        paper("apart", "Wool", { abstract: "A label of sheep with much noise." }),
        paper("together", "Wool", { abstract: "Sheep with much of a label noise." }),
      ],
      { by: "words" },
    );
    assert.equal(search("label noise", 2)[0].slug, "together");
    assert.equal(search("noise label", 2)[0].slug, "apart");
  });

  test("counts a title twice, and scores by words as shares of the query that was found", () => {
    const search = searcher(
      [paper("a", "Wool", { abstract: "Noise here." }), paper("b", "Noise", { abstract: "Wool here." })],
      { by: "words" },
    );
    const [first, second] = search("noise", 2);
    assert.equal(first.slug, "b");
    assert.ok(first.score > second.score && second.score > 0 && first.score <= 1);
    assert.ok(search("noise photon", 1)[0].score < first.score / 2);
  });

  test("looks past words that say nothing, unless there are no others", () => {
    assert.deepEqual(slugs("how do I deal with a margin?"), slugs("deal margin"));
    assert.deepEqual(slugs("of"), ["warmth"]);
  });

  test("tells which words were found", () => {
    const why = (query: string) => search(query, 9).map(({ slug, by, matches }) => [slug, by, ...matches]);
    assert.deepEqual(why("temprature of ranking"), [
      ["margins", "words", "temprature", "ranking"],
      ["warmth", "words", "temprature"],
    ]);
    assert.deepEqual(why("2001.00001v3")[0], ["margins", "name"]);
    assert.deepEqual(why("couning sheep")[0], ["sheep", "name", "couning", "sheep"]);
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

describe("searcher by meaning", () => {
  const terms = ["sheep", "wool", "temperatur", "heat", "nonsens"];
  const encoder = readEncoder(
    encoderBytes(terms, 2, Float32Array.of(1, 0, 0.9, 0.1, 0, 1, 0.1, 0.9, -1, -1)),
  );
  const papers = [
    paper("warmth", "Temperature"),
    paper("sheep", "Sheep"),
    paper("unread", "Zebra"),
    paper("mixed", "Sheep and Wool and Temperature"),
  ];
  const slugs = (query: string, by?: "words" | "meaning" | "both") =>
    searcher(papers, { encoder, by })(query, 10).map((result) => result.slug);

  test("finds papers that share no word with the query, and tells so", () => {
    const [first] = searcher(papers, { encoder })("heat", 10);
    assert.equal(first.slug, "warmth");
    assert.deepEqual([first.by, first.matches], ["meaning", []]);
    assert.deepEqual(slugs("heat", "words"), []);
  });

  test("leaves out papers that are far from the query and hold none of its words", () => {
    assert.deepEqual(slugs("heat"), ["warmth", "mixed"]);
    assert.deepEqual(slugs("nonsense"), []);
    assert.deepEqual(slugs("zebra"), ["unread"]);
  });

  test("a word that is found weighs more than one of like meaning", () => {
    assert.deepEqual(slugs("wool"), ["mixed", "sheep"]);
    assert.deepEqual(slugs("wool", "meaning"), ["sheep", "mixed"]);
  });

  test("does not take a word that it knows for a typing error of another", () => {
    const known = [paper("a", "Seat"), paper("b", "Temperature")];
    assert.deepEqual(
      searcher(known, { encoder })("heat of it", 5).map((result) => result.slug),
      ["b"],
    );
    assert.deepEqual(
      searcher(known, { encoder })("zeat of it", 5).map((result) => result.slug),
      ["a"],
    );
  });
});

describe("search over the shipped papers", () => {
  const papers = mergePapers(readPaperFiles(), emptySnapshot);
  const search = searcher(papers);
  const first = (query: string) => search(query, 1)[0]?.slug;

  test("an exact title or slug is first", () => {
    for (const { slug, title } of papers) {
      assert.equal(first(title), slug);
      assert.equal(first(title.toUpperCase()), slug);
      assert.equal(first(slug), slug);
    }
  });

  test("an arXiv id is first in all the ways it is written, with one digit missing too if no other is as near", () => {
    const ids = papers.flatMap(({ slug, arxiv }) => (arxiv ? [{ slug, arxiv }] : []));
    assert.ok(ids.length > 200);
    for (const { slug, arxiv } of ids) {
      for (const query of [arxiv, `arXiv:${arxiv}v2`, `https://arxiv.org/abs/${arxiv}`])
        assert.equal(first(query), slug, query);
      const cut = arxiv.slice(0, -1);
      const near = ids.filter((other) => isTypo(cut, other.arxiv)).map((other) => other.slug);
      assert.ok(near.includes(first(cut)), `${cut}: ${first(cut)}`);
    }
  });

  const errors: Record<string, (title: string, at: number, draw: Random) => string> = {
    "a character left out": (title, at) => title.slice(0, at) + title.slice(at + 1),
    "a character doubled": (title, at) => title.slice(0, at + 1) + title.slice(at),
    "another character": (title, at, draw) =>
      title.slice(0, at) + draw.choice("abcdefghijklmnopqrstuvwxyz") + title.slice(at + 1),
    "two neighbours swapped": (title, at) =>
      title.slice(0, at) +
      title
        .slice(at, at + 2)
        .split("")
        .reverse()
        .join("") +
      title.slice(at + 2),
  };
  for (const [name, spoil] of Object.entries(errors))
    test(`every title is first with ${name}, wherever it is`, () => {
      const draw = random(name);
      for (const { slug, title } of papers)
        for (let time = 0; time < 3; time++) {
          const query = spoil(title, draw.integer(0, title.length - 1), draw);
          assert.equal(first(query), slug, query);
        }
    });
});
