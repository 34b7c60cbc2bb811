import { add, multiply, sigmoid, slice, softmax, softplus, type Tensor } from "nearmiss";
import { dRmmLoss, hungarianSetLoss, leastScales, type MixtureDetections } from "nearmiss/losses";
import {
  type Detection,
  detectionAveragePrecision,
  duplicateRate,
  judgeDetections,
  nonMaximumSuppression,
  reliabilityBins,
} from "nearmiss/metrics";
import type { Card } from "../card.ts";
import { chooseOnce, TUNING_SEED } from "../choose.ts";
import { noWorseBy } from "../decide.ts";
import { defineStudy, type Report } from "../study.ts";
import {
  type Canvases,
  type CanvasSize,
  CLASSES,
  type DetectorWeights,
  detect,
  detectionsOf,
  digitCanvases,
  matchedTargets,
  objectsOf,
  type Slots,
  trainDetector,
} from "../tasks/digit-canvases.ts";

export const card: Card = {
  number: 36,
  slug: "d-rmm",
  title: "End-to-End Multi-Object Detection with a Regularized Mixture Model",
  year: 2022,
  family: "perception",
  kind: "objective",
  arxiv: "2205.08714",
  link: "https://arxiv.org/abs/2205.08714",
  code: "https://github.com/lhj815/D-RMM",
  summary:
    "The detector outputs a mixture density over boxes and classes, with one Cauchy component per slot, and is trained by the likelihood of the ground-truth boxes. A second term rewards that a single component holds nearly all density of an object, which suppresses duplicates. At inference the confidence is objectness times class probability, with neither matching nor non-maximum suppression.",
  claim:
    "A detector trained only by mixture likelihood plus the term for a single dominant component works without bipartite matching and without NMS and yields fewer duplicates than the likelihood alone. Its confidences are better calibrated than those of a detector trained with Hungarian matching.",
  formula: String.raw`\mathcal L=\sum_i\Big[-\log\sum_kf_{ik}-\lambda\log\frac{\max_kf_{ik}}{\sum_kf_{ik}}\Big],\qquad f_{ik}=N\,\pi_k\,\operatorname{Cauchy}(b_i;\mu_k,\gamma_k)\,p_k(c_i)`,
  exports: [
    "losses/mixture-detection: dRmmLoss",
    "losses/mixture-detection: mixtureNLL",
    "losses/mixture-detection: maximumComponent",
    "losses/mixture-detection: cauchyLogPdf",
    "losses/set-detection: hungarianSetLoss",
    "losses/set-detection: matchSlots",
    "metrics/detection: detectionAveragePrecision",
    "metrics/detection: duplicateRate",
    "metrics/detection: nonMaximumSuppression",
    "data/scattered-digits: scatteredDigits",
  ],
  notes: [
    "Values and gradients agree with the authors' code to nine digits. That code adds 1e-12 inside of the logarithms, sums over objects, and lets a picture without objects pull, with weight 1e-12, at the slot of highest objectness; here log-sum-exp needs no such constant, the mean is over the objects, and such a picture has no part in the loss.",
    "The loss sees mixing weights, which are ratios of objectness within a picture. Halving all objectness changes nothing, so that no term fixes the level of the confidences whose calibration the paper praises.",
    "Duplicates are counted among as many of the surest detections as there are objects, and not above a fixed confidence, because confidences of the arms mean different things.",
    "Calibration is judged over one detection a slot, of its likeliest class; a detection is right if it is the first on an object of its class with an overlap of at least one half. Beside the error as it is stands the one after confidences have been multiplied by one factor, fitted on validation canvases, on which no claim rests.",
    "The set loss is cross-entropy plus five times the absolute difference of boxes, without the term of generalized overlap. It stands twice: with DETR's weight of 0.1 for background, and with equal weights, without which higher confidences would be a matter of that weight alone.",
    "All arms share a backbone trained beforehand to tell which digit covers a cell, as the paper starts from one trained on ImageNet; it stays fixed.",
    "There is one stage of prediction in place of six that refine each other.",
    "Size of the canvas, number of kinds, backbone and steps were settled beforehand on a seed that the study does not use, so that all arms find most digits; with ten kinds and no trained backbone none did.",
    "In the default run the term for a single component changes little. Confidences of the mixture come out far too low; multiplied by one factor they are as well calibrated as those of equally weighted slots. Average precision is 0.08 below that of the usual set loss.",
  ],
};

