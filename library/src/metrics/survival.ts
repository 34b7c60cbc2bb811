/**
 * Metrics for times until an event, times [n] and events [n]: 1 or true where the event was observed,
 * 0 or false where the time is censored.
 */
import normalCdf from "@stdlib/stats-base-dists-normal-cdf";
import { sameLength } from "./check.ts";

type Events = ArrayLike<number | boolean>;

/**
 * Concordance index (Harrell et al. 1982): of the pairs in which i had the event before j was last seen
 * (t_i < t_j), the share with the higher risk for i, equal risks counting half. 0.5 is chance.
 *
 * @param risks [n], higher for earlier events
 * @throws RangeError where no pair can be compared
 */
export function concordanceIndex(times: ArrayLike<number>, events: Events, risks: ArrayLike<number>): number {
  return weightedConcordance("concordanceIndex", times, events, risks, () => 1);
}

export interface IpcwOptions {
  /** Times and events from which the censoring is estimated, usually those of the training set. Default: the data. */
  censoring?: { times: ArrayLike<number>; events: Events };
  /** Events at or after this time start no pair. Default: none. */
  horizon?: number;
}

/**
 * Concordance weighted by the inverse probability of censoring (Uno et al. 2011): pairs weigh 1 / G(t_i)²,
 * G(t) being the Kaplan-Meier estimate of not being censored up to t. Unlike the plain index it does not
 * depend on how many are censored, as long as censoring is independent of risk.
 *
 * @param risks [n], higher for earlier events
 * @throws RangeError where no pair can be compared, or an event lies where all are censored
 */
export function ipcwConcordance(
  times: ArrayLike<number>,
  events: Events,
  risks: ArrayLike<number>,
  { censoring = { times, events }, horizon = Number.POSITIVE_INFINITY }: IpcwOptions = {},
): number {
  const curve = survivalCurve(censoring.times, censoring.events, "censored");
  return weightedConcordance("ipcwConcordance", times, events, risks, (time) => {
    if (time >= horizon) return 0;
    const uncensored = survivalAt(curve, time);
    if (!(uncensored > 0))
      throw new RangeError(`ipcwConcordance: all are censored by time ${time}; give a horizon before it`);
    return 1 / uncensored ** 2;
  });
}

function weightedConcordance(
  metric: string,
  times: ArrayLike<number>,
  events: Events,
  risks: ArrayLike<number>,
  weight: (time: number) => number,
): number {
  sameLength(metric, "times and events", times, events);
  sameLength(metric, "times and risks", times, risks);
  let [concordant, comparable] = [0, 0];
  for (let i = 0; i < times.length; i++) {
    if (Number.isNaN(risks[i]!)) throw new RangeError(`${metric}: risk ${i} is NaN`);
    if (!events[i]) continue;
    let [agree, pairs] = [0, 0];
    for (let j = 0; j < times.length; j++) {
      if (!(times[i]! < times[j]!)) continue;
      pairs++;
      if (risks[i]! > risks[j]!) agree++;
      else if (risks[i] === risks[j]) agree += 0.5;
    }
    if (pairs === 0) continue;
    const w = weight(times[i]!);
    concordant += w * agree;
    comparable += w * pairs;
  }
  if (comparable === 0) throw new RangeError(`${metric}: no pair can be compared`);
  return concordant / comparable;
}

export interface SurvivalCurve {
  /** Rising: the times at which an event was observed. */
  times: Float64Array;
  /** Share that survives beyond each of them. Before the first it is 1. */
  survival: Float64Array;
  /** How many were still under observation just before. */
  atRisk: Int32Array;
  /** How many had the event. */
  events: Int32Array;
}

/** The survival curve S(t) = Π_{t_k ≤ t} (1 − d_k / n_k) (Kaplan and Meier 1958). */
export function kaplanMeier(times: ArrayLike<number>, events: Events): SurvivalCurve {
  return survivalCurve(times, events, "event");
}

/**
 * The curve of events, or that of censoring, in which events are what takes patients out of sight. At
 * equal times events come first: who had one was not at risk of being censored then.
 */
function survivalCurve(times: ArrayLike<number>, events: Events, kind: "event" | "censored"): SurvivalCurve {
  sameLength("kaplanMeier", "times and events", times, events);
  const distinct = [...new Set(Array.from(times))].sort((a, b) => a - b);
  const counts = new Map(distinct.map((time) => [time, { event: 0, censored: 0 }]));
  for (let i = 0; i < times.length; i++) counts.get(times[i]!)![events[i] ? "event" : "censored"]++;
  let [left, share] = [times.length, 1];
  const steps = [];
  for (const time of distinct) {
    const here = counts.get(time)!;
    const atRisk = kind === "event" ? left : left - here.event;
    if (here[kind] > 0) {
      share *= 1 - here[kind] / atRisk;
      steps.push({ time, share, atRisk, count: here[kind] });
    }
    left -= here.event + here.censored;
  }
  return {
    times: Float64Array.from(steps, ({ time }) => time),
    survival: Float64Array.from(steps, ({ share }) => share),
    atRisk: Int32Array.from(steps, ({ atRisk }) => atRisk),
    events: Int32Array.from(steps, ({ count }) => count),
  };
}

/** S(t), the share that survives beyond a time. */
export function survivalAt({ times, survival }: SurvivalCurve, time: number): number {
  const last = times.findLastIndex((t) => t <= time);
  return last < 0 ? 1 : survival[last]!;
}

/**
 * Log-rank test of two groups (Mantel 1966): whether they have one survival curve.
 *
 * @param groups [n], 0 or 1
 * @returns The statistic, χ² with one degree of freedom if they have, and its p-value. 0 and 1 where no
 *   event can tell.
 * @throws RangeError for another group
 */
export function logRank(
  times: ArrayLike<number>,
  events: Events,
  groups: ArrayLike<number>,
): { statistic: number; p: number } {
  sameLength("logRank", "times and events", times, events);
  sameLength("logRank", "times and groups", times, groups);
  const all = Array.from(times, (time, i) => ({ time, event: Boolean(events[i]), group: groups[i]! }));
  const odd = all.findIndex(({ group }) => group !== 0 && group !== 1);
  if (odd >= 0) throw new RangeError(`logRank: group ${odd} is ${groups[odd]}; expected 0 or 1`);
  let [excess, variance] = [0, 0];
  for (const time of new Set(all.filter(({ event }) => event).map((patient) => patient.time))) {
    const atRisk = all.filter((patient) => patient.time >= time);
    const died = atRisk.filter((patient) => patient.event && patient.time === time);
    const [n, d] = [atRisk.length, died.length];
    const share = atRisk.filter(({ group }) => group === 1).length / n;
    excess += died.filter(({ group }) => group === 1).length - d * share;
    if (n > 1) variance += (d * share * (1 - share) * (n - d)) / (n - 1);
  }
  if (variance === 0) return { statistic: 0, p: 1 };
  const statistic = excess ** 2 / variance;
  return { statistic, p: 2 * normalCdf(-Math.sqrt(statistic), 0, 1) };
}
