/**
 * Tagging names: which words of a lower-cased novel were capitalised in the middle of a sentence? Text
 * labels itself, and only about one word in twenty is positive.
 */
import { mobyDick } from "nearmiss/data";
import { random } from "nearmiss/random";
import { hash32 } from "nearmiss/text";
import { remember } from "../remember.ts";
import type { BinaryExamples, BinaryTask } from "./imbalanced.ts";

export interface NamesSize {
  /** Words in each part; parts share no chapter. */
  train: number;
  validation: number;
  test: number;
  seed: number;
}

// What a row holds: the word, those beside it, and its character trigrams, each hashed.
const WORD = 384;
const NEIGHBOUR = 96;
const TRIGRAMS = 192;
const INPUTS = WORD + 2 * NEIGHBOUR + TRIGRAMS;

/** Moby-Dick, chapters at random. */
export const names = remember(({ train, validation, test, seed }: NamesSize): BinaryTask => {
  const chapters = random(seed)
    .split("names")
    .shuffle(mobyDick().map(({ text }) => text));
  const part = (count: number): BinaryExamples => {
    const x = new Float32Array(count * INPUTS);
    const labels = new Float32Array(count);
    let found = 0;
    while (found < count) {
      const text = chapters.pop();
      if (text === undefined) throw new RangeError("names: the novel is too short for these sizes");
      for (const { word, before, after, capitalised } of inSentence(text)) {
        if (found === count) break;
        const mark = (offset: number, width: number, feature: string) => {
          x[found * INPUTS + offset + (hash32(feature) % width)] = 1;
        };
        mark(0, WORD, word);
        mark(WORD, NEIGHBOUR, before);
        mark(WORD + NEIGHBOUR, NEIGHBOUR, after);
        const marked = `<${word}>`;
        for (let i = 0; i + 3 <= marked.length; i++)
          mark(WORD + 2 * NEIGHBOUR, TRIGRAMS, marked.slice(i, i + 3));
        labels[found++] = Number(capitalised);
      }
    }
    return { x, labels };
  };
  return { inputs: INPUTS, train: part(train), validation: part(validation), test: part(test) };
}, 2);

/** Words that do not begin a sentence, with their neighbours; "I" is no name. All in lower case. */
export function inSentence(
  text: string,
): { word: string; before: string; after: string; capitalised: boolean }[] {
  const tokens = text.match(/\p{L}+(?:['’]\p{L}+)*|[^\s\p{L}]/gu) ?? [];
  return tokens.flatMap((token, i) => {
    const before = tokens[i - 1] ?? "";
    // After anything but a word or a comma a capital may have another reason.
    if (!/^\p{L}/u.test(token) || token === "I" || !/^[\p{L},]/u.test(before)) return [];
    const capitalised = /^\p{Lu}/u.test(token);
    const after = tokens[i + 1] ?? "";
    return [
      { word: token.toLowerCase(), before: before.toLowerCase(), after: after.toLowerCase(), capitalised },
    ];
  });
}
