import { compile, fromData, type Tensor, valueAndGrad, values } from "nearmiss";
import { puRisk } from "nearmiss/losses";
import { rocAuc } from "nearmiss/metrics";
import {
  type AdapterParams,
  falseNegativeAdapter,
  falseNegativeLogWeights,
  padNegatives,
  rerankByAdapter,
  sampleWithoutReplacement,
  selectNegatives,
  simansLogWeights,
} from "nearmiss/negatives";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { evaluateRankings, type Vectors } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import {
  candidatesOf,
  encodeRows,
  falseNegativeRate,
  negativesOf,
  qualityOf,
  type Towers,
  trainTowers,
  warmTowers,
  world,
} from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 18,
  slug: "rrra",
  title: "RRRA: Resampling and Reranking through a Retriever Adapter",
  year: 2025,
  family: "retrieval",
  kind: "model",
  arxiv: "2508.11670",
  link: "https://arxiv.org/abs/2508.11670",
  summary:
    "A small network reads the query and document vectors of a bi-encoder and estimates the probability that a retrieved hard negative is in truth an unlabelled positive. In training this probability reweights the negatives, so that likely false ones are drawn less often. At search time the adapter's output reorders the top-k results.",
  claim:
    "A learned, query-specific estimate of which hard negatives are false beats sampling rules based on scores alone, such as uniform top-k, SimANS or TriSampler, in MRR and recall. Using it both to resample negatives in training and to rerank at inference adds negligible cost.",
  formula: String.raw`w_i\propto\left(1-\hat p_{\text{FN},i}\right)^{\eta}g(s_i),\qquad s_{\text{final}}(q,d)=s(q,d)+\lambda\,a_\psi(q,d)`,
  exports: [
    "negatives/adapter: falseNegativeAdapter",
    "negatives/adapter: falseNegativeLogWeights",
    "negatives/adapter: rerankByAdapter",
    "negatives/simans: sampleWithoutReplacement",
    "losses/weak-supervision: puRisk",
  ],
  notes: [
    "There is no public code, and what could be read of the paper leaves the adapter's inputs and targets open. The reading here: one hidden layer of 64 over both vectors, their product, their distance and their cosine; it learns labelled positives against hard negatives, as positive and unlabelled examples, with the non-negative risk and a propensity of 0.7 (a tenth of four negatives being false to each labelled positive).",
    "The rank and the score of the positive are not inputs: the one is unknown in search, and the other gives every labelled positive away in training.",
    "As the paper does, the adapter is trained beside frozen towers: once after the first phase, for resampling, and again beside the final towers, for reranking. Mining and resampling weights are of the first phase.",
    "λ of the reranking is chosen in each trial among 0.003, 0.01, 0.03 and 0.1 by nDCG@10 on that world's development queries. What an arm draws with is chosen from four settings (two for the oracle) together with the learning rate on development queries of a world that no trial uses; reranking alone takes over the choice of the uniform draw, both uses together that of resampling.",
    "What the default run showed: knowing the positive's score is worth more for detection than the adapter is. By the score alone the AUROC is 0.955, by the adapter 0.958, by the score minus the positive's 0.972. An adapter that is told the difference in training, with the difference hidden half of the time, is a reading that was not tried.",
    "TriSampler is not built; the rules on scores are SimANS, a ceiling below the positive's score and uniform draws.",
  ],
};

/** How an arm draws its negatives. */
interface Rule {
  /** Size of a uniform pool, or of the one that is resampled. */
  k?: number;
  /** Exponent of the adapter's weights. */
  exponent?: number;
  /** Sharpness and offset of SimANS. */
  a?: number;
  b?: number;
  /** Ceiling below the positive's score, as a share of it. */
  margin?: number;
}

const uniform = [{ k: 4 }, { k: 8 }, { k: 25 }, { k: 50 }];
const adapted = [1, 4].flatMap((exponent) => [15, 50].map((k) => ({ k, exponent })));

const rules = {
  resample: adapted,
  topK: uniform,
  simans: [50, 200].flatMap((a) => [-0.1, -0.2].map((b) => ({ a, b }))),
  ceiling: [{ margin: 0.05 }, { margin: 0.1 }, { margin: 0.2 }, { margin: 0.3 }],
  oracle: [{ k: 8 }, { k: 25 }],
} satisfies Record<string, Rule[]>;

type Drawing = keyof typeof rules;

/** How an arm draws, and whether the adapter reorders its results. */
const arms: Record<string, { drawing: Drawing; rerank?: true }> = {
  both: { drawing: "resample", rerank: true },
  resample: { drawing: "resample" },
  rerank: { drawing: "topK", rerank: true },
  topK: { drawing: "topK" },
  simans: { drawing: "simans" },
  ceiling: { drawing: "ceiling" },
  oracle: { drawing: "oracle" },
};

