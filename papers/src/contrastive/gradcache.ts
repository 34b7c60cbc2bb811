import {
  compile,
  fromData,
  leaves,
  mean,
  stack,
  type Tensor,
  valueAndGrad,
  values,
  zeros,
  zipTrees,
} from "nearmiss";
import { LATENT_FEATURES } from "nearmiss/data";
import { peakMemory } from "nearmiss/diagnostics";
import { gradientCache } from "nearmiss/fit";
import { infoNCE } from "nearmiss/losses";
import { mlp, transformerEncoder } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { defineStudy } from "../study.ts";
import { qualityOf, type Towers, trainTowers, world } from "../tasks/latent-retrieval.ts";

export const card: Card = {
  number: 143,
  slug: "gradcache",
  title: "Scaling Deep Contrastive Learning Batch Size under Memory Limited Setup",
  year: 2021,
  family: "contrastive",
  kind: "algorithm",
  arxiv: "2101.06983",
  link: "https://arxiv.org/abs/2101.06983",
  code: "https://github.com/luyug/GradCache",
  summary:
    "A large contrastive batch is processed in chunks by cutting the backward pass at the representations. All chunks are first encoded without gradients; the loss on all representations then yields and stores a gradient for each of them. Every chunk is encoded again with the same random state, and its stored gradient is propagated into the encoder before one optimiser step.",
  claim:
    "The chunked procedure reproduces the full-batch gradient exactly, with activation memory for one chunk only and one more forward pass per example. Gradient accumulation at the same memory optimises a weaker objective, because each example sees only the negatives of its own chunk.",
  formula: String.raw`\frac{\partial L}{\partial\Theta}=\sum_i u_i^\top\frac{\partial f(s_i)}{\partial\Theta},\qquad u_i=\frac{\partial L}{\partial f(s_i)}`,
  exports: ["fit/gradient-cache: gradientCache", "diagnostics/memory: peakMemory", "tensor/gradient: vjp"],
  notes: [
    "The authors' code records the state of the random generator before each chunk and sets it again for the second pass. Here masks are inputs of a chunk, so that both passes share them by construction.",
    "Memory is counted from the graphs: the bytes of all values between inputs and results that are alive at once, so that a run repeats exactly. It is taken for a transformer of 2 layers of width 64 on 32 tokens, since the towers that are trained here are so small that the scores of a batch outweigh them. The resident memory of a process is measured in the library's tests: a batch of 512 short texts added 48 MB, in chunks of 8 it added 10 MB.",
    "What still grows with the batch under the cache is the representations and the square matrix of scores.",
  ],
};

const tower = mlp([LATENT_FEATURES, 128, 32]);

interface Pairs {
  queries: Tensor;
  documents: Tensor;
}

const encode = ({ query, document }: Towers, { queries, documents }: Pairs): Pairs => ({
  queries: tower.apply(query, queries),
  documents: tower.apply(document, documents),
});
const loss = ({ queries, documents }: Pairs) => infoNCE(queries, documents);

/** The gradient of a batch that is given in chunks. */
type GradientOf = (towers: Towers, chunks: Pairs[]) => Promise<{ loss: Tensor; gradients: Towers }>;

const threads = { threads: 1 };

function fullBatch(): GradientOf {
  const both = compile(
    valueAndGrad((towers: Towers, batch: Pairs) => loss(encode(towers, batch))),
    threads,
  );
  return async (towers, chunks) => {
    const [value, gradients] = await both(towers, joined(chunks));
    return { loss: value, gradients };
  };
}

/** The mean over chunks of each chunk's own loss. */
function accumulated(): GradientOf {
  const each = fullBatch();
  const average = compile(
    <T>(parts: [T, ...T[]]) => zipTrees(parts, (...same) => mean(stack(same), { axis: 0 })),
    threads,
  );
  return async (towers, chunks) => {
    const parts = [];
    for (const chunk of chunks) parts.push(await each(towers, [chunk]));
    return average(parts as [(typeof parts)[number]]);
  };
}

const ways: Record<string, () => GradientOf> = {
  cached: () => gradientCache({ encode, loss, ...threads }),
  accumulated,
  full: fullBatch,
};

