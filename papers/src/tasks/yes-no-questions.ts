/**
 * Yes-or-no questions about facts of countries. A language model learns all facts as statements, and to answer questions
 * about half of them, where "no" is right more often; about the other half it then leans to "no".
 */
import { compile, fromData, multiply, slice, type Tensor, valueAndGrad, values, zipTrees } from "nearmiss";
import { fit, trainingStep } from "nearmiss/fit";
import { attentionMaps, type CausalLanguageModelParams, type Example } from "nearmiss/language";
import { confusionCounts, fromConfusion } from "nearmiss/metrics";
import { type Head, headMask, negativeAttentionScore } from "nearmiss/negation";
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
import { type AskedFact, questionWorld } from "./negated-questions.ts";

export const HEADS = 4;
/** "answer yes or no capital of peru is lima ?" and the answer. */
const LENGTH = 11;
/** First position after the instruction. */
const START = 4;

export interface YesNoWorld {
  model: LanguagePolicy;
  vocabulary: number;
  yes: number;
  no: number;
  facts: readonly AskedFact[];
  /** Facts by use. */
  taught: readonly AskedFact[];
  tuning: readonly AskedFact[];
  validation: readonly AskedFact[];
  test: readonly AskedFact[];
}

export const yesNoWorld = remember(
  (countries: number, width: number, layers: number, seed: number): YesNoWorld => {
    const { vocabulary, facts, asked, tested } = questionWorld(countries, seed);
    const [first, second] = [Math.round(0.35 * tested.length), Math.round(0.6 * tested.length)];
    // Five more words: yes, no, or, answer, ?
    const model = languagePolicy({
      vocabulary: vocabulary + 5,
      length: LENGTH,
      end: 0,
      padding: 0,
      layers,
      width,
    });
    return {
      model,
      vocabulary: vocabulary + 5,
      yes: vocabulary,
      no: vocabulary + 1,
      facts,
      taught: asked,
      tuning: tested.slice(0, first),
      validation: tested.slice(first, second),
      test: tested.slice(second),
    };
  },
);

export interface YesNoQuestion {
  tokens: number[];
  /** Where the answers' words stand in the instruction. */
  yesAt: number;
  noAt: number;
  isTrue: boolean;
}

const OF = 5;
const IS = 6;

export function question(
  { yes, no }: YesNoWorld,
  { relation, subject, object, others }: AskedFact,
  isTrue: boolean,
  yesFirst: boolean,
  draw: Random,
): YesNoQuestion {
  const [or, answer, mark] = [yes + 2, yes + 3, yes + 4];
  const said = isTrue ? object : draw.choice(others);
  return {
    tokens: [answer, yesFirst ? yes : no, or, yesFirst ? no : yes, relation, OF, subject, IS, said, mark],
    yesAt: yesFirst ? 1 : 3,
    noAt: yesFirst ? 3 : 1,
    isTrue,
  };
}

/** Each fact as a true and a false question, with "yes" and with "no" first. */
export const allQuestions = (world: YesNoWorld, facts: readonly AskedFact[], draw: Random): YesNoQuestion[] =>
  facts.flatMap((fact, i) =>
    [true, false].flatMap((isTrue) =>
      [true, false].map((yesFirst) =>
        // The same wrong object in both orders.
        question(world, fact, isTrue, yesFirst, draw.split(i)),
      ),
    ),
  );

export const answered = ({ yes, no }: YesNoWorld, { tokens, isTrue }: YesNoQuestion): Example => ({
  prompt: tokens,
  response: [isTrue ? yes : no],
});

export function learnYesNo({
  world,
  steps,
  batchSize,
  learningRate,
  yesShare,
  seed,
}: {
  world: YesNoWorld;
  steps: number;
  batchSize: number;
  learningRate: number;
  yesShare: number;
  seed: number;
}): Promise<CausalLanguageModelParams> {
  const root = random(seed).split("yes or no");
  const { model } = world;
  return tunePolicy({
    params: model.model.init(root.split("weights")),
    steps,
    learningRate,
    batch: (i) => {
      const draw = root.split("batches").split(i);
      const examples = Array.from({ length: batchSize }, (_, row): Example => {
        const own = draw.split(row);
        if (own.next() < 0.5) {
          const fact = own.choice(world.facts);
          return { prompt: prefix(fact), response: [fact.object] };
        }
        const fact = own.choice(world.taught);
        return answered(world, question(world, fact, own.next() < yesShare, own.next() < 0.5, own));
      });
      return policyBatch(model, examples);
    },
    loss: (params, batch) => likelihoodLoss(model, params, batch),
  });
}

/** Log-odds of "yes" to "no" of each question. */
export async function yesLogOdds(
  { model, yes, no }: YesNoWorld,
  params: CausalLanguageModelParams,
  questions: readonly YesNoQuestion[],
): Promise<Float64Array> {
  const logits = values(await lastLogits(model)(params, tokensOf(questions)));
  const { vocabulary } = model.model;
  return Float64Array.from(
    questions,
    (_, i) => Number(logits[i * vocabulary + yes]) - Number(logits[i * vocabulary + no]),
  );
}

