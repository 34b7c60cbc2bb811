import assert from "node:assert/strict";
import { test } from "node:test";
import { logTemplates } from "./index.ts";

test("logTemplates: messages that differ in parameters are one event", () => {
  const { templates, assigned, match } = logTemplates([
    "Received block blk_1 from host a",
    "Received block blk_2 from host b",
    "Deleted block blk_1",
    "Received signal to stop right now",
    "Deleted file blk_7",
    "12 packets lost",
    "13 packets lost",
  ]);
  assert.deepEqual(templates, [
    "Received block <*> from host <*>",
    "Deleted block blk_1",
    "Received signal to stop right now",
    "Deleted file blk_7",
    "<*> packets lost",
  ]);
  assert.deepEqual(Array.from(assigned), [0, 0, 1, 2, 3, 4, 4]);
  assert.equal(match("Received block blk_9 from host c"), 0);
  // Another first word, another length, too little in common.
  assert.equal(match("Obtained block blk_9 from host c"), -1);
  assert.equal(match("Received block blk_9 from the host c"), -1);
  assert.equal(match("Received a b c d e"), -1);
});

test("logTemplates: the threshold is reached, not passed", () => {
  const parse = (similarity: number) => logTemplates(["a b c d", "a b x y"], { similarity }).templates.length;
  assert.equal(parse(0.5), 1);
  assert.equal(parse(0.51), 2);
  assert.throws(() => parse(1.5), /similarity is 1.5/);
  assert.deepEqual(logTemplates([]).templates, []);
});
