/**
 * Distillation of rationales: a teacher works out chains of arithmetic step by step, several times each, and slips now
 * and then. A student that knows single steps learns two tasks, told apart by the first token: to predict the answer at
 * once, and to explain, which is to write the steps and the answer.
 */
import {
  compile,
  expandDims,
  fromData,
  max,
  relu,
  reshape,
  sigmoid,
  type Tensor,
  valueAndGrad,
  values,
  where,
} from "nearmiss";
import { type ArithmeticChains, arithmeticChains, type ChainProblem } from "nearmiss/data";
import {
  type CausalLanguageModelParams,
  type Example,
  maskedLanguageModel,
  selfConsistent,
} from "nearmiss/language";
import { bceWithLogits } from "nearmiss/losses";
import { dense } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";
import {
  type LanguagePolicy,
  languagePolicy,
  likelihoodLoss,
  policyBatch,
  tunePolicy,
} from "./language-policy.ts";

export interface RationaleSize {
  modulus: number;
  terms: number;
  layers: number;
  width: number;
  /** Steps of learning before the questions. */
  pretraining: number;
  /** Questions for training, and the teacher's samples of each. */
  questions: number;
  samples: number;
  /** Share of the teacher's samples with a slip. */
  slips: number;
  test: number;
}

export interface Question {
  problem: ChainProblem;
  /** All of the teacher's samples, and which of them agree with their majority. */
  samples: number[][];
  kept: number[][];
  rejected: number[][];
}

export interface RationaleWorld extends LanguagePolicy {
  chains: ArithmeticChains;
  predict(problem: ChainProblem): Example;
  /** The prompt that asks for steps, with a rationale as the response. */
  explain(problem: ChainProblem, rationale: readonly number[]): Example;
}

/** Equal sizes share their compiled graphs. */
export const rationaleWorld = remember(
  (modulus: number, terms: number, layers: number, width: number): RationaleWorld => {
    const chains = arithmeticChains({ modulus });
    const tokens = chains.vocabulary.length;
    const [predict, explain] = [tokens, tokens + 1];
    const policy = languagePolicy({
      vocabulary: tokens + 2,
      length: chains.length(terms) + 1,
      end: chains.end,
      padding: chains.padding,
      layers,
      width,
    });
    return {
      ...policy,
      chains,
      predict: (problem) => ({
        prompt: [predict, ...chains.prompt(problem)],
        response: [chains.answer(problem), chains.end],
      }),
      explain: (problem, rationale) => ({
        prompt: [explain, ...chains.prompt(problem)],
        response: rationale,
      }),
    };
  },
);

/** A rationale of a teacher that slips in a share of them, each kind of slip being as likely. */
const sampled = (chains: ArithmeticChains, problem: ChainProblem, slips: number, draw: Random): number[] =>
  draw.next() < slips
    ? chains.slip(problem, draw.choice(["operand", "operation", "result"] as const), draw)
    : chains.solve(problem);

/**
 * A student that has learnt problems of two terms, in both tasks, and has seen longer ones explained by somebody who
 * slips in every second explanation. Its weights are read-only.
 */
export const pretrainedStudent = remember(
  (
    { modulus, terms, layers, width, pretraining }: RationaleSize,
    seed: number,
  ): Promise<CausalLanguageModelParams> => {
    const world = rationaleWorld(modulus, terms, layers, width);
    const { chains } = world;
    const root = random(seed).split("student");
    return tunePolicy({
      params: world.model.init(root.split("weights")),
      steps: pretraining,
      learningRate: 4e-3,
      batch: (i) => {
        const draw = root.split("problems").split(i);
        const examples = Array.from({ length: 64 }, (_, row) => {
          if (row % 4 > 1) {
            const problem = chains.draw(draw, terms);
            return world.explain(problem, sampled(chains, problem, 0.5, draw));
          }
          const problem = chains.draw(draw, 2);
          return row % 4 === 0 ? world.predict(problem) : world.explain(problem, chains.solve(problem));
        });
        return policyBatch(world, examples);
      },
      loss: (params, batch) => likelihoodLoss(world, params, batch),
    });
  },
);