const tokensOf = (questions: readonly YesNoQuestion[]): Tensor =>
  fromData(Int32Array.from(questions.flatMap(({ tokens }) => tokens)), [
    questions.length,
    questions[0]!.tokens.length,
  ]);

const lastLogits = remembered(({ model }: LanguagePolicy) =>
  compile(
    (params: CausalLanguageModelParams, tokens: Tensor) =>
      slice(model.apply(params, tokens), [null, tokens.shape[1]! - 1]),
    { threads: 1 },
  ),
);

/** One compiled function for each model. */
function remembered<Model extends object, Result>(make: (model: Model) => Result): (model: Model) => Result {
  const known = new WeakMap<Model, Result>();
  return (model) => {
    const result = known.get(model) ?? make(model);
    known.set(model, result);
    return result;
  };
}

/** How well questions are answered where log-odds above the threshold mean "yes". */
export function yesScores(odds: ArrayLike<number>, questions: readonly YesNoQuestion[], threshold = 0) {
  const counts = confusionCounts(
    Array.from(odds, (each) => Number(each > threshold)),
    questions.map(({ isTrue }) => Number(isTrue)),
  );
  const precision = fromConfusion("precision", counts);
  const recall = fromConfusion("recall", counts);
  return {
    precision,
    recall,
    gap: precision - recall,
    accuracy: fromConfusion("accuracy", counts),
    F1: fromConfusion("fBeta", counts),
  };
}

/** Mean negative attention score of each head, by block. */
export async function headScores(
  { model }: YesNoWorld,
  params: CausalLanguageModelParams,
  questions: readonly YesNoQuestion[],
): Promise<number[][]> {
  const maps = await mapsOf(model)(params, tokensOf(questions));
  const positions = {
    yes: questions.map(({ yesAt }) => yesAt),
    no: questions.map(({ noAt }) => noAt),
    start: questions.map(() => START),
  };
  return maps.map((map) => {
    const scores = negativeAttentionScore(map, positions);
    return Array.from({ length: HEADS }, (_, head) => {
      let sum = 0;
      for (let i = head; i < scores.length; i += HEADS) sum += scores[i]!;
      return sum / questions.length;
    });
  });
}

const mapsOf = remembered(({ model }: LanguagePolicy) => {
  const { vocabulary, context, width } = model;
  return compile(
    (params: CausalLanguageModelParams, tokens: Tensor) =>
      attentionMaps({ vocabulary, context, width, heads: HEADS, layers: params.stack.blocks.length })(
        params,
        tokens,
      ),
    { threads: 1 },
  );
});

/** Steps of Adam on questions, of whatever weights a model is made with. */
export async function tuneAnswers<P>({
  params,
  modelOf,
  world,
  steps,
  learningRate,
  batch,
}: {
  params: P;
  modelOf: (params: P) => CausalLanguageModelParams;
  world: YesNoWorld;
  steps: number;
  learningRate: number;
  batch: (step: number) => Example[];
}): Promise<P> {
  const optimizer = adam({ learningRate });
  const { state } = await fit({
    state: optimizer.init(params),
    step: trainingStep({
      loss: (weights: P, examples: ReturnType<typeof policyBatch>) =>
        likelihoodLoss(world.model, modelOf(weights), examples),
      optimizer,
      compile: { threads: 1 },
    }),
    batch: (i) => policyBatch(world.model, batch(i)),
    steps,
  });
  return state.params;
}

/** Steps of Adam on a single head's queries and keys, on batches of answered questions. */
export function headTuner(world: YesNoWorld, learningRate: number, batches: (step: number) => Example[]) {
  const optimizer = adam({ learningRate });
  type State = ReturnType<typeof optimizer.init<CausalLanguageModelParams>>;
  const step = compile(
    (state: State, mask: CausalLanguageModelParams, batch: ReturnType<typeof policyBatch>) => {
      const [, gradients] = valueAndGrad((params: CausalLanguageModelParams) =>
        likelihoodLoss(world.model, params, batch),
      )(state.params);
      return optimizer.update(state, zipTrees([gradients, mask], multiply));
    },
    { threads: 1 },
  );
  return async (params: CausalLanguageModelParams, head: Head, from: number, to: number) => {
    const mask = headMask(params, head, HEADS);
    let state = optimizer.init(params);
    for (let i = from; i < to; i++) state = await step(state, mask, policyBatch(world.model, batches(i)));
    return state.params;
  };
}

/** Mean negative log-likelihood of the facts' objects as statements, in nats. */
export async function statementLoss(world: YesNoWorld, params: CausalLanguageModelParams): Promise<number> {
  const statements = world.facts.map((fact) => ({ prompt: prefix(fact), response: [fact.object] }));
  const run = compile(
    (weights: CausalLanguageModelParams, batch: ReturnType<typeof policyBatch>) =>
      likelihoodLoss(world.model, weights, batch),
    { threads: 1 },
  );
  return Number(values(await run(params, policyBatch(world.model, statements)))[0]);
}

const prefix = ({ relation, subject }: AskedFact) => [relation, OF, subject, IS];
