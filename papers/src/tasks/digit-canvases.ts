/**
 * Finding one to three handwritten digits, 0 to 2, of different sizes on a canvas: a detector with a grid of 16 slots,
 * each of which may show one digit, on features of a convolutional backbone that was trained beforehand.
 */
import {
  add,
  compile,
  concat,
  exp,
  fromData,
  item,
  multiply,
  relu,
  reshape,
  sigmoid,
  slice,
  type Tensor,
  transpose,
  values,
} from "nearmiss";
import { type Digits, mnist, type ScatteredDigits, scatteredDigits, split, take } from "nearmiss/data";
import { epochs, trainingStep } from "nearmiss/fit";
import { hungarianSetLoss, matchSlots, type SlotTargets } from "nearmiss/losses";
import type { Box, Detection, LabelledBox } from "nearmiss/metrics";
import { type Conv, conv, type Dense, dense } from "nearmiss/nn";
import { adam, clipByGlobalNorm, schedules } from "nearmiss/optim";
import { random } from "nearmiss/random";
import { remember } from "../remember.ts";

/** The digits 0, 1 and 2. */
export const CLASSES = 3;
/** Digits a canvas, at most. */
export const MOST = 3;
const CANVAS = 32;
const CELLS = CANVAS / 8;
export const SLOTS = CELLS * CELLS;
const CHANNELS = [8, 16, 32];
const FEATURES = CHANNELS.at(-1)! * SLOTS;
const WIDTH = 48;

export interface CanvasSize {
  train: number;
  validation: number;
  test: number;
  /** How the backbone was trained. */
  pretraining: { canvases: number; steps: number };
  seed: number;
}

export interface Canvases extends ScatteredDigits {
  /** [count, 512] Of the backbone. */
  features: Float32Array;
}

export interface CanvasTask {
  train: Canvases;
  validation: Canvases;
  test: Canvases;
  /** What the layers above the backbone start from. */
  neck: Neck;
}

/** Canvases of training, validation and test share no digit, and none with those of the backbone's training. */
export const digitCanvases = remember(
  async ({ train, validation, test, pretraining, seed }: CanvasSize): Promise<CanvasTask> => {
    const { backbone, neck } = await pretrained(pretraining);
    const digits = few(mnist({ train: 4000, test: 6000 }).test);
    const count = digits.labels.length;
    const root = random(seed).split("canvases");
    const sizes = [0.6, 0.15, 0.25].map((share) => Math.floor(count * share));
    const parts = split(count, { sizes, random: root.split("digits"), labels: digits.labels });
    const look = compile(backboneOf, { threads: 1 });
    const part = async (name: string, i: number, canvases: number): Promise<Canvases> => {
      const strewn = strew(canvases, chosen(digits, parts[i]!), `${seed} ${name}`);
      const images = fromData(strewn.images, [canvases, CANVAS * CANVAS]);
      return { ...strewn, features: values(await look(backbone, images)) as Float32Array };
    };
    return {
      train: await part("train", 0, train),
      validation: await part("validation", 1, validation),
      test: await part("test", 2, test),
      neck,
    };
  },
  2,
);

const chosen = ({ images, labels }: Digits, indices: Int32Array): Digits => ({
  images: take(images, indices, 784),
  labels: take(labels, indices),
});

/** Those of the first classes. */
const few = (digits: Digits) =>
  chosen(
    digits,
    Int32Array.from(digits.labels.keys()).filter((i) => digits.labels[i]! < CLASSES),
  );

const strew = (count: number, digits: Digits, stream: string) =>
  scatteredDigits({
    count,
    digits,
    random: random(stream).split("canvases"),
    canvas: CANVAS,
    objects: [1, MOST],
    size: [10, 15],
    overlap: 0.15,
  });

const convolutions = CHANNELS.map((channels, i) =>
  conv(i === 0 ? 1 : CHANNELS[i - 1]!, channels, { stride: 2 }),
);

/** Canvases [n, 32²] → features [n, 512]: three convolutions of stride 2. */
const backboneOf = (params: Conv[], images: Tensor): Tensor =>
  reshape(
    convolutions.reduce(
      (x, layer, i) => relu(layer.apply(params[i]!, x)),
      reshape(images, [-1, 1, CANVAS, CANVAS]),
    ),
    [-1, FEATURES],
  );

