/** Negatives of images: their patches turned in place. */
import type { Random } from "../random.ts";
import { type Clip, requireClip } from "./noise-sequences.ts";

export interface RotatePatchesOptions {
  /** Patches along each side of a frame, which its sides have to be multiples of. Default: 16. */
  grid?: number;
  /** How likely a patch is turned. Default: 0.5. */
  probability?: number;
  random: Random;
}

/**
 * Cuts each frame into a grid of patches and turns each patch by k quarter turns with the given probability, k uniform in
 * {0, …, 4}: with k = 0 and 4 it stays as it is, so that 0.6 of the probability is left. Draws are independent over
 * patches and frames.
 *
 * Source: Song et al., "NegVSR" (2023), and the authors' code.
 *
 * @throws RangeError where the grid's patches are no squares.
 */
export function rotatePatches(
  clip: Clip,
  { grid = 16, probability = 0.5, random }: RotatePatchesOptions,
): Clip {
  requireClip("rotatePatches", "clip", clip);
  const { frames, height, width, pixels } = clip;
  const side = height / grid;
  if (!(Number.isSafeInteger(grid) && grid >= 1 && Number.isInteger(side) && width === height))
    throw new RangeError(
      `rotatePatches: grid is ${grid}; expected frames of equal sides that it divides, got ${height} by ${width}`,
    );
  if (!(probability >= 0 && probability <= 1))
    throw new RangeError(`rotatePatches: probability is ${probability}; expected a number from 0 to 1`);
  const turned = Float32Array.from(pixels);
  for (let patch = 0; patch < frames * grid * grid; patch++) {
    if (random.next() >= probability) continue;
    const turns = random.integer(0, 5);
    const frame = Math.floor(patch / (grid * grid));
    const [top, left] = [Math.floor((patch % (grid * grid)) / grid) * side, (patch % grid) * side];
    const place = (row: number, column: number) => (frame * height + top + row) * width + left + column;
    for (let row = 0; row < side; row++)
      for (let column = 0; column < side; column++) {
        let [from, across] = [row, column];
        for (let k = 0; k < turns; k++) [from, across] = [across, side - 1 - from];
        turned[place(row, column)] = pixels[place(from, across)]!;
      }
  }
  return { ...clip, pixels: turned };
}
