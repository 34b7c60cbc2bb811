/**
 * A made-up world of search in which every relevant document is known, the unlabelled ones too.
 *
 * A topic has several intents, an intent one to three documents and some queries. All documents of a
 * query's intent are relevant, but only one is labelled: the others are what a miner of hard negatives
 * takes for negatives by mistake. Other intents of the same topic are the near misses.
 */
import { random } from "../random.ts";

export interface LatentIntentOptions {
  /** Default 100. */
  topics?: number;
  /** Intents of a topic. Default 10. */
  intents?: number;
  /** Training queries of an intent. Default 3. */
  trainQueries?: number;
  /** How far queries lie from their intent, in standard deviations of a latent number. Default 0.25. */
  queryNoise?: number;
}

/** Rows of features with the intent of each. */
export interface IntentRows {
  /** [count, LATENT_FEATURES] */
  features: Float32Array;
  /** [count] */
  intents: Int32Array;
  count: number;
}

export interface LatentIntentWorld {
  documents: IntentRows;
  /** For each intent its labelled document. */
  labelled: Int32Array;
  /** For each intent all its documents, the labelled one first. */
  relevant: readonly (readonly number[])[];
  /** For each intent its topic. */
  topics: Int32Array;
  train: IntentRows;
  /** One query an intent each. */
  development: IntentRows;
  test: IntentRows;
}

/** Numbers by which a document or a query is described. */
export const LATENT_FEATURES = 64;
const TOPIC = 16;
const HIDDEN = 96;

/**
 * Latent z = [topic; intent] with topic ~ N(0, I₁₆) and intent ~ N(0, 0.35² I₁₆); what is seen of it is
 * 3 tanh(z W₁) W₂ plus noise, with matrices of its own for queries and for documents.
 *
 * @param seed of everything: equal seeds give equal worlds
 */
export function latentIntentWorld(
  seed: number | string,
  options: LatentIntentOptions = {},
): LatentIntentWorld {
  const { topics = 100, intents = 10, trainQueries = 3, queryNoise = 0.25 } = options;
  for (const [name, value] of Object.entries({ topics, intents, trainQueries }))
    if (!(Number.isSafeInteger(value) && value > 0))
      throw new RangeError(`latentIntentWorld: ${name} is ${value}; expected a positive integer`);
  const root = random(seed).split("latent intents");
  const draw = root.split("latents");
  const latents = Array.from({ length: topics }, () => {
    const topic = draw.normal(TOPIC);
    return Array.from({ length: intents }, () => Float32Array.of(...topic, ...draw.normal(TOPIC, 0, 0.35)));
  }).flat();
  const seeDocument = view(root.split("document view"));
  const seeQuery = view(root.split("query view"));
  const drawDocuments = root.split("documents");
  const documents = latents.map(() => drawDocuments.integer(1, 4));
  const relevant: number[][] = [];
  let next = 0;
  for (const count of documents) relevant.push(Array.from({ length: count }, () => next++));
  const queries = (name: string, count: number) =>
    rows(
      latents,
      latents.map(() => count),
      seeQuery,
      root.split(name),
      { latent: queryNoise, seen: 0 },
    );
  return {
    documents: rows(latents, documents, seeDocument, drawDocuments, { latent: 0.1, seen: 0.05 }),
    labelled: Int32Array.from(relevant, (list) => list[0]!),
    relevant,
    topics: Int32Array.from(latents, (_, intent) => Math.floor(intent / intents)),
    train: queries("train", trainQueries),
    development: queries("development", 1),
    test: queries("test", 1),
  };
}

type View = (latent: Float32Array) => Float32Array;

function view(draw: ReturnType<typeof random>): View {
  const size = 2 * TOPIC;
  const first = draw.normal(size * HIDDEN, 0, 1.5 / Math.sqrt(size));
  const second = draw.normal(HIDDEN * LATENT_FEATURES, 0, 1 / Math.sqrt(HIDDEN));
  return (latent) => {
    const hidden = product(latent, first, HIDDEN).map((x) => 3 * Math.tanh(x));
    return product(hidden, second, LATENT_FEATURES);
  };
}

/** x · matrix, with the matrix [x.length, width]. */
function product(x: Float32Array, matrix: Float32Array, width: number): Float32Array {
  const y = new Float32Array(width);
  for (let i = 0; i < x.length; i++) for (let j = 0; j < width; j++) y[j]! += x[i]! * matrix[i * width + j]!;
  return y;
}

/** `counts[i]` noisy views of latent i, one after the other. */
function rows(
  latents: readonly Float32Array[],
  counts: readonly number[],
  see: View,
  draw: ReturnType<typeof random>,
  noise: { latent: number; seen: number },
): IntentRows {
  const intents = Int32Array.from(counts.flatMap((count, intent) => new Array<number>(count).fill(intent)));
  const features = new Float32Array(intents.length * LATENT_FEATURES);
  intents.forEach((intent, row) => {
    const latent = latents[intent]!;
    const jitter = draw.normal(latent.length, 0, noise.latent);
    const seen = see(latent.map((x, i) => x + jitter[i]!));
    const grain = draw.normal(LATENT_FEATURES, 0, noise.seen);
    features.set(
      seen.map((x, i) => x + grain[i]!),
      row * LATENT_FEATURES,
    );
  });
  return { features, intents, count: intents.length };
}
