import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import fc from "fast-check";
import { columnOf, parseCsv, readCsv } from "./csv.ts";

test("quotes, doubled quotes, breaks within quotes, CRLF, byte order mark, blank lines", () => {
  const table = parseCsv('\ufeffa,b\r\n1,"x, ""y""\r\nz"\r\n\r\n2.5e1, w \r\n');
  assert.equal(table.rows, 2);
  assert.deepEqual(table.columns, [
    { name: "a", type: "number", values: Float64Array.of(1, 25) },
    { name: "b", type: "text", values: ['x, "y"\r\nz', " w "] },
  ]);
});

test("line endings may change within a text", () => {
  assert.deepEqual(columnOf(parseCsv("a,b\r\n1,2\n3,4\r\n"), "b", "number").values, Float64Array.of(2, 4));
});

test("whatever was quoted comes back", () => {
  const field = fc.string({ unit: fc.constantFrom("a", '"', ",", "\n", "\r", ";", " ", "é") });
  fc.assert(
    fc.property(fc.array(fc.tuple(field, field), { minLength: 1 }), (rows) => {
      const quoted = rows.map((row) => row.map((value) => `"${value.replaceAll('"', '""')}"`).join(","));
      const options = {
        header: false,
        missing: [],
        types: { "column 1": "text", "column 2": "text" },
      } as const;
      const table = parseCsv(quoted.join("\n"), options);
      assert.deepEqual(
        table.columns.map((column) => column.values),
        [rows.map(([x]) => x), rows.map(([, y]) => y)],
      );
    }),
  );
});

test("types are inferred from all values, missing ones aside", () => {
  const typeOf = (...values: string[]) =>
    parseCsv(`x,y\n${values.map((v) => `${v},0`).join("\n")}`).columns[0].type;
  assert.equal(typeOf("1", "", "-2.5", ".5", "1E-3", "NA"), "number");
  assert.equal(typeOf("true", "FALSE", "null"), "boolean");
  assert.equal(typeOf("2024-02-29", "1999-12-31T23:59:59Z"), "date");
  assert.equal(typeOf("red", "blue", "red", "blue"), "category");
  assert.equal(typeOf("red", "blue", "green"), "text");
  assert.equal(typeOf("1", "1", "x", "x"), "category");
  assert.equal(typeOf("", "NA"), "text");
  assert.equal(typeOf("0", "1"), "number");
  // What a number would not give back, or what is ambiguous, stays as it is written.
  assert.equal(typeOf("007", "123"), "text");
  assert.equal(typeOf("9007199254740993", "1"), "text");
  assert.equal(typeOf("0.1234567890123456789", "1"), "number");
  assert.equal(typeOf("1e999", "1"), "text");
  assert.equal(typeOf("1.5", "0x10"), "text");
  assert.equal(typeOf("2023-02-29", "2023-01-01"), "text");
  assert.equal(typeOf("03/04/2023", "04/04/2023"), "text");
});

test("missing values are NaN, -1 and null", () => {
  const rows = [
    "1,a,2024-01-01,true,x y",
    ",,,,",
    "2,b,2024-01-02,false,z",
    "3,a,2024-01-03,true,u",
    "4,b,,,v",
  ];
  const { columns } = parseCsv(`n,c,d,b,t\n${rows.join("\n")}`);
  assert.deepEqual(columns[0].values, Float64Array.of(1, Number.NaN, 2, 3, 4));
  assert.deepEqual(columns[1], {
    name: "c",
    type: "category",
    values: Int32Array.of(0, -1, 1, 0, 1),
    categories: ["a", "b"],
  });
  assert.deepEqual(
    columns[2].values,
    Float64Array.of(Date.UTC(2024, 0, 1), Number.NaN, Date.UTC(2024, 0, 2), Date.UTC(2024, 0, 3), Number.NaN),
  );
  assert.deepEqual(columns[3].values, [true, null, false, true, null]);
  assert.deepEqual(columns[4].values, ["x y", null, "z", "u", "v"]);
  const namibia = parseCsv("code,n\nNA,1\nDE,2", { missing: [""] });
  assert.deepEqual(columnOf(namibia, "code").values, ["NA", "DE"]);
  assert.equal(parseCsv("only\n1\n\n3").rows, 3, "in one column a blank line is a missing value");
});

