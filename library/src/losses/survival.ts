/** Losses for times until an event, of which some are censored: known only to be later than observed. */
import {
  add,
  cast,
  cumSum,
  divide,
  equal,
  exp,
  expandDims,
  greaterEqual,
  less,
  logSumExp,
  maximum,
  multiply,
  negate,
  range,
  softplus,
  subtract,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/**
 * The discrete-time survival likelihood: time is cut into K bins, h_k = σ(z_k) is the chance of the event
 * in bin k for those who have come so far, S_k = Π_{j ≤ k} (1 − h_j). An event in bin Y costs
 * −log S_{Y−1} − log h_Y, censoring in it −log S_Y. Computed from logits, so that nothing is clamped.
 *
 * Source: Zadeh and Schmid, "Bias in Cross-Entropy-Based Training of Deep Survival Networks" (2020).
 *
 * @param logits z, [n, K]
 * @param bins Y, int32 [n], 0 to K − 1; see `discretizeTimes`
 * @param events int32 [n]: 1 where the event was observed, 0 where censored
 * @param options.alpha Censored patients weigh 1 − α. Default: 0.
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError for α outside of [0, 1] or shapes that do not fit.
 */
export function discreteTimeNll(
  logits: Tensor,
  bins: Tensor,
  events: Tensor,
  { alpha = 0, reduction }: LossOptions & { alpha?: number } = {},
): Tensor {
  if (logits.shape.length !== 2)
    throw new RangeError(`discreteTimeNll: logits is ${describe(logits)}; expected [n, K]`);
  requireIntegers("discreteTimeNll", "bins", bins, logits.shape[0]!);
  requireIntegers("discreteTimeNll", "events", events, logits.shape[0]!);
  if (!(alpha >= 0 && alpha <= 1))
    throw new RangeError(`discreteTimeNll: alpha is ${alpha}; expected a number from 0 to 1`);
  const bin = range(logits.shape[1]!);
  const column = expandDims(bins, 1);
  // −log(1 − h) in the bins survived, −log h in the bin of an event.
  const survive = softplus(logits);
  const before = sum(where(less(bin, column), survive, 0), { axis: 1 });
  const at = (costs: Tensor) => sum(where(equal(bin, column), costs, 0), { axis: 1 });
  const observed = add(before, at(softplus(negate(logits))));
  const censored = multiply(add(before, at(survive)), 1 - alpha);
  return reduce(where(equal(events, 1), observed, censored), reduction);
}

/**
 * Survival after each bin: S_k = Π_{j ≤ k} (1 − σ(z_j)).
 *
 * @param logits z, [n, K]
 * @returns [n, K]
 */
export function discreteSurvival(logits: Tensor): Tensor {
  if (logits.shape.length !== 2)
    throw new RangeError(`discreteSurvival: logits is ${describe(logits)}; expected [n, K]`);
  return exp(negate(cumSum(softplus(logits), { axis: 1 })));
}

/**
 * Risk as the negative number of bins that a patient is expected to survive, −Σ_k S_k. Higher is worse.
 *
 * @param logits z, [n, K]
 * @returns [n]
 */
export const discreteRisk = (logits: Tensor): Tensor => negate(sum(discreteSurvival(logits), { axis: 1 }));

/**
 * Cox's negative partial log-likelihood: Σ_i δ_i [log Σ_{j: t_j ≥ t_i} e^{r_j} − r_i], equal times treated as
 * Breslow does. The mean is over the events; without any it is 0. Takes n² memory.
 *
 * Source: Cox, "Regression Models and Life-Tables" (1972).
 *
 * @param risks Log-hazards r, [n]
 * @param times t, [n]
 * @param events δ, int32 [n]: 1 where the event was observed, 0 where censored
 * @returns A scalar: the mean over events, or with reduction "sum" their sum. With "none" [n], 0 for
 *   censored patients.
 */
export function coxPartialNll(
  risks: Tensor,
  times: Tensor,
  events: Tensor,
  { reduction = "mean" }: LossOptions = {},
): Tensor {
  if (risks.shape.length !== 1)
    throw new RangeError(`coxPartialNll: risks is ${describe(risks)}; expected [n]`);
  if (times.shape.length !== 1 || times.shape[0] !== risks.shape[0])
    throw new RangeError(`coxPartialNll: times is ${describe(times)}; expected [${risks.shape[0]}]`);
  requireIntegers("coxPartialNll", "events", events, risks.shape[0]!);
  const atRisk = greaterEqual(expandDims(times, 0), expandDims(times, 1));
  const sets = where(atRisk, expandDims(risks, 0), Number.NEGATIVE_INFINITY);
  const observed = equal(events, 1);
  const losses = where(observed, subtract(logSumExp(sets, { axis: 1 }), risks), 0);
  if (reduction !== "mean") return reduce(losses, reduction);
  return divide(sum(losses), maximum(sum(cast(observed, risks.dtype)), 1));
}

function requireIntegers(name: string, argument: string, x: Tensor, n: number): void {
  if (x.shape.length !== 1 || x.shape[0] !== n || x.dtype !== "int32")
    throw new RangeError(`${name}: ${argument} is ${describe(x)}; expected int32 [${n}]`);
}

/**
 * Where to cut time into bins: quantiles of the times at which events were observed. Censored times are
 * left out, since they tell of the study's end rather than of the patients.
 *
 * @param times [n]
 * @param events [n], 1 or true where the event was observed
 * @param bins K ≥ 2
 * @returns K − 1 rising edges; give them to `discretizeTimes`.
 * @throws RangeError where there are too few different event times.
 */
export function eventTimeEdges(
  times: ArrayLike<number>,
  events: ArrayLike<number | boolean>,
  bins: number,
): Float64Array {
  if (!(Number.isSafeInteger(bins) && bins >= 2))
    throw new RangeError(`eventTimeEdges: bins is ${bins}; expected a whole number of at least 2`);
  const observed = Array.from(times)
    .filter((_, i) => events[i])
    .sort((a, b) => a - b);
  const edges = Float64Array.from({ length: bins - 1 }, (_, k) => {
    const place = ((k + 1) / bins) * (observed.length - 1);
    const low = Math.floor(place);
    const [a, b] = [observed[low]!, observed[Math.min(low + 1, observed.length - 1)]!];
    return a + (place - low) * (b - a);
  });
  if (observed.length < bins || edges.some((edge, k) => k > 0 && edge <= edges[k - 1]!))
    throw new RangeError(
      `eventTimeEdges: ${observed.length} event times are too few or too equal for ${bins} bins`,
    );
  return edges;
}

/**
 * The bin of each time: how many edges it has reached. Bin k holds edge_{k−1} ≤ t < edge_k.
 *
 * @param times [n]
 * @param edges K − 1 rising numbers; see `eventTimeEdges`
 * @returns [n], 0 to K − 1
 */
export const discretizeTimes = (times: ArrayLike<number>, edges: ArrayLike<number>): Int32Array =>
  Int32Array.from(Array.from(times), (time) => Array.from(edges).filter((edge) => time >= edge).length);
