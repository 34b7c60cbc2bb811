import assert from "node:assert/strict";
import { test } from "node:test";
import { entityF1 } from "./index.ts";

const entity = (text: string, type = "place") => ({ text, type });

test("entityF1: counts over sentences, text and type both right", () => {
  const gold = [[entity("Peru"), entity("Lima", "city")], [entity("Mali")]];
  const found = [[entity("Peru"), entity("Lima")], []];
  const { precision, recall, f1 } = entityF1(found, gold);
  assert.equal(precision, 1 / 2);
  assert.equal(recall, 1 / 3);
  assert.ok(Math.abs(f1 - 0.4) < 1e-12);
  assert.deepEqual(entityF1([[]], [[]]), { precision: 0, recall: 0, f1: 0 });
});

test("entityF1: case, punctuation, articles and repetition do not matter, other words do", () => {
  const f1 = (found: string[], gold: string[]) =>
    entityF1([found.map((text) => entity(text))], [gold.map((text) => entity(text))]).f1;
  assert.equal(f1(["the  Hague!"], ["Hague", "hague"]), 1);
  assert.equal(f1(["Hague", "The Hague"], ["the hague"]), 1);
  assert.equal(f1(["Theban"], ["ban"]), 0);
  // Within a sentence only.
  assert.equal(entityF1([[], [entity("x")]], [[entity("x")], []]).f1, 0);
  assert.throws(() => entityF1([], [[]]), /0 sentences and gold 1/);
});
