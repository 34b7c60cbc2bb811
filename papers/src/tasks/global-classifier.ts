/** Classifiers on the features of `incremental.ts`: each learns a task after the other, without old samples. */
import { add, fromData, gather, matmul, multiply, sum, type Tensor, transpose, values } from "nearmiss";
import { fit, trainingStep } from "nearmiss/fit";
import { cholesky } from "nearmiss/linalg";
import { gaussianCrossEntropy, softmaxCrossEntropy } from "nearmiss/losses";
import { argMax } from "nearmiss/metrics";
import { type Dense, dense } from "nearmiss/nn";
import { adam, schedules } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { classGaussians } from "nearmiss/stats";
import { CLASSES, FEATURES, type Features, type Stage } from "./incremental.ts";

export type ClassifierArm = "amgc" | "dbgc" | "sampling" | "ncm" | "fineTune" | "oracle";

/** Hyper-parameters of a classifier. */
export interface Choice {
  learningRate: number;
  /** λ */
  scale: number;
}

export type Classify = (x: Float32Array) => Int32Array;

/** The classifier of an arm after each task. */
export async function* classifiers(
  arm: ClassifierArm,
  stages: Stage[],
  steps: number,
  { learningRate, scale }: Choice,
  seed: number,
  signal: AbortSignal,
): AsyncGenerator<Classify> {
  const stored = emptyGaussians();
  const optimizer = adam({
    learningRate: schedules.cosine({ from: learningRate, steps: steps }),
  });
  const options = { optimizer, compile: { threads: 1 } };
  const gaussianStep = trainingStep({ ...options, loss: gaussianLoss });
  const sampleStep = trainingStep({ ...options, loss: sampleLoss });
  const root = random(seed).split("classifier");
  let params = dense(FEATURES, CLASSES).init(root.split("weights"));
  for (const [number, stage] of stages.entries()) {
    // The first of the classes that this task brings.
    const start = stages[number - 1]?.seen ?? 0;
    store(stored, stage.current, start);
    if (arm === "ncm") {
      yield nearestMean(stored.means.slice(0, stage.seen * FEATURES));
      continue;
    }
    const classes = [...Array(CLASSES).keys()];
    const learned = classes.map((k) => k < stage.seen && (arm !== "fineTune" || k >= start));
    const share = Float32Array.from(learned, (is) => (is ? 1 / learned.filter(Boolean).length : 0));
    const absent = Float32Array.from(classes, (k) => (k < stage.seen ? 0 : -1e9));
    const fixed = { share: fromData(share, [CLASSES]), absent: fromData(absent, [CLASSES]) };
    const common = { state: optimizer.init(params), steps: steps, signal };
    const closedForm = arm === "amgc" || arm === "dbgc";
    const gaussians = {
      ...fixed,
      means: fromData(Float32Array.from(stored.means), [CLASSES, FEATURES]),
      covariances: fromData(Float32Array.from(stored.covariances), [CLASSES, FEATURES, FEATURES]),
      scale: fromData(
        Float32Array.from(classes, (k) => (k < start ? scale : 1)),
        [CLASSES],
      ),
    };
    const draw = sampler(arm, stage, stored, start);
    const { state } = closedForm
      ? await fit({ ...common, step: gaussianStep, batch: () => gaussians })
      : await fit({
          ...common,
          step: sampleStep,
          batch: (i) => ({ ...fixed, x: draw(root.split("samples").split(number).split(i)) }),
        });
    params = state.params;
    yield linear(params, stage.seen);
  }
}

interface Fixed {
  /** What each class counts in the loss, [classes]. */
  share: Tensor;
  /** −1e9 for classes that have not arrived, [classes]. */
  absent: Tensor;
}

const gaussianLoss = (
  { weight, bias }: Dense,
  batch: Fixed & { means: Tensor; covariances: Tensor; scale: Tensor },
): Tensor => {
  const present = add(bias!, batch.absent);
  const losses = gaussianCrossEntropy(transpose(weight), present, batch.means, batch.covariances, {
    varianceScale: batch.scale,
    reduction: "none",
  });
  return sum(multiply(losses, batch.share));
};

