import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { cellText } from "nearmiss/data";
import { scratchFolder } from "../runs/testing.ts";
import { csvLine } from "./csv-line.ts";
import { readRows } from "./rows.ts";

const scratch = scratchFolder();
const file = (name: string, text: string) => {
  const path = join(scratch, name);
  writeFileSync(path, text);
  return path;
};

test("CSV, tab-separated values and JSON Lines give the same table", async () => {
  const csv = await readRows(file("a.csv", 'n,t,b\n1.5,"a, b",true\n,NA,false\n'));
  const tsv = await readRows(file("a.tsv", "n\tt\tb\n1.5\ta, b\ttrue\n\tNA\tfalse\n"));
  const lines = '{"n": 1.5, "t": "a, b", "b": true}\n\n{"t": null, "b": false}\n';
  const jsonl = await readRows(file("a.jsonl", lines));
  assert.deepEqual(tsv, csv);
  assert.deepEqual(jsonl, csv);
  assert.deepEqual(
    csv.columns.map((column) => cellText(column, 0)),
    ["1.5", "a, b", "true"],
  );
});

test("a file without header, another text for missing, and given types", async () => {
  const plain = await readRows(file("b.csv", "1,?\n2,x y\n"), { header: false, missing: "?" });
  assert.deepEqual(
    plain.columns.map(({ name }) => name),
    ["column 1", "column 2"],
  );
  assert.equal(cellText(plain.columns[1], 0), null);
  const typed = await readRows(file("c.csv", "code,x\n1.0,1\n2,2\n"), {
    types: { code: "text", absent: "number" },
  });
  assert.equal(cellText(typed.columns[0], 0), "1.0");
});

test("broken files name the place", async () => {
  await assert.rejects(readRows(file("d.jsonl", '{"a": 1}\n[2]\n')), /line 2: \[2\] is no object/);
  await assert.rejects(readRows(file("e.jsonl", '{"a": {"b": 1}}\n')), /line 1: "a" is a list or an object/);
  await assert.rejects(readRows(file("f.jsonl", "")), /there is no row/);
  const mixed = file("g.jsonl", '{"a": 1}\n{"a": "one\\nline"}\n');
  await assert.rejects(
    readRows(mixed, { types: { a: "number" } }),
    /item 2, column "a": "one line" is no decimal number/,
  );
});

test("a CSV line survives reading", async () => {
  const fields = ["plain", 'a "quote"', "two\nlines", " spaced ", "a,b", ""];
  const table = await readRows(file("h.csv", csvLine(["a", "b", "c", "d", "e", "f"]) + csvLine(fields)));
  assert.deepEqual(
    table.columns.map((column) => cellText(column, 0)),
    [...fields.slice(0, 5), null],
  );
});
