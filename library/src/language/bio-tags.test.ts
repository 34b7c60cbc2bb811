import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { bioEntities, bioTags, formatTagged, keptWords, matchTags, parseTagged } from "./index.ts";

const sentence = fc
  .array(fc.record({ word: fc.constantFrom(..."abcdef"), type: fc.constantFrom("", "", "X", "Y") }), {
    maxLength: 12,
  })
  .map((words) => {
    const entities = words.flatMap(({ type }, i) => (type ? [{ type, from: i, to: i + 1 }] : []));
    // Neighbours of one type are joined now and then.
    const joined = entities.filter(({ from }, i) => !(from % 3 === 1 && entities[i - 1]?.to === from));
    for (const each of joined) {
      const next = entities.find(({ from }) => from === each.to);
      if (next && !joined.includes(next)) each.to++;
    }
    return { words: words.map(({ word }) => word), entities: joined };
  });

test("bioTags and bioEntities are each other's inverse", () => {
  assert.deepEqual(
    bioTags(5, [
      { type: "X", from: 1, to: 3 },
      { type: "X", from: 3, to: 4 },
    ]),
    ["O", "B-X", "I-X", "B-X", "O"],
  );
  fc.assert(
    fc.property(sentence, ({ words, entities }) =>
      assert.deepEqual(bioEntities(bioTags(words.length, entities)), entities),
    ),
  );
  assert.throws(() => bioTags(2, [{ type: "X", from: 1, to: 3 }]), /words 1 to 3/);
  assert.throws(
    () =>
      bioTags(2, [
        { type: "X", from: 0, to: 1 },
        { type: "Y", from: 0, to: 2 },
      ]),
    /no other one/,
  );
});

test("bioEntities: an I- without a B- begins an entity, and the last type counts", () => {
  assert.deepEqual(bioEntities(["O", "I-X", "I-X", "O", "B-X", "I-Y"]), [
    { type: "X", from: 1, to: 3 },
    { type: "Y", from: 4, to: 6 },
  ]);
});

test("keptWords: entities with so many words around them", () => {
  const tags = ["O", "O", "B-X", "I-X", "O", "O", "O"];
  const kept = (context: number) => keptWords(tags, context).map(Number);
  assert.deepEqual(kept(0), [0, 0, 1, 1, 0, 0, 0]);
  assert.deepEqual(kept(1), [0, 1, 1, 1, 1, 0, 0]);
  assert.deepEqual(kept(3), [1, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(kept(Number.POSITIVE_INFINITY), [1, 1, 1, 1, 1, 1, 1]);
  assert.deepEqual(keptWords(["O"], Number.POSITIVE_INFINITY), [true]);
  assert.deepEqual(keptWords(["O"], 9), [false]);
  assert.throws(() => keptWords(tags, -1), /context is -1/);
});

test("parseTagged: reads what is written, and survives what is not", () => {
  fc.assert(
    fc.property(sentence, ({ words, entities }) => {
      const tagged = { words, tags: bioTags(words.length, entities) };
      assert.deepEqual(parseTagged(formatTagged(tagged)), tagged);
    }),
  );
  assert.deepEqual(parseTagged("Ann(B-person) (O) left (for(O) now"), {
    words: ["Ann", "left (for"],
    tags: ["B-person", "O"],
  });
  assert.deepEqual(parseTagged("Ann(B-person) x(I-y)", ["y"]).tags, ["O", "I-y"]);
  assert.deepEqual(parseTagged("nothing"), { words: [], tags: [] });
});

test("matchTags: omissions, additions and substitutions", () => {
  const match = (raw: string, words: string, tags: string[]) =>
    matchTags(raw.split(""), { words: words.split(""), tags });
  assert.deepEqual(match("abcd", "acd", ["O", "B-X", "I-X"]), ["O", "O", "B-X", "I-X"]);
  assert.deepEqual(match("abcd", "axd", ["B-Y", "O", "O"]), ["B-Y", "O", "O", "O"]);
  assert.deepEqual(match("ab", "AB", ["B-Y", "O"]), ["B-Y", "O"]);
  assert.deepEqual(match("ab", "", []), ["O", "O"]);
  assert.deepEqual(match("ab", "aaab", ["B-X", "O", "O", "B-Z"]), ["B-X", "B-Z"]);
  // Level 2 takes the first word that fits, level 3 another one here.
  assert.deepEqual(match("aba", "a", ["B-X"]), ["B-X", "O", "O"]);
  assert.throws(() => match("ab", "ab", ["O"]), /2 words and 1 tags/);
});

test("matchTags: whatever is left out of a sentence of different words, the rest is right; entities alone say all", () => {
  fc.assert(
    fc.property(
      sentence,
      fc.integer({ min: 0, max: 4095 }),
      fc.integer({ min: 0, max: 3 }),
      (drawn, mask, context) => {
        const words = drawn.words.map((word, i) => `${word}${i}`);
        const tags = bioTags(words.length, drawn.entities);
        const keep = (kept: (i: number) => boolean) => ({
          words: words.filter((_, i) => kept(i)),
          tags: tags.filter((_, i) => kept(i)),
        });
        const some = (i: number) => ((mask >> i) & 1) === 1;
        assert.deepEqual(
          matchTags(words, keep(some)),
          tags.map((tag, i) => (some(i) ? tag : "O")),
        );
        const kept = keptWords(tags, context);
        assert.deepEqual(
          matchTags(
            words,
            keep((i) => kept[i]!),
          ),
          tags,
        );
        // Something that was never there does not move the others.
        const { words: w, tags: t } = keep(some);
        const added = { words: ["zzz", ...w, "yyy"], tags: ["B-X", ...t, "B-X"] };
        assert.deepEqual(matchTags(words, added), matchTags(words, { words: w, tags: t }));
      },
    ),
  );
});
