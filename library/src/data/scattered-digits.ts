/** Pictures of handwritten digits of different sizes strewn over a canvas, with their boxes. */
import { type Box, intersectionOverUnion } from "../metrics/detection.ts";
import type { Random } from "../random.ts";
import { cropResize } from "./crop-resize.ts";
import type { Digits } from "./mnist.ts";

export interface ScatteredDigitOptions {
  /** How many pictures. */
  count: number;
  /** The digits to strew, 28 pixels a side. */
  digits: Digits;
  random: Random;
  /** Pixels a side of the picture. Default: 48. */
  canvas?: number;
  /** How many digits a picture, from and to, each number equally likely. Default: [1, 4]. */
  objects?: readonly [least: number, most: number];
  /** Pixels of the longer side of a digit's ink, from and to. Default: [12, 20]. */
  size?: readonly [least: number, most: number];
  /** Up to which intersection over union two boxes may overlap. Default: 0.3. */
  overlap?: number;
}

export interface ScatteredDigits {
  count: number;
  /** [count, canvas²], ink 1 on paper 0. */
  images: Float32Array;
  /** [count, most, 4] Left, top, right and bottom of each digit's ink as parts of the canvas's side; 0 beyond the last. */
  boxes: Float32Array;
  /** [count, most] The digits shown; 0 beyond the last. */
  labels: Int32Array;
  /** [count, most] 1 where there is a digit. */
  present: Uint8Array;
}

const SIDE = 28;
const TRIES = 30;

/**
 * Draws pictures. A digit is cut out along its ink, scaled with its proportions kept, and put where its box overlaps no
 * other too much; where no such place is found in thirty tries, it is left out, but never the first.
 *
 * @throws RangeError where sizes, numbers or overlap make no sense, or digits are of another size.
 */
export function scatteredDigits(options: ScatteredDigitOptions): ScatteredDigits {
  const { count, digits, random, canvas = 48, objects = [1, 4], size = [12, 20], overlap = 0.3 } = options;
  const available = digits.labels.length;
  if (available === 0 || digits.images.length !== available * SIDE * SIDE)
    throw new RangeError(
      `scatteredDigits: digits has ${available} labels and ${digits.images.length} pixels; expected at least one label and ${SIDE * SIDE} pixels each`,
    );
  requireRange("objects", objects, 1, Number.MAX_SAFE_INTEGER);
  requireRange("size", size, 2, canvas);
  if (!(overlap >= 0 && overlap <= 1))
    throw new RangeError(`scatteredDigits: overlap is ${overlap}; expected 0 to 1`);
  const [least, most] = objects;
  const result: ScatteredDigits = {
    count,
    images: new Float32Array(count * canvas * canvas),
    boxes: new Float32Array(count * most * 4),
    labels: new Int32Array(count * most),
    present: new Uint8Array(count * most),
  };
  for (let i = 0; i < count; i++) {
    const image = result.images.subarray(i * canvas * canvas, (i + 1) * canvas * canvas);
    const wanted = random.integer(least, most + 1);
    const placed: Place[] = [];
    for (let j = 0; j < wanted; j++) {
      const digit = random.integer(0, available);
      const pixels = digits.images.subarray(digit * SIDE * SIDE, (digit + 1) * SIDE * SIDE);
      const ink = inkOf(pixels);
      const scale = random.integer(size[0], size[1] + 1) / Math.max(ink.width, ink.height);
      const width = Math.max(2, Math.round(ink.width * scale));
      const height = Math.max(2, Math.round(ink.height * scale));
      const place = Array.from({ length: TRIES }, () => ({
        left: random.integer(0, canvas - width + 1),
        top: random.integer(0, canvas - height + 1),
        width,
        height,
      })).find((candidate) =>
        placed.every((other) => intersectionOverUnion(edgesOf(candidate), edgesOf(other)) <= overlap),
      );
      if (!place) continue;
      draw(image, canvas, pixels, ink, place);
      const at = i * most + placed.length;
      result.boxes.set(
        edgesOf(place).map((edge) => edge / canvas),
        at * 4,
      );
      result.labels[at] = digits.labels[digit]!;
      result.present[at] = 1;
      placed.push(place);
    }
  }
  return result;
}

interface Place {
  left: number;
  top: number;
  width: number;
  height: number;
}

const edgesOf = ({ left, top, width, height }: Place): Box => [left, top, left + width, top + height];

function requireRange(
  name: string,
  [from, to]: readonly [number, number],
  least: number,
  most: number,
): void {
  const whole = Number.isSafeInteger(from) && Number.isSafeInteger(to);
  if (!(whole && least <= from && from <= to && to <= most))
    throw new RangeError(
      `scatteredDigits: ${name} is [${from}, ${to}]; expected whole numbers with ${least} ≤ from ≤ to ≤ ${most}`,
    );
}

/** The least box around all pixels above a third of full ink; the whole picture where there is none. */
function inkOf(pixels: Float32Array): Place {
  let [left, top, right, bottom] = [SIDE, SIDE, 0, 0];
  for (let row = 0; row < SIDE; row++)
    for (let column = 0; column < SIDE; column++) {
      if (pixels[row * SIDE + column]! <= 1 / 3) continue;
      left = Math.min(left, column);
      right = Math.max(right, column + 1);
      top = Math.min(top, row);
      bottom = Math.max(bottom, row + 1);
    }
  if (right <= left) return { left: 0, top: 0, width: SIDE, height: SIDE };
  return { left, top, width: right - left, height: bottom - top };
}

/** Scales a digit's ink into a place; overlapping ink does not add up. */
function draw(image: Float32Array, canvas: number, pixels: Float32Array, ink: Place, place: Place): void {
  const { left, top, width, height } = ink;
  const box = { left, top, right: left + width, bottom: top + height };
  const scaled = cropResize(pixels, SIDE, box, [place.height, place.width], { outside: "nearest" });
  for (let row = 0; row < place.height; row++)
    for (let column = 0; column < place.width; column++) {
      const at = (place.top + row) * canvas + place.left + column;
      image[at] = Math.max(image[at]!, scaled[row * place.width + column]!);
    }
}
