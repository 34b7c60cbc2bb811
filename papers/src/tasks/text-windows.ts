/**
 * Pieces of a text that no two share, drawn by chance: units as bounds on a model's loss need them. They are drawn from
 * all pieces without putting back, for which Hoeffding's inequality holds as it does for independent ones; the risk
 * that is bounded is the mean over all pieces.
 */
import { fromData } from "nearmiss";
import { speeches } from "nearmiss/data";
import { random } from "nearmiss/random";
import { remember } from "../remember.ts";
import type { CharacterBatch } from "./character-model.ts";

/** The 63 most frequent characters and one for all others. */
export const CHARACTERS = 64;

/** All State of the Union speeches, one after the other, as numbers of characters. */
const text = remember((): Uint8Array => {
  const whole = speeches()
    .map((speech) => speech.text.replace(/\s+/g, " "))
    .join(" ");
  const counts = new Uint32Array(65536);
  for (let i = 0; i < whole.length; i++) counts[whole.charCodeAt(i)]!++;
  const numbers = new Uint8Array(65536);
  Array.from(counts.keys())
    .sort((a, b) => counts[b]! - counts[a]!)
    .slice(0, CHARACTERS - 1)
    .forEach((code, i) => {
      numbers[code] = i + 1;
    });
  return Uint8Array.from({ length: whole.length }, (_, i) => numbers[whole.charCodeAt(i)]!);
});

export interface TextWindows {
  /** How many windows the training set has. */
  count: number;
  /** Windows of the training set by their numbers, which are in random order. */
  train(numbers: ArrayLike<number>): CharacterBatch;
  /** Windows that are not in it, in random order. */
  test(numbers: ArrayLike<number>): CharacterBatch;
}

/** Windows of `length` characters to be guessed, after one to begin with; `test` of them are not for training. */
export const textWindows = remember((length: number, test: number, seed: number): TextWindows => {
  const characters = text();
  const all = Math.floor(characters.length / (length + 1));
  const order = random(seed).split("windows").permutation(all);
  const batch = (first: number) => (numbers: ArrayLike<number>) => {
    const inputs = new Int32Array(numbers.length * length);
    const targets = new Int32Array(numbers.length * length);
    for (let i = 0; i < numbers.length; i++) {
      const from = order[first + numbers[i]!]! * (length + 1);
      inputs.set(characters.subarray(from, from + length), i * length);
      targets.set(characters.subarray(from + 1, from + 1 + length), i * length);
    }
    return {
      inputs: fromData(inputs, [numbers.length, length]),
      targets: fromData(targets, [numbers.length * length]),
    };
  };
  return { count: all - test, train: batch(test), test: batch(0) };
});
