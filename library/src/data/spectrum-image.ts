/** Made-up spectrum images of electron energy loss around the iron L edge, with or without a shifted edge. */
import { poisson, type Random } from "../random.ts";

export interface SpectrumImageOptions {
  /** Pixels. */
  height: number;
  width: number;
  /** Energy channels. Default: 96. */
  channels?: number;
  /** Energy of the first channel, eV. Default: 690. */
  start?: number;
  /** Electronvolts a channel. Default: 0.5. */
  dispersion?: number;
  /** Mean count of a channel at the start of the background. Default: 40. */
  counts?: number;
  /** Height of the stronger line above the background at the start. Default: 0.5. */
  edge?: number;
  /** How far the lattice changes the lines' height, as a share of it. Default: 0.8. */
  lattice?: number;
  /** How far both lines move in anomalous pixels, eV. Default: 0. */
  shift?: number;
  /** Share of pixels that are anomalous: a disc around a random place, cut at the border. Default: 0. */
  anomalous?: number;
  random: Random;
}

export interface SpectrumImage {
  height: number;
  width: number;
  channels: number;
  /** eV, [channels] */
  energies: Float64Array;
  /** [height, width, channels] */
  counts: Float32Array;
  /** 1 where the edge is shifted, [height · width]. */
  mask: Uint8Array;
}

/** Energies of the lines L3 and L2, eV, and how high they are. */
const LINES = [
  [708, 1],
  [721, 1 / 2.2],
] as const;
/** Width of a line at half its height, eV. */
const LINE_WIDTH = 1.5;
/** Height of the steps under the lines, as a share of the stronger line's. */
const STEP = 0.25;

/** A white line of Lorentzian shape on an arctan step, for each of both edges. */
function ironEdge(energy: number): number {
  return LINES.reduce((total, [line, height]) => {
    const distance = (energy - line) / (LINE_WIDTH / 2);
    return total + height * (1 / (1 + distance ** 2) + STEP * (0.5 + Math.atan(distance) / Math.PI));
  }, 0);
}

/**
 * Poisson counts of a crystal's spectra: a power law whose exponent and brightness follow a gradient of thickness, and
 * white lines whose height follows the lattice, a wave of five pixels in both directions.
 *
 * Equal streams give equal crystals and, outside of the discs, equal counts.
 */
export function spectrumImage(options: SpectrumImageOptions): SpectrumImage {
  const { height, width, channels = 96, start = 690, dispersion = 0.5, counts = 40, edge = 0.5 } = options;
  const { lattice = 0.8, shift = 0, anomalous = 0, random } = options;
  for (const [name, value] of Object.entries({ height, width, channels }))
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new RangeError(`spectrumImage: ${name} is ${value}; expected a whole number of at least 1`);
  for (const [name, value] of Object.entries({ start, dispersion, counts }))
    if (!(value > 0 && Number.isFinite(value)))
      throw new RangeError(`spectrumImage: ${name} is ${value}; expected a number above 0`);
  if (!(edge >= 0)) throw new RangeError(`spectrumImage: edge is ${edge}; expected a number of at least 0`);
  if (!(lattice >= 0 && lattice <= 1))
    throw new RangeError(`spectrumImage: lattice is ${lattice}; expected a share from 0 to 1`);
  if (!Number.isFinite(shift)) throw new RangeError(`spectrumImage: shift is ${shift}; expected a number`);
  if (!(anomalous >= 0 && anomalous <= 1))
    throw new RangeError(`spectrumImage: anomalous is ${anomalous}; expected a share from 0 to 1`);

  const energies = Float64Array.from({ length: channels }, (_, e) => start + e * dispersion);
  const mask = disc(height, width, Math.round(anomalous * height * width), random.split("disc"));
  const layout = random.split("crystal");
  const [angle, ...phases] = layout.uniform(new Float64Array(3), 0, 2 * Math.PI);
  const stream = random.split("counts");
  const image = new Float32Array(height * width * channels);
  for (let pixel = 0; pixel < height * width; pixel++) {
    const [y, x] = [Math.floor(pixel / width), pixel % width];
    // From −1 to 1 over the field, in a random direction.
    const thickness =
      (2 * ((x / width - 0.5) * Math.cos(angle!) + (y / height - 0.5) * Math.sin(angle!))) / Math.SQRT2;
    const column =
      Math.cos((2 * Math.PI * x) / 5 + phases[0]!) * Math.cos((2 * Math.PI * y) / 5 + phases[1]!);
    const moved = mask[pixel] === 1 ? shift : 0;
    // A stream for each pixel, so that one that is shifted changes no other.
    const draw = stream.split(pixel);
    for (const [e, energy] of energies.entries()) {
      const background = (energy / start) ** (-3 * (1 + 0.2 * thickness));
      const rate = background + edge * (1 + lattice * column) * ironEdge(energy - moved);
      image[pixel * channels + e] = poisson(draw, counts * (1 + 0.3 * thickness) * rate);
    }
  }
  return { height, width, channels, energies, counts: image, mask };
}

/** Marks the pixels that are nearest to a random place. */
function disc(height: number, width: number, count: number, random: Random): Uint8Array {
  const [top, left] = [random.next() * (height - 1), random.next() * (width - 1)];
  const distance = (pixel: number) => (Math.floor(pixel / width) - top) ** 2 + ((pixel % width) - left) ** 2;
  const order = Array.from({ length: height * width }, (_, pixel) => pixel);
  order.sort((a, b) => distance(a) - distance(b) || a - b);
  const mask = new Uint8Array(height * width);
  for (const pixel of order.slice(0, count)) mask[pixel] = 1;
  return mask;
}
