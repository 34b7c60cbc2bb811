import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { assemble } from "./rows-assemble.ts";

const read = (name: string) => readFileSync(new URL(name, import.meta.url), "utf8");

test("rows-bytes.ts is rows.wat, assembled", async () => {
  assert.equal(read("rows-bytes.ts"), await assemble(read("rows.wat")));
});
