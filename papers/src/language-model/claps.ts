import { add, compile, less, multiply, relu, sum, type Tensor } from "nearmiss";
import { fit, trainingStep } from "nearmiss/fit";
import type { CausalLanguageModelParams, NextTokens } from "nearmiss/language";
import { claps, infoNCE, l2Normalize, tokenCrossEntropy } from "nearmiss/losses";
import { distantTarget, likelihoodImposter } from "nearmiss/negatives";
import { type Dense, dense } from "nearmiss/nn";
import { adamW } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { meanOfTokens } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { type Comparison, defineStudy } from "../study.ts";
import { type LanguagePolicy, policyBatch, scoreInBatches } from "../tasks/language-policy.ts";
import {
  LETTERS,
  learnToRead,
  phonemeErrorRate,
  readAloud,
  reader,
  type SpellingSizes,
  type Spoken,
  spelling,
  spoken,
} from "../tasks/spelling.ts";

export const card: Card = {
  number: 33,
  slug: "claps",
  title: "Contrastive Learning with Adversarial Perturbations for Conditional Text Generation",
  year: 2020,
  family: "language-model",
  kind: "objective",
  arxiv: "2012.07280",
  link: "https://arxiv.org/abs/2012.07280",
  code: "https://github.com/seanie12/CLAPS",
  summary:
    "A sequence-to-sequence model is trained with likelihood plus a contrastive loss between pooled source and target representations. A hard negative is made by a small step of the decoder states that lowers the likelihood most. A hard positive is pushed away from the source and then corrected so that the output distribution is restored.",
  claim:
    "Contrasting against adversarially perturbed hidden states, with a near negative and a distant positive, improves conditional text generation over maximum likelihood alone. It also improves over contrastive learning with random in-batch negatives.",
  formula: String.raw`\mathcal L=\mathcal L_{\text{MLE}}+\tfrac12\left(\mathcal L_{\text{cont}}+\mathcal L_{\text{cont}}^{\text{pos}}\right),\quad \tilde h_t=h_t+\epsilon\frac{g_t}{\lVert g_t\rVert},\; g=-\nabla_h\log p(y|x)`,
  exports: [
    "losses/claps: claps",
    "negatives/perturb: likelihoodImposter",
    "negatives/perturb: distantTarget",
  ],
  notes: [
    "Imposters and distant targets agree with the official code to rounding. As there, each token is moved by the radius whatever its own gradient, and no gradient flows through the moved vectors, so they reach the model through the projection alone.",
    "Differences from the official code: it leaves out the temperature in the second term, and the gradients of making the distant target (of the contrastive loss in the projection and of the divergence in the output layer) are left over and added to those of the loss. Here the temperature is in both terms and nothing is added.",
    "A token on which the contrastive loss does not depend is not moved by the second step either; without that rule its direction would be one of rounding.",
    "Reader and writer are one causal model: source vectors are those of the letters, target vectors those that predict the phonemes. All arms start from the same model, trained by likelihood, as the paper's start from a pretrained one.",
    "Each arm has the best of three learning rates by the phoneme error rate on validation words of a seed that the study does not use. Both radii are 3 as in the official code; the vectors have a length of about 8. Scheduled sampling is not studied.",
    "Before the first default run, radii of 1 and 3 were looked at with one seed that the study does not use; one radius was kept, and steps and grids were cut, for time.",
  ],
};

const arms = {
  claps: "likelihood, and contrast with an imposter and a distant target of each pair",
  contrastive: "likelihood, and contrast with the other targets of the batch",
  likelihood: "likelihood alone",
};
type Arm = keyof typeof arms;

interface Settings extends SpellingSizes {
  layers: number;
  width: number;
  /** Steps of likelihood that all arms start from, and steps of each arm after them. */
  start: number;
  steps: number;
  startRate: number;
  learningRates: number[];
  /** How far each step of an imposter and of a distant target goes. */
  radius: number;
}