const NEGATIVES = 4;
const DEPTH = 50;
const PROPENSITY = 0.7;
const LAMBDAS = [0.003, 0.01, 0.03, 0.1];

interface Settings {
  topics: number;
  warmSteps: number;
  steps: number;
  adapterSteps: number;
  learningRates: number[];
}

const compare = (metric: string, method: string, baselines: string[]) =>
  baselines.map((baseline) => ({ metric, method, baseline, better: "higher" as const }));

export const study = defineStudy<Settings>({
  arms: {
    both: "4 negatives drawn by the adapter, results reordered by it",
    resample: "4 negatives drawn by the adapter",
    rerank: "uniform draws as in topK, results reordered by the adapter",
    topK: "4 drawn uniformly from the top k, k chosen",
    simans: "4 drawn by SimANS, sharpness and offset chosen",
    ceiling: "the best 4 below a share of the positive's score, the share chosen",
    oracle: "4 drawn uniformly from the top k without the false negatives, k chosen, for reference",
  },
  scales: {
    smoke: { topics: 10, warmSteps: 10, steps: 5, adapterSteps: 5, learningRates: [3e-3], seeds: 2 },
    default: {
      topics: 100,
      warmSteps: 400,
      steps: 300,
      adapterSteps: 300,
      learningRates: [1e-3, 3e-3],
      seeds: 6,
    },
    full: {
      topics: 300,
      warmSteps: 600,
      steps: 1500,
      adapterSteps: 1000,
      learningRates: [3e-4, 1e-3, 3e-3],
      seeds: 12,
    },
  },
  metrics: {
    "nDCG@10": "of test queries, all documents of the query's intent relevant",
    "MRR@10": "of test queries, the labelled document alone relevant",
    "false negatives": "share of the drawn negatives that are relevant",
    detection:
      "AUROC of false negatives among the 50 candidates, by what the arm draws by: the adapter's logit, the score (topK, rerank), or the score minus the positive's (simans, ceiling); 1 for the oracle",
  },
  curves: { "training loss": { x: "step", y: "InfoNCE with hard negatives, nats" } },
  claims: [
    {
      id: "detection",
      statement:
        "The adapter tells false negatives better than the score and the score minus the positive's do.",
      rule: "AUROC among the candidates of training queries, paired by seed. Supports if the 95 % interval of the gain lies above 0 against both, contradicts if it lies below 0 against one, else inconclusive.",
      comparisons: compare("detection", "resample", ["topK", "simans"]),
    },
    {
      id: "retrieval",
      statement: "Resampling and reranking together beat uniform draws, SimANS and a ceiling on scores.",
      rule: "nDCG@10 on test queries, paired by seed, decided as above.",
      comparisons: compare("nDCG@10", "both", ["topK", "simans", "ceiling"]),
    },
    {
      id: "parts",
      statement: "Each use of the adapter alone beats uniform draws.",
      rule: "As for retrieval: resampling, and reranking, each against uniform draws.",
      comparisons: [...compare("nDCG@10", "resample", ["topK"]), ...compare("nDCG@10", "rerank", ["topK"])],
    },
  ],
  distance:
    "The paper puts adapters beside BERT towers of 110 million weights on Natural Questions, TriviaQA and MS MARCO; here the adapter sees vectors of 32 numbers of two-layer towers that search 2,000 made-up documents of 1,000 intents.",
  async run({ arm, seed, settings, report, signal }) {
    const { drawing, rerank } = arms[arm]!;
    const { rule, learningRate } = await choose(drawing, settings, signal);
    const towers = await train(drawing, rule, settings, learningRate, seed, signal, (step, loss) => {
      report.progress((0.9 * step) / settings.steps);
      if (step % 10 === 0 || step === settings.steps) report.point("training loss", step, loss);
    });
    const data = world(seed, settings.topics);
    const draw = random(seed).split("measured draws");
    const negatives = await sampler(drawing, rule, settings, seed);
    return {
      ...(rerank ? await reranked(towers, settings, seed) : await qualityOf(towers, data, data.test)),
      "false negatives": falseNegativeRate(
        data,
        Array.from({ length: data.train.count }, (_, query) => ({
          query,
          documents: negatives(query, draw),
        })),
      ),
      detection: await detection(drawing, settings, seed),
    };
  },
});

/** A part's candidates by the towers, and the vectors that the adapter sees. */
async function candidates(
  towers: Towers,
  settings: Settings,
  seed: number,
  part: "train" | "development" | "test",
) {
  const data = world(seed, settings.topics);
  const found = await candidatesOf(towers, data, data[part], DEPTH + 1);
  const [queries, documents] = [
    await encodeRows(towers.query, data[part]),
    await encodeRows(towers.document, data.documents),
  ];
  return { found, queries, documents };
}

