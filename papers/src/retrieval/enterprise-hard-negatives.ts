import {
  add,
  compile,
  fromData,
  mean,
  reshape,
  softplus,
  subtract,
  type Tensor,
  valueAndGrad,
  values,
} from "nearmiss";
import { type JudgedRanking, ndcg, rankByScore, reciprocalRank } from "nearmiss/metrics";
import { type Condition, twoConditionNegatives } from "nearmiss/negatives";
import { mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import {
  bm25Index,
  concatenateEncoders,
  denseIndex,
  encodeTexts,
  fitStaticEncoder,
  principalComponents,
  reciprocalRankFusion,
  search,
  unitRows,
  type Vectors,
  vectors,
} from "nearmiss/retrieval";
import { words } from "nearmiss/text";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  cardFalseNegativeRate,
  encodeCards,
  type HiddenCards,
  hiddenCards,
  labelledOf,
  relevantOf,
  trainBags,
} from "../tasks/hidden-cards.ts";

export const card: Card = {
  number: 86,
  slug: "enterprise-hard-negatives",
  title: "Hard Negative Mining for Domain-Specific Retrieval in Enterprise Systems",
  year: 2025,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2505.18366",
  link: "https://arxiv.org/abs/2505.18366",
  summary:
    "Picks hard negatives for a domain-specific reranker by geometry in an ensemble space: normalised vectors of several encoders are concatenated and reduced by PCA to 95% of the variance. A document qualifies if its distance to the query is below both the positive's distance to the query and its own distance to the positive; the second test screens out false negatives. The reranker is fine-tuned on the triples.",
  claim:
    "A reranker fine-tuned on negatives from the two-condition rule ranks better than one trained on random, BM25, in-batch, STAR or ADORE negatives. In relative terms, MRR@3 is reported to improve by 15% and MRR@10 by 19%.",
  formula: String.raw`d(Q,D)<d(Q,\mathit{PD})\ \wedge\ d(Q,D)<d(\mathit{PD},D),\qquad d=1-\cos`,
  exports: [
    "negatives/two-condition: twoConditionNegatives",
    "retrieval/concatenate: concatenateEncoders",
    "retrieval/principal-components: principalComponents",
    "retrieval/fusion: reciprocalRankFusion",
  ],
  notes: [
    "The paper's corpus and code are not public. How many negatives a query gets and what happens without a qualifying document is not told in what could be read; here it is one, and queries without it are left out of training. Falling back on the nearest document that meets the second condition alone, as the library does unless told otherwise, would make the first condition idle: with one negative a query, the choice is then the same with and without it.",
    "Components are centred, as principal components are, so keeping all of the variance leaves distances as they are but not cosines.",
    "The encoders and the reranker's first phase see other entries than those of the study, as published models do. A first draft in the world of latent intents was given up before any result: towers for queries and for documents lie in regions of their own, so that hardly a document is closer to a query than to its positive, and 4 % of the queries had a document that met both conditions.",
    "Reciprocal ranks count the first relevant card, labelled or not, over the test queries whose labelled card is among the 50 that are ranked anew.",
    "The reranker is a network of one hidden layer on products and differences of the first encoder's vectors, the three encoders' cosines and the weighted share of shared words; it learns by a logistic loss on pairs of a positive and a negative score.",
    "Changed after a first run at the default scale, in which rerankers trained on one mined negative a query fell below the order of chance (MRR@3 of 0.03 with both conditions, 0.01 with static negatives, 0.39 with random ones): where every negative is closer to its query than the positive is, the reranker learns that closeness speaks against a card. Since then every query has a random negative beside the arm's, in all arms, and a smaller learning rate can be chosen; sizes and seeds were cut to the time of a default run. The first run had contradicted the two claims on ranking.",
    "A network on bags of words cannot read why a near card is wrong. On the tuning seed every hard negative, however chosen, does best at the smallest learning rate, so the study says little about rerankers that read a text in order.",
    "Static negatives are the nearest cards by the first encoder (STAR), dynamic ones the reranker's own highest among the first stage's 50, found anew every 100 steps, in the place of ADORE, which trains a query encoder.",
  ],
};

