/** Pictures of a given handwritten digit at a told place and brightness, and a flow that paints them. */
import {
  add,
  compile,
  concat,
  expandDims,
  fromData,
  mean,
  multiply,
  silu,
  square,
  subtract,
  type Tensor,
  values,
} from "nearmiss";
import { mnist } from "nearmiss/data";
import { timeEmbedding } from "nearmiss/diffusion";
import { type Dense, mlp } from "nearmiss/nn";
import { random } from "nearmiss/random";
import { remember } from "../remember.ts";

/** Pixels a side of a digit, and of a picture, in one of whose corners it stands. */
export const DIGIT = 7;
export const SIDE = 9;
export const PIXELS = SIDE * SIDE;
/** Of a text: four places and two brightnesses, one of each. */
export const WORDS = 6;
const REFERENCE = DIGIT * DIGIT;
export const CONDITION = REFERENCE + WORDS;
const BRIGHTNESS = [0.5, 1];
const TIMES = 16;

export interface Pictures {
  count: number;
  /** [n, PIXELS] from −1 (paper) to 1 */
  targets: Float32Array;
  /** The digit itself and the text, [n, CONDITION]. */
  conditions: Float32Array;
  /** Place, 0 to 3, and brightness, 0 or 1, [n] each. */
  places: Int32Array;
  brightness: Int32Array;
}

/** Pictures of digits that no other part shows; as many of each part as asked for. */
export const subjects = remember(
  (sizes: { train: number; validation: number; test: number; seed: number }) => {
    const parts = mnist({ ...sizes, size: 14 });
    const of = (part: keyof typeof parts): Pictures => {
      const count = parts[part].labels.length;
      const digits = halve(parts[part].images);
      const draw = random(sizes.seed).split(part);
      const places = Int32Array.from({ length: count }, () => draw.integer(0, 4));
      const brightness = Int32Array.from({ length: count }, () => draw.integer(0, 2));
      const targets = new Float32Array(count * PIXELS).fill(-1);
      const conditions = new Float32Array(count * CONDITION);
      for (let i = 0; i < count; i++) {
        const digit = digits.subarray(i * REFERENCE, (i + 1) * REFERENCE);
        conditions.set(digit, i * CONDITION);
        conditions[i * CONDITION + REFERENCE + places[i]!] = 1;
        conditions[i * CONDITION + REFERENCE + 4 + brightness[i]!] = 1;
        digit.forEach((ink, at) => {
          targets[i * PIXELS + pixelOf(places[i]!, at)] = 2 * ink * BRIGHTNESS[brightness[i]!]! - 1;
        });
      }
      return { count, targets, conditions, places, brightness };
    };
    return { train: of("train"), validation: of("validation"), test: of("test") };
  },
);

/** The picture's pixel that shows a digit's. */
function pixelOf(place: number, at: number): number {
  const [top, left] = [2 * Math.floor(place / 2), 2 * (place % 2)];
  return (top + Math.floor(at / DIGIT)) * SIDE + left + (at % DIGIT);
}

/** Means of two by two pixels: [n, 196] → [n, 49]. */
function halve(images: Float32Array): Float32Array {
  return Float32Array.from({ length: images.length / 4 }, (_, i) => {
    const [image, row, column] = [Math.floor(i / REFERENCE), Math.floor((i % REFERENCE) / DIGIT), i % DIGIT];
    const at = image * 196 + row * 28 + column * 2;
    return (images[at]! + images[at + 1]! + images[at + 14]! + images[at + 15]!) / 4;
  });
}

/** Conditions with the digit blurred by a Gaussian, the text left out, or both. */
export function degrade(
  conditions: Float32Array,
  { blur, text }: { blur?: number; text?: "none" },
): Float32Array {
  const out = conditions.slice();
  const weight = (distance: number) => Math.exp(-(distance ** 2) / (2 * blur! ** 2));
  for (let start = 0; start < out.length; start += CONDITION) {
    if (text === "none") out.fill(0, start + REFERENCE, start + CONDITION);
    for (let at = 0; blur && at < REFERENCE; at++) {
      let [sum, total] = [0, 0];
      for (let other = 0; other < REFERENCE; other++) {
        const rows = Math.floor(at / DIGIT) - Math.floor(other / DIGIT);
        const w = weight(rows) * weight((at % DIGIT) - (other % DIGIT));
        sum += w * conditions[start + other]!;
        total += w;
      }
      out[start + at] = sum / total;
    }
  }
  return out;
}

