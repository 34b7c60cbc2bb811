import { compile, fromData, item, pick, type Tensor, values } from "nearmiss";
import { take } from "nearmiss/data";
import { trainingStep } from "nearmiss/fit";
import { scoreDpo, softmaxCrossEntropy } from "nearmiss/losses";
import { scorePairs } from "nearmiss/negatives";
import { adam, clipByGlobalNorm } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  BOXES,
  batchOf,
  boxOf,
  CANVAS,
  DIGITS,
  type LookWeights,
  markedDigits,
  policy,
  type Question,
  type QuestionSize,
  type Questions,
  shared,
  trainedReader,
  trainedWholeImage,
  wholeImage,
} from "../tasks/marked-digits.ts";

export const card: Card = {
  number: 4,
  slug: "uv-cot-score-dpo",
  title: "Unsupervised Visual Chain-of-Thought Reasoning via Preference Optimization",
  year: 2025,
  family: "perception",
  kind: "algorithm",
  arxiv: "2504.18397",
  link: "https://arxiv.org/abs/2504.18397",
  code: "https://github.com/kesenzhao/UV-CoT",
  summary:
    "The model samples several candidate boxes per question, answers from each crop, and a separate evaluator scores the answers, so no box labels are needed. Boxes with clearly different scores form preference pairs for a DPO loss whose margin is the gap between the two scores. Pairs are regenerated from fresh questions in every round, with the reference policy reset to the start of that round.",
  claim:
    "Learning where to look from score-ranked own boxes gives higher answer accuracy than answering from the whole image, and also than training on annotated boxes. Adding the score gap as an offset to the DPO loss is claimed to beat plain DPO, which uses only the order of a pair.",
  formula: String.raw`\mathcal L=-\log\sigma\!\Big(\beta\Big[\log\tfrac{\pi_\theta(b_w)}{\pi_{\text{ref}}(b_w)}-\log\tfrac{\pi_\theta(b_l)}{\pi_{\text{ref}}(b_l)}\Big]-\big[g(s_w)-g(s_l)\big]\Big)`,
  exports: [
    "losses/score-dpo: scoreDpo",
    "negatives/score-pairs: scorePairs",
    "data/crop-resize: cropResize",
  ],
  notes: [
    "The released trainer has the offset commented out and trains plain DPO; the loss here is the paper's, with g(s) = s, and plain DPO is an arm.",
    "The evaluator scores a box by the probability that it gives to the true answer: answers are known, boxes never are. It is trained apart from the reader that answers, with other weights and other pictures.",
    "Pairs whose boxes overlap by 0.7 or more are left out, which the paper does not do: their scores differ by chance.",
    "Answering from the whole image is done by a network of the policy's kind, trained beforehand as long as the readers were, then on the questions of the rounds with their answers. To let the reader guess from a shrunken canvas would have been no rival.",
    "Annotated boxes train the same policy by cross-entropy on the box that overlaps the true one most.",
    "Chains have one step: there is no score of a following answer.",
    "The world was made easier before the study was run, on a seed that it does not use: with marks told apart by shape, ten digits and fifty boxes no arm rose above chance in as few steps.",
    "In the default run own boxes answer 0.70 of the questions, true boxes 0.84, the whole image 0.38, by chance 0.2. The offset makes no difference that could be told from none.",
  ],
};

const arms = {
  scoreDpo: "own boxes in pairs, parted by as much as their scores",
  dpo: "the same pairs, of which only the order counts",
  annotated: "the policy trained on true boxes",
  wholeImage: "a network of the same kind that answers from the whole canvas",
};

interface Settings extends Omit<QuestionSize, "seed" | "train"> {
  rounds: number;
  /** Questions a round, each asked in one round only. */
  questions: number;
  stepsPerRound: number;
  batchSize: number;
  /** Of the policy that all arms but the last start from, which looks for ink. */
  firstSteps: number;
  learningRates: number[];
}

const CANDIDATES = 8;
const BETA = 0.1;

const size = ({ rounds, questions, ...others }: Settings): Omit<QuestionSize, "seed"> => ({
  ...others,
  train: rounds * questions,
});