const mixing = conv(CHANNELS.at(-1)!, WIDTH);
const hidden = dense(WIDTH, WIDTH);

/** The layers between backbone and head. */
interface Neck {
  /** 3 × 3, so that slots see each other. */
  mixing: Conv;
  hidden: Dense;
}

export interface DetectorWeights extends Neck {
  head: Dense;
}

/** What the slots of B canvases give. */
export interface Slots {
  /** [B, 16, 4] Left, top, right, bottom as parts of the canvas's side. */
  boxes: Tensor;
  /** [B, 16, further] The other numbers of the head. */
  further: Tensor;
}

/** Middles of the cells, [16, 2], across and down. */
const middles = fromData(
  Float32Array.from({ length: SLOTS * 2 }, (_, i) => middleOf(i >> 1)[i % 2]!),
  [SLOTS, 2],
);

function middleOf(cell: number): [across: number, down: number] {
  return [((cell % CELLS) + 0.5) / CELLS, (Math.floor(cell / CELLS) + 0.5) / CELLS];
}

const headOf = (further: number) => dense(WIDTH, 4 + further);

/** Features [B, 512] → slots, each of which gives a box and `further` numbers. */
function slotsOf(params: DetectorWeights, features: Tensor): Slots {
  const pictures = features.shape[0]!;
  const grid = reshape(features, [pictures, CHANNELS.at(-1)!, CELLS, CELLS]);
  const mixed = reshape(relu(mixing.apply(params.mixing, grid)), [pictures, WIDTH, SLOTS]);
  const cells = relu(hidden.apply(params.hidden, transpose(mixed, [0, 2, 1])));
  const output = headOf(params.head.bias!.shape[0]! - 4).apply(params.head, cells);
  const part = (start: number, stop?: number) =>
    slice(output, [null, null, [start, stop ?? output.shape[2]!]]);
  // A box's middle lies up to one and a half cells from its cell's own; its sides are a third of the canvas at first.
  const middle = add(middles, multiply(add(sigmoid(part(0, 2)), -0.5), 3 / CELLS));
  const half = multiply(exp(part(2, 4)), 1 / 6);
  return { boxes: concat([add(middle, multiply(half, -1)), add(middle, half)], -1), further: part(4) };
}

/** A detector's outputs for canvases, as `read` wants them, joined name by name. */
export async function detect<Name extends string>(
  weights: DetectorWeights,
  canvases: Canvases,
  read: (slots: Slots) => Record<Name, Tensor>,
): Promise<Record<Name, Float32Array>> {
  const apply = compile((params: DetectorWeights, features: Tensor) => read(slotsOf(params, features)), {
    threads: 1,
  });
  const output = await apply(weights, fromData(canvases.features, [canvases.count, FEATURES]));
  return Object.fromEntries(Object.entries<Tensor>(output).map(([name, x]) => [name, values(x)])) as Record<
    Name,
    Float32Array
  >;
}

/** A batch as a loss sees it: what is there. */
export interface CanvasBatch {
  /** [B, 3, 4] */
  boxes: Tensor;
  /** int32 [B, 3] */
  labels: Tensor;
  /** bool [B, 3] */
  present: Tensor;
}

/** What a match may look at, as plain numbers: outputs of the slots, and which canvases they saw. */
export interface Seen {
  /** [B, 16, 4] */
  boxes: Float32Array;
  /** [B, 16, further] */
  further: Float32Array;
  /** Numbers of the batch's canvases. */
  indices: Int32Array;
}

export interface DetectorTraining<Matched> {
  /** How many numbers a slot gives beside its box. */
  further: number;
  task: CanvasTask;
  loss: (slots: Slots, batch: CanvasBatch, matched: Matched) => Tensor;
  /** What the loss needs to know of the slots' present outputs, found outside of the graph. Default: nothing. */
  match?: (seen: Seen) => Matched;
  learningRate: number;
  steps: number;
  batchSize: number;
  /** Decides initial weights and the order of batches. */
  seed: number;
  /** Weights to go on from. Default: those of the pretraining, with a new head. */
  from?: DetectorWeights;
  signal?: AbortSignal;
  onStep?: (step: number, steps: number, loss: number) => void;
}