/** The velocity of rows x_t at times from 0 (data) to 1 (noise): noise less data. */
export function painter(hidden: readonly number[]) {
  const layer = mlp([PIXELS + TIMES + CONDITION, ...hidden, PIXELS], silu);
  return {
    init: layer.init,
    apply: (params: Dense[], x: Tensor, times: Tensor, conditions: Tensor): Tensor =>
      layer.apply(params, concat([x, timeEmbedding(times, TIMES), conditions], 1)),
  };
}

/** Mean squared errors [n] of the velocity along the straight line from data to noise. */
export function velocityErrors(
  velocity: (x: Tensor, times: Tensor) => Tensor,
  data: Tensor,
  noise: Tensor,
  times: Tensor,
): Tensor {
  const t = expandDims(times, 1);
  const between = add(multiply(data, subtract(1, t)), multiply(noise, t));
  return mean(square(subtract(velocity(between, times), subtract(noise, data))), { axis: 1 });
}

/** Paints pictures by Euler steps from noise to data. */
export const paint = remember((hidden: readonly number[], steps: number) => {
  const { apply } = painter(hidden);
  const step = compile(
    (params: Dense[], x: Tensor, times: Tensor, conditions: Tensor) =>
      subtract(x, multiply(apply(params, x, times, conditions), 1 / steps)),
    { threads: 1 },
  );
  return async (params: Dense[], conditions: Float32Array, noise: Float32Array): Promise<Float32Array> => {
    const count = conditions.length / CONDITION;
    let x: Tensor = fromData(noise, [count, PIXELS]);
    const told = fromData(conditions, [count, CONDITION]);
    for (let i = steps; i > 0; i--)
      x = await step(params, x, fromData(new Float32Array(count).fill(i / steps), [count]), told);
    return values(x) as Float32Array;
  };
});

export interface Judged {
  /** Correlation of what stands at the told place with the digit, a mean. */
  fidelity: number;
  /** Share of pictures that show ink where and as bright as they were told to. */
  alignment: number;
}

/** How true painted pictures [n, PIXELS] are to the digit and to the text. */
export function judge(painted: Float32Array, { count, conditions, places, brightness }: Pictures): Judged {
  let [fidelity, aligned] = [0, 0];
  for (let i = 0; i < count; i++) {
    const digit = conditions.subarray(i * CONDITION, i * CONDITION + REFERENCE);
    const at = (place: number) =>
      digit.map((_, pixel) => (painted[i * PIXELS + pixelOf(place, pixel)]! + 1) / 2);
    const here = at(places[i]!);
    fidelity += correlation(here, digit) / count;
    const matches = [0, 1, 2, 3].map((place) => correlation(at(place), digit));
    const placed = matches.every((match) => match <= matches[places[i]!]!);
    const brightnessHere = total(here) / total(digit);
    if (placed && Number(brightnessHere > 0.75) === brightness[i]) aligned++;
  }
  return { fidelity, alignment: aligned / count };
}

const total = (a: Float32Array) => a.reduce((sum, x) => sum + x, 0);
const dot = (a: Float32Array, b: Float32Array) => a.reduce((sum, x, i) => sum + x * b[i]!, 0);

function correlation(a: Float32Array, b: Float32Array): number {
  const centred = (x: Float32Array) => {
    const average = x.reduce((sum, each) => sum + each, 0) / x.length;
    return x.map((each) => each - average);
  };
  const [u, v] = [centred(a), centred(b)];
  return dot(u, v) / Math.sqrt(dot(u, u) * dot(v, v) + 1e-12);
}