/** A batch of any arm; what an arm does not use is left at 0. */
interface Batch {
  questions: Questions;
  /** int32 [B] A box, or the answer. */
  chosen: Tensor;
  /** int32 [B] */
  rejected: Tensor;
  reference: { chosen: Tensor; rejected: Tensor };
  scores: { chosen: Tensor; rejected: Tensor };
}

function loss(arm: string, params: LookWeights, batch: Batch): Tensor {
  const { questions, chosen, rejected, reference, scores } = batch;
  if (arm === "wholeImage") return softmaxCrossEntropy(wholeImage.apply(params, questions), chosen);
  const logProbs = policy.apply(params, questions);
  if (arm === "annotated") return softmaxCrossEntropy(logProbs, chosen);
  const own = { chosen: pick(logProbs, chosen), rejected: pick(logProbs, rejected) };
  return scoreDpo(own, reference, scores, { beta: BETA, marginScale: arm === "scoreDpo" ? 1 : 0 });
}

/** One example of a batch. */
interface Example {
  question: Question;
  chosen: number;
  rejected: number;
  reference: [chosen: number, rejected: number];
  scores: [chosen: number, rejected: number];
}

const plain = (question: Question, chosen: number): Example => ({
  question,
  chosen,
  rejected: 0,
  reference: [0, 0],
  scores: [0, 0],
});

function batchFrom(examples: readonly Example[]): Batch {
  const whole = (of: (example: Example) => number) =>
    fromData(Int32Array.from(examples, of), [examples.length]);
  const broken = (of: (example: Example) => number) =>
    fromData(Float32Array.from(examples, of), [examples.length]);
  return {
    questions: batchOf(examples.map(({ question }) => question)),
    chosen: whole(({ chosen }) => chosen),
    rejected: whole(({ rejected }) => rejected),
    reference: { chosen: broken((e) => e.reference[0]), rejected: broken((e) => e.reference[1]) },
    scores: { chosen: broken((e) => e.scores[0]), rejected: broken((e) => e.scores[1]) },
  };
}

/** Log-probabilities of the boxes, a row a question. */
async function looks(params: LookWeights, questions: readonly Question[]): Promise<Float32Array[]> {
  const logProbs = values(await applyPolicy(params, batchOf(questions))) as Float32Array;
  return questions.map((_, i) => logProbs.subarray(i * BOXES, (i + 1) * BOXES));
}
const applyPolicy = compile(policy.apply, { threads: 1 });
const applyWhole = compile(wholeImage.apply, { threads: 1 });

const overlaps = Array.from({ length: BOXES }, (_, a) =>
  Array.from({ length: BOXES }, (_, b) => shared(boxOf(a), boxOf(b))),
);

/** Pairs of the policy's own boxes for each question, by what the evaluator makes of them. */
async function ownPairs(
  params: LookWeights,
  questions: readonly Question[],
  settings: Settings,
  draw: Random,
): Promise<Example[]> {
  const evaluator = await trainedReader("evaluator", settings.readerSteps);
  const rows = await looks(params, questions);
  const candidates = rows.map((row) => {
    const keys = draw.gumbel(BOXES).map((noise, b) => noise + row[b]!);
    return [...keys.keys()].sort((a, b) => keys[b]! - keys[a]!).slice(0, CANDIDATES);
  });
  const read = await evaluator(
    questions.flatMap(({ canvas }, i) => candidates[i]!.map((b) => ({ canvas, box: boxOf(b) }))),
  );
  return questions.flatMap((question, i) => {
    const boxes = candidates[i]!;
    const scores = boxes.map((_, j) => read[(i * CANDIDATES + j) * DIGITS + question.answer]!);
    const alike = (a: number, b: number) => overlaps[boxes[a]!]![boxes[b]!]! >= 0.7;
    return scorePairs(scores, { alike }).map(({ chosen, rejected }): Example => {
      const [c, r] = [boxes[chosen]!, boxes[rejected]!];
      return {
        question,
        chosen: c,
        rejected: r,
        reference: [rows[i]![c]!, rows[i]![r]!],
        scores: [scores[chosen]!, scores[rejected]!],
      };
    });
  });
}

/** The box that overlaps the true one most. */
function annotatedBox({ place }: Question): number {
  const shares = Array.from({ length: BOXES }, (_, b) => shared(boxOf(b), place));
  return shares.indexOf(Math.max(...shares));
}

