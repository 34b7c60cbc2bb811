/**
 * Losses of prediction sets that grow with λ, as tables for `riskControl`. λ runs from 0 (the smallest
 * sets) to 1 (everything).
 */
import type { LossTable } from "./conformal.ts";

/** A table whose losses are computed here. */
export interface SetLosses extends LossTable {
  losses: Float64Array;
}

/**
 * Miscoverage: 1 where the true output's score is above λ, else 0. Controlling it is split conformal
 * prediction.
 *
 * @param scores How ill the true output fits, [n].
 * @param lambdas Rising thresholds, [m].
 */
export function miscoverage(scores: ArrayLike<number>, lambdas: ArrayLike<number>): SetLosses {
  return table(scores.length, lambdas, (i, lambda) => (scores[i] > lambda ? 1 : 0));
}

/**
 * False-negative rate of the sets {c : probability_c ≥ 1 − λ}: the share of an example's true labels
 * that its set misses, and 0 for an example without labels.
 *
 * Source: Angelopoulos et al., "Conformal Risk Control" (2022), section 3.2.
 *
 * @param probabilities [n, classes], row by row
 * @param labels 1 or 0, [n, classes]
 * @param lambdas Rising, [m].
 */
export function falseNegativeRate(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  classes: number,
  lambdas: ArrayLike<number>,
): SetLosses {
  if (probabilities.length !== labels.length || probabilities.length % classes !== 0)
    throw new RangeError(
      `falseNegativeRate: ${probabilities.length} probabilities and ${labels.length} labels are no equal rows of ${classes} classes`,
    );
  return table(probabilities.length / classes, lambdas, (i, lambda) => {
    let [relevant, missed] = [0, 0];
    for (let at = i * classes; at < (i + 1) * classes; at++) {
      if (labels[at] !== 1) continue;
      relevant++;
      if (probabilities[at] < 1 - lambda) missed++;
    }
    return relevant === 0 ? 0 : missed / relevant;
  });
}

export interface Hierarchy {
  /** Parent of each node, −1 for the root. Nodes 0 … classes − 1 are the leaves, one for each class. */
  parents: ArrayLike<number>;
  classes: number;
}

/**
 * Distance of a predicted subtree from the true leaf: the edges from its top to the nearest node above
 * (or at) the true leaf, divided by the depth of the tree. The prediction is the lowest node above (or
 * at) the most probable leaf that holds probability λ at least.
 *
 * Source: Angelopoulos et al. (2022), section 3.3.
 *
 * @param probabilities Of the leaves, [n, classes], row by row.
 * @param labels [n]
 * @param lambdas Rising, [m]; the last should be 1, which predicts the root: no loss.
 */
export function hierarchicalDistance(
  probabilities: ArrayLike<number>,
  labels: ArrayLike<number>,
  { parents, classes }: Hierarchy,
  lambdas: ArrayLike<number>,
): SetLosses {
  const n = labels.length;
  if (probabilities.length !== n * classes)
    throw new RangeError(
      `hierarchicalDistance: ${probabilities.length} probabilities are no ${n} rows of ${classes} classes`,
    );
  const paths = Array.from({ length: classes }, (_, leaf) => pathToRoot(parents, leaf));
  const depth = Math.max(1, ...paths.map((path) => path.length - 1));
  const below = new Map<number, number[]>();
  paths.forEach((path, leaf) => {
    for (const node of path) below.set(node, [...(below.get(node) ?? []), leaf]);
  });
  const rows = Array.from({ length: n }, (_, i) => {
    const at = (leaf: number) => probabilities[i * classes + leaf];
    let top = 0;
    for (let leaf = 1; leaf < classes; leaf++) if (at(leaf) > at(top)) top = leaf;
    const above = new Set(paths[labels[i]]);
    const path = paths[top];
    const meet = path.findIndex((node) => above.has(node));
    const masses = path.map((node) => below.get(node)!.reduce((sum, leaf) => sum + at(leaf), 0));
    return { meet, masses };
  });
  return table(n, lambdas, (i, lambda) => {
    const { meet, masses } = rows[i];
    const found = masses.findIndex((mass) => mass >= lambda);
    // Rounding may leave the root's mass just below 1.
    const node = found < 0 ? masses.length - 1 : found;
    return Math.max(0, meet - node) / depth;
  });
}

function pathToRoot(parents: ArrayLike<number>, leaf: number): number[] {
  const path = [leaf];
  while (parents[path.at(-1)!] >= 0) {
    path.push(parents[path.at(-1)!]);
    if (path.length > parents.length)
      throw new RangeError(`hierarchicalDistance: parents of node ${leaf} form a circle`);
  }
  return path;
}

/**
 * 1 − the best token F1 of a set of answers: words in common, counted with repetition, against the true
 * answer. An empty set has loss 1.
 *
 * Source: Angelopoulos et al. (2022), section 3.4; the F1 is that of SQuAD (Rajpurkar et al. 2016).
 *
 * @param answers Each as its words.
 * @param truth The true answer's words.
 */
export function tokenF1Loss(answers: readonly (readonly string[])[], truth: readonly string[]): number {
  const f1 = (answer: readonly string[]) => {
    const left = new Map<string, number>();
    for (const word of truth) left.set(word, (left.get(word) ?? 0) + 1);
    let common = 0;
    for (const word of answer) {
      const count = left.get(word) ?? 0;
      if (count > 0) common++;
      left.set(word, count - 1);
    }
    return answer.length + truth.length === 0 ? 1 : (2 * common) / (answer.length + truth.length);
  };
  return 1 - Math.max(0, ...answers.map(f1));
}

function table(
  examples: number,
  lambdas: ArrayLike<number>,
  loss: (example: number, lambda: number) => number,
): SetLosses {
  const steps = lambdas.length;
  const losses = new Float64Array(examples * steps);
  for (let i = 0; i < examples; i++)
    for (let j = 0; j < steps; j++) losses[i * steps + j] = loss(i, lambdas[j]);
  return { lambdas, losses };
}