interface Settings {
  /** Entries that encoders and the reranker's first phase learn from. */
  elsewhere: number;
  train: number;
  development: number;
  test: number;
  encoderSteps: number;
  warmSteps: number;
  steps: number;
  every: number;
  learningRates: number[];
}

/** Cards of the first stage that are ranked anew. */
const DEPTH = 50;
const BATCH = 64;

interface Arm {
  negatives: "conditions" | "bm25" | "static" | "dynamic" | "in-batch" | "random" | "none";
  conditions?: Condition[];
  space?: "ensemble" | "single";
}

const arms: Record<string, Arm> = {
  both: { negatives: "conditions", conditions: ["query", "positive"], space: "ensemble" },
  bothSingle: { negatives: "conditions", conditions: ["query", "positive"], space: "single" },
  queryOnly: { negatives: "conditions", conditions: ["query"], space: "ensemble" },
  bm25: { negatives: "bm25" },
  static: { negatives: "static" },
  dynamic: { negatives: "dynamic" },
  inBatch: { negatives: "in-batch" },
  random: { negatives: "random" },
  none: { negatives: "none" },
};

const compare = (metric: string, better: "higher" | "lower", baselines: string[]) =>
  baselines.map((baseline) => ({ metric, method: "both", baseline, better }));
const others = ["none", "random", "inBatch", "bm25", "static", "dynamic"];

export const study = defineStudy<Settings>({
  arms: {
    both: "nearest card that meets both conditions in the space of three encoders",
    bothSingle: "the same in the space of the first encoder",
    queryOnly: "nearest card that outranks the positive",
    bm25: "best card by BM25",
    static: "nearest card by the first encoder",
    dynamic: "the reranker's own highest card, found anew during training",
    inBatch: "positive of another query",
    random: "random card",
    none: "no fine-tuning",
  },
  scales: {
    smoke: {
      elsewhere: 100,
      train: 100,
      development: 20,
      test: 50,
      encoderSteps: 5,
      warmSteps: 5,
      steps: 6,
      every: 3,
      learningRates: [1e-3],
      seeds: 2,
    },
    default: {
      elsewhere: 1000,
      train: 1000,
      development: 300,
      test: 500,
      encoderSteps: 200,
      warmSteps: 300,
      steps: 200,
      every: 100,
      learningRates: [3e-5, 3e-4, 1e-3],
      seeds: 4,
    },
    full: {
      elsewhere: 3000,
      train: 3000,
      development: 500,
      test: 1500,
      encoderSteps: 400,
      warmSteps: 1000,
      steps: 1500,
      every: 200,
      learningRates: [3e-5, 1e-4, 3e-4, 1e-3],
      seeds: 10,
    },
  },
  metrics: {
    "MRR@3": "reciprocal rank of the first relevant card among the first 3, else 0, mean over test queries",
    "MRR@10": "the same among the first 10",
    "nDCG@10": "both cards relevant",
    "MRR@3, labelled": "as MRR@3, the labelled card alone relevant",
    "false negatives":
      "share of the negatives that are the query's hidden card; of drawn and found-anew ones the last",
    accepted: "share of the training queries with a card that meets the arm's conditions; 1 for other arms",
    "used queries": "share of the training queries that have a negative",
  },
  curves: { "training loss": { x: "step", y: "logistic loss of score differences, nats" } },
  claims: [
    {
      id: "mrr3",
      statement:
        "A reranker fine-tuned on two-condition negatives ranks better than one without fine-tuning and than ones fine-tuned on random, in-batch, BM25, static and dynamic negatives.",
      rule: "MRR@3 on test queries, paired by seed. Supports if the 95 % interval of the gain lies above 0 against all six, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: compare("MRR@3", "higher", others),
    },
    {
      id: "mrr10",
      statement: "The same by MRR@10.",
      rule: "As for MRR@3.",
      comparisons: compare("MRR@10", "higher", others),
    },
    {
      id: "second-condition",
      statement: "The second condition screens out false negatives, and ranks better than the first alone.",
      rule: "Share of false negatives and MRR@3, paired by seed. Supports if both 95 % intervals of the gain lie above 0, contradicts if one lies below, else inconclusive.",
      comparisons: [
        ...compare("false negatives", "lower", ["queryOnly"]),
        ...compare("MRR@3", "higher", ["queryOnly"]),
      ],
    },
    {
      id: "ensemble",
      statement: "Conditions in the space of several encoders choose better negatives than in that of one.",
      rule: "MRR@3 on test queries, paired by seed. Supports if the 95 % interval of the gain lies above 0, contradicts if below, else inconclusive.",
      comparisons: compare("MRR@3", "higher", ["bothSingle"]),
    },
  ],
  distance:
    "The paper fine-tunes cross-encoders on a company's corpus with vectors of six published encoders; here a network of 9,000 weights ranks 50 of 3,600 cards of WordNet nouns, with vectors of three bag-of-words encoders of 64 numbers each.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate =
      arm === "none"
        ? 0
        : await chooseOnce(
            ["enterprise-hard-negatives", arm, settings],
            settings.learningRates,
            async (rate) => {
              const { reranker } = await fineTune(arm, settings, rate, TUNING_SEED, signal);
              return (await quality(reranker, settings, TUNING_SEED, "development"))["MRR@3"];
            },
          );
    const { reranker, negatives, accepted } = await fineTune(
      arm,
      settings,
      learningRate,
      seed,
      signal,
      (step, loss) => {
        report.progress(step / settings.steps);
        if (step % 10 === 0 || step === settings.steps) report.point("training loss", step, loss);
      },
    );
    const used = [...negatives].map(([query, document]) => ({ query, documents: [document] }));
    return {
      ...(await quality(reranker, settings, seed, "test")),
      "false negatives": cardFalseNegativeRate(used),
      accepted,
      "used queries": used.length / settings.train,
    };
  },
});

