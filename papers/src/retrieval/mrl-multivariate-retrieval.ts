import {
  compile,
  expandDims,
  fromData,
  log,
  matmul,
  multiply,
  ones,
  slice,
  square,
  subtract,
  sum,
  type Tensor,
  topK,
  transpose,
  valueAndGrad,
  values,
} from "nearmiss";
import { type IntentRows, LATENT_FEATURES, type LatentIntentWorld } from "nearmiss/data";
import { infoNCEOfScores } from "nearmiss/losses";
import { spearman } from "nearmiss/metrics";
import { mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { evaluateRankings, type Gaussians, gaussianScores, positiveVariance } from "nearmiss/retrieval";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { remember } from "../remember.ts";
import { defineStudy } from "../study.ts";
import { world } from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 168,
  slug: "mrl-multivariate-retrieval",
  title: "Multivariate Representation Learning for Information Retrieval",
  year: 2023,
  family: "retrieval",
  kind: "model",
  arxiv: "2304.14522",
  link: "https://arxiv.org/abs/2304.14522",
  summary:
    "A retrieval encoder outputs a mean and a positive variance per dimension instead of one vector, for queries and documents alike, and ranks documents by the negative KL divergence of the query Gaussian from the document Gaussian. The score can be rewritten as an inner product, so ordinary maximum-inner-product search applies. Training distils a listwise ranking from a cross-encoder.",
  claim:
    "Ranking by negative KL between diagonal Gaussians retrieves better than a single-vector bi-encoder with an index of the same size, and it remains searchable by maximum inner product. The variance learned for a query indicates how difficult that query is.",
  formula: String.raw`-\operatorname{KL}(Q\Vert D)=-\tfrac12\sum_{i=1}^{k}\Big[\ln\frac{\sigma_{d,i}^2}{\sigma_{q,i}^2}-1+\frac{\sigma_{q,i}^2}{\sigma_{d,i}^2}+\frac{(\mu_{q,i}-\mu_{d,i})^2}{\sigma_{d,i}^2}\Big]`,
  exports: [
    "retrieval/distributional: gaussianKL",
    "retrieval/distributional: gaussianScores",
    "retrieval/distributional: queryVectors",
    "retrieval/distributional: documentVectors",
    "retrieval/distributional: positiveVariance",
    "losses/list-distillation: rankDistillation",
  ],
  notes: [
    "The paper's ranking formula has the ratio of the products of the variances where the divergence has the sum of their ratios. The library takes the sum, which is what the divergence is; the printed form is the variant product, its exponent cut off at 10, and an arm of the study.",
    "In its exact form the score is an inner product of 2k + 1 numbers, the paper's of 2k + 2. All arms but one have an index of 65 numbers a document: k = 32 with variances, 65 for points. The arm constant has the same 32 means and no variances.",
    "All arms are trained by softmax over the batch, with learning rate and temperature chosen for each. The paper distils a cross-encoder by a loss that weighs pairs by ranks; the library has it as rankDistillation, the study does without a teacher.",
    "Queries are blurred: to each is added noise of its own strength, between none and that of the features themselves, so that there is something for variances to tell. All arms see the same queries.",
    "A point has no variance, so its correlation with difficulty counts as 0.",
    "At default scale both claims are contradicted. The 32 means alone (0.65 in nDCG@10) do as well as 65 numbers, so it is the variances that cost (0.53): towers that start from random weights give variances of very different size, and the softmax starts at several times the loss of points. Variances fall with the noise in a query, where they should rise.",
  ],
};

const K = 32;
const POINTS = 2 * K + 1;

interface Arm {
  about: string;
  outputs: number;
  /** [n, outputs] and [m, outputs] to scores [n, m]. */
  scores: (queries: Tensor, documents: Tensor) => Tensor;
  /** Whether a query's variances are learnt. */
  varies?: boolean;
}

const gaussians = (x: Tensor): Gaussians => ({
  mean: slice(x, [null, [0, K]]),
  variance: positiveVariance(slice(x, [null, [K, 2 * K]])),
});

/** −‖q − d‖² / 2, the divergence of unit variances. */
function nearness(q: Tensor, d: Tensor): Tensor {
  const squares = (x: Tensor) => multiply(sum(square(x), { axis: 1 }), 0.5);
  const product = matmul(q, transpose(d));
  return subtract(subtract(product, expandDims(squares(q), 1)), expandDims(squares(d), 0));
}

