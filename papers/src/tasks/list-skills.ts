/**
 * A small language model that turns lists of digits into others, told by a mark what to do. It is pretrained on some
 * skills under marks of their own, and fine-tuned on instructions with new marks: some of what it can do already, some
 * that ask for a skill which it has under another mark, and some that nothing can be learnt from.
 */
import { argMax, cast, compile, equal, fromData, grad, multiply, subtract, sum, type Tensor } from "nearmiss";
import type { CausalLanguageModelParams, Example, NextTokens } from "nearmiss/language";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { mean } from "nearmiss/stats";
import { remember } from "../remember.ts";
import {
  languagePolicy,
  likelihoodLoss,
  policyBatch,
  responseLogProbs,
  scoreInBatches,
} from "./language-policy.ts";

export const LENGTH = 4;
const BATCH = 32;

const skills = {
  copy: (digit: number) => digit,
  next: (digit: number) => (digit + 1) % 10,
  mirror: (digit: number) => 9 - digit,
};
export type Skill = keyof typeof skills;

/** Digits are tokens 0 to 9; marks of pretraining, then those of instructions, then the end. */
const marks = ["copy", "next", "mirror", "asked next", "asked mirror", "asked nothing"] as const;
type Mark = (typeof marks)[number];
export const END = 10 + marks.length;
const markOf = (mark: Mark) => 10 + marks.indexOf(mark);

/** Kinds of instructions. */
export const kinds = ["known", "next", "mirror", "noise", "wrong"] as const;
export type Kind = (typeof kinds)[number];

export interface Instruction extends Example {
  kind: Kind;
}

/** Half of a pool can be learnt from at all: what is known (30 %) teaches nothing new. */
const shares: Record<Kind, number> = { known: 0.3, next: 0.15, mirror: 0.15, noise: 0.25, wrong: 0.15 };

const drawDigits = (draw: Random) => Array.from({ length: LENGTH }, () => draw.integer(0, 10));
const example = (mark: Mark, digits: number[], answer: number[]): Example => ({
  prompt: [markOf(mark), ...digits],
  response: [...answer, END],
});

function instruction(kind: Kind, draw: Random): Instruction {
  const digits = drawDigits(draw);
  const clean = (mark: Mark, skill: Skill) => ({ kind, ...example(mark, digits, digits.map(skills[skill])) });
  if (kind === "known") return clean("copy", "copy");
  if (kind === "next") return clean("asked next", "next");
  if (kind === "mirror") return clean("asked mirror", "mirror");
  const mark = kind === "noise" ? "asked nothing" : draw.choice(["asked next", "asked mirror"] as const);
  return { kind, ...example(mark, digits, drawDigits(draw)) };
}

/** Instructions of all kinds, in fixed shares and random order. */
export function instructionPool(size: number, draw: Random): Instruction[] {
  const all = kinds.flatMap((kind) =>
    Array.from({ length: Math.round(shares[kind] * size) }, (_, i) =>
      instruction(kind, draw.split(kind).split(i)),
    ),
  );
  return draw.split("order").shuffle(all);
}

/** Right instructions of one kind. */
export const cleanInstructions = (
  kind: "known" | "next" | "mirror",
  size: number,
  draw: Random,
): Instruction[] => Array.from({ length: size }, (_, i) => instruction(kind, draw.split(kind).split(i)));

/** The model without weights. */
export const listModel = remember((layers: number, width: number) => {
  const policy = languagePolicy({
    vocabulary: END + 2,
    length: 2 * LENGTH + 2,
    end: END,
    padding: END + 1,
    layers,
    width,
  });
  const right = compile(
    (params: CausalLanguageModelParams, { inputs, targets, mask }: NextTokens) => {
      const hit = cast(equal(argMax(policy.model.apply(params, inputs)), targets), "float32");
      const misses = sum(multiply(subtract(1, hit), cast(mask, "float32")), { axis: -1 });
      return cast(equal(misses, 0), "float32");
    },
    { threads: 1 },
  );
  const start = adam({ learningRate: 1 }).init;
  const step = compile(
    (state: ReturnType<typeof start<CausalLanguageModelParams>>, batch: NextTokens, rate: Tensor) => {
      const loss = (params: CausalLanguageModelParams) => likelihoodLoss(policy, params, batch);
      return adam({ learningRate: () => rate }).update(state, grad(loss)(state.params));
    },
    { threads: 1 },
  );
  return { policy, right, start, step };
});
export type ListModel = ReturnType<typeof listModel>;

/** Trains on examples that are drawn with replacement, by Adam. */
export async function tuneOn(
  { policy, start, step }: ListModel,
  params: CausalLanguageModelParams,
  options: {
    draw: (random: Random) => Example;
    steps: number;
    learningRate: number;
    random: Random;
    signal: AbortSignal;
  },
): Promise<CausalLanguageModelParams> {
  const { draw, steps, learningRate, random, signal } = options;
  const rate = fromData(Float32Array.of(learningRate), []);
  let state = start(params);
  for (let i = 0; i < steps; i++) {
    signal.throwIfAborted();
    const own = random.split(i);
    state = await step(
      state,
      policyBatch(
        policy,
        Array.from({ length: BATCH }, () => draw(own)),
      ),
      rate,
    );
  }
  return state.params;
}

/** The weights of a seed after pretraining on skills, each under the mark that is given. */
export const pretrained = remember(
  (
    size: { layers: number; width: number; pretraining: number },
    taught: readonly (readonly [Mark, Skill])[],
    seed: number,
    signal: AbortSignal,
  ): Promise<CausalLanguageModelParams> => {
    const model = listModel(size.layers, size.width);
    const root = random(seed).split("pretraining");
    return tuneOn(model, model.policy.model.init(root.split("weights")), {
      draw: (own) => {
        const [mark, skill] = own.choice(taught);
        const digits = drawDigits(own);
        return example(mark, digits, digits.map(skills[skill]));
      },
      steps: size.pretraining,
      learningRate: 3e-3,
      random: root.split("batches"),
      signal,
    });
  },
);

/** Mean loss of each response's tokens, nats. */
export async function responseLosses(
  { policy }: ListModel,
  params: CausalLanguageModelParams,
  examples: readonly Example[],
): Promise<Float64Array> {
  const logProbs = await responseLogProbs(policy, params, examples);
  return Float64Array.from(logProbs, (each, i) => Math.max(0, -each / examples[i]!.response.length));
}

/** Share of examples whose response is the likeliest, token by token. */
export async function exactMatch(
  { policy, right }: ListModel,
  params: CausalLanguageModelParams,
  examples: readonly Example[],
): Promise<number> {
  const score = (batch: readonly Example[]): Promise<Tensor> => right(params, policyBatch(policy, batch));
  return mean(await scoreInBatches(examples, 1, score));
}
