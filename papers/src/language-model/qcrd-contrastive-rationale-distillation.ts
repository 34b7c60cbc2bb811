import {
  add,
  compile,
  fromData,
  multiply,
  negate,
  scalar,
  type Tensor,
  valueAndGrad,
  values,
  where,
} from "nearmiss";
import type { ChainProblem } from "nearmiss/data";
import type { CausalLanguageModelParams, Example, NextTokens } from "nearmiss/language";
import { negativeRationales, positiveRationales, sequenceLogProbs } from "nearmiss/losses";
import { rocAuc } from "nearmiss/metrics";
import { adamW, clipByGlobalNorm } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { mean } from "nearmiss/stats";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import { likelihoodLoss, policyBatch, policyLogProbs, responseLogProbs } from "../tasks/language-policy.ts";
import {
  type Discriminator,
  discriminator,
  grid,
  pretrainedStudent,
  type Question,
  type RationaleSize,
  type RationaleWorld,
  rationaleQuestions,
  rationaleWorld,
  spoiled,
} from "../tasks/rationales.ts";

export const card: Card = {
  number: 108,
  slug: "qcrd-contrastive-rationale-distillation",
  title: "QCRD: Quality-guided Contrastive Rationale Distillation for Large Language Models",
  year: 2024,
  family: "language-model",
  kind: "objective",
  arxiv: "2405.13014",
  link: "https://arxiv.org/abs/2405.13014",
  summary:
    "A small student learns to predict labels and to write rationales, with teacher rationales filtered by majority vote as positives. Negatives are rejected teacher samples plus high-temperature samples from an earlier student checkpoint. A discriminator, updated at intervals, scores each rationale and weights a contrastive loss that pushes a negative's cross-entropy up only until it reaches δ.",
  claim:
    "Adding the quality-weighted contrastive term against low-quality self-generated rationales raises the student's answer accuracy above multi-task distillation that uses positive rationales only. Training on labels alone is the second baseline it is compared with.",
  formula: String.raw`L_{cl}=D(x,r^+_*)\,\ell(x,r^+_*)-\beta\,\big(1-D(x,r^-_*)\big)\min\big(\ell(x,r^-_*)-\delta,\,0\big)`,
  exports: [
    "losses/contrastive-rationale: contrastiveRationales",
    "losses/contrastive-rationale: positiveRationales",
    "losses/contrastive-rationale: negativeRationales",
    "language/self-consistency: selfConsistent",
  ],
  notes: [
    "No code of the authors is public. That the discriminator raises the weight of good positives and lowers that of good negatives, and that the likeliest negative counts, are readings of the paper.",
    "Questions are chains of arithmetic and the teacher a program that slips, so that a rationale can be checked. The student has learnt chains of two numbers, and has seen longer ones explained with a slip in every second one. An iteration is a fixed number of steps; until the fifth there is no earlier student, and negatives are the teacher's rejected samples alone.",
    "A step takes two of a question's kept samples and lets the likeliest count; arms without the contrast take one of them by chance, as distilling step by step does.",
    "Labels are the questions' right answers in all arms. The student answers a question in two ways: at once, as the paper evaluates it, and at the end of a rationale. Both are reported, and claims are about the second: at once, so small a network answers chains of three numbers hardly better than by guessing, whatever it is taught. So the arm of labels alone, which can only answer at once, is a weak baseline here.",
    "The discriminator learns good ones from the teacher's kept samples and poor ones from rejected samples, from kept ones with some tokens replaced, and from what the earlier student wrote.",
    "Contrast without a discriminator, other values of beta, and masking of words for the discriminator (only replacement is here) are left out.",
    "The default run contradicts the claim: the contrast costs 0.05 of accuracy against positives alone (0.01 to 0.10), where after this short training a third of the questions is answered rightly. The discriminator tells rationales with replaced tokens (area 0.93) but not those with a slip (0.49), for which it would have to do the sums itself; so it holds slips for good and hardly weighs them.",
    "The student's first lessons, the number of terms and the modulus were settled on a seed that the study does not use, until rationales were learnt at all within the budget.",
  ],
};

const arms = {
  qcrd: "likeliest positive and hardest negative, weighted by quality",
  consistent: "one of the samples that agree with the majority",
  positives: "one of all the teacher's samples: distilling step by step",
  labels: "answers without rationales",
};

