/** Sets as random: how likely a detector's output makes the objects that are there, none of them thresholded away. */
import { type Assignment, murtyKBest } from "../inference/assignment.ts";

export interface PoissonMultiBernoulli {
  /** [M] r_k, the probability that component k shows an object, in [0, 1]. */
  existence: ArrayLike<number>;
  /** [M, N] log p_k(c_i), the class of object i under component k, given that it shows one. */
  logClasses: ArrayLike<number>;
  /** [M, N] log g_k(b_i), the density of its box under component k. */
  logBoxes: ArrayLike<number>;
  /** [N] log λ(b_i, c_i), the intensity of the Poisson process at object i; −∞ for none. */
  logIntensities: ArrayLike<number>;
  /** λ̄, the integral of the intensity: how many objects the Poisson process expects. */
  rate: number;
}

export interface PmbOptions {
  /** Q: how many assignments of objects the sum runs over, the likeliest. Default: 25. */
  assignments?: number;
}

export interface PmbScore {
  /** Nats. */
  nll: number;
  /** What the likeliest assignment alone costs, in nats; the parts sum to at least `nll`. */
  parts: {
    /** −Σ log g_k(b_i) over objects that a component shows. */
    boxes: number;
    /** −Σ log r_k p_k(c_i) over the same. */
    classes: number;
    /** −Σ log λ(b_i, c_i) over objects that none shows. */
    missed: number;
    /** −Σ log(1 − r_k) over components that show none. */
    falseAlarms: number;
    rate: number;
  };
  /** [N] The component of each object in that assignment; −1 for none. */
  components: Int32Array;
}

/** Existence is kept this far from 0 and 1: one sure error would otherwise cost without end. */
const LEAST = 1e-6;

/**
 * Negative log-likelihood of a set under a Poisson multi-Bernoulli density:
 * λ̄ − log Σ_θ Π_{(k,i) ∈ θ} r_k p_k(c_i) g_k(b_i) Π_{k ∉ θ} (1 − r_k) Π_{i ∉ θ} λ(b_i, c_i).
 *
 * θ runs over assignments that give each object to one component or to the Poisson process; of them the sum takes
 * the Q likeliest, found by Murty's algorithm, so that the value falls as Q grows and is exact once Q covers them all.
 * A proper score of detectors. Probabilities r are kept within [1e-6, 1 − 1e-6].
 *
 * Source: Hess, Petersson and Svensson, "Object Detection as Probabilistic Set Prediction" (2022), equations 8 to 12.
 *
 * @throws RangeError where lengths do not fit, r lies outside [0, 1], the rate is negative, or no assignment is possible.
 */
export function pmbNLL(density: PoissonMultiBernoulli, { assignments = 25 }: PmbOptions = {}): PmbScore {
  const { existence, logClasses, logBoxes, logIntensities, rate } = density;
  const [components, objects] = [existence.length, logIntensities.length];
  requireDensity(density);
  const exists = Float64Array.from(existence, (r) => Math.min(Math.max(r, LEAST), 1 - LEAST));
  const absent = exists.reduce((sum, r) => sum - Math.log(1 - r), 0);
  const found = bestAssignments(
    (i, k) => {
      const at = k * objects + i;
      return Math.log(exists[k]! / (1 - exists[k]!)) + logClasses[at]! + logBoxes[at]!;
    },
    (i) => logIntensities[i]!,
    components,
    objects,
    assignments,
  );
  if (found.length === 0) throw new RangeError("pmbNLL: no assignment of the objects has a positive density");
  const least = found[0]!.cost;
  const total = found.reduce((sum, { cost }) => sum + Math.exp(least - cost), 0);
  const chosen = found[0]!.columns.map((column) => (column < components ? column : -1));
  const parts = { boxes: 0, classes: 0, missed: 0, falseAlarms: absent, rate };
  chosen.forEach((k, i) => {
    if (k < 0) {
      parts.missed -= logIntensities[i]!;
      return;
    }
    parts.boxes -= logBoxes[k * objects + i]!;
    parts.classes -= Math.log(exists[k]!) + logClasses[k * objects + i]!;
    parts.falseAlarms += Math.log(1 - exists[k]!);
  });
  return { nll: rate + absent + least - Math.log(total), parts, components: chosen };
}

/**
 * The likeliest ways to give objects to components or to the Poisson process, cheapest first. A column below
 * `components` is a component, the column components + i the Poisson process.
 *
 * @param gain log-likelihood of object i under component k, less that of the component showing none
 * @param poisson log-intensity at object i
 */
export function bestAssignments(
  gain: (object: number, component: number) => number,
  poisson: (object: number) => number,
  components: number,
  objects: number,
  count: number,
): Assignment[] {
  const columns = components + objects;
  const cost = new Float64Array(objects * columns).fill(Number.POSITIVE_INFINITY);
  for (let i = 0; i < objects; i++) {
    for (let k = 0; k < components; k++) cost[i * columns + k] = -gain(i, k);
    cost[i * columns + components + i] = -poisson(i);
  }
  return murtyKBest(cost, objects, columns, count);
}

function requireDensity({
  existence,
  logClasses,
  logBoxes,
  logIntensities,
  rate,
}: PoissonMultiBernoulli): void {
  const expected = existence.length * logIntensities.length;
  for (const [name, values] of Object.entries({ logClasses, logBoxes }))
    if (values.length !== expected)
      throw new RangeError(
        `pmbNLL: ${name} has ${values.length} entries; expected ${existence.length} × ${logIntensities.length}`,
      );
  for (let k = 0; k < existence.length; k++)
    if (!(existence[k]! >= 0 && existence[k]! <= 1))
      throw new RangeError(`pmbNLL: existence holds ${existence[k]} at ${k}; expected 0 to 1`);
  if (!(rate >= 0 && rate < Number.POSITIVE_INFINITY))
    throw new RangeError(`pmbNLL: rate is ${rate}; expected a number of at least 0`);
}
