import { fromData } from "nearmiss";
import type { CausalLanguageModelParams, Example } from "nearmiss/language";
import { behaviorConstrained, goodStepAdvantages } from "nearmiss/losses";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
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
import { column, likelihoodLoss, policyBatch, policyLogProbs, tunePolicy } from "../tasks/language-policy.ts";
import { responseTokenLogProbs } from "../tasks/token-scores.ts";

export const card: Card = {
  number: 35,
  slug: "bcpg-nsa",
  title:
    "Unearthing Gems from Stones: Policy Optimization with Negative Sample Augmentation for LLM Reasoning",
  year: 2025,
  family: "language-model",
  kind: "objective",
  arxiv: "2505.14403",
  link: "https://arxiv.org/abs/2505.14403",
  summary:
    "From a fixed set of sampled solutions, wrong ones are split into steps, and a step counts as good only when a language-model judge and a process reward model agree. Training is an offline policy gradient with a constraint to the sampling policy. Tokens of good steps in wrong solutions receive no penalty or a small reward, and all other tokens keep the advantage of the whole solution.",
  claim:
    "Exempting or rewarding correct steps inside wrong solutions gives higher held-out accuracy than discarding wrong solutions (rejection-sampling fine-tuning) at equal data and updates. It is also higher than with an equal penalty on every token of a wrong solution.",
  formula: String.raw`\mathcal L=-\frac1{|y|}\sum_t\left[A_t\ell_t-\frac\beta2\rho_t^2\right],\qquad A_t=\begin{cases}\kappa|A_i|&\text{good step, wrong answer}\\A_i&\text{otherwise}\end{cases}`,
  exports: [
    "losses/behavior-constrained: behaviorConstrained",
    "losses/behavior-constrained: goodStepAdvantages",
  ],
  notes: [
    "The paper's code is not public. The constraint is half the squared log-ratio to the sampling policy, times beta = 0.1; the library also offers the divergence. Tokens of good steps have 0.2 times the size of the advantage: both numbers are our choice.",
    "Both judges are simulated: each knows whether a step is valid given what stands before it and errs on one step in ten, independently of the other. A step counts as good only if both say so.",
    "Steps behind a wrong one can be valid by themselves, since they go on rightly from a wrong result. The method lets them count as good; a further arm does not.",
    "The samples are drawn once from the policy that training starts from. Groups whose samples are all right or all wrong are left out; fine-tuning takes the right samples of all others. Each arm has the learning rate that solves most problems of a seed that the study does not use.",
    "In a first default run, with 400 problems, 40 steps and learning rates of 1e-4 and 3e-4, no arm moved by more than 0.01 from the policy before reinforcement: too little training to tell arms apart (inconclusive, 0.000, interval -0.003 to 0.003, to BCPG; -0.001, -0.032 to 0.030, to fine-tuning). Since then there are fewer problems, more steps and higher learning rates. All arms now end a little below the policy before reinforcement, whose problems are few: sparing good steps loses less than penalising them, but nothing is gained over fine-tuning on right solutions.",
  ],
};

const arms = {
  nsa: "good steps of wrong solutions are rewarded a little (BCPG-NSA)",
  bcpg: "all tokens of a wrong solution are penalised alike (BCPG)",
  rft: "fine-tuning on right solutions alone",
  before: "BCPG-NSA whose good steps end with the first wrong one",
};
type Arm = keyof typeof arms;

interface Settings extends ChainSettings {
  /** Share of steps on which a judge errs. */
  misjudged: number;
}

const settings: Settings = {
  modulus: 10,
  terms: 3,
  layers: 2,
  width: 64,
  pretraining: 320,
  slips: 0.35,
  problems: 300,
  samples: 6,
  misjudged: 0.1,
  steps: 60,
  batchSize: 64,
  learningRates: [3e-4, 1e-3],
  test: 400,
};

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: { ...settings, ...smallestChains },
    default: { ...settings, seeds: 4 },
    full: {
      ...settings,
      terms: 4,
      pretraining: 1000,
      problems: 4000,
      samples: 16,
      steps: 400,
      learningRates: [3e-5, 1e-4, 3e-4],
      test: 1000,
      seeds: 10,
    },
  },
  metrics: {
    accuracy: "share of new problems whose likeliest solution has the right answer",
    "valid steps": "share of the steps of these solutions that are valid",
    before: "accuracy before reinforcement",
    "good tokens": "share of the tokens of wrong solutions that count as good",
  },
  curves: { "training loss": { x: "step", y: "loss" } },
  claims: [
    {
      id: "accuracy",
      statement:
        "Rewarding good steps of wrong solutions solves more problems than penalising all their tokens and than leaving them out.",
      rule: "The difference of accuracy, paired by seed. Supports if its 95 % interval lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: (["bcpg", "rft"] as const).map((baseline) => ({
        metric: "accuracy",
        method: "nsa",
        baseline,
        better: "higher",
      })),
    },
  ],
  distance:
    "The paper trains models of 7 and 14 billion weights on long chains of thought, judged by a language model and a process reward model; here a model of 0.1 million weights works out chains of two operations modulo 10, with 300 problems and 6 solutions of each.",
  async run({ arm, seed, settings, report, signal }) {
    const samples = await samplesOf(settings, seed);
    const { policy } = samples;
    const learningRate = await chosenRate(arm as Arm, settings, signal);
    const params = await reinforced(
      arm as Arm,
      settings,
      seed,
      samples,
      learningRate,
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
    const wrong = samples.mixed.filter(({ advantage }) => advantage < 0);
    const goodTokens = (each: Solution) => goodOf(arm as Arm, each).filter(Boolean).length;
    const total = (of: (each: Solution) => number) => wrong.reduce((sum, each) => sum + of(each), 0);
    return {
      accuracy: solutions.filter(({ correct }) => correct).length / test.length,
      "valid steps": steps.filter(({ valid }) => valid).length / steps.length,
      before: await accuracy(policy, policy.params, test),
      "good tokens":
        total(goodTokens) /
        Math.max(
          1,
          total(({ response }) => response.length),
        ),
    };
  },
});

