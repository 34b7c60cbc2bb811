/**
 * A small language model as a policy that works out chains of arithmetic: what preference optimisation and
 * reinforcement learning start from. Its teacher makes slips, so that it knows the way without being sure of it.
 */
import { type ArithmeticChains, arithmeticChains, type ChainProblem, type CheckedChain } from "nearmiss/data";
import type { CausalLanguageModelParams, Example } from "nearmiss/language";
import { type Random, random } from "nearmiss/random";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import {
  type LanguagePolicy,
  languagePolicy,
  likelihoodLoss,
  policyBatch,
  tunePolicy,
} from "./language-policy.ts";

export interface PolicySize {
  modulus: number;
  /** Terms of every problem. */
  terms: number;
  layers: number;
  width: number;
  /** Steps of training on the teacher's responses. */
  pretraining: number;
  /** Share of the teacher's responses with a slip. */
  slips: number;
}

/** What studies on chains have in common. */
export interface ChainSettings extends PolicySize {
  /** Training problems, and responses sampled of each. */
  problems: number;
  samples: number;
  /** Of training on these, each with a batch. */
  steps: number;
  batchSize: number;
  /** What each arm chooses from; see `rateThatSolvesMost`. */
  learningRates: number[];
  /** New problems. */
  test: number;
}

/** As small as tests want it. */
export const smallestChains = {
  width: 16,
  layers: 1,
  pretraining: 20,
  problems: 16,
  samples: 16,
  steps: 2,
  batchSize: 4,
  learningRates: [3e-4],
  test: 16,
  seeds: 2,
};

interface Untrained extends LanguagePolicy {
  chains: ArithmeticChains;
  terms: number;
}

export interface ChainPolicy extends Untrained {
  /** After training on the teacher's responses. */
  params: CausalLanguageModelParams;
}

export interface Sampled {
  response: number[];
  checked: CheckedChain;
}

const BATCH = 64;
const SLIPS = ["operand", "operation", "result"] as const;

/** The chains and a model for them, without training; equal sizes share their compiled graphs. */
const untrained = remember((modulus: number, terms: number, layers: number, width: number): Untrained => {
  const chains = arithmeticChains({ modulus });
  const { vocabulary, end, padding } = chains;
  const length = chains.length(terms);
  const policy = languagePolicy({ vocabulary: vocabulary.length, length, end, padding, layers, width });
  return { ...policy, chains, terms };
});

const trained = remember(async (size: PolicySize, seed: number): Promise<CausalLanguageModelParams> => {
  const plain = untrained(size.modulus, size.terms, size.layers, size.width);
  const { chains, model } = plain;
  const root = random(seed).split("policy");
  const example = (draw: Random): Example => {
    const problem = chains.draw(draw, size.terms);
    const slips = draw.next() < size.slips;
    const response = slips ? chains.slip(problem, draw.choice(SLIPS), draw) : chains.solve(problem);
    return { prompt: chains.prompt(problem), response };
  };
  return tunePolicy({
    params: model.init(root.split("weights")),
    steps: size.pretraining,
    learningRate: 3e-3,
    batch: (i) => {
      const draw = root.split("teacher").split(i);
      return {
        examples: policyBatch(
          plain,
          Array.from({ length: BATCH }, () => example(draw)),
        ),
      };
    },
    loss: (params, { examples }) => likelihoodLoss(plain, params, examples),
  });
});

/** The policy of a seed after its teacher's lessons, made once. Its weights are read-only. */
export async function chainPolicy(size: PolicySize, seed: number): Promise<ChainPolicy> {
  const { modulus, terms, layers, width, pretraining, slips } = size;
  const params = await trained({ modulus, terms, layers, width, pretraining, slips }, seed);
  return { ...untrained(modulus, terms, layers, width), params };
}

/** Problems of a seed, by what they are for: "training" and "test" share none but by chance. */
export function drawProblems(
  { chains, terms }: Untrained,
  seed: number,
  purpose: string,
  count: number,
): ChainProblem[] {
  const draw = random(seed).split(`problems for ${purpose}`);
  return Array.from({ length: count }, () => chains.draw(draw, terms));
}

/** Several responses to each problem, checked; temperature 0 gives the likeliest one as often as asked. */
export async function respond(
  { chains, write }: Untrained,
  params: CausalLanguageModelParams,
  problems: readonly ChainProblem[],
  { count = 1, temperature, draws }: { count?: number; temperature: number; draws?: Random },
): Promise<Sampled[][]> {
  const prompts = problems.flatMap((problem) => Array<number[]>(count).fill(chains.prompt(problem)));
  const responses = await write(params, prompts, { temperature, random: draws });
  return problems.map((problem, i) =>
    responses
      .slice(i * count, (i + 1) * count)
      .map((response) => ({ response, checked: chains.check(problem, response) })),
  );
}

/** Share of problems whose likeliest response has the right answer. */
export async function accuracy(
  policy: Untrained,
  params: CausalLanguageModelParams,
  problems: readonly ChainProblem[],
): Promise<number> {
  const responses = await respond(policy, params, problems, { temperature: 0 });
  return responses.filter(([first]) => first!.checked.correct).length / problems.length;
}

/**
 * The learning rate with which an arm solves most problems of a seed that no trial uses.
 *
 * @param key What the choice depends on besides the settings, as plain data: study and arm.
 * @param train The policy of a seed, trained with a learning rate.
 */
export const rateThatSolvesMost = (
  key: Record<string, string>,
  settings: ChainSettings,
  train: (seed: number, learningRate: number) => Promise<CausalLanguageModelParams>,
): Promise<number> =>
  chooseOnce({ ...key, settings }, settings.learningRates, async (learningRate) => {
    const params = await train(TUNING_SEED, learningRate);
    const policy = await chainPolicy(settings, TUNING_SEED);
    return accuracy(policy, params, drawProblems(policy, TUNING_SEED, "test", settings.test));
  });