interface Encoded {
  queries: Vectors;
  documents: Vectors;
}

interface Corpus {
  cards: HiddenCards;
  /** Entries by part, from the first up to but not including the second. */
  parts: Record<"elsewhere" | "train" | "development" | "test", readonly [number, number]>;
  /** Of length 1; the first is the first stage's. */
  encoders: Encoded[];
  /** Share of the query's words, weighted by their inverse document frequency, that stand in the document. */
  overlap: (query: number, document: number) => number;
  /** The cards of other entries than those elsewhere that BM25 finds for a query, best first. */
  lexical: (query: number) => number[];
}

/** The texts and what is learnt of them elsewhere. */
const corpus = remember(async (seed: number, settings: Settings): Promise<Corpus> => {
  const { elsewhere, train, development, test, encoderSteps: steps } = settings;
  const cards = hiddenCards(seed, { train: elsewhere + train, development, test });
  const draw = random(seed).split("encoders");
  const batches = (_: number, batch: Random) => [...batch.sample(elsewhere, BATCH)];
  const learnt = await trainBags({ cards, seed, steps, learningRate: 3e-3, batches });
  const untrained = await trainBags({ cards, seed, steps: 0, learningRate: 3e-3 });
  const texts = [...cards.queries.slice(0, elsewhere), ...cards.documents.slice(0, 2 * elsewhere)];
  const latent = fitStaticEncoder(texts, { random: draw, width: 64 });
  const semantic = (list: readonly string[]) => unitRows(encodeTexts(latent, list));
  const index = bm25Index(cards.documents.slice(2 * elsewhere));
  const weightOf = (word: string) => {
    const term = index.terms.get(word);
    return term === undefined ? 0 : index.inverseDocumentFrequencies[term]!;
  };
  const queryWords = cards.queries.map((text) =>
    [...new Set(words(text))].map((word) => [word, weightOf(word)] as const),
  );
  const documentWords = cards.documents.map((text) => new Set(words(text)));
  return {
    cards,
    parts: { ...cards.parts, elsewhere: [0, elsewhere], train: [elsewhere, elsewhere + train] },
    encoders: [
      encodeCards(learnt, cards),
      encodeCards(untrained, cards),
      { queries: semantic(cards.queries), documents: semantic(cards.documents) },
    ],
    overlap: (query, document) => {
      let shared = 0;
      let all = 1e-9;
      for (const [word, weight] of queryWords[query]!) {
        all += weight;
        if (documentWords[document]!.has(word)) shared += weight;
      }
      return shared / all;
    },
    lexical: (query) =>
      search(index, cards.queries[query]!, 2 * DEPTH).map(({ document }) => 2 * elsewhere + document),
  };
});

