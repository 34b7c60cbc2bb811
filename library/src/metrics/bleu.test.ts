import assert from "node:assert/strict";
import { test } from "node:test";
import { bleu, tokenize13a } from "./bleu.ts";

// Expected values: sacrebleu 2.6.0.
const hypotheses = [
  "The cat sat on the mat, quietly.",
  "It costs $3.50 in the U.S. - really!",
  "completely different words here",
  "A dog.",
];
const references = [
  ["The cat is sitting on the mat quietly.", "There was a cat on the mat, quietly."],
  ["It costs $3.50 in the US, really!", "In the U.S. it costs 3.50 - really!"],
  ["nothing matches this reference sentence", "other text"],
  ["A dog barks.", "The dog."],
];
const near = (actual: number, expected: number) =>
  assert.ok(Math.abs(actual - expected) < 1e-9, `${actual} for ${expected}`);

test("a corpus with several references", () => {
  const result = bleu(hypotheses, references);
  near(result.score, 64.1294423224487);
  const precisions = [(100 * 24) / 29, 76, (100 * 12) / 21, (100 * 8) / 17];
  for (const [i, precision] of precisions.entries()) near(result.precisions[i], precision);
  assert.deepEqual([result.brevityPenalty, result.hypothesisLength, result.referenceLength], [1, 29, 29]);
  near(bleu(hypotheses, references, { lowercase: true }).score, 67.38079339939667);
});

test("each smoothing", () => {
  const scores: [NonNullable<Parameters<typeof bleu>[2]>, number, number][] = [
    [{ smoothing: "none" }, 0, 0],
    [{ smoothing: "floor" }, 13.402888941931502, 0],
    [{ smoothing: "floor", smoothValue: 0.01 }, 4.238365628278778, 0],
    [{ smoothing: "add-k" }, 35.06983633998848, 49.19625503668661],
    [{ smoothing: "add-k", smoothValue: 0.5 }, 26.903156682431128, 43.298201464069],
    [{ smoothing: "exp" }, 25.201472805660504, 0],
  ];
  for (const [options, corpus, sentence] of scores) {
    near(bleu(hypotheses.slice(2), references.slice(2), options).score, corpus);
    near(bleu(["the cat sat"], [["the cat ran away"]], options).score, sentence);
  }
});

test("short sentences: brevity, effective order, nothing in common, no text", () => {
  near(bleu(["the cat sat"], [["the cat sat"]], { effectiveOrder: true }).score, 100);
  near(bleu(["the cat sat"], [["the cat sat"]]).score, 0);
  near(bleu(["the cat sat"], [["the cat ran"]], { effectiveOrder: true }).score, 55.03212081491043);
  near(bleu(["the cat"], [["the cat sat on the mat"]]).brevityPenalty, 0.1353352832366127);
  assert.deepEqual(bleu(["x y"], [["a b"]]).precisions, [0, 0, 0, 0]);
  assert.deepEqual([bleu([""], [["a b"]]).score, bleu([""], [["a b"]]).brevityPenalty], [0, 0]);
  assert.equal(bleu(["a b c d e f"], [["a b c d e f g", "a b c d e"]]).referenceLength, 5);
});

test("tokens of mteval-v13a", () => {
  const joined = (text: string) => tokenize13a(text).join(" ");
  assert.equal(
    joined(
      "Hello, world! 3.14 and 2,000; a-b 5-6 x.y \"q\" it's <skipped> &quot;x&amp;y&gt; (z) U.S. 1990's end.",
    ),
    'Hello , world ! 3.14 and 2,000 ; a-b 5 - 6 x . y " q " it\'s " x & y > ( z ) U . S . 1990\'s end .',
  );
  assert.equal(joined("co-\noperate new\nline"), "cooperate new line");
  assert.equal(
    joined("A/B [c] {d} ~e` f@g.com #1 50% .5 5. ,a 3,"),
    "A / B [ c ] { d } ~ e ` f @ g . com # 1 50 % . 5 5 . , a 3 ,",
  );
});

test("bad arguments are named", () => {
  assert.throws(() => bleu(["a"], []), /1 hypotheses and 0 lists of references/);
  assert.throws(() => bleu([], []), /0 hypotheses/);
  assert.throws(() => bleu(["a"], [[]]), /sentence 0 has no reference/);
  assert.throws(() => bleu(["a"], [["a"]], { maxOrder: 0 }), /maxOrder 0 must be/);
});