type Mined = Awaited<ReturnType<typeof candidates>>;

const mine = remember(
  async (settings: Settings, seed: number): Promise<Mined & { adapter: AdapterParams }> => {
    const towers = await warmTowers({ seed, topics: settings.topics, steps: settings.warmSteps });
    const mined = await candidates(towers, settings, seed, "train");
    return { ...mined, adapter: await trainAdapter(mined, settings, seed) };
  },
  2,
);

const adapter = falseNegativeAdapter(32);

/** Labelled positives against four of the best candidates each, in batches of 64 queries. */
async function trainAdapter(
  { found, queries, documents }: Mined,
  settings: Settings,
  seed: number,
): Promise<AdapterParams> {
  const root = random(seed).split("adapter");
  const optimizer = adam({ learningRate: 1e-3 });
  let state = optimizer.init(adapter.init(root.split("weights")));
  const lists = Array.from(found.positives.keys(), (query) => negativesOf(found, query).slice(0, DEPTH));
  const n = Math.min(64, lists.length);
  const observed = fromData(
    Float32Array.from({ length: n * (1 + NEGATIVES) }, (_, i) => (i % (1 + NEGATIVES) === 0 ? 1 : 0)),
    [n * (1 + NEGATIVES)],
  );
  const step = compile(
    (current: typeof state, q: Tensor, d: Tensor) => {
      const [loss, gradients] = valueAndGrad((params: AdapterParams) =>
        puRisk(adapter.apply(params, q, d), observed, PROPENSITY, { nonNegative: true }),
      )(current.params);
      return { state: optimizer.update(current, gradients), loss };
    },
    { threads: 1 },
  );
  for (let i = 0; i < settings.adapterSteps; i++) {
    const draw = root.split("batches").split(i);
    const pairs = [...draw.sample(lists.length, n)].flatMap((query) => [
      [query, found.positives[query]!] as const,
      ...Array.from(
        draw.sample(lists[query]!.length, NEGATIVES),
        (at) => [query, lists[query]![at]!.document] as const,
      ),
    ]);
    const q = rowsOf(
      queries,
      pairs.map(([query]) => query),
    );
    state = (
      await step(
        state,
        q,
        rowsOf(
          documents,
          pairs.map(([, document]) => document),
        ),
      )
    ).state;
  }
  return state.params;
}

function rowsOf({ data, width }: Vectors, rows: readonly number[]): Tensor {
  const taken = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    taken.set(data.subarray(row * width, (row + 1) * width), i * width);
  });
  return fromData(taken, [rows.length, width]);
}

/** The adapter's logit of every candidate, a list a query, in the order of `negativesOf` or of the ranking. */
async function logitsOf(
  params: AdapterParams,
  { queries, documents }: Mined,
  lists: readonly (readonly { document: number }[])[],
) {
  const run = compile((p: AdapterParams, q: Tensor, d: Tensor) => adapter.apply(p, q, d), { threads: 1 });
  const q = rowsOf(
    queries,
    lists.flatMap((list, query) => list.map(() => query)),
  );
  const all = values(
    await run(
      params,
      q,
      rowsOf(
        documents,
        lists.flat().map(({ document }) => document),
      ),
    ),
  );
  let at = 0;
  return lists.map((list) => list.map(() => all[at++]!));
}

/** The candidates of all training queries with the adapter's logits, by the towers of the first phase. */
const judged = remember(async (settings: Settings, seed: number) => {
  const mined = await mine(settings, seed);
  const lists = Array.from(mined.found.positives.keys(), (query) =>
    negativesOf(mined.found, query).slice(0, DEPTH),
  );
  return { lists, logits: await logitsOf(mined.adapter, mined, lists), mined };
}, 2);

/** Draws a training query's negatives, anew at every call. */
async function sampler(
  drawing: Drawing,
  { k = DEPTH, exponent, a, b, margin }: Rule,
  settings: Settings,
  seed: number,
) {
  const { lists, logits, mined } = await judged(settings, seed);
  const { train, documents } = world(seed, settings.topics);
  const pools = lists.map((all, query) => {
    const s = mined.found.positiveScores[query]!;
    const pool =
      drawing === "oracle"
        ? all.filter(({ document }) => documents.intents[document] !== train.intents[query])
        : all;
    const top = pool.map((_, rank) => (rank < k ? 0 : Number.NEGATIVE_INFINITY));
    const logWeights =
      exponent !== undefined
        ? falseNegativeLogWeights(logits[query]!, { exponent, base: top })
        : a !== undefined
          ? simansLogWeights(
              pool.map(({ score }) => score),
              s,
              { a, b },
            )
          : top;
    const below =
      margin === undefined
        ? undefined
        : selectNegatives(pool, [{ document: -1, score: s }], { count: NEGATIVES, relativeMargin: margin })
            .documents;
    return { pool, logWeights, below };
  });
  return (query: number, draw: ReturnType<typeof random>) => {
    const { pool, logWeights, below } = pools[query]!;
    const drawn =
      below ?? sampleWithoutReplacement(logWeights, NEGATIVES, draw).map((i) => pool[i]!.document);
    const padding = { size: documents.count, exclude: [mined.found.positives[query]!], random: draw };
    return padNegatives(drawn, { count: NEGATIVES, ...padding }).documents;
  };
}

