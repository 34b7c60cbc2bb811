import {
  add,
  compile,
  expandDims,
  fromData,
  logicalAnd,
  matmul,
  multiply,
  reshape,
  scalar,
  slice,
  subtract,
  type Tensor,
  transpose,
  valueAndGrad,
  values,
} from "nearmiss";
import { fit } from "nearmiss/fit";
import type { CausalLanguageModelParams, NextTokens } from "nearmiss/language";
import { meanReverseSquare, softUnlikelihood, tokenCrossEntropy, unlikelihood } from "nearmiss/losses";
import { distinctN, sourceEntropies } from "nearmiss/metrics";
import { causalMask, encoderBlock, layerNormalization, multiHeadAttention } from "nearmiss/nn";
import { adamW, bell } from "nearmiss/optim";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { noWorseBy } from "../decide.ts";
import { remember } from "../remember.ts";
import { defineStudy, type Report } from "../study.ts";
import { type ChatPair, type ChatSize, chat, chatPolicy, informative } from "../tasks/chat.ts";
import { policyBatch } from "../tasks/language-policy.ts";

export const card: Card = {
  number: 109,
  slug: "negative-distillation",
  title: "Diversifying Neural Dialogue Generation via Negative Distillation",
  year: 2022,
  family: "language-model",
  kind: "objective",
  arxiv: "2205.02795",
  link: "https://arxiv.org/abs/2205.02795",
  summary:
    "The half of the dialogue pairs whose responses have the highest source entropy, meaning replies shared by many different queries, trains a negative teacher. The student learns the corpus by maximum likelihood while a soft unlikelihood term moves its token distribution away from the teacher. Further terms separate hidden states and attention scores layer by layer, all under a weight that rises and then decays during training.",
  claim:
    "Distilling away from the negative teacher raises Dist-n and the share of rare words in generated replies above maximum likelihood, negative training on frequent replies and token unlikelihood. Relevance of the replies does not drop.",
  formula: String.raw`L=(1-\alpha)L_{mle}+\alpha\Big(L_{pred}+\sum_l L^l_{hid}+\sum_l L^l_{att}\Big),\quad L_{pred}=-\sum_{t,k}p_N(k\mid r_{<t},q)\log\big(1-p_S(k\mid r_{<t},q)\big)`,
  exports: [
    "losses/unlikelihood: unlikelihood",
    "losses/unlikelihood: softUnlikelihood",
    "losses/unlikelihood: meanReverseSquare",
    "optim/bell: bell",
    "metrics/distinct: distinctN",
    "metrics/distinct: sourceEntropies",
  ],
  notes: [
    "There is no public code that could be compared. Soft unlikelihood sums the others' probability for the student's likeliest token, so that no clamp is needed; its gradient on a certain student does not vanish.",
    "The chat asks for facts of 16 countries. 45 % of the questions are answered, the others put off in one of 144 ways that begin alike and are made of three parts, of which some are said more than others: a few such replies are frequent, most are rare. Source entropy is that of the very words of a question.",
    "Replies are the likeliest words, to questions in a wording in which they were not asked; what is drawn at temperature 1 is told too. Settings were found on a seed that the study does not use: replies that are put off had to begin alike, or the likeliest reply was an answer for every arm, and some of them had to be frequent, or negative training penalised answers.",
    "The model is a decoder that reads the question as a prompt. Hidden states are those behind each block, attention scores those before the softmax, of what a token may see; both count at the places of the response alone. The peak of the weight lies at half of the steps, as in the paper, where it is at 25,600.",
    "Negative training lowers the likelihood of whole replies that are among the tenth of most frequent ones, by the unlikelihood of their tokens; token unlikelihood is that of the tokens said before in the same reply. A method of that name with the replies that the model itself writes too often is left out.",
    "Likelihood has its own best learning rate, which the others take over, as in the paper; these have the best of three weights (for negative distillation the height of the peak, for the others the factor of the penalty). All are chosen by the share of replies that tell the right fact, on a seed that the study does not use.",
    "In the default run likelihood puts off 54 % of the questions with its likeliest reply, distillation 57 %, and distillation is a little less diverse than every other arm: distinct-2 is 1.4 points below that of token unlikelihood (interval 0.04 to 2.7), which decides the claim, and 1.5 below that of likelihood (-0.3 to 3.2). Its replies that tell a fact are right in 67 % of cases, those of likelihood in 85 %. The weight is back at a hundredth of its peak by the last step, so that likelihood has the last word; where training ends in the paper, compared with the peak, could not be found out, and another end may tell otherwise. How much is put off differs a lot between seeds, as answers and other replies are nearly as likely.",
    "Relevance was to be the share of informative replies that are right; on the seed of the settings these were too few, and before any run of the study it became the share of right answers. The other share is told.",
    "Judgements by people, embedding-based relevance and real dialogues are left out.",
  ],
};