/** Trains all but the backbone: Adam, gradients clipped at norm 1, a learning rate that falls along a cosine. */
export async function trainDetector<Matched>(options: DetectorTraining<Matched>): Promise<DetectorWeights> {
  const { further, task, loss, match, learningRate, steps, batchSize, seed, from, signal, onStep } = options;
  const { train, neck } = task;
  const root = random(seed).split("detector");
  const optimizer = adam({
    learningRate: schedules.cosine({ from: learningRate, to: learningRate / 20, steps }),
  });
  interface Batch {
    features: Tensor;
    objects: CanvasBatch;
    matched: Matched;
  }
  const step = trainingStep({
    loss: (params: DetectorWeights, { features, objects, matched }: Batch) =>
      loss(slotsOf(params, features), objects, matched),
    optimizer,
    change: (gradients) => clipByGlobalNorm(gradients, 1),
    compile: { threads: 1 },
  });
  const look = compile(slotsOf, { threads: 1 });
  const order = endless(train.count, batchSize, root.split("batches"), steps);
  let state = optimizer.init(from ?? { ...neck, head: headOf(further).init(root.split("head")) });
  for (let i = 0; i < steps; i++) {
    signal?.throwIfAborted();
    const indices = order.indices(i);
    const part = (data: Float32Array, width: number) =>
      fromData(take(data, indices, width), [batchSize, width]);
    const features = part(train.features, FEATURES);
    let matched = undefined as Matched;
    if (match) {
      const slots = await look(state.params, features);
      const [boxes, other] = [slots.boxes, slots.further].map((x) => values(x) as Float32Array);
      matched = match({ boxes: boxes!, further: other!, indices });
    }
    const objects = {
      boxes: reshape(part(train.boxes, MOST * 4), [batchSize, MOST, 4]),
      labels: fromData(take(train.labels, indices, MOST), [batchSize, MOST]),
      present: fromData(take(train.present, indices, MOST), [batchSize, MOST]),
    };
    const result = await step(state, { features, objects, matched });
    state = result.state;
    onStep?.(i + 1, steps, item(result.loss));
  }
  return state.params;
}

const endless = (count: number, size: number, stream: ReturnType<typeof random>, steps: number) =>
  epochs({ count, size, random: stream, epochs: Math.ceil((steps + 1) / Math.floor(count / size)) });

/**
 * Backbone and neck, trained on canvases of digits that no study sees: each cell tells the digit that covers its middle
 * and that digit's box, whichever cells tell the same.
 */
const pretrained = remember(
  async ({ canvases, steps }: CanvasSize["pretraining"]): Promise<{ backbone: Conv[]; neck: Neck }> => {
    const batchSize = 32;
    const root = random("pretraining");
    const train = strew(canvases, few(mnist({ train: 4000, test: 6000 }).train), "pretraining");
    const optimizer = adam({ learningRate: schedules.cosine({ from: 6e-3, to: 3e-4, steps }) });
    const step = trainingStep({
      loss: (params: Weights, { images, targets }: { images: Tensor; targets: SlotTargets }) => {
        const slots = slotsOf(params.detector, backboneOf(params.backbone, images));
        return hungarianSetLoss(slots.further, slots.boxes, targets, { backgroundWeight: 1 });
      },
      optimizer,
      compile: { threads: 1 },
    });
    type Weights = { backbone: Conv[]; detector: DetectorWeights };
    const order = endless(canvases, batchSize, root.split("batches"), steps);
    let state = optimizer.init<Weights>({
      backbone: convolutions.map((layer, i) => layer.init(root.split(`convolution ${i}`))),
      detector: {
        mixing: mixing.init(root.split("mixing")),
        hidden: hidden.init(root.split("hidden")),
        head: headOf(CLASSES + 1).init(root.split("head")),
      },
    });
    for (let i = 0; i < steps; i++) {
      const indices = order.indices(i);
      const images = fromData(take(train.images, indices, CANVAS * CANVAS), [batchSize, CANVAS * CANVAS]);
      const result = await step(state, { images, targets: slotTargets(train, indices, covering) });
      state = result.state;
    }
    const { backbone, detector } = state.params;
    return { backbone, neck: { mixing: detector.mixing, hidden: detector.hidden } };
  },
  1,
);

