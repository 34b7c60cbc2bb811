/** A small language model that learns to read from examples in its prompt what a hidden intent wants. */
import { contrastivePrompt, type Example, type PromptMarks } from "nearmiss/language";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";
import {
  type Answer,
  ATTRIBUTES,
  consistentIntents,
  drawProblem,
  type IntentProblem,
  VALUES,
} from "./hidden-intents.ts";
import { languagePolicy, likelihoodLoss, policyBatch, tunePolicy } from "./language-policy.ts";

/** What a prompt shows before the question, and whether it asks for an analysis first. */
export const variants = ["analysis", "contrastive", "fewShot", "zeroShot"] as const;
export type Variant = (typeof variants)[number];

const PADDING = 0;
const END = 1;
const QUESTION = 2;
const BAD = 4;
const ANSWER = 6;
const marks: PromptMarks<number> = { input: [], good: [3], bad: [BAD], analysis: [5], answer: [ANSWER] };
const valueToken = (attribute: number, value: number) => 7 + attribute * VALUES + value;
const tokensOf = (answer: Answer) => answer.map((value, attribute) => valueToken(attribute, value));

const BATCH = 64;
/** Prompts of a batch without examples: nothing can be learnt from them but that any answer is as good. */
const ZERO_SHOT = 4;
/** Examples of a prompt. */
const SHOWN = 2;
/** Examples, the question, an analysis of all values with two marks, the answer and the end. */
const LENGTH = SHOWN * 2 * (1 + ATTRIBUTES) + 2 + 2 * ATTRIBUTES + 2 + 2;

/** The examples that a variant shows. */
function shownBy(variant: Variant, { good, bad }: IntentProblem): { good: Answer[]; bad: Answer[] } {
  if (variant === "zeroShot") return { good: [], bad: [] };
  return { good, bad: variant === "fewShot" ? [] : bad };
}

function exampleOf(variant: Variant, problem: IntentProblem): Example {
  const { good, bad } = shownBy(variant, problem);
  const prompt = contrastivePrompt({
    examples: good.map((each, i) => ({
      input: [],
      good: tokensOf(each),
      ...(bad[i] ? { bad: tokensOf(bad[i]) } : {}),
    })),
    input: [QUESTION],
    marks,
    analysis: variant === "analysis",
  });
  const { attribute, value } = problem.intent;
  const said = variant === "analysis" ? analysisOf(good, bad) : [];
  return { prompt, response: [...said, valueToken(attribute, value), END] };
}

/** What all good answers have in common, and what of that a bad one has too. */
function analysisOf(good: readonly Answer[], bad: readonly Answer[]): number[] {
  const shared = consistentIntents(good, []);
  const spoilt = shared.filter(({ attribute, value }) => bad.some((answer) => answer[attribute] === value));
  const said = [shared, spoilt].map((intents) =>
    intents.map((each) => valueToken(each.attribute, each.value)),
  );
  return [...said[0]!, BAD, ...said[1]!, ANSWER];
}

export interface LearnerSize {
  width: number;
  layers: number;
  steps: number;
  learningRate: number;
}

const learner = remember((width: number, layers: number) => {
  const vocabulary = 7 + ATTRIBUTES * VALUES;
  return languagePolicy({ vocabulary, length: LENGTH, end: END, padding: PADDING, layers, width });
});

/** A model that has seen the three variants with examples equally often; one for each seed. */
export const trainLearner = remember(
  (
    { width, layers, steps, learningRate }: LearnerSize,
    seed: number,
    signal?: AbortSignal,
    onStep?: (step: number, steps: number, loss: number) => void,
  ) => {
    const policy = learner(width, layers);
    const root = random(seed).split("in-context learner");
    const example = (draw: Random, i: number): Example => {
      const problem = drawProblem(draw, { count: SHOWN, ambiguous: draw.next() < 0.75 });
      return exampleOf(variants[i < ZERO_SHOT ? 3 : i % 3]!, problem);
    };
    return tunePolicy({
      params: policy.model.init(root.split("weights")),
      steps,
      learningRate,
      batch: (i) => {
        const draw = root.split(i);
        return policyBatch(
          policy,
          Array.from({ length: BATCH }, (_, at) => example(draw, at)),
        );
      },
      loss: (params, batch) => likelihoodLoss(policy, params, batch),
      signal,
      onStep,
    });
  },
);

/**
 * Share of problems with two examples that are answered rightly, and what the best possible reader of the same prompts
 * reaches. A seed's problems are the same for all variants.
 */
export async function judged(
  { width, layers }: LearnerSize,
  params: Awaited<ReturnType<typeof trainLearner>>,
  variant: Variant,
  { seed, count, ambiguous }: { seed: number; count: number; ambiguous: boolean },
): Promise<{ accuracy: number; oracle: number }> {
  const { write } = learner(width, layers);
  const draw = random(seed).split(ambiguous ? "ambiguous problems" : "clear problems");
  const problems = Array.from({ length: count }, () => drawProblem(draw, { count: SHOWN, ambiguous }));
  const prompts = problems.map((problem) => exampleOf(variant, problem).prompt);
  const written = await write(params, prompts, { temperature: 0 });
  // The answer is the last thing that is said before the end.
  const right = problems.filter(({ intent: { attribute, value } }, i) => {
    const said = written[i]!.filter((token) => token !== END);
    return said.at(-1) === valueToken(attribute, value);
  });
  const best = problems.map((problem) => {
    const { good, bad } = shownBy(variant, problem);
    return 1 / consistentIntents(good, bad).length;
  });
  return { accuracy: right.length / count, oracle: best.reduce((sum, each) => sum + each, 0) / count };
}
