import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCsv } from "./csv.ts";
import { cellText, encodeFeatures, featureTypes, fitFeatures, widthOf } from "./features.ts";

const table = parseCsv(
  [
    "age,city,member,note",
    "10,Rome,true,red red fox",
    "20,Rome,false,",
    ",Oslo,true,blue whale at sea",
    "30,Oslo,true,a red door",
    "20,,true,no words here",
    "20,Rome,true,one more",
    "20,Bern,true,the last one",
    "20,Rome,true,and another one",
  ].join("\n"),
  { types: { city: "category" } },
);

test("numbers are standardised, with a slot for missing ones", () => {
  const encoder = fitFeatures(table, { columns: ["age"] });
  assert.equal(encoder.width, 2);
  const x = encodeFeatures(encoder, table);
  const ages = [10, 20, 30, 20, 20, 20, 20];
  const mean = ages.reduce((a, b) => a + b) / 7;
  const deviation = Math.sqrt(ages.reduce((sum, age) => sum + (age - mean) ** 2, 0) / 6);
  assert.ok(Math.abs(x[0] - (10 - mean) / deviation) < 1e-6);
  assert.deepEqual([...x.slice(4, 6)], [0, 1]);
  assert.equal(x[1], 0);
});

test("only the given rows are learnt from", () => {
  const encoder = fitFeatures(table, { columns: ["age", "city"], rows: [0, 1] });
  assert.deepEqual(encoder.columns, [
    { name: "age", kind: "number", mean: 15, deviation: Math.sqrt(50), missing: false },
    { name: "city", kind: "category", categories: ["Rome"], other: false, missing: false },
  ]);
  // Oslo and a missing city were not seen: no slot was trained for them.
  assert.deepEqual([...encodeFeatures(encoder, table, [3, 4])].slice(1, 2), [0]);
  assert.deepEqual([...encodeFeatures(encoder, table, [2])], [0, 0]);
});

test("rare and unknown categories share a slot; missing ones have their own", () => {
  const encoder = fitFeatures(table, { columns: ["city"] });
  assert.deepEqual(encoder.columns[0], {
    name: "city",
    kind: "category",
    categories: ["Oslo", "Rome"],
    other: true,
    missing: true,
  });
  const fresh = parseCsv("city\nBern\nParis\nRome\n\nOslo\n", { types: { city: "text" } });
  const x = encodeFeatures(encoder, fresh);
  const rows = Array.from({ length: 5 }, (_, i) => [...x.slice(i * 4, i * 4 + 4)]);
  assert.deepEqual(rows, [
    [0, 0, 1, 0],
    [0, 0, 1, 0],
    [0, 1, 0, 0],
    [0, 0, 0, 1],
    [1, 0, 0, 0],
  ]);
});

test("at most maxCategories get a slot, the frequent ones", () => {
  const encoder = fitFeatures(table, { columns: ["city"], maxCategories: 1 });
  assert.deepEqual(encoder.columns[0], {
    name: "city",
    kind: "category",
    categories: ["Rome"],
    other: true,
    missing: true,
  });
});

test("texts are bags of words; a missing one is empty", () => {
  const encoder = fitFeatures(table, { columns: ["note"], buckets: 32 });
  const x = encodeFeatures(encoder, table, [0, 1]);
  assert.deepEqual([...x.slice(0, 32)].filter((value) => value > 0).sort(), [
    Math.fround(Math.log1p(1)),
    Math.fround(Math.log1p(2)),
  ]);
  assert.ok(x.slice(32).every((value) => value === 0));
});

test("values far outside are held within bounds, and a constant column is 0", () => {
  const numbers = parseCsv("a,b\n1,5\n2,5\n3,5\n");
  const encoder = fitFeatures(numbers);
  assert.deepEqual([...encodeFeatures(encoder, parseCsv("a,b\n1e9,7\n-1e9,5\n"))], [10, 0, -10, 0]);
});

test("an encoder survives JSON and encodes all columns side by side", () => {
  const encoder = fitFeatures(table, { buckets: 16 });
  assert.equal(
    encoder.width,
    encoder.columns.reduce((sum, column) => sum + widthOf(column), 0),
  );
  assert.equal(encoder.width, 2 + 4 + 2 + 16);
  const again = JSON.parse(JSON.stringify(encoder));
  assert.deepEqual(encodeFeatures(again, table), encodeFeatures(encoder, table));
  assert.deepEqual(featureTypes(encoder), { age: "number", city: "text", member: "text", note: "text" });
});

test("cellText gives values as texts", () => {
  const typed = parseCsv("n,d,b,c,t\n1.5,2024-02-29,true,x,one two\nNA,NA,NA,NA,NA\n", {
    types: { c: "category", t: "text" },
  });
  assert.deepEqual(
    typed.columns.map((column) => cellText(column, 0)),
    ["1.5", "2024-02-29T00:00:00.000Z", "true", "x", "one two"],
  );
  assert.deepEqual(
    typed.columns.map((column) => cellText(column, 1)),
    [null, null, null, null, null],
  );
});

test("errors name the column, the row and what is expected", () => {
  assert.throws(() => fitFeatures(table, { columns: ["agee"] }), /no column is named "agee"/);
  assert.throws(() => fitFeatures(table, { rows: [] }), /rows is empty/);
  assert.throws(() => fitFeatures(table, { buckets: 0 }), /buckets is 0/);
  const encoder = fitFeatures(table, { columns: ["age"] });
  const wrong = parseCsv("age\n12\nold\n", { types: { age: "text" } });
  assert.throws(() => encodeFeatures(encoder, wrong), /column "age" is "12" in row 1; expected a number/);
  assert.throws(() => encodeFeatures(encoder, parseCsv("a\n1\n")), /no column is named "age"/);
});