const arms = {
  distillation: "away from a negative teacher, in what it says, its hidden states and its attention",
  likelihood: "maximum likelihood",
  negativeTraining: "likelihood, with a penalty on the most frequent replies",
  unlikelihood: "likelihood, with a penalty on tokens said before in the reply",
};
type Arm = keyof typeof arms;

interface Settings extends ChatSize {
  steps: number;
  batchSize: number;
  learningRates: number[];
  /** Of the penalties, and heights of the peak. */
  weights: number[];
}

const settings: Settings = {
  countries: 16,
  layers: 1,
  width: 32,
  pairs: 1500,
  answered: 0.45,
  steps: 250,
  batchSize: 32,
  learningRates: [3e-3, 6e-3],
  weights: [0.25, 0.5, 1],
};

const over = (baselines: Arm[], metric: string, better: "higher" | "lower") =>
  baselines.map((baseline) => ({ metric, method: "distillation", baseline, better }));

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      countries: 8,
      layers: 1,
      width: 8,
      pairs: 40,
      steps: 4,
      batchSize: 4,
      learningRates: [3e-3],
      weights: [1],
      seeds: 2,
    },
    default: { ...settings, seeds: 6 },
    full: {
      ...settings,
      countries: 150,
      layers: 4,
      width: 128,
      pairs: 30_000,
      steps: 4000,
      batchSize: 64,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 10,
    },
  },
  metrics: {
    "distinct-2": "different pairs of words over all of them, in the replies together",
    "distinct-1": "different words over all of them, in the replies together",
    "generic rate": "share of replies that tell no fact",
    "right answers": "share of replies that tell the right fact",
    "right where informative":
      "share of the replies that tell a fact whose fact is right; 0 where none tells one",
    "distinct-2, drawn": "distinct-2 of replies that are drawn at temperature 1",
    "generic rate, drawn": "generic rate of these",
  },
  curves: { loss: { x: "step", y: "the arm's own loss, nats" } },
  claims: [
    {
      id: "diversity",
      statement: "Replies are more diverse than with likelihood, negative training and token unlikelihood.",
      rule: "The difference of distinct-2, paired by seed. Supports if its 95 % interval lies above 0 against all three, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: over(["likelihood", "negativeTraining", "unlikelihood"], "distinct-2", "higher"),
    },
    {
      id: "generic",
      statement: "Fewer replies are generic than with negative training and token unlikelihood.",
      rule: "As for diversity, with the generic rate, lower being better.",
      comparisons: over(["negativeTraining", "unlikelihood"], "generic rate", "lower"),
    },
    {
      id: "relevance",
      statement: "As many replies tell the right fact as with likelihood.",
      rule: "The difference of the share of right answers, paired by seed. Supports if its 95 % interval lies above -2 points, contradicts if below, else inconclusive.",
      comparisons: over(["likelihood"], "right answers", "higher"),
      decide: noWorseBy(0.02),
    },
  ],
  distance:
    "The paper trains transformers of 6 encoder and 6 decoder layers on DailyDialog and OpenSubtitles, up to 200,000 pairs; here a decoder of 1 layer and about 18,000 weights learns 1,500 questions and replies on 16 countries, of which 55 % put the question off.",
  async run({ arm, seed, settings, report, signal }) {
    const rate = await chooseOnce(
      ["negative-distillation", "rate", settings],
      settings.learningRates,
      (candidate) => rightAnswers("likelihood", settings, candidate, 0, signal),
    );
    const weight =
      arm === "likelihood"
        ? 0
        : await chooseOnce(["negative-distillation", arm, settings], settings.weights, (candidate) =>
            rightAnswers(arm as Arm, settings, rate, candidate, signal),
          );
    const params = await trained(arm as Arm, settings, rate, weight, seed, signal, report);
    return outcome(settings, params, seed, report);
  },
});

async function rightAnswers(arm: Arm, settings: Settings, rate: number, weight: number, signal: AbortSignal) {
  const params = await trained(arm, settings, rate, weight, TUNING_SEED, signal);
  return (await outcome(settings, params, TUNING_SEED))["right answers"];
}

type Params = CausalLanguageModelParams;

const HEADS = 4;