interface Settings extends RationaleSize {
  iterations: number;
  /** Steps of an iteration, and questions of a step. */
  steps: number;
  batchSize: number;
  /** Steps of the discriminator before the first iteration, and after each. */
  lessons: number;
  learningRates: number[];
}

const settings = {
  modulus: 5,
  terms: 3,
  layers: 2,
  width: 32,
  pretraining: 250,
  questions: 300,
  samples: 5,
  slips: 0.3,
  test: 300,
  iterations: 10,
  steps: 10,
  batchSize: 12,
  lessons: 40,
  learningRates: [3e-3, 6e-3],
};

/** Of the paper: how long ago the student was that writes negatives, at what temperature, and the weights. */
const AGO = 5;
const TEMPERATURE = 1.5;
const ALPHA = 0.5;
const DECAY = 0.9;
/** Positives and negatives of a question in a step. */
const POSITIVES = 2;
const NEGATIVES = 2;

const compare = (metric: string, baselines: string[]) =>
  baselines.map((baseline) => ({ metric, method: "qcrd", baseline, better: "higher" as const }));
const rule =
  "Paired by seed. Supports if the 95 % interval of the difference lies above 0 against each, contradicts if it lies below 0 against one, else inconclusive.";

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      terms: 2,
      layers: 1,
      width: 8,
      pretraining: 2,
      questions: 12,
      test: 12,
      iterations: 7,
      steps: 1,
      batchSize: 2,
      lessons: 1,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: { ...settings, seeds: 4 },
    full: {
      ...settings,
      width: 96,
      questions: 1500,
      test: 1000,
      iterations: 20,
      steps: 60,
      batchSize: 32,
      seeds: 10,
    },
  },
  metrics: {
    accuracy:
      "share of test questions answered rightly: at the end of a rationale, or at once by the arm of labels",
    "accuracy at once": "share of test questions answered rightly without a rationale",
    "steps right": "share of the steps of written rationales that are right",
    "loss of positives": "of the right rationales of test questions, nats a token",
    "loss of negatives": "of rationales with a slip, likewise",
    "discriminator, slips":
      "area under its ROC curve, right rationales of test questions against those with a slip; 0.5 in arms that have none",
    "discriminator, replaced": "the same against rationales with some tokens replaced",
  },
  curves: { "training loss": { x: "step", y: "the arm's own loss" } },
  claims: [
    {
      id: "contrast",
      statement:
        "The contrastive term weighted by quality raises the accuracy above that of positive rationales, filtered by vote or not.",
      rule,
      comparisons: compare("accuracy", ["consistent", "positives"]),
    },
    {
      id: "labels",
      statement: "It is more accurate than training on labels alone.",
      rule,
      comparisons: compare("accuracy", ["labels"]),
    },
  ],
  distance:
    "The paper distils GPT-3.5 into T5 of 60 and 220 million pretrained weights on SVAMP, CommonsenseQA, e-SNLI and ANLI. Here networks of 0.03 million weights learn sums, differences and products of three numbers modulo 5 from 300 questions with five samples each of a program that slips in 30 %, in 100 steps.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseOnce(["QCRD", arm, settings], settings.learningRates, async (rate) => {
      return (await distil(arm, settings, rate, TUNING_SEED, signal)).accuracy;
    });
    return distil(arm, settings, learningRate, seed, signal, (step, steps, loss) => {
      report.progress((0.9 * step) / steps);
      if (step % 10 === 0 || step === steps) report.point("training loss", step, loss);
    });
  },
});

interface Batch {
  predicted: NextTokens;
  /** [n · POSITIVES] examples, those of a question after one another; in arms without contrast one a question. */
  explained: NextTokens;
  contrast?: {
    negatives: NextTokens;
    /** bool [n, NEGATIVES]: false where there is none. */
    present: Tensor;
    goodPositives: Tensor;
    goodNegatives: Tensor;
    /** What the negatives weigh, a scalar. */
    weight: Tensor;
  };
}