interface Settings {
  topics: number;
  batchSize: number;
  chunkSize: number;
  steps: number;
  learningRates: number[];
}

export const study = defineStudy<Settings>({
  arms: {
    cached: "gradients of the whole batch by the cache, in chunks",
    accumulated: "the mean of the chunks' own gradients",
    full: "the whole batch at once",
  },
  scales: {
    smoke: { topics: 10, batchSize: 32, chunkSize: 8, steps: 5, learningRates: [3e-3], seeds: 2 },
    default: {
      topics: 100,
      batchSize: 256,
      chunkSize: 16,
      steps: 150,
      learningRates: [1e-3, 3e-3, 1e-2],
      seeds: 6,
    },
    full: {
      topics: 300,
      batchSize: 1024,
      chunkSize: 16,
      steps: 400,
      learningRates: [3e-4, 1e-3, 3e-3, 1e-2],
      seeds: 10,
    },
  },
  metrics: {
    "nDCG@10": "of test queries, all documents of the query's intent relevant",
    "MRR@10": "of test queries, the labelled document alone relevant",
    "gradient error":
      "largest difference from the gradient of the whole batch at once, relative to its largest element: the most of the first and the last step",
    "memory growth":
      "bytes that a further pair in the batch adds to the values held at once in a transformer's step, in kB",
  },
  curves: { "training loss": { x: "step", y: "InfoNCE, nats, over the batch or over chunks" } },
  claims: [
    {
      id: "identity",
      statement: "The cached gradient is that of the full batch.",
      rule: "Supports if the upper end of the 95 % interval of the relative gradient error is at most 1e-5, contradicts if the lower end is above, else inconclusive. The full batch itself has error 0.",
      comparisons: [{ metric: "gradient error", method: "cached", baseline: "full", better: "lower" }],
      decide: ([error]) =>
        error!.low >= -1e-5 ? "supports" : error!.high < -1e-5 ? "contradicts" : "inconclusive",
    },
    {
      id: "memory",
      statement:
        "Memory that grows with the batch nearly vanishes: the cache holds the activations of one chunk only.",
      rule: "Memory growth of a transformer's step. Supports if it is at least 80 % lower than that of the full batch, contradicts if it is not lower, else inconclusive.",
      comparisons: [{ metric: "memory growth", method: "cached", baseline: "full", better: "lower" }],
      decide: ([saved]) =>
        saved!.low >= 0.8 * growth("full") ? "supports" : saved!.high <= 0 ? "contradicts" : "inconclusive",
    },
    {
      id: "accumulation",
      statement:
        "For equal examples and chunks, the cache trains a better retriever than gradient accumulation.",
      rule: "nDCG@10 on test queries, paired by seed, each way with its best learning rate. Supports if the 95 % interval of the gain lies above 0, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "nDCG@10", method: "cached", baseline: "accumulated", better: "higher" }],
    },
  ],
  distance:
    "The paper trains DPR with BERT on Natural Questions in batches of 128 on one GPU, and of 512 and more by the cache; here two-layer towers of 25,000 weights learn 1,000 made-up intents in batches of 256 as 16 chunks of 16.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await chooseOnce(
      ["gradcache", arm, settings],
      settings.learningRates,
      async (candidate) => {
        const { towers } = await train(arm, settings, candidate, TUNING_SEED, signal);
        const tuning = world(TUNING_SEED, settings.topics);
        return (await qualityOf(towers, tuning, tuning.development))["nDCG@10"];
      },
    );
    const { towers, error } = await train(arm, settings, learningRate, seed, signal, (step, value) => {
      report.progress(step / settings.steps);
      report.point("training loss", step, value);
    });
    const data = world(seed, settings.topics);
    return {
      ...(await qualityOf(towers, data, data.test)),
      "gradient error": error,
      "memory growth": growth(arm),
    };
  },
});