const rowsBetween = ({ data, width }: Vectors, from: number, to: number) =>
  vectors(data.subarray(from * width, to * width), width);

/**
 * The first stage's lists of a part: BM25 and the first encoder fused, `DEPTH` cards to a query. Training queries
 * see the cards of training entries, other queries those of all entries but elsewhere's.
 */
const firstStage = remember(
  async (seed: number, settings: Settings, part: "elsewhere" | "train" | "development" | "test") => {
    const { parts, encoders, lexical } = await corpus(seed, settings);
    const [from, to] = parts[part];
    const among = part === "elsewhere" || part === "train" ? parts[part] : [parts.train[0], parts.test[1]];
    const [low, high] = [2 * among[0]!, 2 * among[1]!];
    const { queries, documents } = encoders[0]!;
    const dense = await denseIndex(rowsBetween(documents, low, high), { threads: 1 }).search(
      rowsBetween(queries, from, to),
      DEPTH,
    );
    return Array.from({ length: to - from }, (_, i) => {
      const list = dense.documents
        .subarray(i * dense.width, (i + 1) * dense.width)
        .map((document) => low + document);
      if (part === "elsewhere") return { dense: [...list], bm25: [], fused: [...list] };
      const bm25 = lexical(from + i).filter((document) => document < high);
      const fused = reciprocalRankFusion([bm25, list]).slice(0, DEPTH);
      return { dense: [...list], bm25, fused: fused.map(({ document }) => document) };
    });
  },
  8,
);

const INPUTS = 2 * 64 + 4;
const network = mlp([INPUTS, 64, 1]);
type Reranker = ReturnType<typeof network.init>;

/** What the reranker sees of pairs of a query and a document, [pairs, INPUTS]. */
function describePairs({ encoders, overlap }: Corpus, pairs: readonly (readonly [number, number])[]): Tensor {
  const x = new Float32Array(pairs.length * INPUTS);
  for (const [pair, [query, document]] of pairs.entries()) {
    const start = pair * INPUTS;
    for (const [i, { queries, documents }] of encoders.entries()) {
      const { width, data: u } = queries;
      const { data: v } = documents;
      const [q, d] = [query * width, document * width];
      let cosine = 0;
      for (let k = 0; k < width; k++) {
        const product = u[q + k]! * v[d + k]!;
        cosine += product;
        if (i > 0) continue;
        // Entries of unit vectors are small; these are of order 1.
        x[start + 2 * k] = product * width;
        x[start + 2 * k + 1] = Math.abs(u[q + k]! - v[d + k]!) * Math.sqrt(width);
      }
      x[start + 128 + i] = 3 * cosine;
    }
    x[start + 131] = 3 * overlap(query, document);
  }
  return fromData(x, [pairs.length, INPUTS]);
}

/** A reranker after a first phase on the entries elsewhere, with negatives of the first encoder's nearest. */
const pretrained = remember(async (seed: number, settings: Settings): Promise<Reranker> => {
  const texts = await corpus(seed, settings);
  const lists = await firstStage(seed, settings, "elsewhere");
  const draw = random(seed).split("pretraining");
  const negative = (query: number) => draw.choice(lists[query]!.dense);
  const start = network.init(random(seed).split("reranker"));
  return train(
    start,
    texts,
    texts.parts.elsewhere,
    settings.warmSteps,
    1e-3,
    draw.split("batches"),
    negative,
  );
});

interface Hooks {
  signal?: AbortSignal;
  onStep?: (step: number, loss: number) => void;
  every?: number;
  refresh?: (reranker: Reranker) => Promise<void>;
}

