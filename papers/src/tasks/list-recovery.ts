/**
 * A small language model with six capabilities on lists of digits, the same after pruning, which harms them unevenly,
 * and a pool of instructions to recover it with, in which they are unevenly frequent and some answers are wrong.
 */
import { abs, evaluate, mapTree } from "nearmiss";
import { applyMask, fullMask, pruneLowest } from "nearmiss/compression";
import { fit, trainingStep } from "nearmiss/fit";
import type { CausalLanguageModelParams, Example, NextTokens } from "nearmiss/language";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";
import { likelihoodLoss, policyBatch } from "./language-policy.ts";
import { END, LENGTH, listModel } from "./list-skills.ts";

/** What each mark asks for, and its share of the pool. */
const capabilities: { does: (digits: number[]) => number[]; share: number }[] = [
  { does: (digits) => digits, share: 0.36 },
  { does: (digits) => digits.map((digit) => (digit + 1) % 10), share: 0.24 },
  { does: (digits) => digits.map((digit) => 9 - digit), share: 0.16 },
  { does: (digits) => digits.toReversed(), share: 0.1 },
  { does: (digits) => [...digits.slice(1), digits[0]!], share: 0.08 },
  { does: (digits) => digits.toSorted((a, b) => a - b), share: 0.06 },
];
export const CAPABILITIES = capabilities.length;

export interface Instruction extends Example {
  capability: number;
  /** Whether the answer is another one than what the mark asks for. */
  wrong: boolean;
}

function instruction(capability: number, draw: Random): Instruction {
  const digits = Array.from({ length: LENGTH }, () => draw.integer(0, 10));
  return {
    capability,
    wrong: false,
    prompt: [10 + capability, ...digits],
    response: [...capabilities[capability]!.does(digits), END],
  };
}

/** Right instructions of one capability. */
export const instructions = (capability: number, size: number, draw: Random): Instruction[] =>
  Array.from({ length: size }, (_, i) => instruction(capability, draw.split(i)));

/** Instructions in random order; in the given share the answer is that of another one of the same capability. */
export function recoveryPool(size: number, conflicting: number, draw: Random): Instruction[] {
  const all = capabilities.flatMap(({ share }, i) =>
    instructions(i, Math.round(share * size), draw.split(`capability ${i}`)),
  );
  const wrong = draw.split("conflicts");
  return draw.split("order").shuffle(
    all.map((each) => {
      if (wrong.next() >= conflicting) return each;
      const other = wrong.choice(all.filter(({ capability }) => capability === each.capability));
      return { ...each, response: other.response, wrong: other.response.join() !== each.response.join() };
    }),
  );
}

export interface RecoverySize {
  layers: number;
  width: number;
  pretraining: number;
  batchSize: number;
}

export interface MaskedTraining extends Omit<RecoverySize, "pretraining"> {
  params: CausalLanguageModelParams;
  /** Weights that are left; the others stay 0. */
  mask: CausalLanguageModelParams;
  draw: (random: Random) => Example;
  steps: number;
  learningRate: number;
  random: Random;
  signal: AbortSignal;
  onStep?: (step: number, loss: number) => void;
}

/** Trains by Adam what pruning has left. */
export async function trainMasked(options: MaskedTraining): Promise<CausalLanguageModelParams> {
  const { layers, width, batchSize, params, mask, draw, steps, learningRate, random, signal, onStep } =
    options;
  const { policy } = listModel(layers, width);
  const optimizer = adam({ learningRate });
  const loss = (free: CausalLanguageModelParams, { batch, left }: { batch: NextTokens; left: typeof mask }) =>
    likelihoodLoss(policy, applyMask(free, left), batch);
  const { state } = await fit({
    state: optimizer.init(params),
    step: trainingStep({ loss, optimizer, compile: { threads: 1 } }),
    steps,
    batch(i) {
      const own = random.split(i);
      return {
        batch: policyBatch(
          policy,
          Array.from({ length: batchSize }, () => draw(own)),
        ),
        left: mask,
      };
    },
    signal,
    onStep,
  });
  return evaluate(applyMask(state.params, mask));
}

/** A model that has learnt all capabilities alike. */
export const capableModel = remember(
  ({ layers, width, pretraining, batchSize }: RecoverySize, seed: number, signal: AbortSignal) => {
    const root = random(seed).split("pretraining");
    const params = listModel(layers, width).policy.model.init(root.split("weights"));
    return trainMasked({
      layers,
      width,
      batchSize,
      params,
      mask: fullMask(params),
      draw: (own) => instruction(own.integer(0, CAPABILITIES), own),
      steps: pretraining,
      learningRate: 3e-3,
      random: root.split("batches"),
      signal,
    });
  },
);

/** Which weights are left without the share that is smallest, of each matrix. */
export async function magnitudeMask(params: CausalLanguageModelParams, share: number) {
  return pruneLowest(fullMask(params), await evaluate(mapTree(params, abs)), share);
}
