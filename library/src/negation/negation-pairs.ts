/**
 * Pairs of sentences, of which the second is the logical negation of the first or only looks so, after Nguyen et al. 2023,
 * "A negation detection assessment of GPTs: analysis with the xNot360 dataset".
 */
import type { Random } from "../random.ts";
import { words } from "../text/words.ts";
import { negationCues } from "./cues.ts";
import {
  all,
  and,
  atom,
  type Formula,
  iff,
  implies,
  isNegation,
  type Lexicon,
  not,
  or,
  render,
  some,
} from "./logic.ts";

/** What the first sentence is. */
export const sentenceKinds = [
  "atomic",
  "conjunction",
  "disjunction",
  "conditional",
  "biconditional",
  "quantified",
] as const;
export type SentenceKind = (typeof sentenceKinds)[number];

export interface NegationPair {
  first: string;
  second: string;
  isNegation: boolean;
  kind: SentenceKind;
  /** How the second comes from the first: "outer negation", "inverse", "other clause", … */
  change: string;
}

export interface NegationPairOptions {
  /** Half of the pairs are negations. Even. */
  count: number;
  random: Random;
  /** In equal parts. Default: all. */
  kinds?: readonly SentenceKind[];
  /** Which changes are made, of those that a kind has. Default: all. */
  changes?: (change: string) => boolean;
  /** Whether a pair that is no negation has as many negation words, modulo 2, as its twin that is one. Default: true. */
  balanced?: boolean;
  /** People and what they may be; four of each at least. Default: 12 names and 12 adjectives. */
  names?: readonly string[];
  adjectives?: readonly string[];
  /** Groups of people in the plural. Default: six trades. */
  groups?: readonly string[];
}

type Change = [name: string, formula: Formula];

/** The first formula and what is made of it, negations or not; clauses are P, Q and, for what is not spoken of, R. */
interface Template {
  formula: Formula;
  changes: Change[];
}

const binary = (kind: SentenceKind, p: Formula, q: Formula): Template => {
  switch (kind) {
    case "conjunction":
      return {
        formula: and(p, q),
        changes: [
          ["De Morgan", or(flip(p), flip(q))],
          ["conditional", implies(p, flip(q))],
          ["both parts", and(flip(p), flip(q))],
          ["one part", and(p, flip(q))],
          ["exchanged", and(q, p)],
        ],
      };
    case "disjunction":
      return {
        formula: or(p, q),
        changes: [
          ["De Morgan", and(flip(p), flip(q))],
          ["both parts", or(flip(p), flip(q))],
          ["one part", or(p, flip(q))],
          ["exchanged", or(q, p)],
        ],
      };
    case "conditional":
      return {
        formula: implies(p, q),
        changes: [
          ["counterexample", and(p, flip(q))],
          ["negated disjunction", not(or(flip(p), q))],
          ["inverse", implies(flip(p), flip(q))],
          ["inner negation", implies(p, flip(q))],
          ["contrapositive", implies(flip(q), flip(p))],
          ["converse", implies(q, p)],
        ],
      };
    default:
      return {
        formula: iff(p, q),
        changes: [
          ["one part", iff(p, flip(q))],
          ["both parts", iff(flip(p), flip(q))],
          ["exactly one", or(and(p, flip(q)), and(flip(p), q))],
          ["one direction", and(p, flip(q))],
          ["exchanged", iff(q, p)],
        ],
      };
  }
};

const flip = (formula: Formula): Formula => (formula.kind === "not" ? formula.of : not(formula));

function template(kind: SentenceKind, draw: Random): Template {
  const literal = (name: string) => (draw.next() < 0.5 ? atom(name) : not(atom(name)));
  const [p, q, r] = [literal("P"), literal("Q"), literal("R")];
  if (kind === "atomic")
    return {
      formula: p,
      changes: [
        ["outer negation", not(p)],
        ["direct negation", flip(p)],
        ["other clause", q],
        ["other clause", not(q)],
        ["other clause", flip(q)],
        ["paraphrase", p],
        ["double negation", not(not(p))],
      ],
    };
  if (kind === "quantified") {
    const quantifier = draw.next() < 0.5 ? all : some;
    const dual = quantifier === all ? some : all;
    return {
      formula: quantifier(p),
      changes: [
        ["outer negation", not(quantifier(p))],
        ["dual", dual(flip(p))],
        ["contrary", quantifier(flip(p))],
        ["other quantifier", dual(p)],
        ["other clause", not(quantifier(q))],
        ["other clause", quantifier(q)],
        ["paraphrase", quantifier(p)],
      ],
    };
  }
  const { formula, changes } = binary(kind, p, q);
  const other = binary(kind, p, r).formula;
  return {
    formula,
    changes: [
      ["outer negation", not(formula)],
      ["other clause", not(other)],
      ["other clause", other],
      ["paraphrase", formula],
      ...changes,
    ],
  };
}