/** For each cell the object of the canvas that covers its middle, the nearest if there are several; −1 where none does. */
function covering(canvases: ScatteredDigits, image: number): Int32Array {
  const cells = new Int32Array(SLOTS).fill(-1);
  for (let cell = 0; cell < SLOTS; cell++) {
    const [across, down] = middleOf(cell);
    let nearest = Number.POSITIVE_INFINITY;
    for (let object = 0; object < MOST; object++) {
      if (!canvases.present[image * MOST + object]) continue;
      const [left, top, right, bottom] = boxAt(canvases.boxes, image * MOST + object);
      if (across < left || across > right || down < top || down > bottom) continue;
      const distance = Math.hypot(across - (left + right) / 2, down - (top + bottom) / 2);
      if (distance < nearest) [nearest, cells[cell]] = [distance, object];
    }
  }
  return cells;
}

/** Targets of the slots of these canvases, from the object of each slot (−1: background). */
export function slotTargets(
  canvases: ScatteredDigits,
  indices: Int32Array,
  objectOfSlots: (canvases: ScatteredDigits, image: number, place: number) => Int32Array,
): SlotTargets {
  const labels = new Int32Array(indices.length * SLOTS).fill(CLASSES);
  const boxes = new Float32Array(indices.length * SLOTS * 4);
  indices.forEach((image, place) => {
    objectOfSlots(canvases, image, place).forEach((object, slot) => {
      if (object < 0) return;
      labels[place * SLOTS + slot] = canvases.labels[image * MOST + object]!;
      boxes.set(boxAt(canvases.boxes, image * MOST + object), (place * SLOTS + slot) * 4);
    });
  });
  return {
    labels: fromData(labels, [indices.length, SLOTS]),
    boxes: fromData(boxes, [indices.length, SLOTS, 4]),
  };
}

/** The digits that are there. */
export function objectsOf({ count, boxes, labels, present }: ScatteredDigits): LabelledBox[] {
  const objects: LabelledBox[] = [];
  for (let image = 0; image < count; image++)
    for (let at = image * MOST; at < (image + 1) * MOST; at++)
      if (present[at]) objects.push({ image, box: boxAt(boxes, at), label: labels[at]! });
  return objects;
}

const boxAt = (boxes: ArrayLike<number>, at: number): Box => [
  boxes[at * 4]!,
  boxes[at * 4 + 1]!,
  boxes[at * 4 + 2]!,
  boxes[at * 4 + 3]!,
];

/** One detection a slot: its box and its likeliest digit. Boxes [n, 16, 4], confidences [n, 16, 3]. */
export function detectionsOf(boxes: ArrayLike<number>, confidences: ArrayLike<number>): Detection[] {
  return Array.from({ length: boxes.length / 4 }, (_, at) => {
    const own = Array.from({ length: CLASSES }, (_, c) => confidences[at * CLASSES + c]!);
    const confidence = Math.max(...own);
    return {
      image: Math.floor(at / SLOTS),
      box: boxAt(boxes, at),
      label: own.indexOf(confidence),
      confidence,
    };
  });
}

/** The match of the set loss: each object of a canvas gets the slot that suits it best. Class logits stand first in `further`, background last. */
export function matchedTargets(canvases: ScatteredDigits, { boxes, further, indices }: Seen): SlotTargets {
  const columns = CLASSES + 1;
  const width = further.length / (indices.length * SLOTS);
  return slotTargets(canvases, indices, (_, image, place) => {
    const probabilities = new Float64Array(SLOTS * columns);
    for (let slot = 0; slot < SLOTS; slot++) {
      const start = (place * SLOTS + slot) * width;
      const logits = further.subarray(start, start + columns);
      const highest = Math.max(...logits);
      const total = logits.reduce((sum, logit) => sum + Math.exp(logit - highest), 0);
      logits.forEach((logit, c) => {
        probabilities[slot * columns + c] = Math.exp(logit - highest) / total;
      });
    }
    const count = numberOf(canvases, image);
    const slots = matchSlots(
      probabilities,
      boxes.subarray(place * SLOTS * 4, (place + 1) * SLOTS * 4),
      canvases.labels.subarray(image * MOST, image * MOST + count),
      canvases.boxes.subarray(image * MOST * 4, (image * MOST + count) * 4),
    );
    const objects = new Int32Array(SLOTS).fill(-1);
    slots.forEach((slot, object) => {
      objects[slot] = object;
    });
    return objects;
  });
}

/** How many digits a canvas shows; they stand first. */
export const numberOf = ({ present }: ScatteredDigits, image: number): number =>
  present.subarray(image * MOST, (image + 1) * MOST).reduce((sum, there) => sum + there, 0);
