/**
 * Answers have an order, a marker and a length; a hidden intent wants one of these to have a certain value and leaves
 * the others open. Good and bad answers show the intent more or less clearly; which intents are consistent with them is
 * known exactly.
 */
import type { Random } from "nearmiss/random";

/** Order, marker and length. */
export const ATTRIBUTES = 3;
/** Values of each. */
export const VALUES = 5;

/** A value of each attribute, from 0. */
export type Answer = readonly number[];

export interface Intent {
  attribute: number;
  value: number;
}

export interface IntentProblem {
  intent: Intent;
  good: Answer[];
  /** As many, which the intent does not want. */
  bad: Answer[];
}

const satisfies = ({ attribute, value }: Intent, answer: Answer): boolean => answer[attribute] === value;

const anyAnswer = (draw: Random): number[] =>
  Array.from({ length: ATTRIBUTES }, () => draw.integer(0, VALUES));

/**
 * Good answers are drawn at random among those that the intent wants; bad ones among the others, each attribute being
 * that of the good answer beside it 70 % of the time: they are near misses rather than anything else.
 *
 * @param options.ambiguous Whether the good answers have another value in common beside the intended one.
 */
export function drawProblem(
  draw: Random,
  { count, ambiguous }: { count: number; ambiguous: boolean },
): IntentProblem {
  const intent = { attribute: draw.integer(0, ATTRIBUTES), value: draw.integer(0, VALUES) };
  const wanted = () => anyAnswer(draw).with(intent.attribute, intent.value);
  const first = wanted();
  const other = (intent.attribute + draw.integer(1, ATTRIBUTES)) % ATTRIBUTES;
  const good: Answer[] = [first];
  while (good.length < count) {
    const next = wanted();
    if (ambiguous) good.push(next.with(other, first[other]!));
    else if (next.every((each, a) => a === intent.attribute || each !== first[a])) good.push(next);
  }
  const bad: Answer[] = [];
  while (bad.length < count) {
    const beside = good[bad.length]!;
    const next = anyAnswer(draw).map((each, a) => (draw.next() < 0.7 ? beside[a]! : each));
    if (!satisfies(intent, next)) bad.push(next);
  }
  return { intent, good, bad };
}

const allIntents: Intent[] = Array.from({ length: ATTRIBUTES * VALUES }, (_, i) => ({
  attribute: Math.floor(i / VALUES),
  value: i % VALUES,
}));

/** The intents that want all good answers and none of the bad ones. */
export const consistentIntents = (good: readonly Answer[], bad: readonly Answer[]): Intent[] =>
  allIntents.filter(
    (intent) =>
      good.every((answer) => satisfies(intent, answer)) && !bad.some((answer) => satisfies(intent, answer)),
  );
