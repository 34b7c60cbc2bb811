/** Training of small masked language models on texts that are drawn batch by batch. */

import type { Tensor } from "nearmiss";
import { fit, trainingStep } from "nearmiss/fit";
import { type MaskedLanguageModel, type MaskedLanguageModelParams, maskedTokens } from "nearmiss/language";
import { tokenCrossEntropy } from "nearmiss/losses";
import { adamW, type LearningRate } from "nearmiss/optim";
import { random } from "nearmiss/random";

/** Tokens before all words: padding, what hides a word, and the marks of a text's ends. */
export const MASK = 1;
export const BEGIN = 2;
export const END = 3;
export const FIRST_WORD = 4;

export interface MaskedTraining {
  model: MaskedLanguageModel;
  /** The texts of a step, between BEGIN and END. */
  texts: (step: number) => readonly (readonly number[])[];
  steps: number;
  learningRate: LearningRate;
  /** Share of a text's tokens that are to be guessed. Default: 0.15. */
  share?: number;
  /** Of logits [n, length, vocabulary], tokens and the mask of those to be guessed. Default: tokenCrossEntropy. */
  loss?: (logits: Tensor, tokens: Tensor, mask: Tensor, params: MaskedLanguageModelParams) => Tensor;
  /** Decides initial weights and what is hidden. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** Trains by Adam; the loss is that of the hidden tokens. */
export async function trainMasked({
  model,
  texts,
  steps,
  learningRate,
  share,
  loss = (logits, tokens, mask) => tokenCrossEntropy(logits, tokens, mask),
  seed,
  signal,
  onStep,
}: MaskedTraining): Promise<MaskedLanguageModelParams> {
  const root = random(seed).split("masked model");
  const optimizer = adamW({ learningRate, weightDecay: 0 });
  const { state } = await fit({
    state: optimizer.init(model.init(root.split("weights"))),
    step: trainingStep({
      loss: (params: MaskedLanguageModelParams, batch: ReturnType<typeof maskedTokens>) =>
        loss(model.apply(params, batch.inputs), batch.targets, batch.mask, params),
      optimizer,
      compile: { threads: 1 },
    }),
    batch: (i) =>
      maskedTokens(texts(i), model.context, {
        mask: MASK,
        first: FIRST_WORD,
        vocabulary: model.vocabulary,
        share,
        random: root.split("hidden").split(i),
      }),
    steps,
    signal,
    onStep: (i, value) => onStep?.(i, steps, value),
  });
  return state.params;
}