/** The box with the most ink a pixel among some drawn at random. */
function inkiest({ canvas }: Question, draw: Random): number {
  const ink = (b: number) => {
    const { left, top, right, bottom } = boxOf(b);
    let total = 0;
    for (let row = Math.max(0, top); row < Math.min(CANVAS, bottom); row++)
      for (let column = Math.max(0, left); column < Math.min(CANVAS, right); column++)
        total += canvas[row * CANVAS + column]!;
    return total / ((right - left) * (bottom - top));
  };
  const boxes = [...draw.sample(BOXES, CANDIDATES)];
  const amounts = boxes.map(ink);
  return boxes[amounts.indexOf(Math.max(...amounts))]!;
}

/** Takes steps on batches that are drawn, with replacement, from examples. */
async function learn(
  arm: string,
  state: State,
  examples: readonly Example[],
  options: { steps: number; batchSize: number; learningRate: number; draw: Random; signal?: AbortSignal },
  onStep?: (step: number, loss: number) => void,
): Promise<State> {
  const { steps, batchSize, learningRate, draw, signal } = options;
  const step = trainingStep({
    loss: (params: LookWeights, batch: Batch) => loss(arm, params, batch),
    optimizer: adam({ learningRate }),
    change: (gradients) => clipByGlobalNorm(gradients, 1),
    compile: { threads: 1 },
  });
  let current = state;
  // A policy whose boxes are all alike has no pairs to learn from.
  for (let i = 0; i < (examples.length > 0 ? steps : 0); i++) {
    signal?.throwIfAborted();
    const indices = Int32Array.from({ length: batchSize }, () => draw.integer(0, examples.length));
    const result = await step(current, batchFrom(take(examples, indices)));
    current = result.state;
    onStep?.(i + 1, item(result.loss));
  }
  return current;
}
type State = ReturnType<ReturnType<typeof adam>["init"]> & { params: LookWeights };
const fresh = (params: LookWeights): State => adam({}).init(params) as State;

/** A policy that looks at ink wherever it is. */
const firstPolicy = remember(async (settings: Settings, seed: number): Promise<LookWeights> => {
  const { train } = markedDigits({ ...size(settings), seed });
  const root = random(seed).split("first");
  const draw = root.split("boxes");
  const examples = train
    .slice(0, settings.questions)
    .map((question) => plain(question, inkiest(question, draw)));
  const start = fresh(policy.init(root.split("weights")));
  const { batchSize, firstSteps: steps } = settings;
  const options = { steps, batchSize, learningRate: 2e-3, draw: root.split("batches") };
  return (await learn("annotated", start, examples, options)).params;
}, 2);

interface TrainOptions {
  arm: string;
  settings: Settings;
  learningRate: number;
  seed: number;
  signal: AbortSignal;
  onStep?: (step: number, loss: number) => void;
  onRound?: (round: number, params: LookWeights) => Promise<void>;
}

async function train({ arm, settings, learningRate, seed, signal, onStep, onRound }: TrainOptions) {
  const { rounds, questions, stepsPerRound: steps, batchSize } = settings;
  const { train: all } = markedDigits({ ...size(settings), seed });
  const root = random(seed).split("training");
  let state = fresh(
    arm === "wholeImage" ? await trainedWholeImage(settings.readerSteps) : await firstPolicy(settings, seed),
  );
  for (let round = 0; round < rounds; round++) {
    const asked = all.slice(round * questions, (round + 1) * questions);
    const examples =
      arm === "wholeImage"
        ? asked.map((question) => plain(question, question.answer))
        : arm === "annotated"
          ? asked.map((question) => plain(question, annotatedBox(question)))
          : await ownPairs(state.params, asked, settings, root.split("boxes").split(round));
    const draw = root.split("batches").split(round);
    const options = { steps, batchSize, learningRate, draw, signal };
    state = await learn(arm, state, examples, options, (step, value) =>
      onStep?.(round * steps + step, value),
    );
    await onRound?.(round, state.params);
  }
  return state.params;
}

interface Judged {
  accuracy: number;
  overlap: number;
}

