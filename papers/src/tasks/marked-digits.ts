/**
 * "Which digit is next to the red square?": four handwritten digits on a canvas, each with a square of its own colour,
 * and a policy that chooses the box to be looked at. A digit reader that was trained beforehand answers from the box alone.
 */
import { compile, fromData, logSoftmax, relu, reshape, softmax, sum, type Tensor, values } from "nearmiss";
import { type CropBox, cropResize, mnist, split, take } from "nearmiss/data";
import { trainingStep } from "nearmiss/fit";
import { softmaxCrossEntropy } from "nearmiss/losses";
import { type Box, intersectionOverUnion } from "nearmiss/metrics";
import { type Conv, conv, convNet } from "nearmiss/nn";
import { adam } from "nearmiss/optim";
import { type Random, random } from "nearmiss/random";
import { remember } from "../remember.ts";

/** Pixels a side. */
export const CANVAS = 40;
const PIXELS = CANVAS * CANVAS;
const CELLS = CANVAS / 8;
/** The digits 0 to 4. */
export const DIGITS = 5;
/** A digit's and a square's sides. */
const DIGIT = 12;
const MARK = 5;
const square = new Float32Array(MARK * MARK).fill(1);
/** Sides of the boxes that can be chosen. */
const SIDES = [16];
export const BOXES = CELLS * CELLS * SIDES.length;

/** Box b, of side SIDES[⌊b / 25⌋], around the middle of cell b mod 25. */
export function boxOf(b: number): CropBox {
  const cell = b % (CELLS * CELLS);
  const half = SIDES[Math.floor(b / (CELLS * CELLS))]! / 2;
  const [across, down] = [((cell % CELLS) + 0.5) * 8, (Math.floor(cell / CELLS) + 0.5) * 8];
  return { left: across - half, top: down - half, right: across + half, bottom: down + half };
}

export interface Question {
  /** [40²] Ink, squares of all colours included. */
  canvas: Float32Array;
  /** [40²] The square of the colour that is asked for, alone. */
  mark: Float32Array;
  /** The digit next to it. */
  answer: number;
  /** Where that digit stands, which only annotators know. */
  place: CropBox;
}

/** Intersection over union. */
export const shared = (a: CropBox, b: CropBox): number => intersectionOverUnion(edgesOf(a), edgesOf(b));

const edgesOf = ({ left, top, right, bottom }: CropBox): Box => [left, top, right, bottom];

/** Digits of 12 pixels a side, without the margin they have in MNIST. */
interface SmallDigits {
  pixels: Float32Array[];
  labels: Int32Array;
}

/** The first digits of MNIST's sort, made small. */
const smallDigits = remember((part: "train" | "test"): SmallDigits => {
  const { images, labels } = mnist({ train: 4000, test: 6000 })[part];
  const kept = Int32Array.from(labels.keys()).filter((i) => labels[i]! < DIGITS);
  const inner = { left: 3, top: 3, right: 25, bottom: 25 };
  return {
    pixels: Array.from(kept, (i) => cropResize(images.subarray(i * 784, (i + 1) * 784), 28, inner, DIGIT)),
    labels: take(labels, kept),
  };
});

function question(digits: SmallDigits, draw: Random): Question {
  const canvas = new Float32Array(PIXELS);
  const mark = new Float32Array(PIXELS);
  const asked = draw.integer(0, 4);
  let [answer, place] = [0, { left: 0, top: 0, right: 0, bottom: 0 }];
  for (let quarter = 0; quarter < 4; quarter++) {
    const digit = draw.integer(0, digits.labels.length);
    // Digit and mark stand side by side or one above the other, anywhere in their quarter.
    const [beside, first] = [draw.next() < 0.5, draw.next() < 0.5];
    const long = DIGIT + MARK + 1;
    const [height, width] = beside ? [DIGIT, long] : [long, DIGIT];
    const half = CANVAS / 2;
    const top = (quarter >> 1) * half + draw.integer(0, half - height + 1);
    const left = (quarter & 1) * half + draw.integer(0, half - width + 1);
    const shift = first ? MARK + 1 : 0;
    const [down, across] = beside ? [top, left + shift] : [top + shift, left];
    paint(canvas, digits.pixels[digit]!, DIGIT, down, across);
    const away = first ? 0 : DIGIT + 1;
    const along = draw.integer(0, DIGIT - MARK + 1);
    const [row, column] = beside ? [top + along, left + away] : [top + away, left + along];
    paint(canvas, square, MARK, row, column);
    if (quarter === asked) paint(mark, square, MARK, row, column);
    if (quarter === asked) {
      answer = digits.labels[digit]!;
      place = { left: across, top: down, right: across + DIGIT, bottom: down + DIGIT };
    }
  }
  return { canvas, mark, answer, place };
}

