import assert from "node:assert/strict";
import { test } from "node:test";
import { mergePapers } from "../../hub/src/catalog/papers.ts";
import { searcher } from "../../hub/src/catalog/search.ts";
import { evaluateRankings } from "../../library/src/retrieval/index.ts";
import { readPaperFiles } from "../../papers/src/index.ts";
import { judgedQueries } from "./queries.ts";

const steer = judgedQueries("steer");
const heldBack = judgedQueries("held-back");
const papers = mergePapers(readPaperFiles(), { version: 1, entries: [], verdicts: {} });

test("every third query is held back, and none stands twice", () => {
  assert.equal(heldBack.length, Math.floor((steer.length + heldBack.length) / 3));
  const texts = [...steer, ...heldBack].map(({ query }) => query.toLowerCase());
  assert.equal(new Set(texts).size, texts.length);
});

test("judgements name papers that there are, with grades 1 and 2, and every paper is meant by some query", () => {
  const slugs = new Set(papers.map(({ slug }) => slug));
  const meant = new Set<string>();
  for (const { query, relevant } of [...steer, ...heldBack]) {
    const grades = Object.entries(relevant);
    assert.ok(
      grades.some(([, grade]) => grade === 2),
      query,
    );
    for (const [slug, grade] of grades) {
      assert.ok(slugs.has(slug), `${query}: ${slug}`);
      assert.ok(grade === 1 || grade === 2, `${query}: ${slug}`);
      if (grade === 2) meant.add(slug);
    }
  }
  assert.equal(meant.size, slugs.size);
});

test("the steering queries find their papers as well as when the search was made", () => {
  const positions = new Map(papers.map(({ slug }, position) => [slug, position]));
  const judgements = steer.map(
    ({ relevant }) => new Map(Object.entries(relevant).map(([slug, grade]) => [positions.get(slug)!, grade])),
  );
  const level = (by: "words" | "meaning" | "both") => {
    const search = searcher(papers, { by });
    const rankings = steer.map(({ query }) => search(query, 10).map(({ slug }) => positions.get(slug)!));
    const scores = evaluateRankings(rankings, judgements)["nDCG@10"];
    return scores.reduce((sum, score) => sum + score, 0) / scores.length;
  };
  // Measured: 0.883, 0.832 and 0.897.
  assert.ok(level("words") >= 0.86);
  assert.ok(level("meaning") >= 0.8);
  assert.ok(level("both") >= 0.88);
});
