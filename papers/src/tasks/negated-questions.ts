/**
 * Facts of countries, stated and asked for, and rarely denied: language models learn them as sentences, and are then asked
 * for a right answer or for a wrong one. Names are one token each.
 */
import { compile, fromData, logSoftmax, slice, type Tensor, values } from "nearmiss";
import { countryFacts } from "nearmiss/data";
import { type CausalLanguageModelParams, candidateScores, type Example } from "nearmiss/language";
import type { NegatedPromptItem } from "nearmiss/negation";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";
import {
  type LanguagePolicy,
  languagePolicy,
  likelihoodLoss,
  policyBatch,
  tunePolicy,
} from "./language-policy.ts";

const relations = ["capital", "subregion", "currency", "language"] as const;
const WORDS = ["<end>", "correct", "incorrect", "answer", ":", "of", "is", "not", ...relations];
const [CORRECT, INCORRECT, ANSWER, COLON, OF, IS, NOT] = [1, 2, 3, 4, 5, 6, 7] as const;
/** "incorrect answer : capital of peru is" and a name. */
const LENGTH = 8;
const CANDIDATES = 4;

export interface AskedFact {
  relation: number;
  subject: number;
  object: number;
  /** What the relation has for objects of other countries. */
  others: readonly number[];
}

export interface QuestionWorld {
  vocabulary: number;
  facts: readonly AskedFact[];
  /** Whose questions are in the training text; of the others it has statements alone. */
  asked: readonly AskedFact[];
  tested: readonly AskedFact[];
}

/** Four facts each of some countries. */
export const questionWorld = remember((countries: number, seed: number): QuestionWorld => {
  const root = random(seed).split("questions");
  const first = new Map<string, string>();
  for (const { subject, relation, object } of countryFacts({ relations, membersOnly: true }))
    if (!first.has(`${relation} ${subject}`)) first.set(`${relation} ${subject}`, object);
  const complete = [...new Set([...first.keys()].map((key) => key.slice(key.indexOf(" ") + 1)))].filter(
    (subject) => relations.every((relation) => first.has(`${relation} ${subject}`)),
  );
  const subjects = root.split("countries").shuffle(complete).slice(0, countries);
  const tokens = new Map(WORDS.map((word, i) => [word, i]));
  const token = (name: string) => {
    if (!tokens.has(name)) tokens.set(name, tokens.size);
    return tokens.get(name)!;
  };
  const facts = relations.flatMap((relation) => {
    const objects = subjects.map((subject) => token(`${relation} ${first.get(`${relation} ${subject}`)!}`));
    return subjects.map(
      (subject, i): AskedFact => ({
        relation: token(relation),
        subject: token(`country ${subject}`),
        object: objects[i]!,
        others: [...new Set(objects)].filter((object) => object !== objects[i]),
      }),
    );
  });
  const order = root.split("parts").shuffle(facts);
  const half = Math.ceil(order.length / 2);
  return { vocabulary: tokens.size, facts, asked: order.slice(0, half), tested: order.slice(half) };
});

export const questionModel = remember(
  (vocabulary: number, width: number, layers: number): LanguagePolicy =>
    languagePolicy({ vocabulary, length: LENGTH, end: 0, padding: 0, layers, width }),
);

type Form = "statement" | "denial" | "original" | "negated";

function write({ relation, subject, object, others }: AskedFact, form: Form, draw: Random): Example {
  const asks = form === "original" || form === "negated";
  return {
    prompt: [
      ...(asks ? [form === "original" ? CORRECT : INCORRECT, ANSWER, COLON] : []),
      ...[relation, OF, subject, IS],
      ...(form === "denial" ? [NOT] : []),
    ],
    response: [form === "statement" || form === "original" ? object : draw.choice(others)],
  };
}

export interface QuestionTraining {
  world: QuestionWorld;
  model: LanguagePolicy;
  steps: number;
  batchSize: number;
  learningRate: number;
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/**
 * Learns from text: six in ten sentences state facts, the others are questions with answers; of either, a share denies or
 * asks for a wrong answer. What is denied is drawn anew each time.
 */
export const learnText = (options: QuestionTraining & { negated: number }) =>
  train(options, "text", undefined, (draw) => {
    const turned = draw.next() < options.negated;
    return draw.next() < 0.6
      ? turned
        ? write(draw.choice(options.world.asked), "denial", draw)
        : write(draw.choice(options.world.facts), "statement", draw)
      : write(draw.choice(options.world.asked), turned ? "negated" : "original", draw);
  });

/** Goes on with questions alone, of the given forms in equal parts. */
export const tuneOnQuestions = (
  options: QuestionTraining & { from: CausalLanguageModelParams; forms: readonly ("original" | "negated")[] },
) =>
  train(options, "tuning", options.from, (draw) =>
    write(draw.choice(options.world.asked), draw.choice(options.forms), draw),
  );

function train(
  { model, steps, batchSize, learningRate, seed, signal, onStep }: QuestionTraining,
  stage: string,
  from: CausalLanguageModelParams | undefined,
  sentence: (draw: Random) => Example,
): Promise<CausalLanguageModelParams> {
  const root = random(seed).split("question model");
  return tunePolicy({
    params: from ?? model.model.init(root.split("weights")),
    steps,
    learningRate,
    batch: (i) => {
      const draw = root.split(stage).split(i);
      return policyBatch(
        model,
        Array.from({ length: batchSize }, (_, row) => sentence(draw.split(row))),
      );
    },
    loss: (params, batch) => likelihoodLoss(model, params, batch),
    signal,
    onStep,
  });
}

/** The tested facts as questions of both forms with four candidates each. */
export async function askBoth(
  world: QuestionWorld,
  model: LanguagePolicy,
  params: CausalLanguageModelParams,
  seed: number,
): Promise<NegatedPromptItem[]> {
  const draw = random(seed).split("candidates");
  const candidates = world.tested.map(({ object, others }, i) => {
    const wrong = draw.split(i).sample(others.length, CANDIDATES - 1);
    return [object, ...Array.from(wrong, (at) => others[at]!)];
  });
  const score = async (form: "original" | "negated") => {
    const prompts = world.tested.map((fact) => write(fact, form, draw).prompt);
    const length = prompts[0]!.length;
    const run = compile(
      (weights: CausalLanguageModelParams, tokens: Tensor) =>
        logSoftmax(slice(model.model.apply(weights, tokens), [null, length - 1])),
      { threads: 1 },
    );
    const all = values(
      await run(params, fromData(Int32Array.from(prompts.flat()), [prompts.length, length])),
    );
    return candidates.map((row, i) =>
      candidateScores(row.map((candidate) => [all[i * world.vocabulary + candidate]!])),
    );
  };
  const original = await score("original");
  const negated = await score("negated");
  return original.map((row, i) => ({ gold: 0, original: row, negated: negated[i]! }));
}
