/** Noise of real footage: windows of clips that show nothing else, and how they are laid over other clips. */

export interface Clip {
  frames: number;
  height: number;
  width: number;
  /** [frames, height, width], grey levels from 0 to 1 */
  pixels: Float32Array;
}

export interface NoiseSequenceOptions {
  /** Pixels a side of a window. Default: 64. */
  window?: number;
  /** Pixels between windows. Default: `window`. */
  stride?: number;
  /** Each frame's variance has to be below this, in squares of 255th parts. Default: 50. */
  variance?: number;
  /** Each frame's mean has to be above this, in 255th parts. Default: 0. */
  mean?: number;
  /** Largest variance over frames of the frames' variances. Default: 50. */
  varianceOfVariances?: number;
  /** Largest variance over frames of the frames' means. Default: 50. */
  varianceOfMeans?: number;
}

/**
 * Windows of a clip that are flat in every frame and change little over time, so that what is seen in them is noise.
 *
 * Source: Song et al., "NegVSR: Augmenting Negatives for Generalized Noise Modeling in Real-World Video
 * Super-Resolution" (2023), with the limits of the authors' code.
 *
 * @returns Clips of `window` by `window` pixels, as many frames as the given one.
 */
export function extractNoiseSequences(
  clip: Clip,
  {
    window = 64,
    stride = window,
    variance = 50,
    mean = 0,
    varianceOfVariances = 50,
    varianceOfMeans = 50,
  }: NoiseSequenceOptions = {},
): Clip[] {
  requireClip("extractNoiseSequences", "clip", clip);
  for (const [name, value] of Object.entries({ window, stride }))
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new RangeError(
        `extractNoiseSequences: ${name} is ${value}; expected a whole number of at least 1`,
      );
  const { frames, height, width, pixels } = clip;
  const found: Clip[] = [];
  for (let top = 0; top + window <= height; top += stride)
    for (let left = 0; left + window <= width; left += stride) {
      const cut = new Float32Array(frames * window * window);
      for (let at = 0; at < cut.length; at++) {
        const [frame, place] = [Math.floor(at / (window * window)), at % (window * window)];
        const [row, column] = [top + Math.floor(place / window), left + (place % window)];
        cut[at] = pixels[(frame * height + row) * width + column]!;
      }
      const each = Array.from({ length: frames }, (_, frame) => {
        const part = cut.subarray(frame * window * window, (frame + 1) * window * window);
        return moments(Float64Array.from(part, (x) => x * 255));
      });
      const flat = each.every((frame) => frame.variance < variance && frame.mean > mean);
      const steady =
        moments(each.map((frame) => frame.variance)).variance <= varianceOfVariances &&
        moments(each.map((frame) => frame.mean)).variance <= varianceOfMeans;
      if (flat && steady) found.push({ frames, height: window, width: window, pixels: cut });
    }
  return found;
}

/**
 * Clips blended with noise sequences, frame by frame: (1 − m) x + m n.
 *
 * @param clip x
 * @param noise n, of the same size
 * @param share m, from 0 to 1. Default: 0.5.
 */
export function mixNoise(clip: Clip, noise: Clip, share = 0.5): Clip {
  requireClip("mixNoise", "clip", clip);
  requireClip("mixNoise", "noise", noise);
  if (noise.frames !== clip.frames || noise.height !== clip.height || noise.width !== clip.width)
    throw new RangeError(`mixNoise: noise is ${sizeOf(noise)}; expected ${sizeOf(clip)}, as clip`);
  if (!(share >= 0 && share <= 1))
    throw new RangeError(`mixNoise: share is ${share}; expected a number from 0 to 1`);
  const pixels = Float32Array.from(clip.pixels, (x, at) => (1 - share) * x + share * noise.pixels[at]!);
  return { ...clip, pixels };
}

const sizeOf = ({ frames, height, width }: Clip) => `[${frames}, ${height}, ${width}]`;

/** Checks that there are as many pixels as the sizes say. */
export function requireClip(name: string, argument: string, clip: Clip): void {
  const { frames, height, width, pixels } = clip;
  const whole = [frames, height, width].every((size) => Number.isSafeInteger(size) && size >= 1);
  if (!whole || pixels.length !== frames * height * width)
    throw new RangeError(
      `${name}: ${argument} is ${sizeOf(clip)} with ${pixels.length} pixels; expected frames × height × width of them`,
    );
}

function moments(values: ArrayLike<number>): { mean: number; variance: number } {
  let [sum, squares] = [0, 0];
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  const mean = sum / values.length;
  for (let i = 0; i < values.length; i++) squares += (values[i]! - mean) ** 2;
  return { mean, variance: squares / values.length };
}
