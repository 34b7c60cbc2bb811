/**
 * Fine-tuning a reader on pronunciations of which some phonemes are wrong: whatever gives each token of the responses
 * its own sign, learnt or unlearnt.
 */
import { compile, fromData, scalar, type Tensor, valueAndGrad, values } from "nearmiss";
import { fit } from "nearmiss/fit";
import type { CausalLanguageModelParams, NextTokens } from "nearmiss/language";
import { signedTokenLoss, tokenCrossEntropy } from "nearmiss/losses";
import { adamW } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";
import { type LanguagePolicy, policyBatch, policyLogProbs } from "./language-policy.ts";
import { learnToRead, reader, type Spoken, spelling, spoken } from "./spelling.ts";

export interface NoisySpellingSize {
  layers: number;
  width: number;
  /** Words that the base model has read, as noisy as the others, and its steps. */
  known: number;
  pretraining: number;
  /** Noisy words that the reference is tuned on, and those that the arms are. */
  reference: number;
  main: number;
  test: number;
  /** Share of phonemes replaced by another, drawn from those of all words. */
  wrong: number;
}

/** A word as fine-tuning sees it. */
export interface NoisyWord extends Spoken {
  /** Of each phoneme whether it is wrong. */
  wrong: boolean[];
}

export interface NoisySpelling {
  policy: LanguagePolicy;
  base: CausalLanguageModelParams;
  reference: NoisyWord[];
  main: NoisyWord[];
  /** Without noise. */
  test: Spoken[];
}

/** The words of a seed and a model that has read a few others. The parts share no word. */
export const noisySpelling = remember(
  async (size: NoisySpellingSize, seed: number): Promise<NoisySpelling> => {
    const { layers, width, known, pretraining, reference, main, test } = size;
    const policy = reader(layers, width);
    const words = spelling(seed, { train: reference + main, validation: known, test });
    const phonemes = words.train.flatMap((word) => word.phonemes);
    const draw = random(seed).split("wrong phonemes");
    const noise = (word: Spoken) => withWrong(word, phonemes, size.wrong, draw);
    const noisy = words.train.map(noise);
    return {
      policy,
      base: await learnToRead({
        policy,
        words: words.validation.map(noise),
        steps: pretraining,
        learningRate: 4e-3,
        loss: tokenCrossEntropy,
        seed,
      }),
      reference: noisy.slice(0, reference),
      main: noisy.slice(reference),
      test: words.test,
    };
  },
);

/** Wrong phonemes are as frequent as right ones are: rarity does not tell them. */
function withWrong(word: Spoken, all: readonly number[], share: number, draw: Random): NoisyWord {
  const wrong = word.phonemes.map(() => draw.next() < share);
  const phonemes = word.phonemes.map((right, i) => {
    if (!wrong[i]) return right;
    let other = right;
    while (other === right) other = draw.choice(all);
    return other;
  });
  return { ...word, phonemes, wrong };
}

export interface SignedTuning {
  words: readonly NoisyWord[];
  /** Of each token of each response, its end included: 1 where it is learnt, 0 where not. Default: all are. */
  positive?: readonly ArrayLike<number>[];
  /** λ at each step, what unlearning the other tokens weighs. */
  weight: (step: number) => number;
  steps: number;
  batchSize: number;
  /** At its highest: it rises over 3 % of the steps, then falls to 0 along a line. */
  learningRate: number;
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, loss: number) => void;
}

type State = { params: CausalLanguageModelParams };
type Batch = NextTokens & { positives: Tensor; negatives: Tensor; weight: Tensor; rate: Tensor };

const optimizer = (rate: Tensor) => adamW({ learningRate: () => rate, weightDecay: 0 });

/** All that differs between arms is an input, so that they share a graph. */
const signedStep = remember((layers: number, width: number) => {
  const { model } = reader(layers, width);
  return compile(
    (state: State, { inputs, targets, positives, negatives, weight, rate }: Batch) => {
      const [loss, gradients] = valueAndGrad((params: CausalLanguageModelParams) =>
        signedTokenLoss(model.apply(params, inputs), targets, { positives, negatives }, { weight }),
      )(state.params);
      return { state: optimizer(rate).update(state as never, gradients) as State, loss };
    },
    { threads: 1 },
  );
});

/** Fine-tunes the base; equal seeds see equal batches. */
export async function tuneSigned(
  { policy, base }: NoisySpelling,
  { layers, width }: Pick<NoisySpellingSize, "layers" | "width">,
  { words, positive, weight, steps, batchSize, learningRate, seed, signal, onStep }: SignedTuning,
): Promise<CausalLanguageModelParams> {
  const draws = random(seed).split("fine-tuning");
  const rise = Math.max(1, 0.03 * steps);
  const { state } = await fit({
    state: optimizer(scalar(0)).init(base) as State,
    step: signedStep(layers, width),
    batch: (i): Batch => {
      const draw = draws.split(i);
      const chosen = Array.from({ length: batchSize }, () => draw.integer(0, words.length));
      return {
        ...policyBatch(
          policy,
          chosen.map((k) => spoken(words[k]!)),
        ),
        ...signs(policy, chosen, words, positive),
        weight: scalar(weight(i)),
        rate: scalar(learningRate * Math.min((i + 1) / rise, (steps - i) / Math.max(1, steps - rise))),
      };
    },
    steps,
    signal,
    onStep,
  });
  return state.params;
}

/** Which tokens of a batch are learnt, and which are the others of the responses. */
function signs(
  { length }: LanguagePolicy,
  chosen: readonly number[],
  words: readonly NoisyWord[],
  positive?: readonly ArrayLike<number>[],
) {
  const positives = new Uint8Array(chosen.length * (length - 1));
  const negatives = new Uint8Array(positives.length);
  chosen.forEach((k, row) => {
    const { prompt, response } = spoken(words[k]!);
    const from = row * (length - 1) + prompt.length - 1;
    response.forEach((_, j) => {
      (positive?.[k]?.[j] === 0 ? negatives : positives)[from + j] = 1;
    });
  });
  const shape = [chosen.length, length - 1];
  return { positives: fromData(positives, shape), negatives: fromData(negatives, shape) };
}

const SCORED = 128;
const scorer = remember((layers: number, width: number) => {
  const policy = reader(layers, width);
  return compile(
    (params: CausalLanguageModelParams, batch: NextTokens) => policyLogProbs(policy, params, batch),
    { threads: 1 },
  );
});

/** Cross-entropy of each token of each response, nats. */
export async function readingLosses(
  { layers, width }: Pick<NoisySpellingSize, "layers" | "width">,
  params: CausalLanguageModelParams,
  words: readonly Spoken[],
): Promise<Float64Array[]> {
  const policy = reader(layers, width);
  const losses: Float64Array[] = [];
  for (let from = 0; from < words.length; from += SCORED) {
    const part = words.slice(from, from + SCORED).map(spoken);
    // The last batch is filled up, so that there is one graph.
    const filled = [...part, ...Array<(typeof part)[number]>(SCORED - part.length).fill(part[0]!)];
    const rows = values(await scorer(layers, width)(params, policyBatch(policy, filled)));
    part.forEach(({ prompt, response }, row) => {
      const at = row * (policy.length - 1) + prompt.length - 1;
      losses.push(Float64Array.from(rows.subarray(at, at + response.length), (x) => -Number(x)));
    });
  }
  return losses;
}