/** A training step for an arm, compiled once: predicting, explaining, and what is to be unlearnt. */
const stepOf = remember((arm: string, modulus: number, terms: number, layers: number, width: number) => {
  const world = rationaleWorld(modulus, terms, layers, width);
  const meanLosses = (params: CausalLanguageModelParams, examples: NextTokens) =>
    negate(sequenceLogProbs(policyLogProbs(world, params, examples), examples.mask, { normalize: "mean" }));
  const lossOf = (params: CausalLanguageModelParams, { predicted, explained, contrast }: Batch) => {
    const answers = likelihoodLoss(world, params, predicted);
    if (arm === "labels") return answers;
    const half = multiply(answers, ALPHA);
    if (!contrast) return add(half, multiply(likelihoodLoss(world, params, explained), ALPHA));
    const positive = positiveRationales({
      losses: grid(meanLosses(params, explained), POSITIVES),
      quality: contrast.goodPositives,
    });
    const negative = negativeRationales({
      losses: where(contrast.present, grid(meanLosses(params, contrast.negatives), NEGATIVES), 1e3),
      quality: contrast.goodNegatives,
    });
    return add(half, add(multiply(positive, ALPHA), multiply(negative, contrast.weight)));
  };
  return compile(
    (state: State, batch: Batch, rate: Tensor) => {
      const [loss, gradients] = valueAndGrad((params: CausalLanguageModelParams) => lossOf(params, batch))(
        state.params,
      );
      const optimizer = adamW({ learningRate: () => rate, weightDecay: 0 });
      return { state: optimizer.update(state, clipByGlobalNorm(gradients, 1)), loss };
    },
    { threads: 1 },
  );
});
type State = ReturnType<ReturnType<typeof adamW>["init"]> & { params: CausalLanguageModelParams };

/** Positives and negatives of a step's questions, and what the discriminator thinks of them. */
async function contrastOf(
  world: RationaleWorld,
  critic: Discriminator,
  questions: readonly Question[],
  written: readonly number[][] | undefined,
  draw: Random,
  weight: number,
): Promise<Pick<Batch, "explained" | "contrast">> {
  const positives = questions.flatMap(({ problem, kept, samples }) => {
    const good = draw.shuffle(kept.length > 0 ? kept : samples);
    return Array.from({ length: POSITIVES }, (_, i) => world.explain(problem, good[i % good.length]!));
  });
  const present = new Uint8Array(questions.length * NEGATIVES);
  const negatives = questions.flatMap(({ problem, rejected, samples }, row) => {
    const own = written?.[row];
    const poor = [
      own && own.length > 0 ? own : undefined,
      rejected.length > 0 ? draw.choice(rejected) : undefined,
    ];
    poor.forEach((each, i) => {
      present[row * NEGATIVES + i] = Number(each !== undefined);
    });
    // What stands in for a missing one is masked.
    return poor.map((each) => world.explain(problem, each ?? samples[0]!));
  });
  const quality = Float32Array.from(await critic.judge([...positives, ...negatives]));
  const n = questions.length;
  return {
    explained: policyBatch(world, positives),
    contrast: {
      negatives: policyBatch(world, negatives),
      present: fromData(present, [n, NEGATIVES]),
      goodPositives: fromData(quality.slice(0, n * POSITIVES), [n, POSITIVES]),
      goodNegatives: fromData(quality.slice(n * POSITIVES), [n, NEGATIVES]),
      weight: scalar(weight),
    },
  };
}