const arms: Record<string, Arm> = {
  divergence: {
    about: "means and variances, negative divergence, k = 32",
    outputs: 2 * K,
    scores: (q, d) => gaussianScores(gaussians(q), gaussians(d)),
    varies: true,
  },
  product: {
    about: "means and variances, the formula as printed, k = 32",
    outputs: 2 * K,
    scores: (q, d) => gaussianScores(gaussians(q), gaussians(d), { variant: "product" }),
    varies: true,
  },
  queryConstant: {
    about: "variances of documents only, k = 32",
    outputs: 2 * K,
    scores: (q, d) => {
      const { mean } = gaussians(q);
      return gaussianScores({ mean, variance: ones(mean.shape, mean.dtype) }, gaussians(d));
    },
  },
  constant: { about: "no variances, distance of 32 means", outputs: K, scores: nearness },
  euclidean: { about: "points, distance, 65 numbers", outputs: POINTS, scores: nearness },
  dot: {
    about: "points, inner product, 65 numbers",
    outputs: POINTS,
    scores: (q, d) => matmul(q, transpose(d)),
  },
};

interface Settings {
  topics: number;
  steps: number;
  batchSize: number;
  learningRates: number[];
  temperatures: number[];
}

const better = (baseline: string) => ({
  metric: "nDCG@10",
  method: "divergence",
  baseline,
  better: "higher" as const,
});

export const study = defineStudy<Settings>({
  arms: Object.fromEntries(Object.entries(arms).map(([name, { about }]) => [name, about])),
  scales: {
    smoke: { topics: 8, steps: 5, batchSize: 32, learningRates: [3e-3], temperatures: [1], seeds: 2 },
    default: {
      topics: 60,
      steps: 250,
      batchSize: 128,
      learningRates: [1e-3, 3e-3],
      temperatures: [0.5, 2],
      seeds: 6,
    },
    full: {
      topics: 200,
      steps: 1500,
      batchSize: 256,
      learningRates: [3e-4, 1e-3, 3e-3],
      temperatures: [0.2, 0.5, 1, 2, 5],
      seeds: 12,
    },
  },
  metrics: {
    "nDCG@10": "of test queries, all documents of the query's intent relevant",
    "MRR@10": "of test queries, the labelled document alone relevant",
    "variance and nDCG":
      "rank correlation over test queries of the sum of a query's log variances with its nDCG@10; 0 for points",
    "variance and blur": "the same with the strength of the noise in the query",
  },
  curves: { "training loss": { x: "step", y: "softmax over the batch, nats" } },
  claims: [
    {
      id: "better-than-points",
      statement: "Ranking by divergence retrieves better than points of an index of the same size.",
      rule: "nDCG@10, paired by seed. Supports if the 95 % interval of the gain lies above 0 against inner product and distance, contradicts if below against one, else inconclusive.",
      comparisons: [better("dot"), better("euclidean")],
    },
    {
      id: "difficulty",
      statement: "The variance of a query tells how difficult it is: the larger, the lower its nDCG@10.",
      rule: "Rank correlation of variance and nDCG@10. Supports if its 95 % interval over seeds lies below 0, contradicts if above, else inconclusive. Points count as 0.",
      comparisons: [
        { metric: "variance and nDCG", method: "divergence", baseline: "euclidean", better: "lower" },
      ],
    },
  ],
  distance:
    "The paper fine-tunes DistilBERT with 768 stored numbers on MS MARCO by distillation from a cross-encoder; here towers of 17,000 weights with 65 stored numbers learn 600 made-up intents in 250 steps of 128, without a teacher.",
  async run({ arm, seed, settings, report, signal }) {
    const candidates = settings.learningRates.flatMap((learningRate) =>
      settings.temperatures.map((temperature) => ({ learningRate, temperature })),
    );
    const choice = await chooseOnce(["mrl", arm, settings], candidates, async (candidate) => {
      const towers = await train(arm, candidate, settings, TUNING_SEED, signal);
      return (await judged(arm, towers, TUNING_SEED, settings, "development"))["nDCG@10"]!;
    });
    const towers = await train(arm, choice, settings, seed, signal, (step, loss) => {
      report.progress(step / settings.steps);
      if (step % 5 === 0 || step === settings.steps) report.point("training loss", step, loss);
    });
    return judged(arm, towers, seed, settings, "test");
  },
});

type Part = "train" | "development" | "test";

/** A world whose queries are blurred, with the strength of the noise in each. */
const blurred = remember((seed: number, topics: number) => {
  const data = world(seed, topics);
  const spread = Math.sqrt(
    data.train.features.reduce((total, x) => total + x * x, 0) / data.train.features.length,
  );
  const blur = (part: Part) => {
    const { features, intents, count } = data[part];
    const draw = random(seed).split("blur").split(part);
    const strengths = draw.uniform(count);
    const noise = draw.normal(features.length, 0, spread);
    const noisy = features.map((x, i) => x + strengths[Math.floor(i / LATENT_FEATURES)]! * noise[i]!);
    return { features: noisy, intents, count, strengths };
  };
  return { train: blur("train"), development: blur("development"), test: blur("test") };
});