/** Logits, hidden states behind each block [n, length, width] and attention scores [n, heads, length, length]. */
function inside({ layers, width, countries }: ChatSize, params: Params, inputs: Tensor) {
  const { model } = chatPolicy(countries, layers, width);
  const length = inputs.shape[1]!;
  const block = encoderBlock({ width, heads: HEADS });
  const attention = multiHeadAttention({ width, heads: HEADS, normalizer: (scores) => scores });
  const normalization = layerNormalization(width);
  let x = add(model.embed(params, inputs), slice(params.positions, [[0, length]]));
  const hidden: Tensor[] = [];
  const scores: Tensor[] = [];
  for (const each of params.stack.blocks) {
    const seen = normalization.apply(each.attentionNormalization as never, x);
    scores.push(attention.weights(each.attention, seen));
    x = block.apply(each, x, { mask: causalMask(length) });
    hidden.push(x);
  }
  const logits = matmul(
    normalization.apply(params.stack.normalization as never, x),
    transpose(params.tokens),
  );
  return { logits, hidden, scores };
}

interface Batch {
  examples: NextTokens;
  /** Tokens that are penalised, [n, length, vocabulary]; of other arms one element. */
  unwanted: Tensor;
  /** α of distillation, or the factor of a penalty. */
  weight: Tensor;
  rate: Tensor;
}
type State = { params: Params };

/** How unlike the teacher a student is inside, at the places of the responses: small where far apart. */
function likeness(
  size: ChatSize,
  student: ReturnType<typeof inside>,
  teacher: ReturnType<typeof inside>,
  mask: Tensor,
) {
  const [n, length] = mask.shape as [number, number];
  const terms = student.hidden.map((own, layer) => {
    const at = logicalAnd(expandDims(mask, 2), allTrue([n, length, size.width]));
    const hidden = meanReverseSquare(own, teacher.hidden[layer]!, { mask: at });
    const visible = logicalAnd(reshape(mask, [n, 1, length, 1]), causalMask(length));
    const scored = logicalAnd(visible, allTrue([n, HEADS, length, length]));
    return add(hidden, meanReverseSquare(student.scores[layer]!, teacher.scores[layer]!, { mask: scored }));
  });
  return terms.reduce((sum, each) => add(sum, each));
}

const allTrue = (shape: number[]) =>
  fromData(new Uint8Array(shape.reduce((product, side) => product * side, 1)).fill(1), shape);

const optimizer = (rate: Tensor) => adamW({ learningRate: () => rate, weightDecay: 0 });

/** Learning rate and weight are inputs, so that all candidates share a graph. */
const trainingStep = remember((arm: Arm, countries: number, layers: number, width: number) => {
  const size = { countries, layers, width } as ChatSize;
  const { model } = chatPolicy(countries, layers, width);
  return compile(
    (
      state: State,
      { examples: { inputs, targets, mask }, unwanted, weight, rate }: Batch,
      teacher: Params,
    ) => {
      const [loss, gradients] = valueAndGrad((params: Params) => {
        if (arm !== "distillation") {
          const logits = model.apply(params, inputs);
          const likelihood = tokenCrossEntropy(logits, targets, mask);
          if (arm === "likelihood") return likelihood;
          return add(likelihood, multiply(unlikelihood(logits, unwanted, mask), weight));
        }
        const [own, other] = [inside(size, params, inputs), inside(size, teacher, inputs)];
        const away = add(softUnlikelihood(own.logits, other.logits, mask), likeness(size, own, other, mask));
        const likelihood = tokenCrossEntropy(own.logits, targets, mask);
        return add(multiply(likelihood, subtract(1, weight)), multiply(away, weight));
      })(state.params);
      return { state: optimizer(rate).update(state as never, gradients) as State, loss };
    },
    { threads: 1 },
  );
});

/** The pairs whose replies follow the most different questions: half of all. */
function genericHalf(pairs: readonly ChatPair[]): ChatPair[] {
  const entropies = sourceEntropies(pairs);
  const order = Array.from(pairs.keys()).sort((a, b) => entropies[b]! - entropies[a]! || a - b);
  return order.slice(0, Math.floor(pairs.length / 2)).map((i) => pairs[i]!);
}

/** Replies of the most frequent tenth. */
function frequentReplies(pairs: readonly ChatPair[]): Set<string> {
  const counts = new Map<string, number>();
  for (const { response } of pairs) counts.set(response, (counts.get(response) ?? 0) + 1);
  const order = [...counts].sort((a, b) => b[1] - a[1]);
  return new Set(order.slice(0, Math.ceil(order.length / 10)).map(([response]) => response));
}

const teacherOf = remember((settings: Settings, rate: number, seed: number) => {
  const { pairs } = chat(sizeOf(settings), seed);
  return train("likelihood", settings, genericHalf(pairs), rate, () => 0, seed, "teacher");
});