const settings: Settings = {
  train: 4000,
  validation: 500,
  test: 800,
  layers: 1,
  width: 64,
  start: 300,
  steps: 120,
  startRate: 4e-3,
  learningRates: [1e-3, 2e-3, 4e-3],
  radius: 3,
};

const compare = (metric: string, baseline: Arm, better: Comparison["better"]): Comparison => ({
  metric,
  method: "claps",
  baseline,
  better,
});

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      train: 200,
      validation: 20,
      test: 40,
      width: 16,
      start: 4,
      steps: 4,
      learningRates: [3e-3],
      seeds: 2,
    },
    default: { ...settings, seeds: 5 },
    full: { ...settings, train: 20_000, layers: 2, width: 128, start: 1500, steps: 1500, seeds: 10 },
  },
  metrics: {
    error: "phoneme error rate of the likeliest readings of new words",
    exact: "share of new words that are read without an error",
    "told apart":
      "share of new words whose vector is nearer to their phonemes' than to the phonemes' with one exchanged; of likelihood alone with a projection that was never trained",
  },
  curves: { "training loss": { x: "step", y: "loss of the arm, after the start" } },
  claims: [
    {
      id: "likelihood",
      statement: "Contrast with perturbed pairs reads new words better than maximum likelihood alone.",
      rule: "The difference of the phoneme error rate, paired by seed, lower being better. Supports if its 95 % interval speaks for the method, contradicts if it speaks against it, else inconclusive.",
      comparisons: [compare("error", "likelihood", "lower")],
    },
    {
      id: "random negatives",
      statement: "It reads new words better than contrast with the batch's other targets.",
      rule: "As for likelihood alone, against the contrastive arm.",
      comparisons: [compare("error", "contrastive", "lower")],
    },
    {
      id: "near misses",
      statement:
        "Its vectors tell a word's phonemes from the same with one exchanged more often than those of contrast with the batch's other targets.",
      rule: "The difference of the share told apart, paired by seed, higher being better. Supports if its 95 % interval speaks for the method, contradicts if it speaks against it, else inconclusive.",
      comparisons: [compare("told apart", "contrastive", "higher")],
    },
  ],
  distance:
    "The paper tunes T5 (60 million weights and more) on translation, summaries and questions of up to 600,000 pairs; here a model of 0.06 million weights, first trained by likelihood for 300 steps, learns to read aloud 4,000 words of up to five letters.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chosen(arm as Arm, settings, signal);
    const params = await trained(arm as Arm, settings, seed, learningRate, signal, (step, loss) => {
      report.progress(step / settings.steps);
      report.point("training loss", step, loss);
    });
    const { layers, width } = settings;
    const { test } = wordsOf(settings, seed);
    const readings = await readAloud(reader(layers, width), params.reader, test);
    return {
      error: phonemeErrorRate(readings, test),
      exact: readings.filter((each, i) => each.join() === test[i]!.phonemes.join()).length / test.length,
      "told apart": await toldApart(settings, params, test, random(seed).split("exchanged")),
    };
  },
});

const wordsOf = ({ train, validation, test }: SpellingSizes, seed: number) =>
  spelling(seed, { train, validation, test });

interface Params {
  reader: CausalLanguageModelParams;
  projection: Dense;
}

/** What all arms start from. */
const startOf = remember(async (settings: Settings, seed: number): Promise<Params> => {
  const { layers, width, start, startRate } = settings;
  return {
    reader: await learnToRead({
      policy: reader(layers, width),
      words: wordsOf(settings, seed).train,
      steps: start,
      learningRate: startRate,
      loss: tokenCrossEntropy,
      seed,
    }),
    projection: dense(width, width).init(random(seed).split("projection")),
  };
});

