/**
 * Link prediction: which entity completes a fact of a knowledge graph. Part of the true facts is hidden from
 * training and from the lists of known facts, so that false negatives can be counted.
 */
import {
  compile,
  fromData,
  matmul,
  reshape,
  slice,
  type Tensor,
  topK,
  transpose,
  valueAndGrad,
  values,
} from "nearmiss";
import {
  countryGraph,
  type KnowledgeGraph,
  splitTriples,
  type Triple,
  withInverses,
  wordnetGraph,
} from "nearmiss/data";
import { filteredRank } from "nearmiss/metrics";
import { bagMeans, embeddingTable, lazyAdamBags, lazyAdamState, rowCollector } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";

export interface LinkTask {
  graph: KnowledgeGraph;
  train: Triple[];
  /** True facts that nothing but the count of false negatives looks at. */
  hidden: Triple[];
  validation: Triple[];
  test: Triple[];
  /** Training facts as questions: tails of "head,relation", and of "tail,relation + relations" read backwards. */
  known: Map<string, Set<number>>;
  /** The same with all facts. */
  true: Map<string, Set<number>>;
}

export interface LinkTaskSize {
  /** Before those with few facts are left out. */
  entities: number;
  /** Synsets with fewer facts are left out. */
  minimumDegree: number;
  /** Share of all facts that is hidden. */
  hidden: number;
}

/** Countries, their neighbours, regions, languages and currencies. */
export const countryLinks = remember((seed: number, hidden: number) =>
  linkTask(countryGraph(), seed, hidden),
);

/** A part of WordNet in which every synset has a few facts. */
export const wordnetLinks = remember((seed: number, options: LinkTaskSize) =>
  linkTask(wordnetGraph({ ...options, seed }), seed, options.hidden),
);

/** 10 % of the facts each for validation and test. */
function linkTask(graph: KnowledgeGraph, seed: number, hidden: number): LinkTask {
  const shares = [0.8 - hidden, 0.1, 0.1];
  const draw = random(seed).split("split");
  const [train, validation, test, rest] = splitTriples(graph.triples, shares, draw) as [
    Triple[],
    Triple[],
    Triple[],
    Triple[],
  ];
  const answers = (triples: readonly Triple[]) => {
    const map = new Map<string, Set<number>>();
    for (const [head, relation, tail] of withInverses(triples, graph.relations.length)) {
      const question = `${head},${relation}`;
      if (!map.has(question)) map.set(question, new Set());
      map.get(question)!.add(tail);
    }
    return map;
  };
  return {
    graph,
    train,
    hidden: rest,
    validation,
    test,
    known: answers(train),
    true: answers(graph.triples),
  };
}

/** Vectors of all entities, then of all relations, then of all relations read backwards. */
export interface LinkModel {
  values: Float32Array;
  width: number;
}

/** What a loss sees of a batch of n facts. */
export interface LinkBatch {
  /** [n, d] each */
  heads: Tensor;
  relations: Tensor;
  tails: Tensor;
  /** Further entities, [n, k, d]. */
  others: Tensor;
  /** Further numbers, [n, m]. */
  numbers: Tensor;
}

export interface LinkTraining {
  task: LinkTask;
  seed: number;
  /** Whether facts are also read backwards, by relations of their own. */
  inverses: boolean;
  loss: (batch: LinkBatch) => Tensor;
  /** Further entities of each fact, k of each, and numbers, m of each. */
  prepare: (
    facts: readonly Triple[],
    model: LinkModel,
    draw: Random,
  ) => Promise<{ others: Int32Array; numbers: Float32Array }>;
  /** How questions are answered, for validation. */
  answer: Answer;
  width: number;
  batchSize: number;
  epochs: number;
  /** Validation every so many epochs; the best state is kept. */
  every: number;
  learningRate: number;
  signal?: AbortSignal;
  onEpoch?: (fraction: number, loss: number, model: LinkModel) => void;
}

/** Trains by lazy Adam on the rows of each batch; returns the state with the best MRR on the validation facts. */
export async function trainLinks(options: LinkTraining): Promise<{ model: LinkModel; validation: number }> {
  const { task, seed, inverses, loss, prepare, answer, width, batchSize, epochs, every } = options;
  const { learningRate, signal, onEpoch } = options;
  const { entities, relations } = task.graph;
  const root = random(seed).split("links");
  const facts = inverses ? withInverses(task.train, relations.length) : task.train;
  const size = Math.min(batchSize, facts.length);
  const rows = entities.length + 2 * relations.length;
  const initial = root.split("rows").normal(rows * width, 0, 0.03);
  const model: LinkModel = { values: initial, width };
  let trainer: ReturnType<typeof linkTrainer> | undefined;
  let best: { model: LinkModel; validation: number } | undefined;
  const steps = Math.floor(facts.length / size);
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const order = root.split("order").split(epoch).shuffle(facts);
    let total = 0;
    for (let i = 0; i < steps; i++) {
      signal?.throwIfAborted();
      const batch = order.slice(i * size, (i + 1) * size);
      const draw = root.split("negatives").split(epoch).split(i);
      const { others, numbers } = await prepare(batch, model, draw);
      if (!trainer) {
        trainer = linkTrainer(initial, { rows, width, n: size, k: others.length / size, loss, learningRate });
        model.values = trainer.values;
      }
      const ids = Int32Array.from([
        ...batch.map(([head]) => head),
        ...batch.map(([, relation]) => entities.length + relation),
        ...batch.map(([, , tail]) => tail),
        ...others,
      ]);
      total += (await trainer.step(ids, numbers)) / steps;
    }
    onEpoch?.(epoch / epochs, total, model);
    if (epoch % every !== 0 && epoch !== epochs) continue;
    const { MRR } = linkQuality(model, task, "validation", answer);
    if (!best || MRR > best.validation)
      best = { model: { values: model.values.slice(), width }, validation: MRR };
  }
  return best!;
}