test("dates: zones and fractions of seconds", () => {
  const { values } = columnOf(
    parseCsv("d\n2024-02-29T10:00:00.5+01:30\n2024-02-29 10:00\n0050-01-01"),
    "d",
    "date",
  );
  assert.equal(values[0], Date.parse("2024-02-29T08:30:00.500Z"));
  assert.equal(values[1], Date.parse("2024-02-29T10:00:00Z"));
  assert.equal(values[2], Date.parse("0050-01-01T00:00:00Z"));
});

test("1,000 classes are categories, 1,001 are text", () => {
  const column = (classes: number) =>
    parseCsv(`label\n${Array.from({ length: 3 * classes }, (_, i) => `c${i % classes}`).join("\n")}`)
      .columns[0];
  const thousand = column(1000);
  assert.equal(thousand.type === "category" && thousand.categories.length, 1000);
  assert.equal(column(1001).type, "text");
  assert.throws(
    () => parseCsv("a\nx\ny\nz", { types: { a: "category" }, maxCategories: 2 }),
    /column "a" has 3 categories, the limit is 2/,
  );
});

test("given types hold, and a value that does not fit is named with its line", () => {
  const zip = parseCsv("zip,x\n007,1\n8,2", { types: { zip: "number" } });
  assert.deepEqual(columnOf(zip, "zip").values, Float64Array.of(7, 8));
  assert.throws(
    () => parseCsv('t,n\n"two\nlines",1\nb,none', { types: { n: "number" } }),
    /line 4, column "n": "none" is no decimal number/,
  );
  assert.throws(() => parseCsv("a\n1", { types: { b: "text" } }), /types names "b", the columns are a/);
  assert.equal(parseCsv("constructor\n1").columns[0].type, "number");
});

test("ragged rows and broken quotes are refused with their line", () => {
  assert.throws(() => parseCsv("a,b\n1,2\n3\n"), /line 3 has 1 fields, the first row has 2/);
  assert.throws(() => parseCsv('a,b\n"1\n1",2\n3,4,5\n'), /line 4 has 3 fields/);
  assert.throws(() => parseCsv('a,b\n1,2\n3,"4\n5,6\n'), /a quote that opens after line 2 is never closed/);
  assert.throws(() => parseCsv('a,b\n1,2"x"\n'), /line 2/);
});

test("limits, names and empty texts", () => {
  assert.equal(parseCsv("a\n1\n2", { maxRows: 2 }).rows, 2);
  assert.throws(() => parseCsv("a\n1\n2\n3", { maxRows: 2 }), /line 4 exceeds the limit of 2 rows/);
  assert.throws(() => parseCsv("a\n123456", { maxBytes: 5 }), /8 characters exceed the limit of 5 bytes/);
  assert.throws(() => parseCsv("a,b,a\n1,2,3"), /two columns are named "a"/);
  assert.throws(() => parseCsv(""), /there is no row/);
  assert.deepEqual(
    parseCsv(",x\n1,2").columns.map(({ name }) => name),
    ["column 1", "x"],
  );
  assert.equal(parseCsv("1;2\n3;4", { header: false, delimiter: ";" }).rows, 2);
  assert.throws(() => columnOf(parseCsv("a\n1"), "b"), /no column is named "b"; there are "a" \(number\)/);
  assert.throws(() => columnOf(parseCsv("a\n1"), "a", "text"), /of type number, not text/);
});

test("files: encodings, sizes", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nearmiss-csv-"));
  try {
    const path = join(folder, "t.csv");
    await writeFile(path, Buffer.from("stra\xdfe,n\nx,1\n", "latin1"));
    await assert.rejects(readCsv(path), /no utf-8 text/);
    assert.equal((await readCsv(path, { encoding: "windows-1252" })).columns[0].name, "straße");
    await assert.rejects(readCsv(path, { maxBytes: 3 }), /13 bytes are more than the limit of 3/);
  } finally {
    await rm(folder, { recursive: true });
  }
});
