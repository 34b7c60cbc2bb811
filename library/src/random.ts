/**
 * Seeded randomness. `random(seed)` opens a stream of draws; `split(name)` opens an independent
 * stream that depends on the seed and the names alone, never on what has been drawn. Give each
 * consumer its own split, and adding one shifts none of the others:
 *
 *     const root = random(7);
 *     const weights = initialise(root.split("weights"));
 *     for (let epoch = 0; ; epoch++) train(root.split("batches").split(epoch));
 *
 * Bits come from xoroshiro128+ (pure-rand). Uniforms, integers and permutations are the same on any
 * engine; normals, gumbels and exponentials use `Math.log` and are the same wherever it rounds alike,
 * as it does on every machine that runs V8.
 */
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plusFromState } from "pure-rand/generator/xoroshiro128plus";
import { hash32 } from "./text/hash.ts";

export {
  type AliasTable,
  aliasTable,
  beta,
  dirichlet,
  gamma,
  negativeBinomial,
  poisson,
} from "./distributions.ts";

export type Floats = Float32Array | Float64Array;

/**
 * A stream of random draws. Methods that fill arrays take a length, giving a new Float32Array, or an
 * array of either precision to overwrite, giving that array back.
 */
export interface Random {
  /** An independent stream named by this one's name and `key`. Draws nothing; equal keys give equal streams. */
  split(key: string | number): Random;
  /** One uniform number, 0 ≤ x < 1, of 53 random bits. */
  next(): number;
  /** Uniform, low ≤ x < high (for single precision, rounding can reach `high` where it is not 1). Default 0 to 1. */
  uniform(length: number, low?: number, high?: number): Float32Array;
  uniform<T extends Floats>(into: T, low?: number, high?: number): T;
  /** Normal with the given mean and standard deviation. Default 0 and 1. Ziggurat, exact tails. */
  normal(length: number, mean?: number, deviation?: number): Float32Array;
  normal<T extends Floats>(into: T, mean?: number, deviation?: number): T;
  /** Standard Gumbel, -log(-log u): adding it to logits and taking the arg max samples their softmax. */
  gumbel(length: number): Float32Array;
  gumbel<T extends Floats>(into: T): T;
  /** Exponential with rate 1, -log u. */
  exponential(length: number): Float32Array;
  exponential<T extends Floats>(into: T): T;
  /** 1 with the given probability, else 0: masks, dropout. */
  bernoulli(length: number, probability: number): Float32Array;
  bernoulli<T extends Floats>(into: T, probability: number): T;
  /** One integer, low ≤ x < high, without modulo bias. */
  integer(low: number, high: number): number;
  /** The integers 0 … length - 1 in random order. */
  permutation(length: number): Int32Array;
  /** `count` different integers out of 0 … length - 1, in random order. */
  sample(length: number, count: number): Int32Array;
  /** A shuffled copy; the argument is left as it was. */
  shuffle<T>(items: readonly T[]): T[];
  /** One item, each equally likely. */
  choice<T>(items: ArrayLike<T>): T;
  /** An index, drawn in proportion to weights that are at least 0 and need not sum to 1. */
  categorical(weights: ArrayLike<number>): number;
  /** `count` independent such indices. */
  categorical(weights: ArrayLike<number>, count: number): Int32Array;
}

/**
 * Opens the stream of a seed. A number and its decimal text name the same stream.
 *
 * @throws RangeError for a seed that is NaN or infinite
 */
export function random(seed: number | string): Random {
  return stream(keyText(seed, "seed"));
}

