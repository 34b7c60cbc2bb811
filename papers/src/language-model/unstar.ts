import { compile, scalar, type Tensor, valueAndGrad } from "nearmiss";
import type { CountryRelation } from "nearmiss/data";
import { type CausalLanguageModelParams, type Example, leaks, type NextTokens } from "nearmiss/language";
import { gradientAscent, npo, sequenceLogProbs, tokenCrossEntropy, tokenLogProbs } from "nearmiss/losses";
import { unlearnByAntiSamples } from "nearmiss/negatives";
import { adamW } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { type Comparison, defineStudy, type Report } from "../study.ts";
import {
  END,
  type ExplainedFacts,
  type ExplainedSize,
  explainedFacts,
  explainedPolicy,
  firstTokenLogProbs,
  openings,
  relations,
} from "../tasks/explained-facts.ts";
import { column, policyBatch, responseLogProbs } from "../tasks/language-policy.ts";

export const card: Card = {
  number: 144,
  slug: "unstar",
  title: "UnStar: Unlearning with Self-Taught Anti-Sample Reasoning for LLMs",
  year: 2024,
  family: "language-model",
  kind: "algorithm",
  arxiv: "2410.17050",
  link: "https://arxiv.org/abs/2410.17050",
  code: "https://github.com/MachineUnlearn/UnStar",
  summary:
    "To erase one association, the model writes paraphrased questions about it, replacement answers and rationales that argue for the wrong answer. Questions that still leak the fact, judged by exact, fuzzy and embedding matches, become anti-samples for adapter tuning with token cross-entropy. Questions that no longer leak are rephrased to look for remaining leaks, and the loop repeats.",
  claim:
    "Tuning on anti-samples with rationales removes a targeted fact faster and with less harm to neighbouring facts than methods that reverse the loss, such as gradient ascent. The rationale is the cause of the efficiency: anti-samples without it work less well.",
  formula: String.raw`L(\theta)=-\sum_{(q,\tilde a,\rho)}\ \sum_t\log p_\theta\big(u_t\mid q,u_{<t}\big),\qquad u=[\tilde a;\rho],\quad \tilde a\ne a^*`,
  exports: [
    "negatives/anti-samples: antiSamples",
    "negatives/anti-samples: unlearnByAntiSamples",
    "language/leaks: leaks",
    "language/leaks: matchRatio",
    "losses/token-cross-entropy: tokenCrossEntropy",
    "losses/language-unlearning: gradientAscent",
    "losses/language-unlearning: npo",
  ],
  notes: [
    "In the authors' code the text of an anti-sample is the rationale alone, in which the model is told to put the new answer, and the loss covers the question too; here it is the wrong answer and the rationale, and the question has no loss, as the formula says. Adapters are merged after each round there; here all weights are tuned and the optimizer goes on.",
    "Their code asks in each round those questions alone that have not been answered wrongly yet, and stops when 50 have been (100 in the demonstration); unlearnByAntiSamples asks all of them, and stops when none leaks. Its leak test also takes embeddings; here these can be given as a function.",
    "Questions are three wordings of a fact, rephrased by putting a word in front, twelve in all. One leaks as long as its true answer has a probability of at least 1 %; all arms stop when none of the twelve does, which is looked at after every two updates. What is kept is asked in taught wordings, what is forgotten also in a wording that was never taught of that fact.",
    "Rationales are what the model writes at temperature 1 behind a question, a wrong answer and the word because. It has learnt reasons of two kinds with half of its facts (the continent, the language), so that a rationale is a sentence of the corpus rather than an argument.",
    "Gradient ascent and NPO (beta 0.1) see the true answer's token alone, so that they do not unlearn words that other answers share. No arm sees what it is to keep.",
    "Each arm has the learning rate that keeps most of the neighbouring and other facts at its stop, on a seed that the study does not use; larger rates come first, so that equal ones go to the faster. Wrong answers without rationales take over the rate of those with them.",
    "In a first default run they had a rate of their own. It was the smaller one (0.0003 in place of 0.001), so that they took 72 updates on average, with seven of ten targets unfinished, where anti-samples with rationales took 25, and the claim on rationales was supported by the difference of the rates alone. This was changed and run again; the other two verdicts do not depend on it.",
    "In the default run the new answers spread to the neighbours: anti-samples keep 55 % of them, gradient ascent and NPO, which hardly differ in so few updates, 88 % (33 points more, interval 8 to 57). They name one wrong capital after another, and for two of ten targets the true one still leaks after 80 updates. At their smaller rate they keep more but often do not end; gradient ascent needs nine updates, at a rate of its own, so that the difference in updates is that of methods with their rates. Rationales make no difference in updates (0.6 fewer, interval -11 to 12), and keep 7 points more of the neighbours, which was not a claim. What makes a rationale work in a large model, that it is reasoned from, cannot be had here.",
    "Speed of relearning and a retain set are left out.",
  ],
};

