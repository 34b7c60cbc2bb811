/** Iterative pruning of a small network with one logit, under any loss. */
import { compile, fromData, reshape, scalar, type Tensor, values } from "nearmiss";
import { applyMask, iterativePruning, magnitude } from "nearmiss/compression";
import { take } from "nearmiss/data";
import { epochs, fit, trainingStep } from "nearmiss/fit";
import { type Dense, mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import type { BinaryExamples, BinaryTask } from "./imbalanced.ts";

export interface PruningOptions {
  task: BinaryTask;
  hidden: number[];
  /** Loss of logits [n] and targets [n], and the weight of positives, a scalar. */
  loss: (logits: Tensor, targets: Tensor, posWeight: Tensor) => Tensor;
  /** The weight of positives in the first round. */
  posWeight: number;
  /** Multiplies it before a round if there are more false negatives on validation data than in the dense network. */
  raise: number;
  /** Prunes by chance instead of by magnitude. */
  byChance?: boolean;
  rounds: number;
  steps: number;
  batchSize: number;
  learningRate: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  signal?: AbortSignal;
}

export interface Pruned {
  round: number;
  /** Share of the weights that are left. */
  remaining: number;
  /** Logits [n] for examples. */
  scores: (examples: BinaryExamples) => Promise<Float32Array>;
}

/** Each round of pruning once it is trained, the dense network first. */
export async function* prunedNetworks(options: PruningOptions): AsyncGenerator<Pruned> {
  const { task, hidden, loss, raise, byChance, rounds, steps, batchSize, learningRate, seed, signal } =
    options;
  const { inputs, train, validation } = task;
  const network = mlp([inputs, ...hidden, 1]);
  const root = random(seed);
  const optimizer = adam({ learningRate });
  type Batch = { x: Tensor; targets: Tensor; mask: Dense[]; posWeight: Tensor };
  const logitsOf = (params: Dense[], x: Tensor) => reshape(network.apply(params, x), [-1]);
  const step = trainingStep({
    optimizer,
    loss: (params: Dense[], { x, targets, mask, posWeight }: Batch) =>
      loss(logitsOf(applyMask(params, mask), x), targets, posWeight),
    compile: { threads: 1 },
  });
  const forward = compile(logitsOf, { threads: 1 });
  const scorer =
    (params: Dense[]) =>
    async ({ x, labels }: BinaryExamples) =>
      values(await forward(params, fromData(x, [labels.length, inputs]))) as Float32Array;
  const order = epochs({
    count: train.labels.length,
    size: batchSize,
    random: root.split("batches"),
    epochs: Number.MAX_SAFE_INTEGER,
  });

  let posWeight = options.posWeight;
  const chance = root.split("chance");
  const pruning = iterativePruning<Dense[]>({
    initial: network.init(root.split("weights")),
    rounds,
    // As in the lottery ticket: the output layer loses half as much a round.
    rate: (tensor) => (tensor === hidden.length ? 0.1 : 0.2),
    criterion: byChance ? () => chance.next() : magnitude,
    async train(start, mask) {
      const weight = scalar(posWeight);
      const { state } = await fit({
        state: optimizer.init(start),
        step,
        steps,
        batch: (i) => ({
          x: fromData(take(train.x, order.indices(i), inputs), [batchSize, inputs]),
          targets: fromData(take(train.labels, order.indices(i)), [batchSize]),
          mask,
          posWeight: weight,
        }),
        signal,
      });
      return state.params;
    },
  });
  let allowed = Number.POSITIVE_INFINITY;
  for await (const { round, remaining, params } of pruning) {
    const scores = scorer(params);
    const missed = falseNegatives(await scores(validation), validation.labels);
    if (round === 0) allowed = missed;
    if (missed > allowed) posWeight *= raise;
    yield { round, remaining, scores };
  }
}

/** Positives with a logit below 0. */
export function falseNegatives(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  let missed = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] === 1 && scores[i]! < 0) missed++;
  return missed;
}

/** Negatives with a logit of at least 0. */
export function falsePositives(scores: ArrayLike<number>, labels: ArrayLike<number>): number {
  let alarms = 0;
  for (let i = 0; i < labels.length; i++) if (labels[i] === 0 && scores[i]! >= 0) alarms++;
  return alarms;
}