/** Trains on two negatives a query, the arm's and a random one. */
async function train(
  start: Reranker,
  texts: Corpus,
  [from, to]: readonly [number, number],
  steps: number,
  learningRate: number,
  draw: Random,
  negative: (query: number) => number | undefined,
  { signal, onStep, every, refresh }: Hooks = {},
): Promise<Reranker> {
  const optimizer = adam({ learningRate });
  const begin = () => optimizer.init(start);
  const step = compile(
    (state: ReturnType<typeof begin>, positives: Tensor, negatives: Tensor, others: Tensor) => {
      const [loss, gradients] = valueAndGrad((params: Reranker) => {
        const [right, wrong, random] = [positives, negatives, others].map((x) => network.apply(params, x));
        return mean(add(softplus(subtract(wrong!, right!)), softplus(subtract(random!, right!))));
      })(state.params);
      return { state: optimizer.update(state, gradients), loss };
    },
    { threads: 1 },
  );
  let state = begin();
  for (let i = 0; i < steps; i++) {
    signal?.throwIfAborted();
    if (refresh && i % every! === 0) await refresh(state.params);
    const batch = draw.split(i);
    const pairs: [query: number, document: number][] = [];
    while (pairs.length < BATCH) {
      const query = batch.integer(from, to);
      const document = negative(query);
      if (document !== undefined && document !== labelledOf(query)) pairs.push([query, document]);
    }
    const others = pairs.map(([query]): [number, number] => {
      const document = batch.integer(2 * from, 2 * to);
      return [query, document === labelledOf(query) ? document + 1 : document];
    });
    const positives = pairs.map(([query]): [number, number] => [query, labelledOf(query)]);
    const result = await step(
      state,
      describePairs(texts, positives),
      describePairs(texts, pairs),
      describePairs(texts, others),
    );
    state = result.state;
    onStep?.(i + 1, values(result.loss)[0]!);
  }
  return state.params;
}

interface Mined {
  /** Negatives of training queries; one without any is left out of training. */
  negatives: Map<number, number>;
  /** Share of the training queries with a card that meets the conditions. */
  accepted: number;
}

/** Training queries and cards by one encoder or all of them, as the components that keep 95 % of the variance. */
const spaceOf = remember(
  async (seed: number, settings: Settings, space: "ensemble" | "single"): Promise<Encoded> => {
    const { parts, encoders } = await corpus(seed, settings);
    const [from, to] = parts.train;
    const used = space === "single" ? encoders.slice(0, 1) : encoders;
    const queries = concatenateEncoders(used.map((one) => rowsBetween(one.queries, from, to)));
    const documents = concatenateEncoders(used.map((one) => rowsBetween(one.documents, 2 * from, 2 * to)));
    const { width } = queries;
    const { transform } = principalComponents(
      vectors(Float32Array.from([...queries.data, ...documents.data]), width),
    );
    return { queries: transform(queries), documents: transform(documents) };
  },
);

const mine = async (name: string, settings: Settings, seed: number): Promise<Mined> => {
  const { negatives: kind, conditions = [], space } = arms[name]!;
  const { parts } = await corpus(seed, settings);
  const [from, to] = parts.train;
  const queries = Array.from({ length: to - from }, (_, i) => from + i);
  if (kind === "conditions") {
    const reduced = await spaceOf(seed, settings, space!);
    const mined = await twoConditionNegatives(
      reduced.queries,
      reduced.documents,
      queries.map((query) => labelledOf(query) - 2 * from),
      { conditions, fallback: false, threads: 1 },
    );
    return {
      negatives: new Map(
        mined.flatMap(({ query, documents: [document] }): [number, number][] =>
          document === undefined ? [] : [[from + query, 2 * from + document]],
        ),
      ),
      accepted: mined.filter(({ accepted }) => accepted > 0).length / mined.length,
    };
  }
  const lists = await firstStage(seed, settings, "train");
  const draw = random(seed).split("negatives");
  const pick = (query: number): number | undefined => {
    const best = (list: readonly number[]) => list.find((document) => document !== labelledOf(query));
    if (kind === "random") return draw.integer(2 * from, 2 * to);
    if (kind === "in-batch") return labelledOf(draw.integer(from, to));
    return best(kind === "bm25" ? lists[query - from]!.bm25 : lists[query - from]!.dense);
  };
  const pairs = queries.flatMap((query): [number, number][] => {
    const document = pick(query);
    return document === undefined || document === labelledOf(query) ? [] : [[query, document]];
  });
  return { negatives: new Map(pairs), accepted: 1 };
};

