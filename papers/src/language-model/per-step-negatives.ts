import { slice, type Tensor } from "nearmiss";
import type { ChainProblem } from "nearmiss/data";
import type { CausalLanguageModelParams, Example } from "nearmiss/language";
import { dpo, sequenceLogProbs } from "nearmiss/losses";
import { firstPit } from "nearmiss/negatives";
import { type Random, random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  type ChainPolicy,
  type ChainSettings,
  chainPolicy,
  drawProblems,
  rateThatSolvesMost,
  respond,
  smallestChains,
} from "../tasks/chain-policy.ts";
import {
  column,
  likelihoodLoss,
  policyBatch,
  policyLogProbs,
  responseLogProbs,
  tunePolicy,
} from "../tasks/language-policy.ts";

export const card: Card = {
  number: 89,
  slug: "per-step-negatives",
  title: "RL on Incorrect Synthetic Data Scales the Efficiency of LLM Math Reasoning by Eight-Fold",
  year: 2024,
  family: "language-model",
  kind: "objective",
  arxiv: "2406.14532",
  link: "https://arxiv.org/abs/2406.14532",
  summary:
    "Learns from a model's own wrong solutions to mathematics problems. Rollouts from every prefix estimate the chance of a correct final answer, and the step at which this chance collapses is located. At the shared prefix a DPO loss prefers a step from a correct completion to the faulty one, with the supervised model as reference, which amounts to advantage-weighted reinforcement learning.",
  claim:
    "Fine-tuning on correct solutions alone locks in spurious steps, and wrong solutions help only if the loss blames the faulty step. Per-step preference training outperforms SFT, RFT and DPO on whole trajectories, and it matches SFT on about eight times as many problems.",
  formula: String.raw`L=-\log\sigma\Big(\beta\Big[\log\tfrac{\pi(y^+\mid s)}{\pi_{\text{ref}}(y^+\mid s)}-\log\tfrac{\pi(y^-\mid s)}{\pi_{\text{ref}}(y^-\mid s)}\Big]\Big),\quad s=(x,y_{1:i-1})`,
  exports: [
    "losses/preference: dpo",
    "losses/advantage-weighted: advantageWeighted",
    "negatives/first-pit: firstPit",
    "negatives/first-pit: stepAdvantages",
  ],
  notes: [
    "The paper has no public code; how many continuations it samples a prefix and where it cuts are our choice: four, and none that succeeds. A step's chance of success is that of continuations by the supervised policy, at temperature 1 as for all samples.",
    "The supervised policy learns from a teacher of whose chains 35 % have a slip. At the first pit, the step of a wrong solution is paired with the same step of a continuation that succeeded from the same prefix; solutions without a pit or without such a continuation give no pair.",
    "All arms take equally many steps of equally many sequences, from equally many samples; continuations cost the method about as many tokens again. Each arm has the learning rate that solves most problems of a seed that the study does not use.",
    "A third of the pits are not the first wrong step: four continuations of a policy that solves fewer than half of the problems tell little of a step. What is left is a preference over a few tokens, with less to learn from than whole solutions have.",
    "The factor of eight, in problems that supervised training would need, is not measured.",
  ],
};

const arms = {
  perStep: "DPO on the first pit and a step that succeeded from the same prefix",
  trajectory: "DPO on whole right and wrong solutions",
  rft: "fine-tuning on the policy's own right solutions",
  sft: "the supervised policy, without further training",
};