async function train(
  drawing: Drawing,
  rule: Rule,
  settings: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
) {
  const { topics, warmSteps, steps } = settings;
  return trainTowers({
    world: world(seed, topics),
    seed,
    steps,
    learningRate,
    from: await warmTowers({ seed, topics, steps: warmSteps }),
    negatives: await sampler(drawing, rule, settings, seed),
    signal,
    onStep: (step, _, loss) => onStep?.(step, loss),
  });
}

/** Quality of the towers' 50 best documents, reordered by an adapter trained beside them. */
async function reranked(towers: Towers, settings: Settings, seed: number) {
  const { relevant, labelled, ...data } = world(seed, settings.topics);
  const params = await trainAdapter(await candidates(towers, settings, seed, "train"), settings, seed);
  const orders = async (part: "development" | "test") => {
    const mined = await candidates(towers, settings, seed, part);
    const { documents, scores, width } = mined.found;
    const lists = Array.from(mined.found.positives.keys(), (query) =>
      Array.from({ length: width }, (_, rank) => ({
        document: documents[query * width + rank]!,
        score: scores[query * width + rank]!,
      })),
    );
    const logits = await logitsOf(params, mined, lists);
    return (lambda: number) =>
      lists.map((list, query) =>
        rerankByAdapter(list, logits[query]!, lambda).map(({ document }) => document),
      );
  };
  const quality = (
    rankings: number[][],
    intents: Int32Array,
    right: (intent: number) => readonly number[],
  ) => {
    const judgements = Array.from(
      intents,
      (intent) => new Map(right(intent).map((document) => [document, 1])),
    );
    const scores = evaluateRankings(rankings, judgements);
    const mean = (list: Float64Array) => list.reduce((total, x) => total + x, 0) / list.length;
    return { "nDCG@10": mean(scores["nDCG@10"]), "MRR@10": mean(scores["MRR@10"]) };
  };
  const all = (intent: number) => relevant[intent]!;
  const development = await orders("development");
  const gains = LAMBDAS.map(
    (lambda) => quality(development(lambda), data.development.intents, all)["nDCG@10"],
  );
  const lambda = LAMBDAS[gains.indexOf(Math.max(...gains))]!;
  const rankings = (await orders("test"))(lambda);
  return {
    "nDCG@10": quality(rankings, data.test.intents, all)["nDCG@10"],
    "MRR@10": quality(rankings, data.test.intents, (intent) => [labelled[intent]!])["MRR@10"],
  };
}

/** How well what an arm draws by tells false negatives among the candidates of training queries. */
async function detection(drawing: Drawing, settings: Settings, seed: number): Promise<number> {
  if (drawing === "oracle") return 1;
  const { lists, logits, mined } = await judged(settings, seed);
  const { train, documents } = world(seed, settings.topics);
  const truth = lists.flatMap((list, query) =>
    list.map(({ document }) => (documents.intents[document] === train.intents[query] ? 1 : 0)),
  );
  const margin = drawing === "simans" || drawing === "ceiling";
  const scores = lists.flatMap((list, query) =>
    list.map(({ score }) => score - (margin ? mined.found.positiveScores[query]! : 0)),
  );
  return rocAuc(drawing === "resample" ? logits.flat() : scores, truth);
}

/** A drawing's rule and learning rate, by nDCG@10 on development queries. */
function choose(drawing: Drawing, settings: Settings, signal: AbortSignal) {
  const open: Rule[] = settings.learningRates.length > 1 ? rules[drawing] : rules[drawing].slice(0, 1);
  const options = open.flatMap((rule) =>
    settings.learningRates.map((learningRate) => ({ rule, learningRate })),
  );
  return chooseOnce(["rrra", drawing, settings], options, async ({ rule, learningRate }) => {
    const towers = await train(drawing, rule, settings, learningRate, TUNING_SEED, signal);
    const data = world(TUNING_SEED, settings.topics);
    return (await qualityOf(towers, data, data.development))["nDCG@10"];
  });
}