const arms = {
  unstar: "wrong answers with the model's own rationales",
  answerOnly: "wrong answers alone",
  ascent: "gradient ascent on the true answer",
  npo: "NPO on the true answer",
};
type Arm = keyof typeof arms;

interface Settings extends ExplainedSize {
  /** Capitals that are forgotten, each by itself. */
  targets: number;
  /** Countries of the same region whose capitals are neighbours. */
  neighbours: number;
  /** Updates between two looks at what still leaks, and looks at most. */
  updates: number;
  rounds: number;
  batchSize: number;
  /** Larger ones first. */
  learningRates: number[];
}

const settings: Settings = {
  countries: 40,
  layers: 2,
  width: 48,
  pretraining: 220,
  targets: 2,
  neighbours: 10,
  updates: 2,
  rounds: 40,
  batchSize: 12,
  learningRates: [3e-3, 1e-3, 3e-4],
};

const compared = (metric: string, baselines: Arm[], better: Comparison["better"]): Comparison[] =>
  baselines.map((baseline) => ({ metric, method: "unstar", baseline, better }));

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      ...settings,
      countries: 10,
      layers: 1,
      width: 8,
      pretraining: 3,
      targets: 1,
      neighbours: 2,
      rounds: 2,
      learningRates: [1e-3],
      seeds: 2,
    },
    default: { ...settings, seeds: 5 },
    full: {
      ...settings,
      countries: 150,
      layers: 3,
      width: 96,
      pretraining: 1500,
      targets: 10,
      rounds: 100,
      learningRates: [3e-3, 1e-3, 3e-4, 1e-4],
      seeds: 10,
    },
  },
  metrics: {
    "near accuracy":
      "share of questions answered right on other facts of the country and on capitals of its region",
    "far accuracy": "share of questions on all other facts answered right",
    updates: "updates until no training question leaks, or all that there are",
    stopped: "share of targets for which none leaks in the end",
    forgotten:
      "share of questions in the wording that was never taught whose likeliest answer is not the true one",
    "probability left": "mean probability of the true answer in that wording",
    "near accuracy before": "near accuracy before unlearning",
  },
  curves: { "true answer": { x: "update", y: "mean probability, training questions" } },
  claims: [
    {
      id: "neighbours",
      statement:
        "Anti-samples with rationales keep more of the neighbouring facts than gradient ascent and NPO.",
      rule: "The difference of the near accuracy when no training question leaks any more, paired by seed. Supports if its 95 % interval lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: compared("near accuracy", ["ascent", "npo"], "higher"),
    },
    {
      id: "speed",
      statement: "They forget in fewer updates than gradient ascent and NPO.",
      rule: "As for neighbours, with the number of updates, fewer being better.",
      comparisons: compared("updates", ["ascent", "npo"], "lower"),
    },
    {
      id: "rationale",
      statement: "They need fewer updates than wrong answers without rationales.",
      rule: "The difference of the number of updates, paired by seed. Supports if its 95 % interval lies below 0, contradicts if above, else inconclusive.",
      comparisons: compared("updates", ["answerOnly"], "lower"),
    },
  ],
  distance:
    "The paper unlearns persons of Wikipedia and Harry Potter's school from Mistral-7B by low-rank adapters, with questions, wrong answers and rationales that the model writes; here a model of about 70,000 weights, which knows 160 facts of 40 countries, forgets one capital at a time, with 12 questions each.",
  async run({ arm, seed, settings, report, signal }) {
    // With and without rationales at one rate: at two, the number of updates would tell the rates apart.
    const tuned = (arm === "answerOnly" ? "unstar" : arm) as Arm;
    const learningRate = await chooseOnce(
      ["unstar", tuned, settings],
      settings.learningRates,
      async (rate) => {
        const found = await unlearnTargets(tuned, settings, rate, TUNING_SEED, signal);
        // Who still gives an answer away keeps everything.
        return found.stopped! + found["near accuracy"]! + found["far accuracy"]!;
      },
    );
    return unlearnTargets(arm as Arm, settings, learningRate, seed, signal, report);
  },
});

const sizeOf = ({ countries, layers, width, pretraining }: Settings): ExplainedSize => ({
  countries,
  layers,
  width,
  pretraining,
});

