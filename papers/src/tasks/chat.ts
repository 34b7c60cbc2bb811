/**
 * Chat about countries: a question is answered by the fact or put off in words that would do for any question. Such
 * replies are made of parts, so that some are frequent and many are rare.
 */
import type { CountryRelation } from "nearmiss/data";
import type { Example } from "nearmiss/language";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";
import { type LanguagePolicy, languagePolicy } from "./language-policy.ts";
import { wordedFacts, wordTokens } from "./worded-facts.ts";

export interface ChatSize {
  countries: number;
  layers: number;
  width: number;
  pairs: number;
  /** Share of questions that are answered. */
  answered: number;
}

export interface ChatPair {
  query: string;
  response: string;
  example: Example;
}

export interface Chat {
  policy: LanguagePolicy;
  pairs: ChatPair[];
  /** Questions in a wording in which these were not asked in the pairs, with the answer's words. */
  test: { prompt: number[]; answer: string; relation: CountryRelation }[];
  decode(tokens: readonly number[]): string;
}

const relations: CountryRelation[] = ["capital", "currency", "language"];

const questions = [
  "what is the <relation> of <country> ?",
  "tell me the <relation> of <country>",
  "do you know which <relation> <country> has ?",
  "<country> has which <relation> ?",
];

/** The parts of what can be said to anybody, which begins alike as such replies do; "" is none. */
const first = [
  "i am not sure",
  "i do not know",
  "i have no idea",
  "i can not say",
  "i wonder",
  "i forgot it",
];
const second = ["", "about that", "to be honest", "right now", "my friend", "sorry"];
const third = ["", "ask me later", "maybe later", "what do you think"];

const SPECIAL = ["<padding>", "<end>"];
const END = 1;
/** Tokens of the longest question and the longest reply, with its end. */
const LENGTH = 20;
/** Names of a country's own, at most, and words that all share. */
const NAMES = 4;
const SHARED = 70;

/** One for all seeds, so that they share graphs. */
export const chatPolicy = remember(
  (countries: number, layers: number, width: number): LanguagePolicy =>
    languagePolicy({
      vocabulary: NAMES * countries + SHARED,
      length: LENGTH,
      padding: 0,
      end: END,
      layers,
      width,
    }),
);

/** Replies that tell a fact begin like this: all others are generic. */
export const informative = (reply: string): boolean => reply.startsWith("its ");

export const chat = remember(
  ({ countries, layers, width, pairs: count, answered }: ChatSize, seed: number): Chat => {
    const root = random(seed).split("chat");
    const policy = chatPolicy(countries, layers, width);
    const facts = wordedFacts(countries, relations, root.split("countries"));
    const subjects = [...facts.keys()];
    const { encode, names } = wordTokens(SPECIAL);
    const ask = (subject: string, relation: CountryRelation, wording: number) =>
      questions[wording]!.replace("<relation>", relation).replace("<country>", subject);
    const unseen = (subject: string, relation: CountryRelation) =>
      (subjects.indexOf(subject) + relations.indexOf(relation)) % questions.length;
    const object = (subject: string, relation: CountryRelation) => facts.get(subject)!.get(relation)!;
    // So that equal words have equal numbers, whatever is drawn first.
    for (const text of [...questions, ...first, ...second.slice(1), ...third.slice(1), "its is"])
      encode(text);
    for (const subject of subjects)
      for (const relation of relations) encode(`${subject} ${relation} ${object(subject, relation)}`);
    if (names.length > policy.model.vocabulary)
      throw new RangeError(`chat: ${names.length} words; expected at most ${policy.model.vocabulary}`);
    // The first of the parts are said most: a few replies are frequent, many rare.
    const part = (parts: readonly string[], draw: Random) =>
      parts[Math.floor(parts.length * draw.next() ** 2)]!;
    const generic = (draw: Random) =>
      [first, second, third]
        .map((parts) => part(parts, draw))
        .filter((words) => words !== "")
        .join(" ");
    const draw = root.split("pairs");
    return {
      policy,
      pairs: Array.from({ length: count }, () => {
        const [subject, relation] = [draw.choice(subjects), draw.choice(relations)];
        const wordings = [0, 1, 2, 3].filter((wording) => wording !== unseen(subject, relation));
        const query = ask(subject, relation, draw.choice(wordings));
        const response =
          draw.next() < answered ? `its ${relation} is ${object(subject, relation)}` : generic(draw);
        return { query, response, example: { prompt: encode(query), response: [...encode(response), END] } };
      }),
      test: subjects.flatMap((subject) =>
        relations.map((relation) => ({
          prompt: encode(ask(subject, relation, unseen(subject, relation))),
          answer: object(subject, relation),
          relation,
        })),
      ),
      decode: (tokens) =>
        tokens
          .filter((token) => token !== END)
          .map((token) => names[token] ?? "<unused>")
          .join(" "),
    };
  },
);