function paint(
  canvas: Float32Array,
  shape: ArrayLike<number>,
  side: number,
  top: number,
  left: number,
): void {
  for (let row = 0; row < side; row++)
    for (let column = 0; column < side; column++)
      canvas[(top + row) * CANVAS + left + column] = shape[row * side + column]!;
}

export interface QuestionSize {
  train: number;
  validation: number;
  test: number;
  /** Of the readers' training. */
  readerSteps: number;
  seed: number;
}

/** Digits of training, validation and test differ, and from those of the readers. */
export const markedDigits = remember(({ train, validation, test, seed }: QuestionSize) => {
  const digits = smallDigits("test");
  const count = digits.labels.length;
  const root = random(seed).split("questions");
  const sizes = [0.6, 0.15, 0.25].map((share) => Math.floor(share * count));
  const parts = split(count, { sizes, random: root.split("digits"), labels: digits.labels });
  const many = (name: string, part: number, questions: number) => {
    const own = { pixels: take(digits.pixels, parts[part]!), labels: take(digits.labels, parts[part]!) };
    const draw = root.split(name);
    return Array.from({ length: questions }, (_, i) => question(own, draw.split(i)));
  };
  return {
    train: many("train", 0, train),
    validation: many("validation", 1, validation),
    test: many("test", 2, test),
  };
}, 2);

const LOOK = 14;
const reading = convNet({ side: LOOK, filters: [8, 16], head: [DIGITS] });

/** Probabilities of the digits in boxes of questions' canvases, [n, 10]. */
export type Reader = (looks: readonly { canvas: Float32Array; box: CropBox }[]) => Promise<Float32Array>;

/** A frozen reader of digits in boxes, trained on boxes near digits. Readers of different names share no training. */
export const trainedReader = remember(async (name: string, steps: number): Promise<Reader> => {
  const digits = smallDigits("train");
  const root = random("readers").split(name);
  const batchSize = 64;
  const optimizer = adam({ learningRate: 2e-3 });
  const step = trainingStep({
    loss: (params: ReturnType<typeof reading.init>, batch: { x: Tensor; labels: Tensor }) =>
      softmaxCrossEntropy(reading.apply(params, batch.x), batch.labels),
    optimizer,
    compile: { threads: 1 },
  });
  let state = optimizer.init(reading.init(root.split("weights")));
  for (let i = 0; i < steps; i++) {
    const draw = root.split(i);
    const x = new Float32Array(batchSize * LOOK * LOOK);
    const labels = new Int32Array(batchSize);
    for (let j = 0; j < batchSize; j++) {
      const { canvas, answer, place } = question(digits, draw.split(j));
      const side = draw.choice(SIDES);
      const [across, down] = [place.left, place.top].map(
        (edge) => edge + DIGIT / 2 + 8 * (draw.next() - 0.5),
      ) as [number, number];
      const box = {
        left: across - side / 2,
        top: down - side / 2,
        right: across + side / 2,
        bottom: down + side / 2,
      };
      x.set(cropResize(canvas, CANVAS, box, LOOK), j * LOOK * LOOK);
      labels[j] = answer;
    }
    const batch = { x: fromData(x, [batchSize, LOOK * LOOK]), labels: fromData(labels, [batchSize]) };
    state = (await step(state, batch)).state;
  }
  const read = compile((params: typeof state.params, x: Tensor) => softmax(reading.apply(params, x)), {
    threads: 1,
  });
  return async (looks) => {
    const x = new Float32Array(looks.length * LOOK * LOOK);
    looks.forEach(({ canvas, box }, i) => {
      x.set(cropResize(canvas, CANVAS, box, LOOK), i * LOOK * LOOK);
    });
    return values(await read(state.params, fromData(x, [looks.length, LOOK * LOOK]))) as Float32Array;
  };
}, 2);

