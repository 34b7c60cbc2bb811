/**
 * Recommendation from implicit feedback by matrix factorisation: one vector for each user and item, any loss
 * of scores.
 */
import {
  add,
  compile,
  expandDims,
  fromData,
  gather,
  matmul,
  mean,
  multiply,
  square,
  sum,
  type Tensor,
  transpose,
  valueAndGrad,
  values,
} from "nearmiss";
import { type Interactions, type SpeechInteractionOptions, speechInteractions } from "nearmiss/data";
import { l2Normalize } from "nearmiss/losses";
import { ndcg, recallAtK } from "nearmiss/metrics";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { unitRows, type Vectors, vectors } from "nearmiss/retrieval";
import { remember } from "../remember.ts";

export const passages = remember(
  (options: SpeechInteractionOptions): Interactions => speechInteractions(options),
);

export interface FactorisationTraining {
  data: Interactions;
  seed: number;
  /** Of positive scores [n] and those of drawn items [n, k]. */
  loss: (positive: Tensor, negatives: Tensor) => Tensor;
  similarity: "cosine" | "dot";
  /** Drawn uniformly over all items: one of each positive's own, or more that a batch shares. */
  negatives: number;
  learningRate: number;
  /** Factor of the mean squared length of a batch's vectors. */
  regularization: number;
  width: number;
  batchSize: number;
  epochs: number;
  /** Validation every so many epochs; the best state is kept. */
  every: number;
  signal?: AbortSignal;
  onEpoch?: (fraction: number, loss: number) => void;
}

export interface Factors {
  users: Vectors;
  items: Vectors;
}

/** Trains by Adam; returns the vectors with the highest NDCG@20 on the validation items, and that. */
export async function trainFactorisation(
  options: FactorisationTraining,
): Promise<{ factors: Factors; validation: number }> {
  const { data, seed, loss, similarity, negatives, learningRate, regularization } = options;
  const { width, batchSize, epochs, every, signal, onEpoch } = options;
  const root = random(seed).split("factorisation");
  const vectorsOf = (name: string, count: number) =>
    fromData(root.split(name).normal(count * width, 0, 0.1), [count, width]);
  const optimizer = adam({ learningRate });
  const prepare = similarity === "cosine" ? l2Normalize : (x: Tensor) => x;
  const start = () =>
    optimizer.init({ users: vectorsOf("users", data.users), items: vectorsOf("items", data.items) });
  const step = compile(
    (state: ReturnType<typeof start>, batch: { users: Tensor; items: Tensor; drawn: Tensor }) => {
      const [value, gradients] = valueAndGrad((params: typeof state.params) => {
        const u = gather(params.users, batch.users);
        const p = gather(params.items, batch.items);
        const n = gather(params.items, batch.drawn);
        const [user, positive, drawn] = [prepare(u), prepare(p), prepare(n)];
        const own = (items: Tensor) => sum(multiply(user, items), { axis: 1 });
        const scores = negatives === 1 ? expandDims(own(drawn), 1) : matmul(user, transpose(drawn));
        const size = add(mean(sum(square(u), { axis: 1 })), mean(sum(square(p), { axis: 1 })));
        return add(loss(own(positive), scores), multiply(size, regularization));
      })(state.params);
      return { state: optimizer.update(state, gradients), loss: value };
    },
    { threads: 1 },
  );
  const pairs = data.train.flatMap((items, user) => Array.from(items, (item) => [user, item] as const));
  const steps = Math.floor(pairs.length / batchSize);
  let state = start();
  let best: { factors: Factors; validation: number } | undefined;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const draw = root.split("epoch").split(epoch);
    const order = draw.permutation(pairs.length);
    let total = 0;
    for (let i = 0; i < steps; i++) {
      signal?.throwIfAborted();
      const batch = Array.from(order.subarray(i * batchSize, (i + 1) * batchSize), (at) => pairs[at]!);
      const drawn = Int32Array.from({ length: negatives === 1 ? batchSize : negatives }, () =>
        draw.integer(0, data.items),
      );
      const result = await step(state, {
        users: fromData(
          Int32Array.from(batch, ([user]) => user),
          [batchSize],
        ),
        items: fromData(
          Int32Array.from(batch, ([, item]) => item),
          [batchSize],
        ),
        drawn: fromData(drawn, [drawn.length]),
      });
      state = result.state;
      total += values(result.loss)[0]! / steps;
    }
    onEpoch?.(epoch / epochs, total);
    if (epoch % every !== 0 && epoch !== epochs) continue;
    const { users, items } = state.params;
    const factorsOf = (x: Tensor) => {
      const rows = vectors(Float32Array.from(values(x)), width);
      return similarity === "cosine" ? unitRows(rows) : rows;
    };
    const factors = { users: factorsOf(users), items: factorsOf(items) };
    const validation = recommendationQuality(factors, data, "validation")["NDCG@20"];
    if (!best || validation > best.validation) best = { factors, validation };
  }
  return best!;
}

/** Recall@20 and NDCG@20 over all items, those that the user is known to have left out; mean over users. */
export function recommendationQuality(
  { users, items }: Factors,
  data: Interactions,
  part: "validation" | "test",
): { "Recall@20": number; "NDCG@20": number } {
  const { width } = users;
  const result = { "Recall@20": 0, "NDCG@20": 0 };
  const scores = new Float64Array(data.items);
  for (let user = 0; user < data.users; user++) {
    for (let item = 0; item < data.items; item++) {
      let score = 0;
      for (let k = 0; k < width; k++) score += users.data[user * width + k]! * items.data[item * width + k]!;
      scores[item] = score;
    }
    const seen = part === "test" ? [data.train[user]!, data.validation[user]!] : [data.train[user]!];
    for (const known of seen) for (const item of known) scores[item] = Number.NEGATIVE_INFINITY;
    const documents = best(scores, 20);
    const grades = new Map(Array.from(data[part][user]!, (item) => [item, 1]));
    result["Recall@20"] += recallAtK({ documents, grades }, 20) / data.users;
    result["NDCG@20"] += ndcg({ documents, grades }, { k: 20 }) / data.users;
  }
  return result;
}

/** Numbers of the k largest scores, best first. */
function best(scores: Float64Array, k: number): number[] {
  const threshold = scores.toSorted()[Math.max(0, scores.length - k)]!;
  const top: number[] = [];
  scores.forEach((score, at) => {
    if (score >= threshold) top.push(at);
  });
  return top.sort((a, b) => scores[b]! - scores[a]!).slice(0, k);
}