/** Forgets each target by itself; what is measured is the mean over them. */
async function unlearnTargets(
  arm: Arm,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  report?: Report,
): Promise<Record<string, number>> {
  const world = await explainedFacts(sizeOf(settings), seed);
  const sums: Record<string, number> = {};
  const rows: (string | number)[][] = [];
  // The countries are in random order.
  const targets = [...world.facts.keys()].slice(0, settings.targets);
  for (const [i, subject] of targets.entries()) {
    const draw = random(seed).split("unlearning").split(i);
    const { updates, params, said, leaking } = await unlearn(
      arm,
      world,
      settings,
      subject,
      learningRate,
      draw,
      signal,
      (update, p) => report?.point("true answer", update, p),
    );
    report?.progress((i + 1) / targets.length);
    const found = await outcome(world, settings, params, subject);
    const before = await outcome(world, settings, world.params, subject);
    for (const [name, value] of Object.entries({
      ...found,
      updates,
      stopped: leaking ? 0 : 1,
      "near accuracy before": before["near accuracy"],
    }))
      sums[name] = (sums[name] ?? 0) + value / targets.length;
    rows.push(...said.map((text) => [subject, text]));
  }
  report?.table("anti-samples", {
    caption: "Some of what the model was tuned on, by country whose capital it was to forget.",
    columns: ["country", "text"],
    rows,
  });
  return sums;
}

type State = { params: CausalLanguageModelParams };
interface Batch {
  examples: NextTokens;
  /** Log-probabilities before unlearning, [n]. */
  reference: Tensor;
  rate: Tensor;
}

const optimizer = (rate: Tensor) => adamW({ learningRate: () => rate, weightDecay: 0 });

const objectives: Record<Arm, (logits: Tensor, batch: Batch) => Tensor> = {
  unstar: (logits, { examples: { targets, mask } }) => tokenCrossEntropy(logits, targets, mask),
  answerOnly: (logits, { examples: { targets, mask } }) => tokenCrossEntropy(logits, targets, mask),
  ascent: (logits, { examples: { targets, mask } }) =>
    gradientAscent(tokenLogProbs(logits, targets, mask), mask),
  npo: (logits, { examples: { targets, mask }, reference }) =>
    npo(sequenceLogProbs(tokenLogProbs(logits, targets, mask), mask), reference, { beta: 0.1 }),
};

const unlearningStep = remember((countries: number, layers: number, width: number, arm: Arm) => {
  const { model } = explainedPolicy(countries, layers, width);
  return compile(
    (state: State, batch: Batch) => {
      const [loss, gradients] = valueAndGrad((params: CausalLanguageModelParams) =>
        objectives[arm](model.apply(params, batch.examples.inputs), batch),
      )(state.params);
      return { state: optimizer(batch.rate).update(state as never, gradients) as State, loss };
    },
    { threads: 1 },
  );
});

/** A question leaks as long as its true answer has at least this probability. */
const LEAK = 0.01;

