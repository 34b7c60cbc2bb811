/**
 * Draws from further distributions, each a function of a stream of `random.ts`: gamma and what is
 * built on it (beta, Dirichlet), counts (Poisson, negative binomial), and a table for many draws from
 * one set of weights. Single draws; fill arrays with `Float64Array.from({ length }, () => gamma(stream, 2))`.
 */
import gammaln from "@stdlib/math-base-special-gammaln";
import type { Random } from "./random.ts";

/**
 * Gamma with the given shape and scale: mean shape · scale, variance shape · scale².
 * By Marsaglia and Tsang 2000, "A Simple Method for Generating Gamma Variables".
 *
 * @throws RangeError unless both are positive and finite
 */
export function gamma(random: Random, shape: number, scale = 1): number {
  positive("gamma", "scale", scale);
  return scale * Math.exp(logGamma(random, positive("gamma", "shape", shape)));
}

/** Beta with parameters a and b: mean a / (a + b). Throws RangeError unless both are positive and finite. */
export function beta(random: Random, a: number, b: number): number {
  return softmax([logGamma(random, positive("beta", "a", a)), logGamma(random, positive("beta", "b", b))])[0];
}

/**
 * A random point of the simplex: Dirichlet with the given concentrations, one a component.
 *
 * @returns positive numbers that sum to 1
 * @throws RangeError unless all concentrations are positive and finite
 */
export function dirichlet(random: Random, concentrations: ArrayLike<number>): Float64Array {
  if (concentrations.length === 0) throw new RangeError("dirichlet: concentrations are empty");
  return softmax(
    Array.from(concentrations, (value, i) =>
      logGamma(random, positive("dirichlet", `concentration ${i}`, value)),
    ),
  );
}

/**
 * Poisson: the number of events where `rate` are expected. By products of uniforms below a rate of 10,
 * above by Hörmann 1993, "The Transformed Rejection Method for Generating Poisson Random Variables", PTRS.
 *
 * @param rate at least 0, at most 2^40: beyond, rounding would shape the draws
 */
export function poisson(random: Random, rate: number): number {
  if (!(rate >= 0 && rate <= 2 ** 40))
    throw new RangeError(`poisson: rate ${rate} must be at least 0 and at most 2^40`);
  if (rate < 10) {
    const limit = Math.exp(-rate);
    let events = 0;
    for (let product = random.next(); product > limit; product *= random.next()) events++;
    return events;
  }
  const logRate = Math.log(rate);
  const b = 0.931 + 2.53 * Math.sqrt(rate);
  const a = -0.059 + 0.02483 * b;
  const inverseAlpha = 1.1239 + 1.1328 / (b - 3.4);
  const squeeze = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = random.next() - 0.5;
    const v = 1 - random.next();
    const distance = 0.5 - Math.abs(u);
    const events = Math.floor(((2 * a) / distance + b) * u + rate + 0.43);
    if (distance >= 0.07 && v <= squeeze) return events;
    if (events < 0 || (distance < 0.013 && v > distance)) continue;
    const logAccept = Math.log((v * inverseAlpha) / (a / distance ** 2 + b));
    if (logAccept <= events * logRate - rate - gammaln(events + 1)) return events;
  }
}

/**
 * Negative binomial: failures before `successes` successes of the given probability; a Poisson whose rate
 * is gamma distributed. Mean successes · (1 - p) / p, variance mean / p.
 *
 * @param successes above 0, need not be whole
 * @param probability of a success, above 0, at most 1
 */
export function negativeBinomial(random: Random, successes: number, probability: number): number {
  positive("negativeBinomial", "successes", successes);
  if (!(probability > 0 && probability <= 1))
    throw new RangeError(`negativeBinomial: probability ${probability} must be above 0 and at most 1`);
  return poisson(random, gamma(random, successes) * ((1 - probability) / probability));
}

/** Draws indices in proportion to fixed weights, each in constant time. */
export interface AliasTable {
  draw(random: Random): number;
  /** `count` independent indices. */
  sample(random: Random, count: number): Int32Array;
}

/**
 * Builds an alias table in time linear in the number of weights. For few draws `random.categorical`
 * is simpler. By Vose 1991, "A Linear Algorithm for Generating Random Numbers with a Given Distribution".
 *
 * @param weights at least 0, of finite positive sum, which need not be 1
 */
export function aliasTable(weights: ArrayLike<number>): AliasTable {
  const length = weights.length;
  let total = 0;
  for (let i = 0; i < length; i++) {
    if (!(weights[i] >= 0)) throw new RangeError(`aliasTable: weight ${i} is ${weights[i]}, below 0 or NaN`);
    total += weights[i];
  }
  if (!(total > 0 && total < Infinity))
    throw new RangeError(
      `aliasTable: the ${length} weights sum to ${total}; a finite positive sum is needed`,
    );

  // Each of the equally likely columns is split between its own index and one other, its alias.
  const own = Float64Array.from({ length }, (_, i) => (weights[i] / total) * length);
  const alias = Int32Array.from({ length }, (_, i) => i);
  const small: number[] = [];
  const large: number[] = [];
  for (let i = 0; i < length; i++) (own[i] < 1 ? small : large).push(i);
  while (small.length > 0 && large.length > 0) {
    const poor = small.pop()!;
    const rich = large[large.length - 1];
    alias[poor] = rich;
    own[rich] -= 1 - own[poor];
    if (own[rich] < 1) small.push(large.pop()!);
  }
  // What is left has 1, but for rounding: the columns left hold 1 on average, and none more.
  for (const i of small) own[i] = 1;

  const draw = (random: Random) => {
    const place = random.next() * length;
    const column = Math.floor(place);
    return place - column < own[column] ? column : alias[column];
  };
  return {
    draw,
    sample(random, count) {
      if (!(Number.isSafeInteger(count) && count >= 0))
        throw new RangeError(`aliasTable: count ${count} must be an integer of at least 0`);
      return Int32Array.from({ length: count }, () => draw(random));
    },
  };
}

/** The logarithm of a gamma variable: for shapes near 0 the variable itself is below what a float64 holds. */
function logGamma(random: Random, shape: number): number {
  if (shape < 1) {
    // u^(1/shape) times a gamma variable of shape + 1; 1 - u is never 0.
    return logGamma(random, shape + 1) + Math.log(1 - random.next()) / shape;
  }
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = random.normal(one)[0];
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - random.next()) < x ** 2 / 2 + d * (1 - v + Math.log(v))) return Math.log(d * v);
  }
}

const one = new Float64Array(1);

function softmax(logs: number[]): Float64Array {
  const largest = logs.reduce((a, b) => Math.max(a, b));
  const values = Float64Array.from(logs, (value) => Math.exp(value - largest));
  const total = values.reduce((sum, value) => sum + value, 0);
  return values.map((value) => value / total);
}

function positive(name: string, argument: string, value: number): number {
  if (!(value > 0 && value < Infinity))
    throw new RangeError(`${name}: ${argument} ${value} must be positive and finite`);
  return value;
}