interface Solution extends Example {
  /** The reward less the group's mean. */
  advantage: number;
  /** By both judges, token by token. */
  good: boolean[];
  /** Position of the first token of the first step that is judged bad. */
  firstBad: number;
}

interface Samples {
  policy: ChainPolicy;
  /** Solutions of problems that have both right and wrong ones. */
  mixed: Solution[];
  /** Of these, row after row. */
  reference: Float32Array;
}

/** What the policy wrote before training, judged: the same for all arms of a seed. */
const samplesOf = remember(async (size: Settings, seed: number): Promise<Samples> => {
  const policy = await chainPolicy(size, seed);
  const draws = random(seed).split("solutions");
  const problems = drawProblems(policy, seed, "training", size.problems);
  const solutions = await respond(policy, policy.params, problems, {
    count: size.samples,
    temperature: 1,
    draws: draws.split("samples"),
  });
  const judges = draws.split("judges");
  const sayGood = (valid: boolean) => valid !== judges.next() < size.misjudged;
  const mixed = problems.flatMap((problem, i): Solution[] => {
    const right = solutions[i]!.filter(({ checked }) => checked.correct).length / size.samples;
    if (right === 0 || right === 1) return [];
    return solutions[i]!.map(({ response, checked }) => {
      const good = Array<boolean>(response.length).fill(false);
      let firstBad = response.length;
      for (const { start, end, valid } of checked.steps) {
        const [first, second] = [sayGood(valid), sayGood(valid)];
        if (first && second) good.fill(true, start, end);
        else firstBad = Math.min(firstBad, start);
      }
      const prompt = policy.chains.prompt(problem);
      return { prompt, response, advantage: Number(checked.correct) - right, good, firstBad };
    });
  });
  // A policy that is never right and wrong at once leaves nothing to learn from.
  if (mixed.length === 0)
    mixed.push({
      prompt: policy.chains.prompt(problems[0]!),
      response: [policy.chains.end],
      advantage: 1,
      good: [false],
      firstBad: 0,
    });
  const reference = await responseTokenLogProbs(policy, policy.params, mixed);
  return { policy, mixed, reference };
});

/** Which tokens an arm spares. */
function goodOf(arm: Arm, { good, firstBad }: Solution): boolean[] {
  if (arm === "nsa") return good;
  return good.map((each, i) => arm === "before" && each && i < firstBad);
}

/** Trains the policy as an arm does. */
function reinforced(
  arm: Arm,
  { steps, batchSize }: Settings,
  seed: number,
  { policy, mixed, reference }: Samples,
  learningRate: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
): Promise<CausalLanguageModelParams> {
  const width = policy.length - 1;
  const places = mixed.flatMap(({ advantage }, i) => (arm !== "rft" || advantage > 0 ? [i] : []));
  return tunePolicy({
    params: policy.params,
    steps,
    learningRate,
    batch: (step) => {
      const draw = random(seed).split("reinforcement").split(step);
      const chosen = Array.from({ length: batchSize }, () => draw.choice(places));
      const held = new Float32Array(batchSize * width);
      const good = new Uint8Array(batchSize * width);
      chosen.forEach((k, row) => {
        held.set(reference.subarray(k * width, (k + 1) * width), row * width);
        goodOf(arm, mixed[k]!).forEach((each, i) => {
          good[row * width + mixed[k]!.prompt.length - 1 + i] = Number(each);
        });
      });
      return {
        examples: policyBatch(
          policy,
          chosen.map((k) => mixed[k]!),
        ),
        reference: fromData(held, [batchSize, width]),
        good: fromData(good, [batchSize, width]),
        advantages: column(chosen.map((k) => mixed[k]!.advantage)),
      };
    },
    loss(params, { examples, reference, good, advantages }) {
      if (arm === "rft") return likelihoodLoss(policy, params, examples);
      const logProbs = policyLogProbs(policy, params, examples);
      const tokens = goodStepAdvantages(advantages, good);
      return behaviorConstrained(logProbs, reference, tokens, examples.mask, { normalize: "sequence" });
    },
    signal,
    onStep: (step, _, loss) => onStep?.(step, loss),
  });
}

const chosenRate = (arm: Arm, settings: Settings, signal: AbortSignal): Promise<number> =>
  rateThatSolvesMost({ study: "bcpg-nsa", arm }, settings, async (seed, rate) =>
    reinforced(arm, settings, seed, await samplesOf(settings, seed), rate, signal),
  );
