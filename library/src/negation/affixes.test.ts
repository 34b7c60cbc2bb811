import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { wordnet } from "../data/wordnet.ts";
import { random } from "../random.ts";
import {
  affixalPairs,
  negativeAffixes,
  nonceWords,
  pseudoAffixWords,
  segmentationCategory,
  withoutAffix,
} from "./affixes.ts";

test("pairs are antonyms of WordNet that differ by an affix", () => {
  const net = wordnet();
  const pairs = affixalPairs();
  assert.ok(pairs.length > 1500, `${pairs.length}`);
  assert.equal(new Set(pairs.map(({ word }) => word)).size, pairs.length);
  for (const { word, affix, positive } of pairs) {
    const rest = withoutAffix(word, affix)!;
    assert.equal(positive, affix === "less" ? `${rest}ful` : rest);
    assert.ok(
      net
        .senses(word)
        .some(({ words, pointers }) =>
          pointers.some(
            (p) =>
              p.relation === "antonym" &&
              words[p.word] === word &&
              net.get(p.target)!.words[p.targetWord] === positive,
          ),
        ),
      word,
    );
  }
  const positives = new Map(pairs.map(({ word, positive }) => [word, positive]));
  for (const [word, positive] of Object.entries({
    unhappy: "happy",
    careless: "careful",
    irresponsible: "responsible",
    nonpayment: "payment",
  }))
    assert.equal(positives.get(word), positive);
});

test("look-alikes have the affix and are no negations", () => {
  const words = pseudoAffixWords();
  const all = new Set(words.map(({ word }) => word));
  assert.equal(all.size, words.length);
  for (const { word } of affixalPairs()) assert.ok(!all.has(word), word);
  for (const { word, affix } of words) assert.ok(withoutAffix(word, affix), word);
  for (const word of ["uncle", "reckless", "illusion", "disciple", "imitate", "individual"])
    assert.ok(all.has(word), word);
  // Negations without an antonym in WordNet: of words, of inflected and of derived forms.
  for (const word of ["unmolested", "unsightliness", "uncouthness", "unfounded", "unaccountably", "uneasily"])
    assert.ok(!all.has(word), word);
});

test("a rule that looks at the string alone is right on half of the words, where both kinds have each affix equally", () => {
  const looksNegative = (word: string) =>
    negativeAffixes.some((affix) => withoutAffix(word, affix) !== undefined);
  for (const { word } of [...affixalPairs(), ...pseudoAffixWords()]) assert.ok(looksNegative(word), word);
});

test("how the affix is cut", () => {
  assert.equal(segmentationCategory(["un", "happy"], "un"), "separated");
  assert.equal(segmentationCategory(["unhappy"], "un"), "whole");
  assert.equal(segmentationCategory(["unh", "appy"], "un"), "under");
  assert.equal(segmentationCategory(["u", "n", "happy"], "un"), "over");
  assert.equal(segmentationCategory(["u", "nhappy"], "un"), "over");
  assert.equal(segmentationCategory(["care", "less"], "less"), "separated");
  assert.equal(segmentationCategory(["car", "eless"], "less"), "under");
  assert.equal(segmentationCategory(["carel", "ess"], "less"), "over");
  assert.equal(segmentationCategory(["h", "un", "g", "un"].slice(1), "un"), "separated");
  assert.equal(segmentationCategory(["u", "n", "un"], "un"), "over", "an affix elsewhere does not count");
  assert.throws(() => segmentationCategory(["care", "less"], "un"), /affix is "un"; "careless" does not/);
  assert.throws(() => segmentationCategory(["un", "", "do"], "un"), /empty/);
});

test("every cut of a word falls into the category of its first piece", () => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { minLength: 6, maxLength: 6 }), (cuts) => {
      const pieces = ["u"];
      cuts.forEach((cut, i) => {
        const letter = "nhappy"[i]!;
        if (cut) pieces.push(letter);
        else pieces[pieces.length - 1] += letter;
      });
      const expected = cuts[0] ? "over" : cuts[1] ? "separated" : cuts.includes(true) ? "under" : "whole";
      assert.equal(segmentationCategory(pieces, "un"), expected);
    }),
  );
});

test("nonce words are new, repeat with the seed, and have an affix each", () => {
  const words = nonceWords({ count: 200, random: random(1) });
  assert.deepEqual(words, nonceWords({ count: 200, random: random(1) }));
  assert.notDeepEqual(words, nonceWords({ count: 200, random: random(2) }));
  assert.equal(new Set(words.map(({ word }) => word)).size, 200);
  const net = wordnet();
  for (const { word, affix } of words) {
    assert.equal(net.senses(word).length, 0, word);
    assert.equal(net.senses(withoutAffix(word, affix)!).length, 0, word);
  }
  assert.equal(new Set(words.map(({ affix }) => affix)).size, negativeAffixes.length);
  assert.deepEqual(nonceWords({ count: 0, random: random(1) }), []);
  assert.throws(() => nonceWords({ count: 1.5, random: random(1) }), /count is 1.5/);
});
