/** Handwritten digits under attack: adversarial training of a small network, and attacks on it. */
import { add, compile, fromData, negate, scalar, sum, type Tensor, valueAndGrad, values } from "nearmiss";
import { mnist, take } from "nearmiss/data";
import { squareAttack } from "nearmiss/diagnostics";
import { fit, epochs as inEpochs } from "nearmiss/fit";
import { dlrLoss, logitMargins, pgdPath, softmaxCrossEntropy } from "nearmiss/losses";
import { type Dense, mlp } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { remember } from "../remember.ts";

const SIDE = 14;
const INPUTS = SIDE * SIDE;

/** Pixels are from 0 to 1, and an attack leaves them there. */
const range = [0, 1] as const;

export interface AttackedDigits {
  train: { images: Float32Array; labels: Int32Array };
  validation: { images: Float32Array; labels: Int32Array };
  test: { images: Float32Array; labels: Int32Array };
}

/** Digits of 14 × 14 pixels. */
export const smallDigits = remember(
  ({ train, validation, test, seed }: { train: number; validation: number; test: number; seed: number }) =>
    mnist({ train, validation, test, seed, size: SIDE }) as AttackedDigits,
);

/** From images [n, 196] to logits [n, 10]. */
export type Network = (x: Tensor) => Tensor;

/** What an attack needs: images [n, 196], labels int32 [n], and uniform noise in the ball to start with. */
export interface AttackBatch {
  x: Tensor;
  labels: Tensor;
  noise: Tensor;
}

/** A batch, and the part of training that is done, a scalar from 0 to 1. */
export interface TrainingBatch extends AttackBatch {
  done: Tensor;
}

/** Mean loss of a batch; attacks the network where it wants to. */
export type RobustLoss = (network: Network, batch: TrainingBatch, attack: AttackSize) => Tensor;

/** The attack of training: ℓ∞ ball, number and length of steps. */
export interface AttackSize {
  radius: number;
  steps: number;
}

export interface RobustOptions extends AttackSize {
  digits: AttackedDigits;
  loss: RobustLoss;
  hidden: number;
  learningRate: number;
  epochs: number;
  batchSize: number;
  /** Decides initial weights, the order of batches and the noise. */
  seed: number;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** A trained network: its parameters, and how to apply them. */
export interface Robust {
  params: Dense[];
  apply: (params: Dense[], x: Tensor) => Tensor;
}

export async function trainRobust(options: RobustOptions): Promise<Robust> {
  const { digits, loss, hidden, learningRate, epochs, batchSize, seed, radius, steps, signal, onStep } =
    options;
  const network = mlp([INPUTS, hidden, 10]);
  const optimizer = adam({ learningRate });
  const root = random(seed);
  const start = optimizer.init(network.init(root.split("weights")));
  const step = compile(
    (state: typeof start, batch: TrainingBatch) => {
      const [value, gradients] = valueAndGrad((params: Dense[]) =>
        loss((x) => network.apply(params, x), batch, { radius, steps }),
      )(state.params as Dense[]);
      return { state: optimizer.update(state, gradients), loss: value };
    },
    { threads: 1 },
  );
  const { images, labels } = digits.train;
  const order = inEpochs({ count: labels.length, size: batchSize, random: root.split("batches"), epochs });
  const noise = root.split("noise");
  const { state } = await fit({
    state: start,
    step,
    steps: order.steps,
    batch: (i) => ({
      x: fromData(take(images, order.indices(i), INPUTS), [batchSize, INPUTS]),
      labels: fromData(take(labels, order.indices(i)), [batchSize]),
      noise: fromData(noise.split(i).uniform(batchSize * INPUTS, -radius, radius), [batchSize, INPUTS]),
      done: scalar(i / order.steps),
    }),
    signal,
    onStep: (i, value) => onStep?.(i, order.steps, value),
  });
  return { params: state.params as Dense[], apply: network.apply };
}

/** What an attack on the labels climbs. */
export type AttackObjective = (logits: Tensor, labels: Tensor) => Tensor;

/** Images of a batch on the way of projected ascent of an objective in the ball, from the noise. */
export const attackPath =
  (objective: AttackObjective) =>
  (network: Network, { x, labels, noise }: AttackBatch, { radius, steps }: AttackSize): Tensor[] =>
    pgdPath((at) => objective(network(at), labels), x, { radius, steps, start: add(x, noise), range });

/** Attacked images of a batch: the end of `attackPath`. */
export const attackWith =
  (objective: AttackObjective) =>
  (network: Network, batch: AttackBatch, size: AttackSize): Tensor =>
    attackPath(objective)(network, batch, size).at(-1)!;

/** What an evaluation climbs to make a mistake; the name is only for readers. */
export const evaluationAttacks: Record<string, AttackObjective> = {
  crossEntropy: (logits, labels) => softmaxCrossEntropy(logits, labels, { reduction: "sum" }),
  margin: (logits, labels) => negate(sum(logitMargins(logits, labels))),
  differenceOfLogitsRatio: (logits, labels) => dlrLoss(logits, labels, { reduction: "sum" }),
};

/**
 * Logit margins [n] of each example: without an attack, then under each of `evaluationAttacks`. An
 * example is robust against all of them where all of its margins are above 0.
 */
export async function attackedMargins(
  { params, apply }: Robust,
  { images, labels }: { images: Float32Array; labels: Int32Array },
  {
    radius,
    steps,
    seed,
    attacks = Object.keys(evaluationAttacks),
  }: AttackSize & { seed: number; attacks?: string[] },
): Promise<Float32Array[]> {
  const margins = compile(
    (trained: Dense[], batch: AttackBatch) => {
      const network = (x: Tensor) => apply(trained, x);
      const points = attacks.map((name) =>
        attackWith(evaluationAttacks[name]!)(network, batch, { radius, steps }),
      );
      return [batch.x, ...points].map((x) => logitMargins(network(x), batch.labels));
    },
    { threads: 1 },
  );
  const n = labels.length;
  const noise = random(seed)
    .split("evaluation")
    .uniform(n * INPUTS, -radius, radius);
  const results = await margins(params, {
    x: fromData(images, [n, INPUTS]),
    labels: fromData(labels, [n]),
    noise: fromData(noise, [n, INPUTS]),
  });
  return results.map((x) => values(x) as Float32Array);
}

/** Margins [n] under a random search with squares, which needs no gradient. */
export async function searchedMargins(
  { params, apply }: Robust,
  { images, labels }: { images: Float32Array; labels: Int32Array },
  { radius, iterations, seed }: { radius: number; iterations: number; seed: number },
): Promise<Float32Array> {
  const n = labels.length;
  const given = fromData(labels, [n]);
  const margins = compile((trained: Dense[], x: Tensor, y: Tensor) => logitMargins(apply(trained, x), y), {
    threads: 1,
  });
  const attacked = await squareAttack(
    async (moved) => values(await margins(params, fromData(moved, [n, INPUTS]), given)),
    images,
    { radius, side: SIDE, iterations, random: random(seed).split("squares"), range },
  );
  return attacked.margins;
}

/** Share of the examples whose margins are all above 0. */
export function shareCorrect(margins: readonly Float32Array[]): number {
  const [first] = margins;
  let correct = 0;
  for (let i = 0; i < first!.length; i++) correct += Number(margins.every((list) => list[i]! > 0));
  return correct / first!.length;
}
