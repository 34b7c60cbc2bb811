import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Bm25Options, bm25Index, scores, search } from "./bm25.ts";

const close = (actual: number, expected: number) =>
  assert.ok(
    Math.abs(actual - expected) <= 1e-6 * Math.max(1, Math.abs(expected)),
    `${actual} is not ${expected}`,
  );

/** The definition, word by word: no index, no shortcuts. */
function definition(documents: string[], query: string, { k1 = 1.2, b = 0.75 }: Bm25Options = {}): number[] {
  const split = documents.map((text) => text.split(" ").filter((word) => word !== ""));
  const mean = split.reduce((sum, words) => sum + words.length, 0) / split.length;
  return split.map((words) => {
    let score = 0;
    for (const term of query.split(" ").filter((word) => word !== "")) {
      const df = split.filter((other) => other.includes(term)).length;
      const tf = words.filter((word) => word === term).length;
      const idf = Math.log(1 + (split.length - df + 0.5) / (df + 0.5));
      if (tf > 0) score += (idf * tf * (k1 + 1)) / (tf + k1 * (1 - b + (b * words.length) / mean));
    }
    return score;
  });
}

describe("bm25Index", () => {
  const index = bm25Index(["the cat sat", "the the dog", ""]);

  test("holds each term's postings in one row, documents ascending", () => {
    assert.deepEqual([...index.terms.keys()], ["the", "cat", "sat", "dog"]);
    assert.deepEqual([...index.offsets], [0, 2, 3, 4, 5]);
    assert.deepEqual([...index.documents], [0, 1, 0, 0, 1]);
    assert.deepEqual([...index.frequencies], [1, 2, 1, 1, 1]);
    assert.deepEqual([...index.lengths], [3, 3, 0]);
    assert.equal(index.size, 3);
  });

  test("weighs terms as Lucene does: ln(1 + (n - df + 0.5) / (df + 0.5))", () => {
    close(index.inverseDocumentFrequencies[0], Math.log(1 + 1.5 / 2.5));
    close(index.inverseDocumentFrequencies[1], Math.log(1 + 2.5 / 1.5));
  });

  test("finds words whatever their case and diacritics", () => {
    const folded = bm25Index(["Žluťoučký kůň", "a dog"]);
    assert.deepEqual(
      search(folded, "ZLUTOUCKY").map((hit) => hit.document),
      [0],
    );
  });

  test("takes another tokeniser, for documents and queries alike", () => {
    const letters = bm25Index(["abc", "xyz"], { tokenize: (text) => [...text] });
    assert.deepEqual(
      search(letters, "zebra").map((hit) => hit.document),
      [0, 1],
    );
  });

  test("refuses options out of range", () => {
    assert.throws(() => bm25Index([], { k1: -1 }), /k1 is -1, expected 0 or more/);
    assert.throws(() => bm25Index([], { k1: Number.NaN }), /k1 is NaN/);
    assert.throws(() => bm25Index([], { b: 1.1 }), /b is 1.1, expected 0 to 1/);
  });

  test("is content with no documents, and with documents without words", () => {
    assert.deepEqual(search(bm25Index([]), "cat"), []);
    assert.deepEqual(search(bm25Index(["", "..."]), "cat"), []);
  });
});

describe("search", () => {
  test("agrees with a value worked by hand", () => {
    // n = 2, df = 1: idf = ln(1 + 1.5 / 1.5) = ln 2. tf = 2, |d| = 3, mean 2: norm = 1.2 · (0.25 + 0.75 · 1.5) = 1.65.
    const [hit] = search(bm25Index(["cat cat dog", "dog"]), "cat");
    close(hit.score, (Math.LN2 * 2 * 2.2) / (2 + 1.65));
  });

  test("gives equal scores in the order of the documents, up to the limit", () => {
    const index = bm25Index(["b", "a", "b", "b"]);
    const documents = (limit: number) => search(index, "b", limit).map((hit) => hit.document);
    assert.deepEqual(documents(2), [0, 2]);
    assert.deepEqual(documents(10), [0, 2, 3]);
  });

  test("weighs terms as it is told", () => {
    const index = bm25Index(["a", "b", "c"]);
    const weighted = search(index, [
      ["a", 1],
      ["b", 2],
      ["c", 0],
    ]);
    assert.deepEqual(
      weighted.map((hit) => hit.document),
      [1, 0],
    );
    close(weighted[0].score, 2 * weighted[1].score);
  });

  test("refuses limits that are no positive integers", () => {
    for (const limit of [0, -1, 1.5, Number.NaN])
      assert.throws(() => search(bm25Index(["a"]), "a", limit), /limit is/);
  });

  const text = fc
    .array(fc.constantFrom("a", "b", "c", "d", "e"), { maxLength: 8 })
    .map((words) => words.join(" "));
  const options = fc.record({
    k1: fc.double({ min: 0, max: 3, noNaN: true }),
    b: fc.double({ min: 0, max: 1, noNaN: true }),
  });

  test("equals the definition on any documents, query after query", () => {
    fc.assert(
      fc.property(
        fc.array(text, { minLength: 1, maxLength: 12 }),
        fc.array(text, { minLength: 1 }),
        options,
        (documents, queries, options) => {
          const index = bm25Index(documents, options);
          for (const query of queries) {
            const expected = definition(documents, query, options);
            scores(index, query).forEach((score, document) => {
              close(score, expected[document]);
            });
            const hits = search(index, query, documents.length);
            assert.equal(hits.length, expected.filter((score) => score > 0).length);
            for (const [rank, { document, score }] of hits.entries()) {
              close(score, expected[document]);
              if (rank > 0) assert.ok(score <= hits[rank - 1].score);
            }
            const limit = 1 + (documents.length >> 1);
            assert.deepEqual(search(index, query, limit), hits.slice(0, limit));
          }
        },
      ),
    );
  });
});
