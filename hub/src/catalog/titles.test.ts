import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { editDistance, nearNames, slugFor, titleKey } from "./titles.ts";

describe("titleKey", () => {
  const same: [string, string][] = [
    ["Near Misses: A Study", "near-misses  a study!"],
    ["Pre-Training", "Pretraining"],
    ["The Sørensen-Dice Coefficient", "the sorensen dice coefficient"],
    ["χ² Naïve", "χ2 naive"],
    ["Inference scriptsizeFLaws", "Inference fLaws"],
  ];
  for (const [a, b] of same) test(`${a} is ${b}`, () => assert.equal(titleKey(a), titleKey(b)));

  test("other words are another title", () => {
    assert.notEqual(titleKey("Near Misses"), titleKey("Near Miss"));
    assert.equal(titleKey("...!"), "");
  });
});

describe("slugFor", () => {
  test("takes whole words up to 60 characters", () => {
    assert.equal(slugFor("Łukasz: A Near-Miss, Again", new Set()), "lukasz-a-near-miss-again");
    const long = slugFor(Array(30).fill("word").join(" "), new Set());
    assert.match(long, /^word(-word)+$/);
    assert.ok(long.length <= 60 && long.length > 55);
    assert.equal(slugFor("x".repeat(100), new Set()).length, 60);
  });

  test("gives way to slugs that are taken, and has one for titles without Latin letters", () => {
    assert.equal(slugFor("Near Miss", new Set(["near-miss", "near-miss-2"])), "near-miss-3");
    assert.equal(slugFor("論文", new Set()), "paper");
  });
});

describe("editDistance", () => {
  test("known values", () => {
    assert.equal(editDistance("kitten", "sitting"), 3);
    assert.equal(editDistance("", "abc"), 3);
    assert.equal(editDistance("same", "same"), 0);
  });

  test("is a metric, and a limit cuts it at one more", () => {
    const text = fc.string({ maxLength: 8, unit: fc.constantFrom("a", "b", "c") });
    fc.assert(
      fc.property(text, text, text, fc.nat(4), (a, b, c, limit) => {
        const distance = editDistance(a, b);
        assert.equal(distance, editDistance(b, a));
        assert.equal(distance === 0, a === b);
        assert.ok(editDistance(a, c) <= distance + editDistance(b, c));
        assert.equal(editDistance(a, b, limit), Math.min(distance, limit + 1));
      }),
    );
  });
});

describe("nearNames", () => {
  const names = ["squentropy", "z-loss", "npo", "simnpo", "sparsemax"];

  test("finds typos, and names that hold what was typed", () => {
    assert.deepEqual(nearNames("squentrpy", names), ["squentropy"]);
    assert.deepEqual(nearNames("sparse", names), ["sparsemax"]);
    assert.deepEqual(nearNames("NPO", names), ["npo", "simnpo"]);
  });

  test("finds nothing near nonsense", () => assert.deepEqual(nearNames("qqqqqqqqqq", names), []));
});
