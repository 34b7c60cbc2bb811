/**
 * Questions that are asked twice, for the right answer and for a wrong one, after Jang, Ye and Seo 2022, "Can Large
 * Language Models Truly Understand Prompts? A Case Study with Negated Prompts".
 */
import type { Random } from "../random.ts";

/** A question with candidates, and how likely each is as an answer to either prompt. */
export interface NegatedPromptItem {
  /** Number of the right answer. */
  gold: number;
  /** A score of each candidate under the original prompt, higher being more likely; two or more. */
  original: ArrayLike<number>;
  /** The same under the negated one. */
  negated: ArrayLike<number>;
}

export interface NegatedPromptScores {
  /** Share of the items whose right answer is the likeliest under the original prompt. */
  original: number;
  /** Share of those where any other is the likeliest under the negated prompt. */
  negated: number;
  /** Mean of the two: 1/2 for whoever does not read the prompt, however much he knows. */
  average: number;
  /** `original` above chance, see `chanceCorrected`; with C candidates chance is 1/C. */
  originalCorrected: number;
  /** `negated` likewise; chance is (C − 1)/C. */
  negatedCorrected: number;
  /** Share of the items whose likeliest candidate differs between the prompts. */
  flipRate: number;
}

/**
 * How well both prompts are answered.
 *
 * @param random decides between candidates of equal score, for both prompts of an item in the same order
 * @throws RangeError without items, for items of one candidate or none, scores of different numbers and a gold that is
 *   no candidate
 */
export function negatedPromptScores(
  items: readonly NegatedPromptItem[],
  { random }: { random: Random },
): NegatedPromptScores {
  if (items.length === 0)
    throw new RangeError("negatedPromptScores: items is empty; expected one item at least");
  let original = 0;
  let negated = 0;
  let flipped = 0;
  let chance = 0;
  items.forEach((item, i) => {
    const count = item.original.length;
    if (count < 2 || item.negated.length !== count)
      throw new RangeError(
        `negatedPromptScores: items[${i}] has ${count} original and ${item.negated.length} negated scores; expected as many of both, and two at least`,
      );
    if (!(Number.isSafeInteger(item.gold) && item.gold >= 0 && item.gold < count))
      throw new RangeError(
        `negatedPromptScores: items[${i}].gold is ${item.gold}; expected a whole number from 0 to ${count - 1}`,
      );
    const order = random.split(i).permutation(count);
    const best = likeliest(item.original, order);
    const bestNegated = likeliest(item.negated, order);
    original += Number(best === item.gold);
    negated += Number(bestNegated !== item.gold);
    flipped += Number(best !== bestNegated);
    chance += 1 / count;
  });
  const n = items.length;
  const scores = { original: original / n, negated: negated / n };
  return {
    ...scores,
    average: (scores.original + scores.negated) / 2,
    originalCorrected: chanceCorrected(scores.original, chance / n),
    negatedCorrected: chanceCorrected(scores.negated, 1 - chance / n),
    flipRate: flipped / n,
  };
}

const likeliest = (scores: ArrayLike<number>, order: ArrayLike<number>): number =>
  Array.from(order).reduce((best, at) => (scores[at]! > scores[best]! ? at : best));

/**
 * (accuracy − chance) / (1 − chance): 0 at chance, 1 if all is right, negative below chance.
 *
 * @param chance from 0 to below 1
 */
export function chanceCorrected(accuracy: number, chance: number): number {
  if (!(chance >= 0 && chance < 1))
    throw new RangeError(`chanceCorrected: chance is ${chance}; expected a number from 0 to below 1`);
  return (accuracy - chance) / (1 - chance);
}
