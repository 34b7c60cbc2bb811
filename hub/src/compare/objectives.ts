/**
 * The objectives that a comparison can train with. To add one, add its line.
 *
 * `classes` objectives take logits [n, classes] and labels int32 [n]; `numbers` objectives take predictions and
 * targets [n], in standard deviations of the target.
 */
import { fromData, oneHot, sigmoid, slice, squeeze, subtract, type Tensor } from "nearmiss";
import {
  absoluteError,
  anyLoss,
  asymmetricLoss,
  compSum,
  diceLoss,
  encouraging,
  generalizedCrossEntropy,
  huber,
  integratedRisk,
  ldamMargins,
  logMSE,
  oneVsRest,
  rescaledSquare,
  scoreOrientedLoss,
  softmaxCrossEntropy,
  softmaxFocal,
  sovr,
  sparsemaxLoss,
  squaredError,
  squentropy,
  trimmedLoss,
  tverskyLoss,
  zErrorCE,
  zErrorMSE,
} from "nearmiss/losses";
import type { LinkName } from "./links.ts";

export type Task = "classification" | "regression";

/** What an objective may know of the training rows beyond a batch. */
export interface TrainingFacts {
  /** Rows of each class. */
  counts: readonly number[];
}

export interface Objective {
  task: Task;
  /** A scalar: the mean loss of a batch. Labels are int32 [n], targets float32 [n]. */
  loss(outputs: Tensor, truth: Tensor, facts: TrainingFacts): Tensor;
  /** How its logits become probabilities: the ones that its minimiser gives the classes. */
  link: LinkName;
  /** Whether it is for two classes only. */
  binary: boolean;
}

type Loss = Objective["loss"];

const classes = (loss: Loss, link: LinkName = "softmax"): Objective => ({
  task: "classification",
  loss,
  link,
  binary: false,
});

/** A loss of the second class's probability [n] and targets of 1 (the second class) and 0, float32 [n]. */
const twoClasses = (loss: (probabilities: Tensor, targets: Tensor) => Tensor): Objective => ({
  ...classes((f, y) => loss(sigmoid(subtract(column(f, 1), column(f, 0))), column(oneHot(y, 2), 1))),
  binary: true,
});

const column = (x: Tensor, i: number) => squeeze(slice(x, [null, [i, i + 1]]), 1);

/** One target of 1 or 0 for each class. */
const hot = (f: Tensor, y: Tensor) => oneHot(y, f.shape[1], f.dtype);

const vector = (values: ArrayLike<number>) => fromData(Float32Array.from(values), [values.length]);

const numbers = (loss: Loss): Objective => ({ task: "regression", loss, link: "identity", binary: false });

/** What the others are compared with. */
export const baselines = { classification: "softmaxCrossEntropy", regression: "squaredError" } as const;

/** By name: that of the function in nearmiss/losses, and its option where it is not at its default. */
export const objectives: Readonly<Record<string, Objective>> = {
  softmaxCrossEntropy: classes((f, y) => softmaxCrossEntropy(f, y)),
  squentropy: classes((f, y) => squentropy(f, y)),
  // Its minimiser's logits are the probabilities themselves.
  rescaledSquare: classes((f, y) => rescaledSquare(f, y), "share"),
  softmaxFocal: classes((f, y) => softmaxFocal(f, y)),
  encouraging: classes((f, y) => encouraging(f, y)),
  generalizedCrossEntropy: classes((f, y) => generalizedCrossEntropy(f, y)),
  "compSum-tau-0.5": classes((f, y) => compSum(f, y, { tau: 0.5 })),
  "compSum-tau-1.5": classes((f, y) => compSum(f, y, { tau: 1.5 })),
  oneVsRest: classes((f, y) => oneVsRest(f, y), "sigmoids"),
  sovr: classes((f, y) => sovr(f, y)),
  asymmetricLoss: classes((f, y) => asymmetricLoss(f, hot(f, y)), "sigmoids"),
  sparsemaxLoss: classes((f, y) => sparsemaxLoss(f, hot(f, y)), "sparsemax"),
  zErrorCE: classes((f, y) => zErrorCE(f, y)),
  trimmedLoss: classes((f, y) => trimmedLoss(softmaxCrossEntropy(f, y, { reduction: "none" }))),
  "integratedRisk-weights": classes((f, y, { counts }) =>
    integratedRisk(f, y, { weights: vector(counts.map((n) => 1 / n)) }),
  ),
  "integratedRisk-margins": classes((f, y, { counts }) =>
    integratedRisk(f, y, { margins: vector(ldamMargins(counts)) }),
  ),
  anyLoss: twoClasses((p, y) => anyLoss(p, y)),
  scoreOrientedLoss: twoClasses((p, y) => scoreOrientedLoss(p, y)),
  diceLoss: twoClasses((p, y) => diceLoss(p, y)),
  tverskyLoss: twoClasses((p, y) => tverskyLoss(p, y)),

  squaredError: numbers((f, y) => squaredError(f, y)),
  absoluteError: numbers((f, y) => absoluteError(f, y)),
  huber: numbers((f, y) => huber(f, y)),
  "logMSE-log1p": numbers((f, y) => logMSE(f, y, { form: "log1p" })),
  zErrorMSE: numbers((f, y) => zErrorMSE(f, y)),
  "trimmedLoss-squared": numbers((f, y) => trimmedLoss(squaredError(f, y, { reduction: "none" }))),
};

/** Names of the objectives that fit a target, the baseline first. */
export function fittingObjectives(task: Task, classCount = 0): string[] {
  return Object.entries(objectives)
    .filter(([, objective]) => objective.task === task && (!objective.binary || classCount === 2))
    .map(([name]) => name);
}