async function trained(
  arm: Arm,
  settings: Settings,
  rate: number,
  weight: number,
  seed: number,
  signal: AbortSignal,
  report?: Report,
): Promise<Params> {
  const { pairs } = chat(sizeOf(settings), seed);
  const teacher = arm === "distillation" ? await teacherOf(settings, rate, seed) : undefined;
  const alpha = await bellWeights(settings.steps, weight);
  const weightAt = (step: number) => (arm === "distillation" ? alpha[step]! : weight);
  return train(arm, settings, pairs, rate, weightAt, seed, "student", signal, teacher, (step, loss) => {
    report?.progress(step / settings.steps);
    report?.point("loss", step, loss);
  });
}

/** α of each step. */
async function bellWeights(steps: number, height: number): Promise<ArrayLike<number>> {
  if (height === 0) return new Float32Array(steps);
  const at = compile((step: Tensor) => bell({ peak: steps / 2, height })(step), { threads: 1 });
  return values(
    await at(
      fromData(
        Float32Array.from({ length: steps }, (_, i) => i),
        [steps],
      ),
    ),
  );
}

/** Equal seeds see equal batches; teacher and student start from different weights. */
async function train(
  arm: Arm,
  { countries, layers, width, steps, batchSize }: Settings,
  pairs: readonly ChatPair[],
  learningRate: number,
  weightAt: (step: number) => number,
  seed: number,
  name: "teacher" | "student",
  signal?: AbortSignal,
  teacher?: Params,
  onStep?: (step: number, loss: number) => void,
): Promise<Params> {
  const policy = chatPolicy(countries, layers, width);
  const root = random(seed).split(name);
  const start = policy.model.init(root.split("weights"));
  const step = trainingStep(arm, countries, layers, width);
  const frequent = arm === "negativeTraining" ? frequentReplies(pairs) : new Set<string>();
  const { state } = await fit({
    state: optimizer(scalar(0)).init(start) as State,
    step: (state: State, batch: Batch) => step(state, batch, teacher ?? start),
    batch: (i): Batch => {
      const draw = root.split("batches").split(i);
      const chosen = Array.from({ length: batchSize }, () => draw.choice(pairs));
      const examples = policyBatch(
        policy,
        chosen.map(({ example }) => example),
      );
      return {
        examples,
        unwanted: unwantedTokens(arm, chosen, frequent, policy.length - 1, policy.model.vocabulary),
        weight: scalar(weightAt(i)),
        rate: scalar(learningRate),
      };
    },
    steps,
    signal,
    onStep,
  });
  return state.params;
}

/** The next tokens of frequent replies, or those that the reply has said before and does not say now. */
function unwantedTokens(
  arm: Arm,
  chosen: readonly ChatPair[],
  frequent: ReadonlySet<string>,
  length: number,
  vocabulary: number,
): Tensor {
  if (arm === "distillation" || arm === "likelihood") return fromData(new Float32Array(1), [1]);
  const marks = new Float32Array(chosen.length * length * vocabulary);
  chosen.forEach(({ response: text, example: { prompt, response } }, row) => {
    response.forEach((token, j) => {
      const place = (row * length + prompt.length - 1 + j) * vocabulary;
      if (arm === "negativeTraining") marks[place + token] = frequent.has(text) ? 1 : 0;
      else for (const before of response.slice(0, j)) if (before !== token) marks[place + before] = 1;
    });
  });
  return fromData(marks, [chosen.length, length, vocabulary]);
}

async function outcome(settings: Settings, params: Params, seed: number, report?: Report) {
  const { policy, test, decode } = chat(sizeOf(settings), seed);
  const write = async (temperature: number) => {
    const prompts = test.map(({ prompt }) => prompt);
    const written = await policy.write(params, prompts, {
      temperature,
      random: random(seed).split("replies"),
    });
    return written.map(decode);
  };
  const [replies, drawn] = [await write(0), await write(1)];
  const share = (which: (reply: string, i: number) => boolean) =>
    replies.filter(which).length / replies.length;
  const right = share((reply, i) => reply === `its ${test[i]!.relation} is ${test[i]!.answer}`);
  const told = share(informative);
  const words = (texts: readonly string[]) => texts.map((text) => text.split(" "));
  report?.table("replies", {
    caption: "What the model replies to the first questions of the test, its likeliest words.",
    columns: ["relation and answer", "reply"],
    rows: replies.slice(0, 12).map((reply, i) => [`${test[i]!.relation}: ${test[i]!.answer}`, reply]),
  });
  return {
    "distinct-2": distinctN(words(replies), 2),
    "distinct-1": distinctN(words(replies), 1),
    "generic rate": 1 - told,
    "right answers": right,
    "right where informative": told === 0 ? 0 : right / told,
    "distinct-2, drawn": distinctN(words(drawn), 2),
    "generic rate, drawn": 1 - drawn.filter(informative).length / drawn.length,
  };
}

const sizeOf = ({ countries, layers, width, pairs, answered }: Settings): ChatSize => ({
  countries,
  layers,
  width,
  pairs,
  answered,
});
