import assert from "node:assert/strict";
import { test } from "node:test";
import { parseCsv } from "./csv.ts";
import { describeColumns } from "./describe-columns.ts";

const rows = Array.from({ length: 12 }, (_, i) => [
  i + 1,
  `user-${i}`,
  `a text of ${i}`,
  "same",
  i / 8,
  i % 3 === 0 ? "fizz" : "other",
  i < 10 ? i % 2 : "NA",
  `2024-01-${10 + i}`,
]);
const text = [["id", "user", "text", "same", "x", "label", "gap", "day"], ...rows].join("\n");

test("columns that are constant or name the row are found, and no others", () => {
  const described = describeColumns(parseCsv(text));
  const named = (property: "constant" | "idLike") =>
    described.filter((column) => column[property]).map(({ name }) => name);
  assert.deepEqual(named("constant"), ["same"]);
  assert.deepEqual(named("idLike"), ["id", "user"]);
  const few = describeColumns(parseCsv(text.split("\n").slice(0, 10).join("\n")));
  assert.ok(!few.some(({ idLike }) => idLike), "nine rows prove nothing");
});

test("counts and moments", () => {
  const described = describeColumns(parseCsv(text));
  const column = (name: string) => described.find((column) => column.name === name)!;
  assert.deepEqual(column("gap"), {
    name: "gap",
    type: "number",
    rows: 12,
    missing: 2,
    distinct: 2,
    constant: false,
    idLike: false,
    minimum: 0,
    maximum: 1,
    mean: 0.5,
  });
  assert.deepEqual(column("label").mostFrequent, { category: "other", count: 8 });
  assert.equal(column("x").maximum, 11 / 8);
});

test("a column without any value is constant", () => {
  const [empty] = describeColumns(parseCsv("a,b\n,1\n,2"));
  assert.deepEqual([empty.missing, empty.distinct, empty.constant, empty.idLike], [2, 0, true, false]);
});