/** How often the answer is right, and how well the chosen boxes lie. */
async function judge(arm: string, params: LookWeights, questions: readonly Question[], settings: Settings) {
  const right = (rows: Float32Array) =>
    questions.filter(({ answer }, i) => {
      const row = rows.subarray(i * DIGITS, (i + 1) * DIGITS);
      return row.indexOf(Math.max(...row)) === answer;
    }).length / questions.length;
  if (arm === "wholeImage") {
    const logits = values(await applyWhole(params, batchOf(questions))) as Float32Array;
    return { accuracy: right(logits), overlap: 0 };
  }
  const rows = await looks(params, questions);
  const boxes = rows.map((row) => row.indexOf(Math.max(...row)));
  const reader = await trainedReader("answers", settings.readerSteps);
  const read = await reader(questions.map(({ canvas }, i) => ({ canvas, box: boxOf(boxes[i]!) })));
  const overlap =
    questions.reduce((total, { place }, i) => total + shared(boxOf(boxes[i]!), place), 0) / questions.length;
  const judged: Judged = { accuracy: right(read), overlap };
  return judged;
}

const choose = (arm: string, settings: Settings, signal: AbortSignal) =>
  chooseOnce(["uv-cot-score-dpo", arm, settings], settings.learningRates, async (learningRate) => {
    const params = await train({ arm, settings, learningRate, seed: TUNING_SEED, signal });
    const { validation } = markedDigits({ ...size(settings), seed: TUNING_SEED });
    return (await judge(arm, params, validation, settings)).accuracy;
  });

const accuracyAgainst = (baseline: string) => [
  { metric: "accuracy", method: "scoreDpo", baseline, better: "higher" as const },
];
const rule = (than: string) =>
  `Paired difference of the accuracy to ${than}. Supports if its 95 % interval lies above 0, contradicts if below, else inconclusive.`;

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      validation: 10,
      test: 20,
      readerSteps: 3,
      rounds: 2,
      questions: 20,
      stepsPerRound: 2,
      batchSize: 8,
      firstSteps: 2,
      learningRates: [2e-3],
      seeds: 2,
    },
    default: {
      validation: 300,
      test: 500,
      readerSteps: 400,
      rounds: 4,
      questions: 300,
      stepsPerRound: 45,
      batchSize: 32,
      firstSteps: 60,
      learningRates: [2e-3, 6e-3],
      seeds: 5,
    },
    full: {
      validation: 1000,
      test: 2000,
      readerSteps: 5000,
      rounds: 8,
      questions: 2000,
      stepsPerRound: 500,
      batchSize: 32,
      firstSteps: 200,
      learningRates: [3e-4, 1e-3, 4e-3],
      seeds: 10,
    },
  },
  metrics: {
    accuracy: "fraction of test questions answered correctly",
    "overlap with the true box":
      "intersection over union, mean over test questions; 0 where no box is chosen",
  },
  curves: { accuracy: { x: "round", y: "fraction of test questions answered correctly" } },
  claims: [
    {
      id: "whole-image",
      statement:
        "A policy that learns from scores of its own boxes answers better than a network that sees the whole image.",
      rule: rule("the network that answers from the whole canvas"),
      comparisons: accuracyAgainst("wholeImage"),
    },
    {
      id: "annotated-boxes",
      statement: "It answers better than the same policy trained on annotated boxes.",
      rule: rule("the policy trained on true boxes"),
      comparisons: accuracyAgainst("annotated"),
    },
    {
      id: "score-offset",
      statement: "The gap of scores as an offset beats plain DPO.",
      rule: rule("plain DPO"),
      comparisons: accuracyAgainst("dpo"),
    },
  ],
  distance:
    "The paper trains LLaVA-1.5 with 7 billion weights, scored by OmniLMM of 12 billion, on questions about photographs and documents of several public data sets; here a policy of some 15,000 weights chooses among 25 boxes on canvases with four digits of 5 kinds, in four rounds of 300 questions.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await choose(arm, settings, signal);
    const { test } = markedDigits({ ...size(settings), seed });
    const steps = settings.rounds * settings.stepsPerRound;
    let result: Judged = { accuracy: 0, overlap: 0 };
    await train({
      arm,
      settings,
      learningRate,
      seed,
      signal,
      onStep: (step) => report.progress(step / steps),
      onRound: async (round, params) => {
        result = await judge(arm, params, test, settings);
        report.point("accuracy", round + 1, result.accuracy);
      },
    });
    return { accuracy: result.accuracy, "overlap with the true box": result.overlap };
  },
});
