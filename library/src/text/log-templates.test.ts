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

test("logTemplates: of equally similar templates the one with most wildcards wins, then the oldest", () => {
  const messages = ["a b c d e", "a x y q f", "a z y q f"];
  const parse = (message: string) => logTemplates([...messages, message], { similarity: 0.6 });
  // Three words in common with "a b c d e", and with "a <*> y q f".
  assert.deepEqual(parse("a b c q f").templates, ["a b c d e", "a <*> <*> q f"]);
  const { assigned } = logTemplates(["a b c d", "a x y z", "a b y d"], { similarity: 0.5 });
  assert.deepEqual(Array.from(assigned), [0, 1, 0]);
  assert.equal(logTemplates(["a b c d", "a x y z"], { similarity: 0.5 }).match("a b c z"), 0);
  assert.equal(logTemplates(["a b c d", "a x y z"], { similarity: 0.5 }).match("a b y q"), 0);
  // A wildcard is nothing in common.
  assert.equal(parse("a b c q f").match("a <*> <*> g h"), -1);
});