/** Forgets the capital of a country; every arm stops when no question leaks. */
async function unlearn(
  arm: Arm,
  world: ExplainedFacts,
  settings: Settings,
  subject: string,
  learningRate: number,
  draw: Random,
  signal: AbortSignal,
  onLook: (update: number, probability: number) => void,
) {
  const { countries, layers, width, updates, rounds, batchSize } = settings;
  const { policy, facts, encode, decode } = world;
  const step = unlearningStep(countries, layers, width, arm);
  const answer = facts.get(subject)!.get("capital")!;
  let state = optimizer(scalar(0)).init(world.params) as State;
  let taken = 0;

  const tune = async (examples: readonly Example[]) => {
    for (let i = 0; i < updates; i++) {
      signal.throwIfAborted();
      const batches = draw.split("batches").split(taken++);
      const chosen = Array.from({ length: batchSize }, () => batches.choice(examples));
      const reference =
        arm === "npo" ? await responseLogProbs(policy, world.params, chosen) : new Float32Array(batchSize);
      const batch = {
        examples: policyBatch(policy, chosen),
        reference: column(reference),
        rate: scalar(learningRate),
      };
      ({ state } = await step(state, batch));
    }
  };
  /** All that the model might answer to a question. */
  const respond = async (questions: readonly string[]) => {
    const rows = await firstTokenLogProbs(sizeOf(settings), state.params, questions.map(encode));
    const { vocabulary } = policy.model;
    const [own] = encode(answer);
    const texts = questions.map((_, i) => {
      const row = rows.subarray(i * vocabulary, (i + 1) * vocabulary);
      return decode(Array.from(row.keys()).filter((token) => Math.exp(row[token]!) >= LEAK));
    });
    const sum = questions.reduce((total, _, i) => total + Math.exp(rows[i * vocabulary + own!]!), 0);
    onLook(taken, sum / questions.length);
    return texts;
  };
  // Names are whole words here.
  const isLeak = (text: string, name: string) => leaks(text, name, { similarity: 1, match: "all" });

  const wordings = [0, 1, 2, 3].filter((wording) => wording !== world.unseen(subject, "capital"));
  const plain = wordings.map((wording) => world.question(subject, "capital", wording));
  const opened = (questions: readonly string[]) =>
    questions.flatMap((question) => openings.map((opening) => `${opening} ${question}`.trim()));

  if (arm === "ascent" || arm === "npo") {
    const questions = opened(plain);
    const examples = questions.map((question) => ({ prompt: encode(question), response: encode(answer) }));
    const leaking = async () => (await respond(questions)).some((text) => isLeak(text, answer));
    let still = await leaking();
    for (let round = 0; round < rounds && still; round++) {
      await tune(examples);
      still = await leaking();
    }
    return { updates: taken, params: state.params, said: [], leaking: still };
  }
  const said: string[] = [];
  const rationalize = async (pairs: { question: string; answer: string }[]) => {
    const prompts = pairs.map((pair) => encode(`${pair.question} ${pair.answer} because`));
    // As many prompts each time, so that there are few graphs.
    const most = plain.length * openings.length;
    const filled = Array.from({ length: most }, (_, i) => prompts[i % prompts.length]!);
    const stream = draw.split("rationales").split(taken);
    const written = await policy.write(state.params, filled, { temperature: 1, random: stream });
    return written.slice(0, pairs.length).map((tokens) => `because ${decode(tokens)}`);
  };
  const { leaking } = await unlearnByAntiSamples(plain, {
    answer,
    alternatives: [...facts.values()].map((own) => own.get("capital")!),
    respond,
    rationalize: arm === "unstar" ? rationalize : undefined,
    isLeak,
    random: draw.split("wrong answers"),
    rephrase: async (answered) => opened(answered.filter((question) => plain.includes(question))),
    rounds,
    tune: async (samples, round) => {
      const texts = samples.map(({ answer, rationale }) => `${answer} ${rationale}`.trim());
      if (round === 0) said.push(...texts.map((text, i) => `${samples[i]!.question} ${text}`));
      await tune(
        samples.map(({ question }, i) => {
          const prompt = encode(question);
          // A rationale that went on to the last place has no end.
          return { prompt, response: [...encode(texts[i]!), END].slice(0, policy.length - prompt.length) };
        }),
      );
    },
  });
  return { updates: taken, params: state.params, said, leaking: leaking.length > 0 };
}

async function outcome(
  { facts, question, unseen, encode }: ExplainedFacts,
  settings: Settings,
  params: CausalLanguageModelParams,
  subject: string,
) {
  const { vocabulary } = explainedPolicy(settings.countries, settings.layers, settings.width).model;
  const object = (of: string, relation: CountryRelation) => facts.get(of)!.get(relation)!;
  const answers = async (asked: { text: string; answer: string }[]) => {
    const rows = await firstTokenLogProbs(
      sizeOf(settings),
      params,
      asked.map(({ text }) => encode(text)),
    );
    return asked.map(({ answer }, i) => {
      const row = rows.subarray(i * vocabulary, (i + 1) * vocabulary);
      const own = row[encode(answer)[0]!]!;
      return { right: Number(row.every((each) => each <= own)), probability: Math.exp(own) };
    });
  };
  const around = [...facts.keys()]
    .filter((other) => other !== subject && object(other, "region") === object(subject, "region"))
    .slice(0, settings.neighbours);
  const near = (other: string, relation: CountryRelation) =>
    relation === "capital" ? around.includes(other) : other === subject;
  const all = [...facts.keys()].flatMap((other) =>
    relations
      .filter((relation) => other !== subject || relation !== "capital")
      .map((relation) => ({ other, relation })),
  );
  const kept = async (close: boolean) =>
    answers(
      all
        .filter(({ other, relation }) => near(other, relation) === close)
        .flatMap(({ other, relation }) =>
          [0, 1, 2, 3]
            .filter((wording) => wording !== unseen(other, relation))
            .map((wording) => ({
              text: question(other, relation, wording),
              answer: object(other, relation),
            })),
        ),
    );
  const forgotten = await answers(
    openings.map((opening) => ({
      text: question(subject, "capital", unseen(subject, "capital"), opening),
      answer: object(subject, "capital"),
    })),
  );
  const mean = (xs: number[]) => xs.reduce((sum, x) => sum + x, 0) / Math.max(1, xs.length);
  return {
    "near accuracy": mean((await kept(true)).map(({ right }) => right)),
    "far accuracy": mean((await kept(false)).map(({ right }) => right)),
    forgotten: 1 - mean(forgotten.map(({ right }) => right)),
    "probability left": mean(forgotten.map(({ probability }) => probability)),
  };
}