/** Questions for training with the teacher's samples, and others to be judged on. */
export const rationaleQuestions = remember((size: RationaleSize, seed: number) => {
  const { chains } = rationaleWorld(size.modulus, size.terms, size.layers, size.width);
  const root = random(seed).split("rationales");
  const different = new Map<string, ChainProblem>();
  const draw = root.split("problems");
  while (different.size < size.questions + size.test) {
    const problem = chains.draw(draw, size.terms);
    different.set(chains.prompt(problem).join(), problem);
  }
  const problems = [...different.values()];
  const teacher = root.split("teacher");
  const train = problems.slice(0, size.questions).map((problem): Question => {
    const samples = Array.from({ length: size.samples }, () => sampled(chains, problem, size.slips, teacher));
    const { kept, rejected } = selfConsistent(samples.map((sample) => chains.check(problem, sample).answer));
    return {
      problem,
      samples,
      kept: kept.map((i) => samples[i]!),
      rejected: rejected.map((i) => samples[i]!),
    };
  });
  return { train, test: problems.slice(size.questions) };
});

/** Judges texts of tokens, question and rationale, from 0 (poor) to 1. */
export interface Discriminator {
  /** Probabilities that examples are good. */
  judge(examples: readonly Example[]): Promise<number[]>;
  /** One step on as many good examples as poor ones. */
  learn(good: readonly Example[], poor: readonly Example[]): Promise<void>;
}

const WIDTH = 16;

/** An encoder, the maximum over its places, and two linear layers. */
const judgement = remember((vocabulary: number, length: number) => {
  const encoder = maskedLanguageModel({
    vocabulary,
    context: length,
    width: WIDTH,
    heads: 2,
    layers: 1,
    padding: vocabulary - 1,
  });
  const [first, second] = [dense(WIDTH, WIDTH), dense(WIDTH, 1)];
  const init = (draw: Random) => ({
    encoder: encoder.init(draw.split("encoder")),
    first: first.init(draw.split("first")),
    second: second.init(draw.split("second")),
  });
  type Params = ReturnType<typeof init>;
  const logits = (params: Params, { tokens, present }: { tokens: Tensor; present: Tensor }) => {
    const hidden = where(expandDims(present, 2), encoder.hidden(params.encoder, tokens), -1e4);
    const pooled = max(hidden, { axis: 1 });
    return second.apply(params.second, relu(first.apply(params.first, pooled)));
  };
  const optimizer = adam({ learningRate: 3e-3 });
  return {
    start: (draw: Random) => optimizer.init(init(draw)),
    batch: (examples: readonly Example[]) => {
      const tokens = new Int32Array(examples.length * length).fill(vocabulary - 1);
      const present = new Uint8Array(examples.length * length);
      examples.forEach(({ prompt, response }, row) => {
        const whole = [...prompt, ...response].slice(0, length);
        tokens.set(whole, row * length);
        present.fill(1, row * length, row * length + whole.length);
      });
      return {
        tokens: fromData(tokens, [examples.length, length]),
        present: fromData(present, [examples.length, length]),
      };
    },
    probabilities: compile(
      (params: Params, batch: { tokens: Tensor; present: Tensor }) => sigmoid(logits(params, batch)),
      {
        threads: 1,
      },
    ),
    step: compile(
      (
        state: ReturnType<typeof optimizer.init<Params>>,
        batch: { tokens: Tensor; present: Tensor },
        labels: Tensor,
      ) => {
        const [loss, gradients] = valueAndGrad((params: Params) =>
          bceWithLogits(logits(params, batch), labels),
        )(state.params);
        return { state: optimizer.update(state, gradients), loss };
      },
      { threads: 1 },
    ),
  };
});

/** A discriminator without training. The vocabulary must have a token to spare, its last, for padding. */
export function discriminator(vocabulary: number, length: number, draw: Random): Discriminator {
  const { start, batch, probabilities, step } = judgement(vocabulary, length);
  let state = start(draw);
  return {
    async judge(examples) {
      return Array.from(values(await probabilities(state.params, batch(examples))), Number);
    },
    async learn(good, poor) {
      const labels = Float32Array.from({ length: good.length + poor.length }, (_, i) =>
        Number(i < good.length),
      );
      const next = await step(state, batch([...good, ...poor]), fromData(labels, [labels.length, 1]));
      state = next.state;
    },
  };
}

/** A rationale with some of its tokens replaced by others, at least one. */
export function spoiled(rationale: readonly number[], vocabulary: number, draw: Random): number[] {
  const must = draw.integer(0, rationale.length);
  return rationale.map((token, i) =>
    i === must || draw.next() < 0.15 ? draw.integer(0, vocabulary) : token,
  );
}

/** Numbers [rows of a question after another] as a tensor [n, count]. */
export const grid = (x: Tensor, count: number): Tensor => reshape(x, [x.shape[0]! / count, count]);