function stream(name: string): Random {
  const state = [1, 2, 3, 4].map((lane) => hash32(name, lane) | 0);
  const generator = xoroshiro128plusFromState(state);

  // The low bits of xoroshiro128+ are its weakest: where bits are dropped, drop those.
  const next = () => (generator.next() >>> 6) * 2 ** -26 + (generator.next() >>> 5) * 2 ** -53;
  const next24 = () => (generator.next() >>> 8) * 2 ** -24;
  // Strictly between 0 and 1, so that log and log log are finite.
  const nextOpen = () => (generator.next() >>> 6) * 2 ** -26 + ((generator.next() >>> 6) + 0.5) * 2 ** -52;
  const integer = (low: number, high: number) => uniformInt(generator, low, high - 1);

  function nextNormal(): number {
    for (;;) {
      const bits = generator.next();
      const layer = bits >>> 24;
      const signed = (bits & 0x1fffff) * 2 ** -20 + (generator.next() >>> 0) * 2 ** -52 - 1;
      const x = signed * edges[layer];
      if (Math.abs(x) < edges[layer + 1]) return x;
      if (layer === 0) {
        // Marsaglia's tail: exponential proposals beyond the last edge.
        for (;;) {
          const beyond = -Math.log(nextOpen()) / tailStart;
          if (-2 * Math.log(nextOpen()) >= beyond * beyond) return Math.sign(signed) * (tailStart + beyond);
        }
      }
      const height = heights[layer] + next() * (heights[layer + 1] - heights[layer]);
      if (height < Math.exp((-x * x) / 2)) return x;
    }
  }

  function fill<T extends Floats>(target: number | T, draw: () => number): T {
    const out = (typeof target === "number" ? new Float32Array(count(target, "length")) : target) as T;
    for (let i = 0; i < out.length; i++) out[i] = draw();
    return out;
  }

  function permutation(length: number): Int32Array {
    const order = Int32Array.from({ length: count(length, "length") }, (_, i) => i);
    for (let i = order.length - 1; i > 0; i--) {
      const j = integer(0, i + 1);
      const swapped = order[i];
      order[i] = order[j];
      order[j] = swapped;
    }
    return order;
  }

  return {
    split: (key) => stream(`${state.join()}/${keyText(key, "key")}`),
    next,
    uniform<T extends Floats>(target: number | T, low = 0, high = 1): T {
      if (!(low <= high)) throw new RangeError(`uniform: low ${low} must not exceed high ${high}`);
      const width = high - low;
      // 24 bits are exact in single precision: 53 would round up to `high` once in 2^25 draws.
      const single = typeof target === "number" || target instanceof Float32Array;
      return single ? fill(target, () => low + width * next24()) : fill(target, () => low + width * next());
    },
    normal<T extends Floats>(target: number | T, mean = 0, deviation = 1): T {
      if (!(deviation >= 0)) throw new RangeError(`normal: deviation ${deviation} must be at least 0`);
      return fill(target, () => mean + deviation * nextNormal());
    },
    gumbel: <T extends Floats>(target: number | T) => fill<T>(target, () => -Math.log(-Math.log(nextOpen()))),
    exponential: <T extends Floats>(target: number | T) => fill<T>(target, () => -Math.log(nextOpen())),
    bernoulli<T extends Floats>(target: number | T, probability: number): T {
      if (!(probability >= 0 && probability <= 1))
        throw new RangeError(`bernoulli: probability ${probability} must be between 0 and 1`);
      return fill(target, () => (next() < probability ? 1 : 0));
    },
    integer(low, high) {
      if (!(Number.isSafeInteger(low) && Number.isSafeInteger(high) && low < high))
        throw new RangeError(`integer: low ${low} and high ${high} must be integers, low below high`);
      return integer(low, high);
    },
    permutation,
    sample(length, many) {
      if (count(many, "count") > count(length, "length"))
        throw new RangeError(`sample: count ${many} is more than the ${length} integers there are`);
      if (many * 4 > length) return permutation(length).slice(0, many);
      const seen = new Set<number>();
      while (seen.size < many) seen.add(integer(0, length));
      return Int32Array.from(seen);
    },
    shuffle: (items) => Array.from(permutation(items.length), (i) => items[i]),
    choice(items) {
      if (items.length === 0) throw new RangeError("choice: there is no item to choose from");
      return items[integer(0, items.length)];
    },
    categorical: ((weights: ArrayLike<number>, many?: number) => {
      const sums = cumulative(weights);
      const total = sums[sums.length - 1];
      const draw = () => firstAbove(sums, next() * total);
      return many === undefined ? draw() : Int32Array.from({ length: count(many, "count") }, draw);
    }) as Random["categorical"],
  };
}

function keyText(key: string | number, argument: string): string {
  if (typeof key === "number" && !Number.isFinite(key))
    throw new RangeError(`random: ${argument} ${key} must be a finite number or a string`);
  return String(key);
}

function count(value: number, argument: string): number {
  if (!(Number.isSafeInteger(value) && value >= 0))
    throw new RangeError(`random: ${argument} ${value} must be an integer of at least 0`);
  return value;
}

function cumulative(weights: ArrayLike<number>): Float64Array {
  const sums = new Float64Array(weights.length);
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    if (!(weights[i] >= 0)) throw new RangeError(`categorical: weight ${i} is ${weights[i]}, below 0 or NaN`);
    total += weights[i];
    sums[i] = total;
  }
  if (!(total > 0 && total < Infinity))
    throw new RangeError(
      `categorical: the ${weights.length} weights sum to ${total}; a finite positive sum is needed`,
    );
  return sums;
}

/** Index of the first sum above the value: an item of weight 0 is never it. */
function firstAbove(sums: Float64Array, value: number): number {
  let low = 0;
  let high = sums.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (sums[middle] > value || sums[middle] === sums[sums.length - 1]) high = middle;
    else low = middle + 1;
  }
  return low;
}

// The ziggurat of Marsaglia and Tsang (2000): 256 layers of equal area under exp(-x²/2). `edges` are
// their right ends, from the widest to 0, `heights` the curve there. Both are rounded to 2^-40, so
// that engines whose exp or log differ in the last bit build the same tables.
const tailStart = 3.6541528853610088;
const layerArea = 0.00492867323399;
const edges = new Float64Array(257);
const heights = new Float64Array(257);
for (let layer = 0, edge = layerArea / Math.exp(-(tailStart ** 2) / 2); layer < 256; layer++) {
  edges[layer] = Math.round(edge * 2 ** 40) * 2 ** -40;
  heights[layer] = layer === 0 ? 0 : Math.round(Math.exp((-edge * edge) / 2) * 2 ** 40) * 2 ** -40;
  edge =
    layer === 0
      ? tailStart
      : Math.sqrt(-2 * Math.log(Math.min(1, layerArea / edge + Math.exp((-edge * edge) / 2))));
}
heights[256] = 1;
