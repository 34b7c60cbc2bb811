/** How well the equal mixture of an ensemble's normal distributions foretells numbers. */
import normalCdf from "@stdlib/stats-base-dists-normal-cdf";
import { logSum } from "../stats/log-sum.ts";
import { type GaussianEnsemble, requireEnsemble } from "./anchored-ensemble.ts";

/**
 * Negative log-likelihood of each target under the equal mixture of the members' normal distributions, in nats:
 * −ln 1/M Σ_m N(y; μ_m, v_m).
 *
 * @param targets [n]
 * @returns [n]
 * @throws RangeError if lengths do not fit.
 */
export function gaussianMixtureNLL(ensemble: GaussianEnsemble, targets: ArrayLike<number>): Float64Array {
  const { means, variances, members } = ensemble;
  const n = requireTargets("gaussianMixtureNLL", ensemble, targets);
  const logs = new Float64Array(members);
  return Float64Array.from({ length: n }, (_, i) => {
    for (let m = 0; m < members; m++) {
      const variance = variances[m * n + i]!;
      logs[m] = -0.5 * (Math.log(2 * Math.PI * variance) + (targets[i]! - means[m * n + i]!) ** 2 / variance);
    }
    return Math.log(members) - logSum(logs);
  });
}

/**
 * Probability of a value of at most the target under the same mixture. Over all targets it is uniform on [0, 1] if
 * the forecast is calibrated (the probability integral transform); a central interval of probability 0.9 covers
 * the targets where it is between 0.05 and 0.95.
 *
 * @param targets [n]
 * @returns [n]
 * @throws RangeError if lengths do not fit.
 */
export function gaussianMixtureCdf(ensemble: GaussianEnsemble, targets: ArrayLike<number>): Float64Array {
  const { means, variances, members } = ensemble;
  const n = requireTargets("gaussianMixtureCdf", ensemble, targets);
  return Float64Array.from({ length: n }, (_, i) => {
    let sum = 0;
    for (let m = 0; m < members; m++)
      sum += normalCdf(targets[i]!, means[m * n + i]!, Math.sqrt(variances[m * n + i]!));
    return sum / members;
  });
}

function requireTargets(name: string, ensemble: GaussianEnsemble, targets: ArrayLike<number>): number {
  const n = requireEnsemble(name, ensemble);
  if (targets.length !== n)
    throw new RangeError(`${name}: ${targets.length} targets; expected ${n}, one for each prediction`);
  return n;
}