function linkTrainer(
  initial: Float32Array,
  sizes: {
    rows: number;
    width: number;
    n: number;
    k: number;
    loss: (batch: LinkBatch) => Tensor;
    learningRate: number;
  },
) {
  const { rows, width, n, k, loss, learningRate } = sizes;
  const capacity = n * (3 + k);
  const table = embeddingTable(rows, width, capacity);
  table.values.set(initial);
  const collect = rowCollector(rows, capacity);
  const state = lazyAdamState(table);
  const vectors = new Float32Array(capacity * width);
  const lossAndGradient = compile(
    (all: Tensor, numbers: Tensor) =>
      valueAndGrad((x: Tensor) => {
        const part = (from: number, to: number) => slice(x, [[from * n, to * n]]);
        const [heads, relations, tails] = [part(0, 1), part(1, 2), part(2, 3)];
        return loss({ heads, relations, tails, others: reshape(part(3, 3 + k), [n, k, width]), numbers });
      })(all),
    { threads: 1 },
  );
  return {
    values: table.values,
    async step(ids: Int32Array, numbers: Float32Array): Promise<number> {
      const batch = collect(ids);
      bagMeans(table, batch, vectors);
      const [value, gradient] = await lossAndGradient(
        fromData(vectors, [capacity, width]),
        fromData(numbers, [n, numbers.length / n]),
      );
      lazyAdamBags(table, state, batch, values(gradient) as Float32Array, { learningRate });
      return values(value)[0]!;
    },
  };
}

/** Writes the score of each entity as the missing head or tail of a fact into `scores`. */
export type Answer = (
  model: LinkModel,
  task: LinkTask,
  fact: Triple,
  missing: "head" | "tail",
  scores: Float64Array,
) => void;

/** DistMult with relations read backwards for missing heads: (h ∘ r) · t. */
export const answerByProduct: Answer = (
  { values: x, width },
  { graph },
  [head, relation, tail],
  missing,
  scores,
) => {
  const backwards = missing === "head" ? graph.relations.length : 0;
  const from = (missing === "head" ? tail : head) * width;
  const by = (graph.entities.length + relation + backwards) * width;
  const query = Float64Array.from({ length: width }, (_, i) => x[from + i]! * x[by + i]!);
  for (let entity = 0; entity < scores.length; entity++) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum += query[i]! * x[entity * width + i]!;
    scores[entity] = sum;
  }
};

/** TransE: −Σ |h + r − t|. */
export const answerByTranslation: Answer = (
  { values: x, width },
  { graph },
  [head, relation, tail],
  missing,
  scores,
) => {
  const sign = missing === "head" ? -1 : 1;
  const from = (missing === "head" ? tail : head) * width;
  const by = (graph.entities.length + relation) * width;
  const query = Float64Array.from({ length: width }, (_, i) => x[from + i]! + sign * x[by + i]!);
  for (let entity = 0; entity < scores.length; entity++) {
    let sum = 0;
    for (let i = 0; i < width; i++) sum -= Math.abs(query[i]! - x[entity * width + i]!);
    scores[entity] = sum;
  }
};

export interface LinkQuality {
  MRR: number;
  "Hits@10": number;
}

/** Filtered ranks of both ends of a part's facts; all true facts are filtered. */
export function linkQuality(
  model: LinkModel,
  task: LinkTask,
  part: "validation" | "test",
  answer: Answer,
): LinkQuality {
  const { entities, relations } = task.graph;
  const scores = new Float64Array(entities.length);
  const result = { MRR: 0, "Hits@10": 0 };
  const count = 2 * task[part].length;
  for (const fact of task[part])
    for (const missing of ["head", "tail"] as const) {
      const [head, relation, tail] = fact;
      answer(model, task, fact, missing, scores);
      const [target, question] =
        missing === "head" ? [head, `${tail},${relation + relations.length}`] : [tail, `${head},${relation}`];
      const rank = filteredRank(scores, target, task.true.get(question));
      result.MRR += 1 / rank / count;
      if (rank <= 10) result["Hits@10"] += 1 / count;
    }
  return result;
}

/** Finds the k highest products of each query with the entities; compiled once. */
export function topEntities(k: number): (queries: Tensor, entities: Tensor) => Promise<Int32Array> {
  const search = compile((q: Tensor, e: Tensor) => topK(matmul(q, transpose(e)), k).indices, { threads: 1 });
  return async (queries, entities) => Int32Array.from(values(await search(queries, entities)));
}
