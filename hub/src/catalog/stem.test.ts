import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { stem } from "./stem.ts";

describe("stem", () => {
  // From Porter's article and the vocabulary that he published with the algorithm.
  const published: [string, string][] = [
    ["caresses", "caress"],
    ["ponies", "poni"],
    ["ties", "ti"],
    ["cats", "cat"],
    ["feed", "feed"],
    ["agreed", "agre"],
    ["plastered", "plaster"],
    ["bled", "bled"],
    ["motoring", "motor"],
    ["sing", "sing"],
    ["conflated", "conflat"],
    ["troubled", "troubl"],
    ["sized", "size"],
    ["hopping", "hop"],
    ["falling", "fall"],
    ["hissing", "hiss"],
    ["fizzed", "fizz"],
    ["failing", "fail"],
    ["filing", "file"],
    ["happy", "happi"],
    ["sky", "sky"],
    ["relational", "relat"],
    ["conditional", "condit"],
    ["rational", "ration"],
    ["digitizer", "digit"],
    ["conformably", "conform"],
    ["radically", "radic"],
    ["vietnamization", "vietnam"],
    ["operator", "oper"],
    ["feudalism", "feudal"],
    ["decisiveness", "decis"],
    ["hopefulness", "hope"],
    ["sensibility", "sensibl"],
    ["triplicate", "triplic"],
    ["formative", "form"],
    ["electrical", "electr"],
    ["goodness", "good"],
    ["revival", "reviv"],
    ["allowance", "allow"],
    ["airliner", "airlin"],
    ["replacement", "replac"],
    ["adoption", "adopt"],
    ["homologous", "homolog"],
    ["effective", "effect"],
    ["probate", "probat"],
    ["rate", "rate"],
    ["cease", "ceas"],
    ["controlling", "control"],
    ["roll", "roll"],
    ["generalizations", "gener"],
  ];
  for (const [word, expected] of published)
    test(`${word} has the stem ${expected}`, () => assert.equal(stem(word), expected));

  test("makes one of the forms that papers use", () => {
    for (const forms of [
      ["retrieval", "retrieve", "retriever", "retrieving"],
      ["negative", "negatives"],
      ["distillation", "distil", "distilling"],
      ["unlearning", "unlearn"],
    ])
      assert.equal(new Set(forms.map(stem)).size, 1, forms.join());
  });

  test("leaves short words, numbers and other scripts alone, and takes off the possessive", () => {
    for (const word of ["is", "as", "2024", "bm25", "naïve", "論文"]) assert.equal(stem(word), word);
    assert.equal(stem("teacher's"), stem("teacher"));
  });

  test("never fails and never makes a word longer by more than an e", () => {
    fc.assert(
      fc.property(fc.string(), (word) => {
        assert.ok(stem(word).length <= word.length + 1);
      }),
    );
  });
});
