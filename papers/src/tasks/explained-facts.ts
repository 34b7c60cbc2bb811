/** A small language model that knows facts of countries in several wordings and gives reasons for them. */
import { compile, fromData, gather, logSoftmax, reshape, type Tensor, values } from "nearmiss";
import { type CountryRelation, factTemplates } from "nearmiss/data";
import type { CausalLanguageModelParams, Example, NextTokens } from "nearmiss/language";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";
import {
  type LanguagePolicy,
  languagePolicy,
  likelihoodLoss,
  policyBatch,
  tunePolicy,
} from "./language-policy.ts";
import { type WordedFacts, wordedFacts, wordTokens } from "./worded-facts.ts";

export interface ExplainedSize {
  countries: number;
  layers: number;
  width: number;
  /** Steps of learning the facts and the reasons. */
  pretraining: number;
}

export const relations: CountryRelation[] = ["capital", "currency", "language", "region"];

/** Words that can stand before any question; "" is none. */
export const openings = ["", "indeed", "surely", "well"] as const;

const SPECIAL = ["<padding>", "<end>"];
export const END = 1;
const WORDINGS = 4;
/** Tokens of the longest question with its answer, a reason and the end. */
const LENGTH = 17;
/** Names of a country's own, at most, and words that all share. */
const NAMES = 4;
const SHARED = 90;

export interface ExplainedFacts {
  policy: LanguagePolicy;
  params: CausalLanguageModelParams;
  facts: WordedFacts;
  /** The question that wants an object, in a wording of 0 to 3. */
  question(subject: string, relation: CountryRelation, wording: number, opening?: string): string;
  /** The wording in which a fact is never taught, whatever its opening. */
  unseen(subject: string, relation: CountryRelation): number;
  encode(text: string): number[];
  /** Words of what the model has written, without the end. */
  decode(tokens: readonly number[]): string;
}

const BATCH = 64;

/** One for all seeds, so that they share graphs. */
export const explainedPolicy = remember(
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

export const explainedFacts = remember(async (size: ExplainedSize, seed: number): Promise<ExplainedFacts> => {
  const { countries, layers, width, pretraining } = size;
  const root = random(seed).split("explained facts");
  const policy = explainedPolicy(countries, layers, width);
  const facts = wordedFacts(countries, relations, root.split("countries"));
  const subjects = [...facts.keys()];
  const { encode, names } = wordTokens(SPECIAL);
  const question: ExplainedFacts["question"] = (subject, relation, wording, opening = "") => {
    const words = factTemplates[relation][wording]!.replace(" {object}.", "").replace("{subject}", subject);
    return opening === "" ? words : `${opening} ${words}`;
  };
  const unseen: ExplainedFacts["unseen"] = (subject, relation) =>
    (subjects.indexOf(subject) + relations.indexOf(relation)) % WORDINGS;
  const reasons = (subject: string) => [
    `because ${subject} is in ${facts.get(subject)!.get("region")}`,
    `because ${subject} speaks ${facts.get(subject)!.get("language")}`,
  ];
  // So that equal words have equal numbers, whatever is drawn first.
  for (const subject of subjects) {
    for (const relation of relations)
      for (let i = 0; i < WORDINGS; i++)
        encode(`${question(subject, relation, i)} ${facts.get(subject)!.get(relation)}`);
    for (const text of [...reasons(subject), ...openings.slice(1)]) encode(text);
  }
  if (names.length > policy.model.vocabulary)
    throw new RangeError(
      `explainedFacts: ${names.length} words; expected at most ${policy.model.vocabulary}`,
    );
  /** Half of the answers have a reason. */
  const taught = (draw: Random): Example => {
    const [subject, relation] = [draw.choice(subjects), draw.choice(relations)];
    const wordings = [0, 1, 2, 3].filter((i) => i !== unseen(subject, relation));
    const answer = facts.get(subject)!.get(relation)!;
    const reason = draw.next() < 0.5 ? ` ${draw.choice(reasons(subject))}` : "";
    return {
      prompt: encode(question(subject, relation, draw.choice(wordings), draw.choice(openings))),
      response: [...encode(answer + reason), END],
    };
  };
  const params = await tunePolicy({
    params: policy.model.init(root.split("weights")),
    steps: pretraining,
    learningRate: 3e-3,
    batch: (i) => {
      const draw = root.split("batches").split(i);
      const examples = Array.from({ length: BATCH }, () => taught(draw));
      return { examples: policyBatch(policy, examples) };
    },
    loss: (weights, { examples }) => likelihoodLoss(policy, weights, examples),
  });
  return {
    policy,
    params,
    facts,
    question,
    unseen,
    encode,
    decode: (tokens) =>
      tokens
        .filter((token) => token !== END)
        .map((token) => names[token] ?? "")
        .join(" "),
  };
});

/** Questions that are read at once: a few while forgetting, or many. */
const FEW = 16;
const MANY = 128;

/** Log-probabilities of every token as the first of the answers: row after row, [questions, vocabulary]. */
export async function firstTokenLogProbs(
  { countries, layers, width }: ExplainedSize,
  params: CausalLanguageModelParams,
  questions: readonly (readonly number[])[],
): Promise<Float32Array> {
  const policy = explainedPolicy(countries, layers, width);
  const { vocabulary } = policy.model;
  const size = questions.length <= FEW ? FEW : MANY;
  const found = new Float32Array(questions.length * vocabulary);
  for (let from = 0; from < questions.length; from += size) {
    const part = questions.slice(from, from + size);
    // Filled up, so that there are two graphs.
    const prompts = Array.from({ length: size }, (_, i) => part[i % part.length]!);
    const places = Int32Array.from(prompts, (prompt, i) => i * (LENGTH - 1) + prompt.length - 1);
    const batch = policyBatch(
      policy,
      prompts.map((prompt) => ({ prompt, response: [END] })),
    );
    const rows = values(await reader(countries, layers, width)(params, batch, fromData(places, [size])));
    found.set((rows as Float32Array).subarray(0, part.length * vocabulary), from * vocabulary);
  }
  return found;
}

const reader = remember((countries: number, layers: number, width: number) => {
  const { model } = explainedPolicy(countries, layers, width);
  return compile(
    (params: CausalLanguageModelParams, { inputs }: NextTokens, places: Tensor) =>
      logSoftmax(gather(reshape(model.apply(params, inputs), [-1, model.vocabulary]), places)),
    { threads: 1 },
  );
});
