import type { Random } from "../random.ts";

export interface AugmentOptions {
  /** Largest shift along each axis in pixels, drawn uniformly. Default 0. */
  shift?: number;
  /** Largest rotation about the centre in degrees, either way, drawn uniformly. Default 0. */
  rotation?: number;
  /** Range of the size factor, drawn uniformly: below 1 shrinks the picture. Default [1, 1]. */
  scale?: readonly [low: number, high: number];
  /**
   * Local distortion: the image is pulled along a random smooth field of moves, given by independent normal
   * ones (standard deviation `strength`, in pixels) at points `spacing` pixels apart. Default none.
   */
  elastic?: { strength: number; spacing: number };
  /** Blanks one square of `side` pixels, wholly inside the image, with this probability. Default none. */
  erase?: { probability: number; side: number };
}

/**
 * A random view of each image: rotated, scaled and shifted in one step (bilinear, 0 outside), then
 * perhaps partly erased. Two calls give the two views of self-supervised learning.
 *
 * @param images [n, side * side], square, row by row; left as they are
 * @returns [n, side * side]
 * @throws RangeError where the images are not square or an option is out of range
 */
export function augment(
  images: Float32Array,
  random: Random,
  options: AugmentOptions = {},
  side = 28,
): Float32Array {
  const { shift = 0, rotation = 0, scale = [1, 1], elastic, erase } = options;
  const area = side * side;
  if (!(Number.isSafeInteger(side) && side > 0 && images.length % area === 0))
    throw new RangeError(`augment: ${images.length} values are no images of ${side} by ${side}`);
  if (!(scale[0] > 0 && scale[1] >= scale[0]))
    throw new RangeError(`augment: scale [${scale.join(", ")}] must be a rising range above 0`);
  if (elastic && !(elastic.strength >= 0 && elastic.spacing > 0))
    throw new RangeError(
      `augment: elastic.strength ${elastic.strength} and spacing ${elastic.spacing} must be at least 0 and above 0`,
    );
  if (erase && !(Number.isSafeInteger(erase.side) && erase.side >= 0 && erase.side <= side))
    throw new RangeError(`augment: erase.side ${erase.side} must be an integer from 0 to ${side}`);

  const out = new Float32Array(images.length);
  const symmetric = (limit: number) => (2 * random.next() - 1) * limit;
  for (let start = 0; start < images.length; start += area) {
    const angle = (symmetric(rotation) * Math.PI) / 180;
    const factor = scale[0] + (scale[1] - scale[0]) * random.next();
    const right = symmetric(shift);
    const down = symmetric(shift);
    const field = elastic && elasticField(random, side, elastic);
    warp(images, out, start, side, angle, factor, right, down, field);
    if (erase && random.next() < erase.probability) {
      const top = random.integer(0, side - erase.side + 1);
      const left = random.integer(0, side - erase.side + 1);
      for (let row = top; row < top + erase.side; row++) {
        const at = start + row * side + left;
        out.fill(0, at, at + erase.side);
      }
    }
  }
  return out;
}

/** Writes one image turned clockwise by `angle`, scaled by `factor`, then moved right and down. */
function warp(
  images: Float32Array,
  out: Float32Array,
  start: number,
  side: number,
  angle: number,
  factor: number,
  right: number,
  down: number,
  field?: Field,
): void {
  // Each pixel of the result looks up where it came from: the inverse map.
  const center = (side - 1) / 2;
  const cos = Math.cos(angle) / factor;
  const sin = Math.sin(angle) / factor;
  const ink = (row: number, column: number) =>
    row >= 0 && row < side && column >= 0 && column < side ? images[start + row * side + column] : 0;
  for (let row = 0; row < side; row++) {
    const y = row - center - down;
    for (let column = 0; column < side; column++) {
      const x = column - center - right;
      const fromColumn = cos * x + sin * y + center + (field ? field.right[row * side + column]! : 0);
      const fromRow = cos * y - sin * x + center + (field ? field.down[row * side + column]! : 0);
      const c = Math.floor(fromColumn);
      const r = Math.floor(fromRow);
      const u = fromColumn - c;
      const v = fromRow - r;
      const upper = (1 - u) * ink(r, c) + u * ink(r, c + 1);
      const lower = (1 - u) * ink(r + 1, c) + u * ink(r + 1, c + 1);
      out[start + row * side + column] = (1 - v) * upper + v * lower;
    }
  }
}

/** How far each pixel looks aside for its ink, [side * side] each. */
interface Field {
  right: Float64Array;
  down: Float64Array;
}

/** Normal moves on a coarse grid, read off in between by bilinear interpolation. */
function elasticField(
  random: Random,
  side: number,
  { strength, spacing }: NonNullable<AugmentOptions["elastic"]>,
): Field {
  const points = Math.ceil((side - 1) / spacing) + 1;
  const spread = (): Float64Array => {
    const grid = random.normal(points * points, 0, strength);
    const at = (row: number, column: number) =>
      grid[Math.min(row, points - 1) * points + Math.min(column, points - 1)]!;
    return Float64Array.from({ length: side * side }, (_, pixel) => {
      const [y, x] = [Math.floor(pixel / side) / spacing, (pixel % side) / spacing];
      const [r, c] = [Math.floor(y), Math.floor(x)];
      const upper = (1 - x + c) * at(r, c) + (x - c) * at(r, c + 1);
      const lower = (1 - x + c) * at(r + 1, c) + (x - c) * at(r + 1, c + 1);
      return (1 - y + r) * upper + (y - r) * lower;
    });
  };
  return { right: spread(), down: spread() };
}