async function distil(
  arm: string,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, steps: number, loss: number) => void,
) {
  const { modulus, terms, layers, width, iterations, steps, batchSize, lessons } = settings;
  const world = rationaleWorld(modulus, terms, layers, width);
  const { train, test } = rationaleQuestions(settings, seed);
  const root = random(seed).split("distillation");
  const step = stepOf(arm, modulus, terms, layers, width);
  let state = adamW({ learningRate }).init(await pretrainedStudent(settings, seed));
  const vocabulary = world.model.vocabulary;
  const critic = discriminator(vocabulary + 1, world.length, root.split("discriminator"));

  const draws = root.split("teaching");
  const teach = async (count: number, written: readonly Example[], name: string) => {
    for (let i = 0; i < count; i++) {
      const own = draws.split(name).split(i);
      const good = Array.from({ length: batchSize }, () => {
        const { problem, kept, samples } = own.choice(train);
        return world.explain(problem, own.choice(kept.length > 0 ? kept : samples));
      });
      const poor = good.map(({ prompt, response }) => {
        if (written.length > 0 && own.next() < 0.5) return own.choice(written);
        const { problem, rejected } = own.choice(train);
        if (rejected.length > 0 && own.next() < 0.5) return world.explain(problem, own.choice(rejected));
        return { prompt, response: spoiled(response, vocabulary, own) };
      });
      await critic.learn(good, poor);
    }
  };
  const contrasts = arm === "qcrd";
  if (contrasts) await teach(lessons * 3, [], "before");

  const earlier: CausalLanguageModelParams[] = [];
  for (let iteration = 0; iteration < iterations; iteration++) {
    const asked = Array.from({ length: steps }, (_, i) => {
      const order = root.split("questions").split(iteration * steps + i);
      return Array.from(order.sample(train.length, batchSize), (at) => train[at]!);
    });
    earlier.push(state.params);
    const writer = contrasts ? earlier[iteration - AGO] : undefined;
    const prompts = asked.flat().map(({ problem }) => world.explain(problem, []).prompt);
    const written = writer
      ? await world.write(writer, prompts, {
          temperature: TEMPERATURE,
          random: root.split("written").split(iteration),
        })
      : undefined;
    for (const [i, questions] of asked.entries()) {
      signal.throwIfAborted();
      const own = root.split("samples").split(iteration * steps + i);
      const batch: Batch = {
        predicted: policyBatch(
          world,
          questions.map(({ problem }) => world.predict(problem)),
        ),
        explained: policyBatch(
          world,
          questions.map(({ problem, kept, samples }) =>
            world.explain(problem, own.choice(arm === "positives" || kept.length === 0 ? samples : kept)),
          ),
        ),
      };
      if (contrasts) {
        const offset = i * batchSize;
        Object.assign(
          batch,
          await contrastOf(
            world,
            critic,
            questions,
            written?.slice(offset, offset + batchSize),
            own,
            ALPHA * DECAY ** iteration,
          ),
        );
      }
      const next = await step(state, batch, scalar(learningRate));
      state = next.state;
      onStep?.(iteration * steps + i + 1, iterations * steps, values(next.loss)[0]!);
    }
    if (contrasts && written)
      await teach(
        lessons / 4,
        written.map((response, i) => ({ prompt: prompts[i]!, response })),
        `after ${iteration}`,
      );
  }
  return judge(arm, world, state.params, test, critic, seed);
}

/** What a student answers to new questions, and what it and the discriminator think of right and wrong rationales. */
async function judge(
  arm: string,
  world: RationaleWorld,
  params: CausalLanguageModelParams,
  test: readonly ChainProblem[],
  critic: Discriminator,
  seed: number,
) {
  const { chains } = world;
  const answered = await world.write(
    params,
    test.map((problem) => world.predict(problem).prompt),
    { temperature: 0 },
  );
  const atOnce = mean(test.map((problem, i) => Number(answered[i]![0] === chains.answer(problem))));
  const explained = await world.write(
    params,
    test.map((problem) => world.explain(problem, []).prompt),
    { temperature: 0 },
  );
  const checked = test.map((problem, i) => chains.check(problem, explained[i]!));
  const draw = random(seed).split("slips");
  const right = test.map((problem) => world.explain(problem, chains.solve(problem)));
  const wrong = test.map((problem) => world.explain(problem, chains.slip(problem, "result", draw)));
  const lossOf = async (examples: readonly Example[]) => {
    const sums = await responseLogProbs(world, params, examples);
    return mean(Array.from(sums, (sum, i) => -sum / examples[i]!.response.length));
  };
  const broken = right.map(({ prompt, response }) => ({
    prompt,
    response: spoiled(response, world.model.vocabulary, draw),
  }));
  const toldFrom = async (poor: readonly Example[]) => {
    if (arm !== "qcrd") return 0.5;
    const quality = await critic.judge([...right, ...poor]);
    return rocAuc(
      quality,
      quality.map((_, i) => Number(i < right.length)),
    );
  };
  return {
    accuracy: arm === "labels" ? atOnce : mean(checked.map(({ correct }) => Number(correct))),
    "accuracy at once": atOnce,
    "steps right": mean(
      checked.map(({ steps }) => (steps.length > 0 ? mean(steps.map(({ valid }) => Number(valid))) : 0)),
    ),
    "loss of positives": await lossOf(right),
    "loss of negatives": await lossOf(wrong),
    "discriminator, slips": await toldFrom(wrong),
    "discriminator, replaced": await toldFrom(broken),
  };
}
