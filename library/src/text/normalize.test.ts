import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type NormalizeOptions, normalizeText } from "./normalize.ts";

test("by default composed forms, single spaces, no invisible characters", () => {
  assert.equal(normalizeText("  E\u0301cole\t\n de\u00a0 \u200bParis\u0000 "), "\u00c9cole de Paris");
  assert.equal(normalizeText("ﬁ X²"), "ﬁ X²");
});

test("each option does its part", () => {
  assert.equal(normalizeText("ﬁ X²", { form: "NFKC" }), "fi X2");
  assert.equal(normalizeText("ÀÉ", { lowercase: true }), "àé");
  assert.equal(normalizeText("Žluťoučký й हिन्दी", { stripDiacritics: true }), "Zlutoucky и हिन्दी");
  assert.equal(normalizeText("“a” – ‘b’…", { plainPunctuation: true }), "\"a\" - 'b'...");
  assert.equal(normalizeText(" a\n b ", { collapseWhitespace: false }), " a\n b ");
  assert.equal(normalizeText("a\u00adb\u0007", { stripControls: false }), "a\u00adb\u0007");
  assert.equal(normalizeText("E\u0301", { form: false }), "E\u0301");
  assert.equal(normalizeText("👩‍🚀"), "👩‍🚀", "joiners hold emoji together");
});

test("twice is once", () => {
  const form = fc.constantFrom(
    "NFC" as const,
    "NFD" as const,
    "NFKC" as const,
    "NFKD" as const,
    false as const,
  );
  const flag = fc.boolean();
  const options: fc.Arbitrary<NormalizeOptions> = fc.record({
    form,
    lowercase: flag,
    stripDiacritics: flag,
    collapseWhitespace: flag,
    plainPunctuation: flag,
    stripControls: flag,
  });
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), options, (text, options) => {
      const once = normalizeText(text, options);
      assert.equal(normalizeText(once, options), once);
    }),
    { numRuns: 1000, examples: [["\u212bK İ ΑΣ ﬁ´ …", { form: "NFKC", lowercase: true }]] },
  );
});