const defaultNames = "ann bob carl dora emil fay gus hana ivo jane kurt lena".split(" ");
const defaultAdjectives = "tall proud calm rich young brave late happy loud clever tired kind".split(" ");
const defaultGroups = "bakers nurses pilots singers judges farmers".split(" ");

/**
 * Pairs in twins of one kind, a negation and none. Where they are balanced, both have as many negation words modulo 2:
 * whether that is odd says nothing about the label, not even within a kind. Labels are computed by `isNegation`, and no pair comes twice.
 *
 * @throws RangeError for a count that is no even whole number of at least 2, and where the changes leave a kind without
 *   negations, or without others as they are wanted
 */
export function negationPairs({
  count,
  random,
  kinds = sentenceKinds,
  changes: wanted = () => true,
  balanced = true,
  names = defaultNames,
  adjectives = defaultAdjectives,
  groups = defaultGroups,
}: NegationPairOptions): NegationPair[] {
  if (!(Number.isSafeInteger(count) && count >= 2 && count % 2 === 0))
    throw new RangeError(`negationPairs: count is ${count}; expected an even whole number of at least 2`);
  const seen = new Set<string>();

  function drawPair(kind: SentenceKind, label: boolean, parity: number | undefined, draw: Random) {
    for (let attempt = 0; attempt < 1000; attempt++) {
      const { formula, changes } = template(kind, draw);
      const fitting = changes.filter(
        ([name, second]) => wanted(name) && isNegation(formula, second) === label,
      );
      if (fitting.length === 0) continue;
      const [change, second] = draw.choice(fitting);
      const lexicon = lexiconOf(kind === "quantified", draw);
      const noun = draw.choice(groups);
      const say = (each: Formula) => render(each, { lexicon, noun, style: draw.next() < 0.5 ? 0 : 1 });
      const pair = { first: say(formula), second: say(second), isNegation: label, kind, change };
      if (parity !== undefined && cueParity(pair) !== parity) continue;
      // Saying the same twice is no paraphrase.
      const key = `${pair.first} | ${pair.second}`;
      if (pair.first === pair.second || seen.has(key)) continue;
      seen.add(key);
      return pair;
    }
    throw new RangeError(
      `negationPairs: changes leaves no new ${label ? "negation" : "pair that is none"} of kind ${kind}; expected some of both labels with equal numbers of negation words modulo 2, and words for as many pairs`,
    );
  }

  function lexiconOf(properties: boolean, draw: Random): Lexicon {
    const who = draw.shuffle(names);
    const what = draw.shuffle(adjectives);
    return Object.fromEntries(
      ["P", "Q", "R"].map((name, i) => [
        name,
        properties
          ? { positive: what[i]!, negative: `not ${what[i]}` }
          : { positive: `${who[i]} is ${what[i]}`, negative: `${who[i]} is not ${what[i]}` },
      ]),
    );
  }

  return Array.from({ length: count / 2 }, (_, i) => {
    const draw = random.split(i);
    const kind = kinds[i % kinds.length]!;
    const negation = drawPair(kind, true, undefined, draw);
    return [negation, drawPair(kind, false, balanced ? cueParity(negation) : undefined, draw)];
  }).flat();
}

const cueParity = ({ first, second }: Pick<NegationPair, "first" | "second">): number =>
  (negationCues(first).length + negationCues(second).length) % 2;

/** Takes the second sentence for the negation of the first where one of them has an odd number of negation words. */
export const notParityRule = (pair: Pick<NegationPair, "first" | "second">): boolean => cueParity(pair) === 1;

/**
 * The same, but only where the sentences share at least a given part of their words, negation words left out.
 *
 * @param threshold Jaccard index of the sets of words, 0 to 1. Default: 0.6.
 */
export function tokenOverlapRule(
  pair: Pick<NegationPair, "first" | "second">,
  { threshold = 0.6 }: { threshold?: number } = {},
): boolean {
  const content = (sentence: string) => {
    const cues = new Set(negationCues(sentence));
    return new Set(words(sentence).filter((word) => !cues.has(word)));
  };
  const [a, b] = [content(pair.first), content(pair.second)];
  const shared = [...a].filter((word) => b.has(word)).length;
  const union = a.size + b.size - shared;
  return notParityRule(pair) && (union === 0 || shared / union >= threshold);
}
