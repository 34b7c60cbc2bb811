/** Two towers that describe queries and documents of the world of latent intents by sparse weights of learnt terms. */
import { add, compile, fromData, multiply, reshape, type Tensor, valueAndGrad, values } from "nearmiss";
import { type IntentRows, LATENT_FEATURES, type LatentIntentWorld } from "nearmiss/data";
import { mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { expectedProducts, flopsLoss, spladePool, type Vectors, vectors } from "nearmiss/retrieval";

const POSITIONS = 3;
const TERMS = 128;
const tower = mlp([LATENT_FEATURES, 128, POSITIONS * TERMS]);
type Tower = ReturnType<typeof tower.init>;

export interface SparseTowers {
  query: Tower;
  document: Tower;
}

/** The loss of a batch: term weights of queries, positives and one negative each, [n, terms]. */
export type SparseLoss = (batch: {
  queries: Tensor;
  positives: Tensor;
  negatives: Tensor;
  /** The teacher's scores of the positives and of the negatives, [n]. */
  taught: { positive: Tensor; negative: Tensor };
}) => Tensor;

export interface SparseTraining {
  world: LatentIntentWorld;
  seed: number;
  steps: number;
  learningRate: number;
  loss: SparseLoss;
  /** Products for a query and a document that training steers to, by the weight of the regulariser. */
  products: number;
  /** Where training begins; new towers where left out. */
  from?: SparseTowers;
  /** A negative of a training query. */
  negative: (query: number, draw: Random) => number;
  /** The teacher's score. */
  teacher: (query: number, document: number) => number;
  signal?: AbortSignal;
  onStep?: (step: number, loss: number, products: number) => void;
}

const BATCH = 64;
/** How fast the steady part of the regulariser's weight follows the products, in e-folds a step. */
const GAIN = 0.1;

/** Weights and batches depend on the seed alone, so that arms of one seed see the same. */
export async function trainSparseTowers(options: SparseTraining): Promise<SparseTowers> {
  const { world, seed, steps, learningRate, loss, products, negative, teacher, signal, onStep } = options;
  const root = random(seed).split("sparse towers");
  const optimizer = adam({ learningRate });
  let state = optimizer.init(
    options.from ?? {
      query: tower.init(root.split("query weights")),
      document: tower.init(root.split("document weights")),
    },
  );
  const step = compile(
    (now: typeof state, weight: number, rows: [Tensor, Tensor, Tensor], taught: [Tensor, Tensor]) => {
      const [[, weights], gradients] = valueAndGrad((params: SparseTowers) => {
        const queries = encode(params.query, rows[0]);
        const positives = encode(params.document, rows[1]);
        const negatives = encode(params.document, rows[2]);
        const [positive, negative] = taught;
        const ranking = loss({ queries, positives, negatives, taught: { positive, negative } });
        const cost = add(flopsLoss(queries), flopsLoss(positives));
        return [add(ranking, multiply(cost, weight)), { queries, positives, ranking }] as const;
      })(now.params);
      return { state: optimizer.update(now, gradients), weights };
    },
    { threads: 1 },
  );
  const { train, documents, labelled } = world;
  const perIntent = train.count / labelled.length;
  // Logs: how much too many products, and the weight that holds them, found by a proportional-integral controller.
  let off = 0;
  let steady = Math.log(0.01);
  for (let i = 0; i < steps; i++) {
    signal?.throwIfAborted();
    const draw = root.split(`batches of ${options.from ? "the second" : "the first"} phase`).split(i);
    const queries = Array.from(
      draw.sample(labelled.length, Math.min(BATCH, labelled.length)),
      (intent) => intent * perIntent + draw.integer(0, perIntent),
    );
    const positives = queries.map((query) => labelled[train.intents[query]!]!);
    const negatives = queries.map((query) => negative(query, draw));
    const scores = (of: number[]) =>
      fromData(
        Float32Array.from(of, (document, j) => teacher(queries[j]!, document)),
        [queries.length],
      );
    const result = await step(
      state,
      Math.exp(steady + off),
      [rowsOf(train, queries), rowsOf(documents, positives), rowsOf(documents, negatives)],
      [scores(positives), scores(negatives)],
    );
    state = result.state;
    const now = expectedProducts(sparse(result.weights.queries), sparse(result.weights.positives));
    off = Math.max(-2, Math.min(2, Math.log(Math.max(now, 1e-3) / products)));
    steady = Math.max(-12, Math.min(6, steady + GAIN * off));
    onStep?.(i + 1, values(result.weights.ranking)[0]!, now);
  }
  return state.params;
}

const encode = (weights: Tower, x: Tensor): Tensor =>
  spladePool(reshape(tower.apply(weights, x), [x.shape[0]!, POSITIONS, TERMS]));

const sparse = (x: Tensor): Vectors => vectors(values(x) as Float32Array, TERMS);

function rowsOf({ features }: IntentRows, rows: readonly number[]): Tensor {
  const data = new Float32Array(rows.length * LATENT_FEATURES);
  rows.forEach((row, i) => {
    data.set(features.subarray(row * LATENT_FEATURES, (row + 1) * LATENT_FEATURES), i * LATENT_FEATURES);
  });
  return fromData(data, [rows.length, LATENT_FEATURES]);
}

/** Term weights of rows. */
export async function encodeSparse(weights: Tower, { features, count }: IntentRows): Promise<Vectors> {
  const run = compile(encode, { threads: 1 });
  return sparse(await run(weights, fromData(features, [count, LATENT_FEATURES])));
}