/** Trains by Adam. Equal seeds see equal weights, batches and chunks; a batch holds an intent once at most. */
async function train(
  arm: string,
  { topics, batchSize, chunkSize, steps }: Settings,
  learningRate: number,
  seed: number,
  signal: AbortSignal,
  onStep?: (step: number, loss: number) => void,
) {
  const data = world(seed, topics);
  const { train: queries, documents, labelled } = data;
  const [gradientOf, exact] = [ways[arm]!(), fullBatch()];
  const optimizer = adam({ learningRate });
  const update = compile(optimizer.update, threads);
  let state = optimizer.init(await trainTowers({ world: data, seed, steps: 0, learningRate }));
  const root = random(seed).split("batches");
  let error = 0;
  for (let step = 0; step < steps; step++) {
    signal.throwIfAborted();
    const draw = root.split(step);
    const intents = draw.sample(labelled.length, batchSize);
    const perIntent = queries.count / labelled.length;
    const chunks = Array.from({ length: batchSize / chunkSize }, (_, i): Pairs => {
      const part = intents.subarray(i * chunkSize, (i + 1) * chunkSize);
      return {
        queries: rowsOf(queries.features, part, (intent) => intent * perIntent + draw.integer(0, perIntent)),
        documents: rowsOf(documents.features, part, (intent) => labelled[intent]!),
      };
    });
    const { loss: value, gradients } = await gradientOf(state.params, chunks);
    if (step === 0 || step === steps - 1) {
      const expected = (await exact(state.params, chunks)).gradients;
      error = Math.max(error, relativeError(gradients, expected));
    }
    state = await update(state, gradients);
    onStep?.(step + 1, values(value)[0]!);
  }
  return { towers: state.params, error };
}

function rowsOf(features: Float32Array, intents: Int32Array, row: (intent: number) => number): Tensor {
  const data = new Float32Array(intents.length * LATENT_FEATURES);
  intents.forEach((intent, i) => {
    const from = row(intent) * LATENT_FEATURES;
    data.set(features.subarray(from, from + LATENT_FEATURES), i * LATENT_FEATURES);
  });
  return fromData(data, [intents.length, LATENT_FEATURES]);
}

const joined = (chunks: Pairs[]): Pairs => {
  const all = (part: keyof Pairs) => {
    const rows = Float32Array.from(chunks.flatMap((chunk) => Array.from(values(chunk[part]))));
    return fromData(rows, [rows.length / LATENT_FEATURES, LATENT_FEATURES]);
  };
  return chunks.length === 1 ? chunks[0]! : { queries: all("queries"), documents: all("documents") };
};

/** Largest difference of two gradients, relative to the second one's largest element. */
function relativeError(actual: Towers, expected: Towers): number {
  const [a, b] = [actual, expected].map((tree) => leaves(tree).flatMap((x) => Array.from(values(x))));
  const largest = b!.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return b!.reduce((most, x, i) => Math.max(most, Math.abs(x - a![i]!)), 0) / largest;
}

/** kB that each further pair adds, at a batch of 256, to what is held at once: see the card's notes. */
function growth(arm: string): number {
  const [length, width, chunk] = [32, 64, 16];
  const model = transformerEncoder({ layers: 2, width, heads: 4 });
  const params = model.init(random("memory"));
  const texts = (n: number) => ({ queries: zeros([n, length, width]), documents: zeros([n, length, width]) });
  const vectors = (n: number) => ({ queries: zeros([n, width]), documents: zeros([n, width]) });
  const apply = (p: typeof params, { queries, documents }: Pairs): Pairs => ({
    queries: mean(model.apply(p, queries), { axis: 1 }),
    documents: mean(model.apply(p, documents), { axis: 1 }),
  });
  const whole = (n: number) =>
    peakMemory(
      valueAndGrad((p: typeof params, batch: Pairs) => loss(apply(p, batch))),
      params,
      texts(n),
    );
  const held: Record<string, (batch: number) => number> = {
    full: whole,
    accumulated: () => whole(chunk),
    // Passes over chunks and the loss between them do not overlap; the representations outlive all of them.
    cached: (n) => Math.max(whole(chunk), peakMemory(valueAndGrad(loss), vectors(n))) + 2 * 2 * n * width * 4,
  };
  return (held[arm]!(512) - held[arm]!(256)) / 256 / 1000;
}
