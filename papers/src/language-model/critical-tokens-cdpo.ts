import { compile, fromData, slice } from "nearmiss";
import type { ChainProblem } from "nearmiss/data";
import type { CausalLanguageModelParams, Example, NextTokens } from "nearmiss/language";
import { contrastiveEstimation, tokenWeightedDpo } from "nearmiss/losses";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { remember } from "../remember.ts";
import { type Comparison, defineStudy } from "../study.ts";
import {
  accuracy,
  type ChainPolicy,
  type ChainSettings,
  chainPolicy,
  drawProblems,
  rateThatSolvesMost,
  respond,
  smallestChains,
} from "../tasks/chain-policy.ts";
import {
  likelihoodLoss,
  policyBatch,
  policyLogProbs,
  responseLogProbs,
  scoreInBatches,
  tunePolicy,
} from "../tasks/language-policy.ts";
import { responseTokenLogProbs } from "../tasks/token-scores.ts";

export const card: Card = {
  number: 130,
  slug: "critical-tokens-cdpo",
  title: "Critical Tokens Matter: Token-Level Contrastive Estimation Enhence LLM's Reasoning Capability",
  year: 2024,
  family: "language-model",
  kind: "objective",
  arxiv: "2411.19943",
  link: "https://arxiv.org/abs/2411.19943",
  code: "https://github.com/chenzhiling9954/Critical-Tokens-Matter",
  summary:
    "Critical tokens are positions in a wrong reasoning trace after which sampled continuations almost never reach the right answer. Instead of costly rollouts, each token is scored by contrasting a model tuned on correct traces with one tuned on incorrect traces. Preference training then weights the tokens of the rejected answer by one minus this score.",
  claim:
    "The contrastive score finds critical tokens at far lower cost than rollouts. Weighting rejected tokens with it gives higher reasoning accuracy than plain DPO.",
  formula: String.raw`L=-\log\sigma\Big(\gamma\Big[\log\tfrac{\pi(y^w)}{\pi_{ref}(y^w)}-\sum_t(1-s_t)\log\tfrac{\pi(y^l_t)}{\pi_{ref}(y^l_t)}\Big]\Big),\quad s_t\propto\frac{p^+(y^l_t)^{1+\beta}}{p^-(y^l_t)^{\beta}}`,
  exports: [
    "losses/critical-tokens: contrastiveEstimation",
    "losses/critical-tokens: tokenWeightedDpo",
    "losses/preference: dpo",
  ],
  notes: [
    "The paper's objective has one logarithmic sigmoid a pair. The official trainer takes one a token, pairing the chosen and the rejected response by position, and averages; with Qwen models it shifts the weights by one token. The library follows the paper.",
    "The critical token of a wrong response is taken to be its first wrong one, which is known here since there is one right response; the paper finds it by sampling continuations. So the cost of that is not compared, only how often the cheap scores find the token.",
    "Problems are chains of two operations modulo 10. The policy first learns from a teacher of whose responses 35 % have a slip. The two models of the contrast are that policy, tuned on its own right and wrong samples. Pairs are one right and one wrong sample of a problem.",
    "The arm without contrast weights rejected tokens by one minus their probability under the model of right responses; it and DPO are judged by their own scores, that probability and the policy's. Each arm has the learning rate that solves most problems of a seed that the study does not use.",
    "Changed after a first result, for time alone: 600 problems to sample pairs from instead of 700, with which the run took 62 s; the verdicts were the same.",
    "The contrast finds fewer first errors than the policy's own probability does: this policy's errors are slips at random, without the wrong ways of thinking that a model tuned on wrong answers could learn and the contrast could take away, so that doubling the weight of one tuned model mostly adds noise.",
  ],
};

const arms = {
  contrast: "DPO, rejected tokens weighted by one minus the contrast of right and wrong responses (cDPO)",
  positive: "DPO, rejected tokens weighted by one minus their probability under the model of right responses",
  dpo: "DPO",
};
type Arm = keyof typeof arms;

interface Settings extends ChainSettings {
  /** Steps of tuning each model of the contrast, and their learning rate. */
  contrastSteps: number;
  contrastRate: number;
}

const settings: Settings = {
  modulus: 10,
  terms: 3,
  layers: 2,
  width: 64,
  pretraining: 340,
  slips: 0.35,
  problems: 600,
  samples: 4,
  contrastSteps: 40,
  contrastRate: 1e-3,
  steps: 40,
  batchSize: 32,
  learningRates: [1e-4, 3e-4],
  test: 400,
};

