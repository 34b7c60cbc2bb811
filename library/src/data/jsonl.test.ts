import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { parseJsonl, readJsonl } from "./jsonl.ts";

test("one value a line; blank lines, CRLF and a byte order mark are no matter", () => {
  assert.deepEqual(parseJsonl('\ufeff{"a":1}\r\n\r\n[2]\n"\u2028"'), [{ a: 1 }, [2], "\u2028"]);
  assert.deepEqual(parseJsonl(""), []);
});

test("errors name the line, those of `read` too", () => {
  assert.throws(() => parseJsonl('{"a":1}\n\n{"a":}\n'), /jsonl: line 3: Unexpected token/);
  const read = (value: unknown) => {
    if (typeof value !== "number") throw new TypeError("a number is needed");
    return value + 1;
  };
  assert.deepEqual(parseJsonl("1\n2", { read }), [2, 3]);
  assert.throws(() => parseJsonl('1\n"x"', { read }), /line 2: a number is needed/);
});

test("limits", () => {
  assert.equal(parseJsonl("1\n2\n", { maxRows: 2 }).length, 2);
  assert.throws(() => parseJsonl("1\n\n2\n3", { maxRows: 2 }), /line 4 exceeds the limit of 2 items/);
  assert.throws(() => parseJsonl("[1,2]", { maxBytes: 4 }), /5 characters exceed the limit of 4 bytes/);
});

test("files: the path stands in the error", async () => {
  const folder = await mkdtemp(join(tmpdir(), "nearmiss-jsonl-"));
  try {
    const path = join(folder, "t.jsonl");
    await writeFile(path, "1\n{\n");
    await assert.rejects(readJsonl(path), /t\.jsonl: line 2/);
    await writeFile(path, "1\n2\n");
    assert.deepEqual(await readJsonl(path), [1, 2]);
  } finally {
    await rm(folder, { recursive: true });
  }
});