/** Rows of each class in a batch. */
const ROWS = 10;
const rowLabels = fromData(
  Int32Array.from({ length: CLASSES * ROWS }, (_, i) => Math.floor(i / ROWS)),
  [CLASSES * ROWS],
);

const sampleLoss = ({ weight, bias }: Dense, batch: Fixed & { x: Tensor }): Tensor => {
  const logits = add(matmul(batch.x, weight), add(bias!, batch.absent));
  const losses = softmaxCrossEntropy(logits, rowLabels, { reduction: "none" });
  return sum(multiply(losses, multiply(gather(batch.share, rowLabels), 1 / ROWS)));
};

interface Gaussians {
  means: Float64Array;
  covariances: Float64Array;
}

const emptyGaussians = (): Gaussians => ({
  means: new Float64Array(CLASSES * FEATURES),
  covariances: new Float64Array(CLASSES * FEATURES ** 2),
});

/** Adds the Gaussians of the classes from `start` on; those before stay as they were stored. */
function store(stored: Gaussians, { x, labels }: Features, start: number): void {
  const { means, covariances } = classGaussians(x, labels, CLASSES, { shrinkage: 0.05 });
  stored.means.set(means.subarray(start * FEATURES), start * FEATURES);
  stored.covariances.set(covariances.subarray(start * FEATURES ** 2), start * FEATURES ** 2);
}

/** Draws ten features of each class: from a Gaussian where it is old and there are no real ones. */
function sampler(arm: ClassifierArm, { seen, current, past }: Stage, stored: Gaussians, start: number) {
  const membersOf = ({ labels }: Features, k: number) =>
    Array.from(labels.keys()).filter((i) => labels[i] === k);
  const members = Array.from({ length: seen }, (_, k) => membersOf(k < start ? past : current, k));
  const roots = Array.from({ length: arm === "sampling" ? start : 0 }, (_, k) => {
    const covariance = stored.covariances.slice(k * FEATURES ** 2, (k + 1) * FEATURES ** 2);
    return values(cholesky(fromData(covariance, [FEATURES, FEATURES])));
  });
  return (draw: Random): Tensor => {
    const x = new Float32Array(CLASSES * ROWS * FEATURES);
    for (let row = 0; row < seen * ROWS; row++) {
      const k = Math.floor(row / ROWS);
      const target = x.subarray(row * FEATURES, (row + 1) * FEATURES);
      const root = roots[k];
      if (root) {
        const noise = draw.normal(FEATURES);
        for (let a = 0; a < FEATURES; a++) {
          target[a] = stored.means[k * FEATURES + a]!;
          for (let b = 0; b <= a; b++) target[a]! += root[a * FEATURES + b]! * noise[b]!;
        }
      } else {
        const i = draw.choice(members[k]!);
        target.set((k < start ? past : current).x.subarray(i * FEATURES, (i + 1) * FEATURES));
      }
    }
    return fromData(x, [CLASSES * ROWS, FEATURES]);
  };
}

const linear = ({ weight, bias }: Dense, seen: number): Classify => {
  const [w, b] = [values(weight), values(bias!)];
  return (x) =>
    bestOf(x, seen, (z, k) => z.reduce((score, value, a) => score + value * w[a * CLASSES + k]!, b[k]!));
};

const nearestMean =
  (means: Float64Array): Classify =>
  (x) =>
    bestOf(x, means.length / FEATURES, (z, k) =>
      z.reduce((score, value, a) => score - (value - means[k * FEATURES + a]!) ** 2, 0),
    );

/** The class with the highest score, for each row of features. */
function bestOf(x: Float32Array, seen: number, score: (z: Float32Array, k: number) => number): Int32Array {
  const scores = new Float64Array((x.length / FEATURES) * seen);
  for (let i = 0; i < scores.length; i++) {
    const row = Math.floor(i / seen);
    scores[i] = score(x.subarray(row * FEATURES, (row + 1) * FEATURES), i % seen);
  }
  return argMax(scores, seen);
}