/** The last vectors of a batch, and how they are pooled for the letters and for what predicts the phonemes. */
function represent(
  { model }: LanguagePolicy,
  params: Params,
  { inputs, mask }: Pick<NextTokens, "inputs" | "mask">,
) {
  const { width } = model;
  const hidden = model.hidden(params.reader, model.embed(params.reader, inputs));
  const pool = (chosen: Tensor) => (vectors: Tensor) =>
    meanOfTokens(relu(dense(width, width).apply(params.projection, vectors)), chosen);
  return { hidden, source: pool(less(inputs, LETTERS))(hidden), pool: pool(mask) };
}

/** The loss of an arm: likelihood, with contrast between words and their phonemes. */
function lossOf(policy: LanguagePolicy, arm: Arm, radius: number) {
  return (params: Params, batch: NextTokens): Tensor => {
    const { targets, mask } = batch;
    const { hidden, source, pool } = represent(policy, params, batch);
    const logits = (vectors: Tensor) => policy.model.logits(params.reader, vectors);
    const likelihood = (vectors: Tensor) => tokenCrossEntropy(logits(vectors), targets, mask);
    if (arm === "likelihood") return likelihood(hidden);
    const contrast = (vectors: Tensor) => infoNCE(source, pool(vectors), { temperature: 0.1 });
    if (arm === "contrastive") return add(likelihood(hidden), contrast(hidden));
    const imposter = likelihoodImposter(hidden, likelihood, { radius });
    const distant = distantTarget(hidden, { contrast, logits, mask, radius });
    return add(likelihood(hidden), claps(source, pool(hidden), pool(imposter), pool(distant)));
  };
}

const BATCH = 64;

async function trained(
  arm: Arm,
  settings: Settings,
  seed: number,
  learningRate: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
): Promise<Params> {
  const { layers, width, steps, radius } = settings;
  const policy = reader(layers, width);
  const { train } = wordsOf(settings, seed);
  const batches = random(seed).split("batches of the arms");
  const optimizer = adamW({ learningRate, weightDecay: 0 });
  const { state } = await fit({
    state: optimizer.init(await startOf(settings, seed)),
    step: trainingStep({ loss: lossOf(policy, arm, radius), optimizer, compile: { threads: 1 } }),
    steps,
    batch(i) {
      const draw = batches.split(i);
      return policyBatch(
        policy,
        Array.from({ length: BATCH }, () => spoken(draw.choice(train))),
      );
    },
    signal,
    onStep,
  });
  return state.params;
}

/** How often a word is more like its phonemes than like the phonemes with one exchanged for another. */
async function toldApart(
  { layers, width }: Settings,
  params: Params,
  words: readonly Spoken[],
  draw: Random,
): Promise<number> {
  const policy = reader(layers, width);
  const others = [...new Set(words.flatMap(({ phonemes }) => phonemes))];
  const changed = words.map(({ letters, phonemes }) => {
    const at = draw.integer(0, phonemes.length);
    const other = draw.choice(others.filter((phoneme) => phoneme !== phonemes[at]));
    return { letters, phonemes: phonemes.with(at, other) };
  });
  const score = compile(
    (params: Params, batch: NextTokens) => {
      const { hidden, source, pool } = represent(policy, params, batch);
      return sum(multiply(l2Normalize(source), l2Normalize(pool(hidden))), { axis: 1 });
    },
    { threads: 1 },
  );
  const cosines = (readings: readonly Spoken[]) =>
    scoreInBatches(readings.map(spoken), 1, (batch) => score(params, policyBatch(policy, batch)));
  const [right, wrong] = [await cosines(words), await cosines(changed)];
  return right.filter((cosine, i) => cosine > wrong[i]!).length / words.length;
}

const chosen = (arm: Arm, settings: Settings, signal: AbortSignal): Promise<number> =>
  chooseOnce({ study: "claps", arm, settings }, settings.learningRates, async (learningRate) => {
    const params = await trained(arm, settings, TUNING_SEED, learningRate, signal);
    const { validation } = wordsOf(settings, TUNING_SEED);
    const readings = await readAloud(reader(settings.layers, settings.width), params.reader, validation);
    return -phonemeErrorRate(readings, validation);
  });
