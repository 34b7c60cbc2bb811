import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { gzipSync } from "node:zlib";
import { scratchFolder } from "../runs/testing.ts";
import { readCorpus } from "./corpus.ts";
import { markdownSections } from "./markdown.ts";
import { readJudged, readPairs } from "./pairs.ts";

const scratch = scratchFolder();
const file = (name: string, content: string | Uint8Array) => {
  writeFileSync(join(scratch, name), content);
  return join(scratch, name);
};

test("the usual spellings: BEIR, lists of sentences, titles that the text repeats, tables, gzip", async () => {
  const beir = file("a.jsonl.gz", gzipSync('{"_id": "x", "title": "A wing", "text": "A wing bends."}\n'));
  assert.deepEqual((await readCorpus(beir)).documents, [{ id: "x", title: "A wing", text: "bends." }]);
  const listed = file("b.jsonl", '{"doc_id": 7, "title": "T", "abstract": ["One.", "Two."]}\n');
  assert.deepEqual((await readCorpus(listed)).documents, [{ id: "7", title: "T", text: "One. Two." }]);
  const table = file("c.csv", 'id,body\n007,"one, two\nthree"\nNA,four\n');
  assert.deepEqual((await readCorpus(table)).documents, [
    { id: "007", title: "", text: "one, two\nthree" },
    { id: "NA", title: "", text: "four" },
  ]);
  const titles = file("d.tsv", "title\tyear\nOnly a title\t1\n");
  assert.deepEqual((await readCorpus(titles)).documents, [{ id: "1", title: "", text: "Only a title" }]);
  const named = file("e.csv", "nr,head,words\n1,H,W\n");
  const options = { idColumn: "nr", titleColumn: "head", textColumn: "words" };
  assert.deepEqual((await readCorpus(named, options)).documents, [{ id: "1", title: "H", text: "W" }]);
});

test("repeated and empty documents are told", async () => {
  const path = file("f.jsonl", '{"id":1,"text":"a"}\n{"id":2,"text":"a"}\n{"id":3,"text":""}\n');
  assert.deepEqual((await readCorpus(path)).notes, [
    "1 document has neither title nor text: nothing finds them.",
    "1 document repeats the text of another one.",
  ]);
});

test("Markdown: sections by headings of both kinds, code kept, links and front matter gone", () => {
  const text = `---
title: hidden
---
Before [all](https://example.org/x_(y)) else.

# Top *one*

## Install
Run **this**:

\`\`\`sh
# not a heading
npm install
\`\`\`

Under
-----
- item
---
## Install
Again <b>bold</b>.
## Empty
`;
  assert.deepEqual(markdownSections("a/b.md", text), [
    { id: "a/b.md", title: "a/b.md", text: "Before all else." },
    { id: "a/b.md#install", title: "Top one: Install", text: "Run this: # not a heading npm install" },
    { id: "a/b.md#under", title: "Top one: Under", text: "- item" },
    { id: "a/b.md#install-2", title: "Top one: Install", text: "Again bold ." },
  ]);
});

test("pairs by ids, lists of ids and texts; repeated ones count once", async () => {
  const documents = [
    { id: "a", title: "T", text: "one" },
    { id: "b", title: "", text: "two" },
  ];
  const byId = file("g.jsonl", '{"query":"q","doc_id":["a","b"]}\n{"query":"q","doc_id":"a"}\n');
  const { queries, notes } = await readPairs(byId, documents);
  assert.deepEqual(queries, [
    {
      text: "q",
      grades: new Map([
        [0, 1],
        [1, 1],
      ]),
    },
  ]);
  assert.match(notes.join(), /1 pair stood there before/);
  const byText = file("h.csv", "anchor,positive\nq,T  one\nr,one\ns,two\n");
  assert.deepEqual(
    (await readPairs(byText, documents)).queries.map(({ grades }) => [...grades.keys()]),
    [[0], [0], [1]],
  );
});

test("judgements of BEIR and of TREC, queries without a header; what is unknown is told", async () => {
  const documents = ["a", "b"].map((id) => ({ id, title: "", text: id }));
  const queries = file("q.tsv", "1\tfirst one\n2\tsecond\n3\tthird\n");
  const beir = file("beir.tsv", "query-id\tcorpus-id\tscore\n1\ta\t2\n1\tb\t-1\n2\tzz\t1\n9\ta\t1\n");
  const read = await readJudged(queries, beir, documents);
  assert.deepEqual(read.queries, [{ text: "first one", grades: new Map([[0, 2]]) }]);
  assert.match(
    read.notes.join(),
    /2 judgements passed over: 1 of documents and 1 of queries that are unknown \(first: line 4: document "zz"\)/,
  );
  assert.match(read.notes.join(), /2 queries without a relevant document left out/);
  const trec = file("trec.txt", "1 0 a 3\n2 0 b 0\n");
  assert.deepEqual((await readJudged(queries, trec, documents, { binary: true })).queries, [
    { text: "first one", grades: new Map([[0, 1]]) },
  ]);
});