const towerOf = (arm: string) => mlp([LATENT_FEATURES, 128, arms[arm]!.outputs]);
type Tower = ReturnType<ReturnType<typeof towerOf>["init"]>;
interface Towers {
  query: Tower;
  document: Tower;
}

/** Trains by Adam on random batches that hold an intent once at most. */
async function train(
  arm: string,
  { learningRate, temperature }: { learningRate: number; temperature: number },
  { topics, steps, batchSize }: Settings,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
): Promise<Towers> {
  const { documents, labelled } = world(seed, topics);
  const queries = blurred(seed, topics).train;
  const tower = towerOf(arm);
  const root = random(seed).split("multivariate");
  const optimizer = adam({ learningRate });
  let state = optimizer.init({
    query: tower.init(root.split("query weights")),
    document: tower.init(root.split("document weights")),
  });
  const step = compile(
    (now: typeof state, q: Tensor, d: Tensor) => {
      const [loss, gradients] = valueAndGrad((params: Towers) => {
        const scores = arms[arm]!.scores(tower.apply(params.query, q), tower.apply(params.document, d));
        return infoNCEOfScores(scores, { temperature });
      })(now.params);
      return { state: optimizer.update(now, gradients), loss };
    },
    { threads: 1 },
  );
  const perIntent = queries.count / labelled.length;
  for (let i = 0; i < steps; i++) {
    signal.throwIfAborted();
    const draw = root.split("batches").split(i);
    const intents = Array.from(draw.sample(labelled.length, Math.min(batchSize, labelled.length)));
    const result = await step(
      state,
      rowsOf(
        queries,
        intents.map((intent) => intent * perIntent + draw.integer(0, perIntent)),
      ),
      rowsOf(
        documents,
        intents.map((intent) => labelled[intent]!),
      ),
    );
    state = result.state;
    onStep?.(i + 1, values(result.loss)[0]!);
  }
  return state.params;
}

function rowsOf({ features }: IntentRows, rows: number[]): Tensor {
  const data = new Float32Array(rows.length * LATENT_FEATURES);
  rows.forEach((row, i) => {
    data.set(features.subarray(row * LATENT_FEATURES, (row + 1) * LATENT_FEATURES), i * LATENT_FEATURES);
  });
  return fromData(data, [rows.length, LATENT_FEATURES]);
}

async function judged(
  arm: string,
  towers: Towers,
  seed: number,
  { topics }: Settings,
  part: "development" | "test",
): Promise<Record<string, number>> {
  const data: LatentIntentWorld = world(seed, topics);
  const queries = blurred(seed, topics)[part];
  const tower = towerOf(arm);
  const search = compile(
    (params: Towers, q: Tensor, d: Tensor) => {
      const encoded = tower.apply(params.query, q);
      const scores = arms[arm]!.scores(encoded, tower.apply(params.document, d));
      const spread = arms[arm]!.varies
        ? sum(log(gaussians(encoded).variance), { axis: 1 })
        : ones([q.shape[0]!]);
      return { found: topK(scores, 10).indices, spread };
    },
    { threads: 1 },
  );
  const all = ({ features, count }: IntentRows) => fromData(features, [count, LATENT_FEATURES]);
  const result = await search(towers, all(queries), all(data.documents));
  const found = values(result.found);
  const rankings = Array.from({ length: queries.count }, (_, i) => found.subarray(i * 10, (i + 1) * 10));
  const relevant = (of: (intent: number) => readonly number[]) =>
    Array.from(queries.intents, (intent) => new Map(of(intent).map((document) => [document, 1])));
  const mean = (x: Float64Array) => x.reduce((total, each) => total + each, 0) / x.length;
  const gains = evaluateRankings(
    rankings,
    relevant((intent) => data.relevant[intent]!),
  )["nDCG@10"];
  const first = evaluateRankings(
    rankings,
    relevant((intent) => [data.labelled[intent]!]),
  )["MRR@10"];
  const spread = values(result.spread);
  const { varies = false } = arms[arm]!;
  return {
    "nDCG@10": mean(gains),
    "MRR@10": mean(first),
    "variance and nDCG": varies ? spearman(spread, gains) : 0,
    "variance and blur": varies ? spearman(spread, queries.strengths) : 0,
  };
}
