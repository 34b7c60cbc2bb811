/** Bayesian mixtures under log loss, and the prior mass around the truth that bounds their regret. Nats throughout. */
import { logSum } from "../stats/log-sum.ts";

/**
 * ln W_ε, the logarithm of the prior mass of all hypotheses within KL distance ε of the truth. −Infinity where there is
 * none.
 *
 * Source: "The Universality Lens: Why Even Highly Over-Parametrized Models Learn Well" (2025).
 *
 * @param divergences KL divergence from the truth to each hypothesis, per symbol.
 * @param logPrior [hypotheses], need not be normalised
 * @param epsilon Default: 0.
 */
export function logHypothesisWeight(
  divergences: ArrayLike<number>,
  logPrior: ArrayLike<number>,
  epsilon = 0,
): number {
  requireAlike("logHypothesisWeight", divergences, logPrior);
  const near = Array.from(logPrior).filter((_, i) => divergences[i]! <= epsilon);
  return near.length === 0 ? Number.NEGATIVE_INFINITY : logSum(near) - logSum(logPrior);
}

/**
 * The bound on the mixture's regret per symbol after n symbols, min_ε [ε + (1/n) ln 1/W_ε]. With a uniform prior and
 * ε = 0 it is (1/n) ln of the number of hypotheses over that of those equal to the truth.
 *
 * @returns Infinity if every hypothesis is infinitely far.
 */
export function regretBound(divergences: ArrayLike<number>, logPrior: ArrayLike<number>, n: number): number {
  requireAlike("regretBound", divergences, logPrior);
  if (!(n > 0)) throw new RangeError(`regretBound: n is ${n}; expected a number above 0`);
  const order = Array.from(logPrior, (_, i) => i).sort((a, b) => divergences[a]! - divergences[b]!);
  const total = logSum(logPrior);
  let [best, mass] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const i of order) {
    mass = logSum([mass, logPrior[i]!]);
    best = Math.min(best, divergences[i]! + (total - mass) / n);
  }
  return best;
}

export interface BayesMixture {
  /** Normalised log posterior, [hypotheses]. Read only. */
  logWeights: Float64Array;
  /** The mixture's probability of an event to which each hypothesis gives one. */
  predict(probabilities: ArrayLike<number>): number;
  /** Takes in what was seen, by its log likelihood under each hypothesis; returns the mixture's log probability of it. */
  update(logLikelihoods: ArrayLike<number>): number;
}

/** A Bayesian mixture of hypotheses, kept in logarithms. */
export function bayesMixture(logPrior: ArrayLike<number>): BayesMixture {
  const logWeights = Float64Array.from(logPrior);
  const normalise = () => {
    const total = logSum(logWeights);
    if (!Number.isFinite(total))
      throw new RangeError("bayesMixture: no hypothesis has any weight left, or a weight is not a number");
    for (let i = 0; i < logWeights.length; i++) logWeights[i]! -= total;
    return total;
  };
  normalise();
  return {
    logWeights,
    predict(probabilities) {
      requireAlike("bayesMixture", probabilities, logWeights);
      let sum = 0;
      for (let i = 0; i < logWeights.length; i++) sum += Math.exp(logWeights[i]!) * probabilities[i]!;
      return sum;
    },
    update(logLikelihoods) {
      requireAlike("bayesMixture", logLikelihoods, logWeights);
      for (let i = 0; i < logWeights.length; i++) logWeights[i]! += logLikelihoods[i]!;
      return normalise();
    },
  };
}

export interface Committees {
  /** Functions that are realised: bit x of a table is 1 where input number x gets +1. */
  tables: Uint16Array;
  /** How many settings of the weights realise each. */
  multiplicities: Float64Array;
  /** Number of settings, 81^units. */
  settings: number;
}

/**
 * All functions from {−1, 1}⁴ that a majority vote of ternary perceptrons realises, with their multiplicities, exactly.
 * A perceptron has four weights in {−1, 0, 1} and says +1 iff w·x ≥ 0. Five units take about a second.
 */
export function ternaryCommittees(units: 1 | 3 | 5): Committees {
  if (![1, 3, 5].includes(units))
    throw new RangeError(`ternaryCommittees: units is ${units}; expected 1, 3 or 5`);
  const single = Array.from({ length: 81 }, (_, setting) => {
    const w = [0, 1, 2, 3].map((i) => (Math.floor(setting / 3 ** i) % 3) - 1);
    let table = 0;
    for (let x = 0; x < 16; x++) {
      const score = w.reduce((sum, weight, i) => sum + weight * ((x >> i) & 1 ? 1 : -1), 0);
      if (score >= 0) table |= 1 << x;
    }
    return table;
  });
  const counts = new Float64Array(1 << 16);
  if (units === 1) for (const table of single) counts[table]!++;
  if (units === 3)
    for (const a of single)
      for (const b of single) for (const c of single) counts[(a & b) | (a & c) | (b & c)]!++;
  if (units === 5) countFives(single, counts);
  const tables = Uint16Array.from(counts.keys()).filter((table) => counts[table]! > 0);
  return {
    tables,
    multiplicities: Float64Array.from(tables, (table) => counts[table]!),
    settings: 81 ** units,
  };
}

/** Over settings in rising order, each counted as often as it can be put in another order. */
function countFives(single: number[], counts: Float64Array): void {
  const n = single.length;
  // Orders of a rising five, divided by those of each run of equal members as the run grows.
  for (let i = 0; i < n; i++)
    for (let j = i; j < n; j++) {
      const ij = j === i ? 2 : 1;
      const ijOrders = 120 / ij;
      for (let k = j; k < n; k++) {
        const ijk = k === j ? ij + 1 : 1;
        const ijkOrders = ijOrders / ijk;
        const [a, b, c] = [single[i]!, single[j]!, single[k]!];
        const majority = (a & b) | (a & c) | (b & c);
        const odd = a ^ b ^ c;
        for (let l = k; l < n; l++) {
          const run = l === k ? ijk + 1 : 1;
          const orders = ijkOrders / run;
          const d = single[l]!;
          for (let m = l; m < n; m++) {
            const e = single[m]!;
            // At least three of five: two or three of the first three and another one, or one of them and both others.
            counts[(majority & (odd | d | e)) | (odd & d & e)]! += m === l ? orders / (run + 1) : orders;
          }
        }
      }
    }
}

function requireAlike(name: string, values: ArrayLike<number>, logPrior: ArrayLike<number>): void {
  if (values.length !== logPrior.length || logPrior.length === 0)
    throw new RangeError(
      `${name}: ${values.length} values for ${logPrior.length} hypotheses; expected one each`,
    );
}