const filters = [8, 16, 32, 32];
const layers = filters.map((count, i) =>
  conv(i === 0 ? 2 : filters[i - 1]!, count, { stride: i < 3 ? 2 : 1 }),
);

export interface LookWeights {
  layers: Conv[];
  head: Conv;
}

/** [B, 2 · 40²] Canvases and the squares that are asked for. */
export type Questions = Tensor;

/** What a network of the policy's kind says of each question, [B, outputs, cells]. */
function lookNetwork(outputs: number) {
  const head = conv(filters.at(-1)!, outputs, { size: 1 });
  return {
    init: (stream: Random): LookWeights => ({
      layers: layers.map((layer, i) => layer.init(stream.split(i))),
      head: head.init(stream.split("head")),
    }),
    apply: (params: LookWeights, questions: Questions): Tensor => {
      const n = questions.shape[0]!;
      const features = layers.reduce(
        (x, layer, i) => relu(layer.apply(params.layers[i]!, x)),
        reshape(questions, [n, 2, CANVAS, CANVAS]),
      );
      return reshape(head.apply(params.head, features), [n, outputs, CELLS * CELLS]);
    },
  };
}

const boxNetwork = lookNetwork(SIDES.length);
/** Log-probabilities of the boxes, [B, 50]. */
export const policy = {
  init: boxNetwork.init,
  apply: (params: LookWeights, questions: Questions): Tensor =>
    logSoftmax(reshape(boxNetwork.apply(params, questions), [-1, BOXES])),
};

/** A network that answers from the whole canvas: class logits are sums over cells, [B, 10]. */
const wholeNetwork = lookNetwork(DIGITS);
export const wholeImage = {
  init: wholeNetwork.init,
  apply: (params: LookWeights, questions: Questions): Tensor =>
    sum(wholeNetwork.apply(params, questions), { axis: 2 }),
};

/** Weights of that network after as many steps, on as many pictures of the same digits, as a reader has had. */
export const trainedWholeImage = remember(async (steps: number): Promise<LookWeights> => {
  const digits = smallDigits("train");
  const root = random("readers").split("whole image");
  const batchSize = 64;
  const optimizer = adam({ learningRate: 2e-3 });
  const step = trainingStep({
    loss: (params: LookWeights, batch: { questions: Questions; labels: Tensor }) =>
      softmaxCrossEntropy(wholeImage.apply(params, batch.questions), batch.labels),
    optimizer,
    compile: { threads: 1 },
  });
  let state = optimizer.init(wholeImage.init(root.split("weights")));
  for (let i = 0; i < steps; i++) {
    const draw = root.split(i);
    const questions = Array.from({ length: batchSize }, (_, j) => question(digits, draw.split(j)));
    const labels = Int32Array.from(questions, ({ answer }) => answer);
    const batch = { questions: batchOf(questions), labels: fromData(labels, [batchSize]) };
    state = (await step(state, batch)).state;
  }
  return state.params;
}, 1);

export function batchOf(questions: readonly Question[]): Questions {
  const pixels = new Float32Array(questions.length * 2 * PIXELS);
  questions.forEach(({ canvas, mark }, i) => {
    pixels.set(canvas, 2 * i * PIXELS);
    pixels.set(mark, (2 * i + 1) * PIXELS);
  });
  return fromData(pixels, [questions.length, 2 * PIXELS]);
}