const compare = (metric: string, baselines: Arm[]): Comparison[] =>
  baselines.map((baseline) => ({ metric, method: "contrast", baseline, better: "higher" }));

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      ...smallestChains,
      contrastSteps: 2,
    },
    default: { ...settings, seeds: 4 },
    full: {
      ...settings,
      terms: 4,
      pretraining: 1000,
      problems: 4000,
      samples: 16,
      contrastSteps: 400,
      steps: 400,
      learningRates: [1e-4, 3e-4, 1e-3],
      test: 1000,
      seeds: 10,
    },
  },
  metrics: {
    found: "share of wrong responses whose first wrong token is the one with the lowest score",
    accuracy: "share of new problems whose likeliest response is right",
    "accuracy before": "the same before preference training",
    "chosen's change": "log-probability of the chosen responses, after less before, nats",
  },
  curves: { "preference loss": { x: "step", y: "loss, nats" } },
  claims: [
    {
      id: "finding",
      statement:
        "The contrast finds the first wrong token more often than the probability under the model of right responses and than that under the policy itself.",
      rule: "The difference of the share found, paired by seed. Supports if its 95 % interval lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: compare("found", ["positive", "dpo"]),
    },
    {
      id: "training",
      statement: "Weighting rejected tokens with the contrast solves more problems than plain DPO.",
      rule: "The difference of accuracy, paired by seed. Supports if its 95 % interval lies above 0, contradicts if it lies below 0, else inconclusive.",
      comparisons: compare("accuracy", ["dpo"]),
    },
  ],
  distance:
    "The paper trains Llama-3 and DeepSeek-math of 7 to 70 billion weights on GSM8K and MATH; here a model of 0.1 million weights works out chains of two operations modulo 10, with 700 problems and 4 samples of each.",
  async run({ arm, seed, settings, report, signal }) {
    const start = await startOf(settings, seed);
    const { policy, pairs } = start;
    const learningRate = await chosenRate(arm as Arm, settings, signal);
    const params = await preferred(arm as Arm, settings, seed, start, learningRate, signal, (step, loss) => {
      report.progress(step / settings.steps);
      report.point("preference loss", step, loss);
    });
    const test = drawProblems(policy, seed, "test", settings.test);
    const chosen = pairs.map((pair) => pair.chosen);
    const [before, after] = await Promise.all([
      responseLogProbs(policy, policy.params, chosen),
      responseLogProbs(policy, params, chosen),
    ]);
    const total = (x: Float32Array) => x.reduce((sum, each) => sum + each, 0);
    return {
      found: found(start, start.scores[arm as Arm]),
      accuracy: await accuracy(policy, params, test),
      "accuracy before": await accuracy(policy, policy.params, test),
      "chosen's change": (total(after) - total(before)) / Math.max(1, chosen.length),
    };
  },
});

interface Pair {
  chosen: Example;
  rejected: Example;
  /** Position in the rejected response. */
  firstError: number;
}

interface Start {
  policy: ChainPolicy;
  pairs: Pair[];
  /** Of each pair's tokens under the policy, [2, pairs, length - 1]: the chosen ones first. */
  reference: Float32Array;
  /** By which an arm tells rejected tokens: [pairs, length - 1] each. */
  scores: Record<Arm, Float32Array>;
}

/** What all arms of a seed share: pairs of the policy's own responses and the scores of their tokens. */
const startOf = remember(async (size: Settings, seed: number): Promise<Start> => {
  const policy = await chainPolicy(size, seed);
  const draws = random(seed).split("critical tokens");
  const problems = drawProblems(policy, seed, "training", size.problems);
  const responses = await respond(policy, policy.params, problems, {
    count: size.samples,
    temperature: 1,
    draws: draws.split("responses"),
  });
  const choice = draws.split("pairs");
  const pairs = problems.flatMap((problem, i): Pair[] => {
    const of = (correct: boolean) => responses[i]!.filter(({ checked }) => checked.correct === correct);
    if (of(true).length === 0 || of(false).length === 0) return [];
    const prompt = policy.chains.prompt(problem);
    const [right, wrong] = [choice.choice(of(true)), choice.choice(of(false))];
    return [
      {
        chosen: { prompt, response: right.response },
        rejected: { prompt, response: wrong.response },
        firstError: wrong.checked.firstError!,
      },
    ];
  });
  // A policy that is always right, or always wrong, leaves no pairs: a chain stands in for them.
  if (pairs.length === 0) pairs.push(standIn(policy, problems[0]!));
  const rejected = pairs.map((pair) => pair.rejected);
  const tuned = (examples: readonly Example[], name: string) =>
    tunePolicy({
      params: policy.params,
      steps: size.contrastSteps,
      learningRate: size.contrastRate,
      batch: (i) => {
        const draw = draws.split(name).split(i);
        const part = Array.from({ length: size.batchSize }, () => draw.choice(examples));
        return { examples: policyBatch(policy, part) };
      },
      loss: (params, { examples: batch }) => likelihoodLoss(policy, params, batch),
    });
  const positive = await tuned(
    pairs.map((pair) => pair.chosen),
    "right",
  );
  const negative = await tuned(rejected, "wrong");
  const width = policy.length - 1;
  const contrast = contrastOf(policy);
  const both = [...pairs.map((pair) => pair.chosen), ...rejected];
  const reference = await responseTokenLogProbs(policy, policy.params, both);
  return {
    policy,
    pairs,
    reference,
    scores: {
      contrast: await scoreInBatches(rejected, width, (part) =>
        contrast(positive, negative, policyBatch(policy, part)),
      ),
      positive: (await responseTokenLogProbs(policy, positive, rejected)).map(Math.exp),
      dpo: reference.subarray(rejected.length * width).map(Math.exp),
    },
  };
});