interface Settings extends ChainSettings {
  /** Continuations of each prefix. */
  rollouts: number;
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
  rollouts: 4,
  steps: 40,
  batchSize: 32,
  learningRates: [1e-4, 3e-4],
  test: 400,
};

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      ...smallestChains,
      rollouts: 2,
    },
    default: { ...settings, seeds: 4 },
    full: {
      ...settings,
      terms: 4,
      pretraining: 1000,
      problems: 4000,
      samples: 8,
      rollouts: 16,
      steps: 300,
      learningRates: [3e-5, 1e-4, 3e-4],
      test: 1000,
      seeds: 10,
    },
  },
  metrics: {
    accuracy: "share of new problems whose likeliest solution has the right answer",
    "valid steps": "share of the steps of these solutions that are valid",
    "blamed rightly": "share of the pits that are the first wrong step",
  },
  curves: { "training loss": { x: "step", y: "loss, nats" } },
  claims: [
    {
      id: "accuracy",
      statement:
        "DPO on the step to blame solves more problems than fine-tuning on right solutions and than DPO on whole solutions.",
      rule: "The difference of accuracy, paired by seed. Supports if its 95 % interval lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: (["rft", "trajectory"] as const).map((baseline) => ({
        metric: "accuracy",
        method: "perStep",
        baseline,
        better: "higher",
      })),
    },
    {
      id: "wrong solutions",
      statement: "With the step to blame, a policy's own wrong solutions improve on the supervised policy.",
      rule: "The difference of accuracy, paired by seed. Supports if its 95 % interval lies above 0, contradicts if it lies below 0, else inconclusive.",
      comparisons: [{ metric: "accuracy", method: "perStep", baseline: "sft", better: "higher" }],
    },
  ],
  distance:
    "The paper trains DeepSeek-Math and Llama-2 of 7 billion weights on up to 128,000 problems of GSM8K and MATH; here a model of 0.1 million weights works out chains of two operations modulo 10, with 600 problems and 4 solutions of each.",
  async run({ arm, seed, settings, report, signal }) {
    const lessons = await lessonsOf(settings, seed);
    const { policy, blamed } = lessons;
    const params =
      arm === "sft"
        ? policy.params
        : await taught(
            arm,
            settings,
            seed,
            lessons,
            await chosenRate(arm, settings, signal),
            signal,
            (step, loss) => {
              report.progress(step / settings.steps);
              report.point("training loss", step, loss);
            },
          );
    const test = drawProblems(policy, seed, "test", settings.test);
    const solutions = (await respond(policy, params, test, { temperature: 0 })).map(
      ([first]) => first!.checked,
    );
    const steps = solutions.flatMap((solution) => solution.steps);
    return {
      accuracy: solutions.filter(({ correct }) => correct).length / test.length,
      "valid steps": steps.filter(({ valid }) => valid).length / steps.length,
      "blamed rightly": blamed,
    };
  },
});

interface Pair {
  chosen: Example;
  rejected: Example;
}

interface Lessons {
  policy: ChainPolicy;
  pairs: Record<"perStep" | "trajectory", Pair[]>;
  right: Example[];
  /** Share of the pits that are the first wrong step. */
  blamed: number;
}

/** What the policy's own solutions teach, the same for all arms of a seed. */
const lessonsOf = remember(async (size: Settings, seed: number): Promise<Lessons> => {
  const policy = await chainPolicy(size, seed);
  const { chains } = policy;
  const draws = random(seed).split("per step");
  const problems = drawProblems(policy, seed, "training", size.problems);
  const sampling = { count: size.samples, temperature: 1, draws: draws.split("solutions") };
  const solutions = await respond(policy, policy.params, problems, sampling);
  const choice = draws.split("choice");
  const right: Example[] = [];
  const wrong: Wrong[] = [];
  const trajectory: Pair[] = [];
  problems.forEach((problem, i) => {
    const prompt = chains.prompt(problem);
    const of = (correct: boolean) => solutions[i]!.filter(({ checked }) => checked.correct === correct);
    const different = new Map(
      of(true).map((each) => [each.response.join(), { prompt, response: each.response }]),
    );
    right.push(...different.values());
    if (different.size === 0 || of(false).length === 0) return;
    const { response, checked } = choice.choice(of(false));
    trajectory.push({ chosen: choice.choice([...different.values()]), rejected: { prompt, response } });
    wrong.push({
      problem,
      response,
      ends: checked.steps.map(({ end }) => end),
      firstWrong: checked.steps.findIndex(({ valid }) => !valid),
      values: [of(true).length / size.samples],
      succeeded: [of(true).map((each) => each.response)],
    });
  });
  // Continuations from behind the first step, the second and so on; all that is behind the last is lost.
  for (let step = 0; step < size.terms - 1; step++) {
    const open = wrong.filter(({ ends }) => ends.length > step + 1);
    await continued(policy, open, step, size.rollouts, draws.split("continuations").split(step));
  }
  let hits = 0;
  const perStep = wrong.flatMap(({ problem, response, ends, firstWrong, values, succeeded }): Pair[] => {
    const pit = firstPit([...values, 0]);
    const from = pit === undefined ? 0 : pit === 0 ? 0 : ends[pit - 1]!;
    const better = pit === undefined ? undefined : succeeded[pit]?.[0];
    if (pit === undefined || better === undefined) return [];
    hits += Number(pit === firstWrong);
    const prompt = [...chains.prompt(problem), ...response.slice(0, from)];
    const end = chains.check(problem, better).steps.find(({ start }) => start === from)?.end ?? better.length;
    return [
      {
        chosen: { prompt, response: better.slice(from, end) },
        rejected: { prompt, response: response.slice(from, ends[pit]) },
      },
    ];
  });
  return { policy, pairs: { perStep, trajectory }, right, blamed: hits / Math.max(1, perStep.length) };
});