const arms = {
  mixture: "mixture likelihood plus half the term for a single component",
  likelihood: "mixture likelihood alone",
  hungarian: "one-to-one matching, background weighing 0.1",
  hungarianEven: "one-to-one matching, background weighing as much as objects",
};

type Settings = Omit<CanvasSize, "seed"> & { steps: number; batchSize: number; learningRates: number[] };

const part = (x: Tensor, start: number, stop: number) => slice(x, [null, null, [start, stop]]);

/** What the numbers beside a slot's box mean to a mixture. */
const mixture = ({ boxes, further }: Slots): MixtureDetections => ({
  objectness: slice(further, [null, null, 0]),
  classes: part(further, 1, 1 + CLASSES),
  boxes,
  // A twentieth of the canvas at first.
  scales: leastScales(softplus(add(part(further, 1 + CLASSES, 5 + CLASSES), -3)), boxes),
});

const method = (arm: string) =>
  arm === "mixture" || arm === "likelihood"
    ? {
        further: 5 + CLASSES,
        confidences: ({ further }: Slots) =>
          multiply(sigmoid(part(further, 0, 1)), softmax(part(further, 1, 1 + CLASSES))),
      }
    : { further: 1 + CLASSES, confidences: ({ further }: Slots) => part(softmax(further), 0, CLASSES) };

/** Trains the detector of an arm. */
function train(
  arm: string,
  options: Omit<Parameters<typeof trainDetector>[0], "loss" | "match" | "further">,
) {
  const { further } = method(arm);
  if (arm === "mixture" || arm === "likelihood") {
    const componentWeight = arm === "mixture" ? 0.5 : 0;
    return trainDetector<undefined>({
      ...options,
      further,
      loss: (slots, objects) => dRmmLoss(mixture(slots), objects, { componentWeight }),
    });
  }
  const backgroundWeight = arm === "hungarianEven" ? 1 : 0.1;
  return trainDetector({
    ...options,
    further,
    match: (seen) => matchedTargets(options.task.train, seen),
    loss: (slots, _objects, matched) =>
      hungarianSetLoss(slots.further, slots.boxes, matched, { backgroundWeight }),
  });
}

async function detections(arm: string, weights: DetectorWeights, canvases: Canvases): Promise<Detection[]> {
  const { confidences } = method(arm);
  const found = await detect(weights, canvases, (slots) => ({
    boxes: slots.boxes,
    confidences: confidences(slots),
  }));
  return detectionsOf(found.boxes, found.confidences);
}

const choose = (arm: string, settings: Settings, signal: AbortSignal) =>
  chooseOnce(["d-rmm", arm, settings], settings.learningRates, async (learningRate) => {
    const task = await digitCanvases({ ...settings, seed: TUNING_SEED });
    const weights = await train(arm, { ...settings, task, learningRate, seed: TUNING_SEED, signal });
    const found = await detections(arm, weights, task.validation);
    return detectionAveragePrecision(found, objectsOf(task.validation));
  });

/** Confidences and whether they were right. */
function outcomes(found: readonly Detection[], canvases: Canvases) {
  const judged = judgeDetections(found, objectsOf(canvases));
  return {
    confidences: judged.map(({ detection }) => detection.confidence),
    hits: judged.map(({ outcome }) => Number(outcome === "hit")),
  };
}

const BINS = { bins: 15 };

function calibrationError({ confidences, hits }: ReturnType<typeof outcomes>, factor = 1): number {
  const scaled = confidences.map((confidence) => Math.min(1, confidence * factor));
  return reliabilityBins(scaled, hits, BINS)
    .filter(({ count }) => count > 0)
    .reduce((sum, bin) => sum + (bin.count / hits.length) * Math.abs(bin.confidence - bin.accuracy), 0);
}

/** The factor, from a grid, that calibrates confidences best. */
function bestFactor(seen: ReturnType<typeof outcomes>): number {
  const factors = Array.from({ length: 61 }, (_, i) => 2 ** ((i - 20) / 10));
  const errors = factors.map((factor) => calibrationError(seen, factor));
  return factors[errors.indexOf(Math.min(...errors))]!;
}

