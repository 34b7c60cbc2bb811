import binomialCdf from "@stdlib/stats-base-dists-binomial-cdf";
import type { Random } from "../random.ts";
import { mean } from "./moments.ts";

/**
 * Sign test of paired differences, exact and two-sided: the chance of a split at least as uneven if
 * either sign were equally likely. Differences of 0 are left out.
 */
export function signTest(differences: ArrayLike<number>): { positive: number; negative: number; p: number } {
  let positive = 0;
  let negative = 0;
  for (let i = 0; i < differences.length; i++) {
    if (Number.isNaN(differences[i])) throw new RangeError(`signTest: difference ${i} is NaN`);
    if (differences[i] > 0) positive++;
    else if (differences[i] < 0) negative++;
  }
  const p = Math.min(1, 2 * binomialCdf(Math.min(positive, negative), positive + negative, 0.5));
  return { positive, negative, p: positive + negative === 0 ? 1 : p };
}

export interface PermutationOptions {
  random: Random;
  /** Number of random permutations. Default 10,000. */
  permutations?: number;
}

export interface PermutationResult {
  /** Observed difference of means. */
  difference: number;
  /** Two-sided. */
  p: number;
}

/**
 * Paired permutation test: signs of the differences are flipped at random, and p is the share of
 * flips whose mean is at least as far from 0. All flips are tried where there are no more than
 * `permutations`; else p = (extreme + 1) / (drawn + 1), so that it is never 0.
 */
export function pairedPermutationTest(
  differences: ArrayLike<number>,
  options: PermutationOptions,
): PermutationResult {
  const count = differences.length;
  const permutations = checkedPermutations("pairedPermutationTest", options, count);
  const observed = mean(differences);
  const exact = 2 ** count <= permutations;
  const total = exact ? 2 ** count : permutations;
  let extreme = 0;
  for (let flip = 0; flip < total; flip++) {
    let sum = 0;
    for (let i = 0; i < count; i++) {
      const negate = exact ? (flip >> i) & 1 : options.random.integer(0, 2);
      sum += negate ? -differences[i] : differences[i];
    }
    if (isAsFar(sum / count, observed)) extreme++;
  }
  return { difference: observed, p: exact ? extreme / total : (extreme + 1) / (total + 1) };
}

/**
 * Permutation test of two independent samples: values change sides at random, and
 * p = (extreme + 1) / (permutations + 1) for differences of means at least as far from 0.
 */
export function permutationTest(
  a: ArrayLike<number>,
  b: ArrayLike<number>,
  options: PermutationOptions,
): PermutationResult {
  const permutations = checkedPermutations("permutationTest", options, Math.min(a.length, b.length));
  const pooled = [...Array.from(a), ...Array.from(b)];
  const observed = mean(a) - mean(b);
  let extreme = 0;
  for (let draw = 0; draw < permutations; draw++) {
    const mixed = options.random.shuffle(pooled);
    if (isAsFar(mean(mixed.slice(0, a.length)) - mean(mixed.slice(a.length)), observed)) extreme++;
  }
  return { difference: observed, p: (extreme + 1) / (permutations + 1) };
}

/** Sums in another order differ in the last bits, and must count as equal. */
const isAsFar = (value: number, observed: number) => Math.abs(value) >= Math.abs(observed) * (1 - 1e-12);

function checkedPermutations(
  test: string,
  { permutations = 10_000 }: PermutationOptions,
  values: number,
): number {
  if (values === 0) throw new RangeError(`${test}: a sample is empty`);
  if (!(Number.isSafeInteger(permutations) && permutations >= 1))
    throw new RangeError(`${test}: permutations ${permutations} must be an integer of at least 1`);
  return permutations;
}