interface Wrong {
  problem: ChainProblem;
  response: number[];
  /** Of its steps. */
  ends: number[];
  /** Number of the first step that is not valid. */
  firstWrong: number;
  /** Chance of success before the first step and after each that was continued. */
  values: number[];
  /** Whole solutions that succeeded from there. */
  succeeded: number[][][];
}

/** Continues wrong solutions from behind a step and notes how often that succeeds. */
async function continued(
  { chains, params, write }: ChainPolicy,
  wrong: readonly Wrong[],
  step: number,
  rollouts: number,
  draws: Random,
): Promise<void> {
  if (wrong.length === 0) return;
  const prefixes = wrong.map(({ response, ends }) => response.slice(0, ends[step]));
  const prompts = wrong.flatMap(({ problem }, i) =>
    Array<number[]>(rollouts).fill([...chains.prompt(problem), ...prefixes[i]!]),
  );
  const written = await write(params, prompts, { temperature: 1, random: draws });
  wrong.forEach(({ problem, values, succeeded }, i) => {
    const whole = written.slice(i * rollouts, (i + 1) * rollouts).map((rest) => [...prefixes[i]!, ...rest]);
    const good = whole.filter((response) => chains.check(problem, response).correct);
    values.push(good.length / rollouts);
    succeeded.push(good);
  });
}

/** Trains the supervised policy as an arm does. */
async function taught(
  arm: string,
  { steps, batchSize }: Settings,
  seed: number,
  { policy, pairs, right }: Lessons,
  learningRate: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
): Promise<CausalLanguageModelParams> {
  const training = { params: policy.params, steps, learningRate, signal };
  const told = (step: number, _: number, loss: number) => onStep?.(step, loss);
  const drawsOf = (i: number) => random(seed).split("lessons").split(i);
  if (arm === "rft") {
    if (right.length === 0) return policy.params;
    return tunePolicy({
      ...training,
      batch: (i) => {
        const draw = drawsOf(i);
        return {
          examples: policyBatch(
            policy,
            Array.from({ length: 2 * batchSize }, () => draw.choice(right)),
          ),
        };
      },
      loss: (params, { examples }) => likelihoodLoss(policy, params, examples),
      onStep: told,
    });
  }
  const own = pairs[arm as keyof Lessons["pairs"]];
  if (own.length === 0) return policy.params;
  const both = [...own.map(({ chosen }) => chosen), ...own.map(({ rejected }) => rejected)];
  const reference = await responseLogProbs(policy, policy.params, both);
  return tunePolicy({
    ...training,
    batch: (i) => {
      const draw = drawsOf(i);
      const chosen = Array.from({ length: batchSize }, () => draw.integer(0, own.length));
      const places = [...chosen, ...chosen.map((k) => k + own.length)];
      return {
        examples: policyBatch(
          policy,
          places.map((k) => both[k]!),
        ),
        reference: column(places.map((k) => reference[k]!)),
      };
    },
    loss(params, { examples, reference }) {
      const sums = sequenceLogProbs(policyLogProbs(policy, params, examples), examples.mask);
      const split = (x: Tensor) => ({
        chosen: slice(x, [[0, batchSize]]),
        rejected: slice(x, [[batchSize, 2 * batchSize]]),
      });
      return dpo(split(sums), split(reference));
    },
    onStep: told,
  });
}

const chosenRate = (arm: string, settings: Settings, signal: AbortSignal): Promise<number> =>
  rateThatSolvesMost({ study: "per-step-negatives", arm }, settings, async (seed, rate) =>
    taught(arm, settings, seed, await lessonsOf(settings, seed), rate, signal),
  );