async function fineTune(
  name: string,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
) {
  const texts = await corpus(seed, settings);
  const start = await pretrained(seed, settings);
  const mined = await mine(name, settings, seed);
  const { negatives: kind } = arms[name]!;
  if (kind === "none") {
    onStep?.(settings.steps, 0);
    return { reranker: start, ...mined };
  }
  const [from, to] = texts.parts.train;
  const draw = random(seed).split("drawn anew");
  const refresh = async (now: Reranker) => {
    const lists = await firstStage(seed, settings, "train");
    const scores = await scoreLists(now, texts, lists, from);
    lists.forEach(({ fused }, i) => {
      const ranked = Array.from(rankByScore(scores[i]!), (at) => fused[at]!);
      mined.negatives.set(from + i, ranked.find((document) => document !== labelledOf(from + i))!);
    });
  };
  const negative = (query: number) => {
    if (kind === "random") return draw.integer(2 * from, 2 * to);
    if (kind === "in-batch") return labelledOf(draw.integer(from, to));
    return mined.negatives.get(query);
  };
  const batches = random(seed).split("fine-tuning");
  const reranker = await train(
    start,
    texts,
    texts.parts.train,
    settings.steps,
    learningRate,
    batches,
    negative,
    {
      signal,
      onStep,
      ...(kind === "dynamic" && { every: settings.every, refresh }),
    },
  );
  return { reranker, ...mined };
}

/** The reranker's scores of each list's documents; list i belongs to query `from` + i. */
async function scoreLists(
  reranker: Reranker,
  texts: Corpus,
  lists: readonly { fused: readonly number[] }[],
  from: number,
): Promise<Float32Array[]> {
  const pairs = lists.flatMap(({ fused }, i) => fused.map((document) => [from + i, document] as const));
  const run = compile((params: Reranker, x: Tensor) => reshape(network.apply(params, x), [-1]), {
    threads: 1,
  });
  const scores = values(await run(reranker, describePairs(texts, pairs))) as Float32Array;
  let at = 0;
  return lists.map(({ fused }) => {
    at += fused.length;
    return scores.subarray(at - fused.length, at);
  });
}

/** How good the reranked lists of a part are, over the queries whose list holds the labelled card. */
async function quality(reranker: Reranker, settings: Settings, seed: number, part: "development" | "test") {
  const texts = await corpus(seed, settings);
  const from = texts.parts[part][0];
  const lists = await firstStage(seed, settings, part);
  const scores = await scoreLists(reranker, texts, lists, from);
  const rankings = lists
    .map(({ fused }, i) => ({
      query: from + i,
      documents: Array.from(rankByScore(scores[i]!), (at) => fused[at]!),
    }))
    .filter(({ query, documents }) => documents.includes(labelledOf(query)));
  const average = (
    measure: (ranking: JudgedRanking) => number,
    relevant: (query: number) => readonly number[],
  ) => {
    const total = rankings.reduce((sum, { query, documents }) => {
      const grades = new Map(relevant(query).map((document) => [document, 1]));
      return sum + measure({ documents, grades });
    }, 0);
    return total / rankings.length;
  };
  return {
    "MRR@3": average((ranking) => reciprocalRank(ranking, 3), relevantOf),
    "MRR@10": average((ranking) => reciprocalRank(ranking, 10), relevantOf),
    "nDCG@10": average((ranking) => ndcg(ranking, { k: 10 }), relevantOf),
    "MRR@3, labelled": average(
      (ranking) => reciprocalRank(ranking, 3),
      (query) => [labelledOf(query)],
    ),
  };
}