function standIn({ chains }: ChainPolicy, problem: ChainProblem): Pair {
  const prompt = chains.prompt(problem);
  const right = chains.solve(problem);
  const response = [...right.slice(0, 4), (right[4]! + 1) % 10, ...right.slice(5)];
  return { chosen: { prompt, response: right }, rejected: { prompt, response }, firstError: 4 };
}

const contrasts = new WeakMap<object, ReturnType<typeof makeContrast>>();
function contrastOf(policy: ChainPolicy) {
  const known = contrasts.get(policy.model) ?? makeContrast(policy);
  contrasts.set(policy.model, known);
  return known;
}
const makeContrast = ({ model }: ChainPolicy) =>
  compile(
    (
      positive: CausalLanguageModelParams,
      negative: CausalLanguageModelParams,
      { inputs, targets, mask }: NextTokens,
    ) => contrastiveEstimation(model.apply(positive, inputs), model.apply(negative, inputs), targets, mask),
    { threads: 1 },
  );

/** Share of rejected responses whose token of the lowest score is the first wrong one. */
function found({ policy, pairs }: Start, scores: Float32Array): number {
  const hits = pairs.filter(({ rejected: { prompt, response }, firstError }, i) => {
    const from = i * (policy.length - 1) + prompt.length - 1;
    const own = scores.subarray(from, from + response.length);
    return own.indexOf(Math.min(...own)) === firstError;
  });
  return hits.length / pairs.length;
}

/** Trains on pairs as an arm does. */
function preferred(
  arm: Arm,
  { steps, batchSize }: Settings,
  seed: number,
  { policy, pairs, reference, scores }: Start,
  learningRate: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
): Promise<CausalLanguageModelParams> {
  const width = policy.length - 1;
  const rows = (from: Float32Array, chosen: readonly number[]) => {
    const taken = chosen.flatMap((i) => Array.from(from.subarray(i * width, (i + 1) * width)));
    return fromData(Float32Array.from(taken), [chosen.length, width]);
  };
  return tunePolicy({
    params: policy.params,
    steps,
    learningRate,
    batch: (i) => {
      const draw = random(seed).split("preference").split(i);
      const chosen = Array.from({ length: batchSize }, () => draw.integer(0, pairs.length));
      const part = [...chosen.map((k) => pairs[k]!.chosen), ...chosen.map((k) => pairs[k]!.rejected)];
      return {
        examples: policyBatch(policy, part),
        reference: {
          chosen: rows(reference, chosen),
          rejected: rows(
            reference,
            chosen.map((k) => k + pairs.length),
          ),
        },
        weights: rows(
          scores[arm].map((score) => (arm === "dpo" ? 1 : 1 - score)),
          chosen,
        ),
      };
    },
    loss(params, { examples, reference, weights }) {
      const logProbs = policyLogProbs(policy, params, examples);
      const pairs = {
        chosen: slice(logProbs, [[0, batchSize]]),
        rejected: slice(logProbs, [[batchSize, 2 * batchSize]]),
      };
      return tokenWeightedDpo(pairs, reference, weights);
    },
    signal,
    onStep: (step, _, loss) => onStep?.(step, loss),
  });
}

const chosenRate = (arm: Arm, settings: Settings, signal: AbortSignal): Promise<number> =>
  rateThatSolvesMost({ study: "critical-tokens-cdpo", arm }, settings, async (seed, rate) =>
    preferred(arm, settings, seed, await startOf(settings, seed), rate, signal),
  );