export const study = defineStudy<Settings>({
  arms,
  scales: {
    smoke: {
      train: 40,
      validation: 10,
      test: 20,
      pretraining: { canvases: 40, steps: 2 },
      steps: 5,
      batchSize: 8,
      learningRates: [6e-3],
      seeds: 2,
    },
    default: {
      train: 3000,
      validation: 300,
      test: 500,
      pretraining: { canvases: 4000, steps: 800 },
      steps: 400,
      batchSize: 16,
      learningRates: [6e-3, 2e-2],
      seeds: 5,
    },
    full: {
      train: 10_000,
      validation: 500,
      test: 2000,
      pretraining: { canvases: 10_000, steps: 5000 },
      steps: 5000,
      batchSize: 32,
      learningRates: [1e-3, 3e-3, 6e-3, 2e-2],
      seeds: 10,
    },
  },
  metrics: {
    AP: "mean average precision at an overlap of one half, without non-maximum suppression",
    "AP gained by suppression": "the same with non-maximum suppression at one half, less AP",
    duplicates:
      "duplicates an object, among as many of the surest detections as there are objects on the test canvases",
    ECE: "calibration error of the confidences of one detection a slot, 15 bins",
    "ECE, rescaled":
      "the same after all confidences were multiplied by one factor, fitted on validation canvases",
  },
  curves: { "training loss": { x: "step", y: "loss in the arm's own unit" } },
  claims: [
    {
      id: "duplicates",
      statement: "The term for a single component lowers the number of duplicates.",
      rule: "Paired difference of the duplicates an object to the likelihood alone. Supports if its 95 % interval lies below 0, contradicts if above, else inconclusive.",
      comparisons: [{ metric: "duplicates", method: "mixture", baseline: "likelihood", better: "lower" }],
    },
    {
      id: "calibration",
      statement:
        "Its confidences are better calibrated than those of detectors trained with Hungarian matching.",
      rule: "Paired difference of the calibration error to both matched detectors. Supports if its 95 % interval lies below 0 for both, contradicts if it lies above 0 for one, else inconclusive.",
      comparisons: ["hungarian", "hungarianEven"].map((baseline) => ({
        metric: "ECE",
        method: "mixture",
        baseline,
        better: "lower",
      })),
    },
    {
      id: "no-matching",
      statement: "Without matching and without suppression it detects as well as matched detectors.",
      rule: "Paired difference of the average precision to both matched detectors. Supports if its 95 % interval lies above -0.02 for both, contradicts if it lies below -0.02 for one, else inconclusive.",
      comparisons: ["hungarian", "hungarianEven"].map((baseline) => ({
        metric: "AP",
        method: "mixture",
        baseline,
        better: "higher",
      })),
      decide: noWorseBy(0.02),
    },
  ],
  distance:
    "The paper trains 300 slots in six stages on a ResNet-50 or larger with 118,000 pictures of COCO, 80 classes; here 16 slots in one stage of some 23,000 weights see 3,000 canvases with one to three handwritten digits of 3 classes, on black.",
  async run({ arm, seed, settings, report, signal }) {
    const learningRate = await choose(arm, settings, signal);
    const task = await digitCanvases({ ...settings, seed });
    const weights = await train(arm, {
      ...settings,
      task,
      learningRate,
      seed,
      signal,
      onStep: (step, steps, value) => {
        report.progress(step / steps);
        if (step % 5 === 0) report.point("training loss", step, value);
      },
    });
    const found = await detections(arm, weights, task.test);
    const objects = objectsOf(task.test);
    const seen = outcomes(found, task.test);
    const factor = bestFactor(outcomes(await detections(arm, weights, task.validation), task.validation));
    tellReliability(report, seen);
    const AP = detectionAveragePrecision(found, objects);
    return {
      AP,
      "AP gained by suppression": detectionAveragePrecision(nonMaximumSuppression(found), objects) - AP,
      duplicates: duplicateRate(found, objects),
      ECE: calibrationError(seen),
      "ECE, rescaled": calibrationError(seen, factor),
    };
  },
});

function tellReliability(report: Report, { confidences, hits }: ReturnType<typeof outcomes>): void {
  report.table("reliability", {
    caption: "Detections on test canvases by confidence, and which share of them were right.",
    columns: ["confidence from", "to", "detections", "mean confidence", "share right"],
    rows: reliabilityBins(confidences, hits, { bins: 5 })
      .filter(({ count }) => count > 0)
      .map(({ low, high, count, confidence, accuracy }) => [
        low.toFixed(1),
        high.toFixed(1),
        count,
        confidence.toFixed(3),
        accuracy.toFixed(3),
      ]),
  });
}
