/**
 * Losses that pull a positive close and push negatives away. All are built on `contrast`: the
 * log-sum-exp of the candidates' scores against the positive's score, an anchor at a time.
 */

import {
  add,
  any,
  concat,
  customGradient,
  divide,
  equal,
  exp,
  expandDims,
  fromData,
  greater,
  log,
  logicalAnd,
  logicalNot,
  logicalOr,
  logSumExp,
  matmul,
  multiply,
  rsqrt,
  scalar,
  sigmoid,
  softmax,
  split,
  square,
  squeeze,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  transpose,
  where,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/** Rows divided by their Euclidean length; a zero row stays zero, with a finite gradient. */
export const l2Normalize: (x: Tensor) => Tensor = customGradient(
  (x: Tensor) => multiply(x, inverseLength(x)),
  // What the chain rule gives, without its detour over the squares: the part of g across x, shortened.
  (g, y, x) => {
    const along = multiply(y, sum(multiply(g, y), { axis: -1, keepDims: true }));
    return [multiply(subtract(g, along), inverseLength(x))];
  },
);

/** One over the length of each row, and 1 for a zero row. */
function inverseLength(x: Tensor): Tensor {
  const squares = sum(square(x), { axis: -1, keepDims: true });
  return rsqrt(where(equal(squares, 0), 1, squares));
}

export interface ContrastOptions extends LossOptions {
  /** bool [n, m]: which candidates stand in an anchor's denominator. Default: all. */
  include?: Tensor;
  /** A factor on each anchor's positive score outside of the denominator, [n]. Default: 1. */
  positiveWeight?: Tensor;
  /** What no candidate's score exceeds in absolute value, where that is known; see `logSumExp`. */
  bound?: number;
}

/**
 * The core of the family: log Σ_{j∈D} e^{s_j} − w s⁺ for each anchor. Its denominator D holds the positive
 * itself (InfoNCE) or not (decoupled); an anchor with an empty one contributes 0.
 *
 * @param positive Scores of the positives over the temperature, [n].
 * @param candidates Scores of what may stand in the denominator, over the temperature, [n, m].
 * @returns A scalar, or [n] with reduction "none".
 */
export function contrast(
  positive: Tensor,
  candidates: Tensor,
  { include, positiveWeight, bound, reduction }: ContrastOptions = {},
): Tensor {
  if (
    positive.shape.length !== 1 ||
    candidates.shape.length !== 2 ||
    candidates.shape[0] !== positive.shape[0]
  ) {
    throw new RangeError(
      `contrast: positive ${describe(positive)} and candidates ${describe(candidates)}; expected [n] and [n, m]`,
    );
  }
  const pulled = positiveWeight ? multiply(positiveWeight, positive) : positive;
  if (!include) return reduce(subtract(logSumExp(candidates, { axis: 1, bound }), pulled), reduction);
  // Adding −∞ leaves a candidate out exactly, and its gradient is exactly 0.
  const pool = add(candidates, where(include, scalar(0, candidates.dtype), Number.NEGATIVE_INFINITY));
  const losses = subtract(logSumExp(pool, { axis: 1, bound }), pulled);
  return reduce(where(any(include, { axis: 1 }), losses, 0), reduction);
}

export interface InfoNceOptions extends LossOptions {
  /** Scores are divided by it. Default: 0.05. */
  temperature?: number;
  /** "cosine" (default) or "dot". */
  similarity?: "cosine" | "dot";
  /** Further negatives: [m, d] for every anchor, or [n, k, d], k of each anchor's own. */
  negatives?: Tensor;
  /**
   * Which negatives stand in the denominators: those of the "in-batch" positives, the "explicit" ones of
   * `negatives`, or "both" (default). With "explicit", nothing of other rows plays a part unless it is given.
   */
  sources?: "in-batch" | "explicit" | "both";
  /**
   * bool [n, candidates]: candidates that must not count as negatives. Candidates are the batch's positives,
   * then `negatives`; with `sources` "explicit" the own positive alone, then `negatives`.
   */
  exclude?: Tensor;
  /** Factor ≥ 0 on each candidate's exponential, [n, candidates]; the own positive's stays 1. Default: 1. */
  weights?: Tensor;
}

/**
 * InfoNCE: −log e^{s_ii/τ} / Σ_j w_ij e^{s_ij/τ}, from anchors to positives, with in-batch and given negatives.
 *
 * Source: van den Oord, Li and Vinyals, "Representation learning with contrastive predictive coding"
 * (2018), equation 4; with weights as in Robinson et al., "Contrastive learning with hard negative samples"
 * (2021).
 *
 * @param anchors [n, d]
 * @param positives [n, d]; row i belongs to anchor i, the other rows are its negatives.
 */
export function infoNCE(anchors: Tensor, positives: Tensor, options: InfoNceOptions = {}): Tensor {
  const { positive, candidates, include, bound } = contrasted("infoNCE", anchors, positives, options);
  return contrast(positive, candidates, { include, bound, reduction: options.reduction });
}

/**
 * How much each candidate acts: its share of the force with which an anchor's loss pushes negatives away,
 * softmax over the negatives alone. Rows sum to 1; the own positive has 0, as have excluded candidates.
 *
 * @returns [n, candidates], in the order of `InfoNceOptions.exclude`
 */
export function negativeShares(
  anchors: Tensor,
  positives: Tensor,
  options: Omit<InfoNceOptions, "reduction"> = {},
): Tensor {
  const { candidates, include, own } = contrasted("negativeShares", anchors, positives, options);
  const negatives = include ? logicalAnd(include, logicalNot(own)) : logicalNot(own);
  const scores = where(negatives, candidates, Number.NEGATIVE_INFINITY);
  // An anchor without negatives has no shares, rather than 0 / 0.
  const some = any(negatives, { axis: 1, keepDims: true });
  return where(negatives, softmax(where(some, scores, 0)), 0);
}

/** What stands over and under the fraction: scores over the temperature, with the weights' logarithms added. */
function contrasted(name: string, anchors: Tensor, positives: Tensor, options: InfoNceOptions) {
  const { temperature = 0.05, similarity = "cosine", exclude, weights } = options;
  requirePairs(name, anchors, positives);
  requireTemperature(name, temperature);
  const { negatives, inBatch } = sourcesOf(name, anchors, options);
  const prepare = similarity === "cosine" ? l2Normalize : (x: Tensor) => x;
  const a = multiply(prepare(anchors), 1 / temperature);
  const p = prepare(positives);
  const extra = negatives && prepare(negatives);
  // Row by row, so that the positives' gradient does not pass through a matrix of n × m.
  const positive = sum(multiply(a, p), { axis: 1 });
  const scores = candidateScores(a, p, extra, inBatch ? undefined : positive);
  const [n, m] = scores.shape as [number, number];
  for (const [argument, mask] of Object.entries({ exclude, weights }))
    if (mask && (mask.shape.length !== 2 || mask.shape[0] !== n || mask.shape[1] !== m))
      throw new RangeError(`${name}: ${argument} is ${describe(mask)}; expected [${n}, ${m}]`);
  const own = inBatch ? diagonalMask(n, m) : firstColumn(n, m);
  if (!weights) {
    const include = exclude && logicalOr(own, logicalNot(exclude));
    // Cosines are at most 1.
    return {
      positive,
      candidates: scores,
      include,
      own,
      bound: similarity === "cosine" ? 1 / temperature : undefined,
    };
  }
  const counted = exclude ? logicalAnd(greater(weights, 0), logicalNot(exclude)) : greater(weights, 0);
  const include = logicalOr(own, counted);
  const factors = where(own, 1, where(include, weights, 1));
  return { positive, candidates: add(scores, log(factors)), include, own };
}

/** The negatives that are given and wanted, and whether those of the batch are. */
function sourcesOf(name: string, anchors: Tensor, { negatives, sources = "both" }: InfoNceOptions) {
  if (sources !== "both" && sources !== "in-batch" && sources !== "explicit")
    throw new RangeError(
      `${name}: sources is ${JSON.stringify(sources)}; expected "in-batch", "explicit" or "both"`,
    );
  if (sources === "explicit" && !negatives)
    throw new RangeError(`${name}: sources is "explicit", but there are no negatives`);
  const [n, d] = anchors.shape as [number, number];
  if (negatives) {
    const { shape } = negatives;
    const fits = (shape.length === 2 || (shape.length === 3 && shape[0] === n)) && shape.at(-1) === d;
    if (!fits)
      throw new RangeError(
        `${name}: negatives is ${describe(negatives)}; expected [m, ${d}] or [${n}, k, ${d}]`,
      );
  }
  return { negatives: sources === "in-batch" ? undefined : negatives, inBatch: sources !== "explicit" };
}

/** Scores [n, candidates]; `positive` [n] stands first where the batch's other positives are no candidates. */
function candidateScores(
  a: Tensor,
  p: Tensor,
  extra: Tensor | undefined,
  positive: Tensor | undefined,
): Tensor {
  // One product for all candidates that every anchor shares.
  if (!positive && extra?.shape.length !== 3) return matmul(a, transpose(extra ? concat([p, extra]) : p));
  const first = positive ? expandDims(positive, 1) : matmul(a, transpose(p));
  const shared = extra!.shape.length === 2;
  const others = shared ? matmul(a, transpose(extra!)) : squeeze(matmul(extra!, expandDims(a, 2)), 2);
  return concat([first, others], 1);
}

/**
 * InfoNCE of scores that are already there: −log e^{s_ii/τ} / Σ_j e^{s_ij/τ}.
 *
 * @param scores [n, m] with m ≥ n, not yet divided by the temperature; the positive of anchor i is column i.
 */
export function infoNCEOfScores(
  scores: Tensor,
  { temperature = 0.05, exclude, reduction }: Omit<InfoNceOptions, "similarity" | "negatives"> = {},
): Tensor {
  requireTemperature("infoNCEOfScores", temperature);
  const [n, m] = scores.shape as [number, number];
  if (scores.shape.length !== 2 || m < n) {
    throw new RangeError(`infoNCEOfScores: scores is ${describe(scores)}; expected [n, m] with m ≥ n`);
  }
  const scaled = multiply(scores, 1 / temperature);
  const positive = sum(where(diagonalMask(n, m), scaled, 0), { axis: 1 });
  return contrast(positive, scaled, { include: exclude && keepOwn(exclude, n, m), reduction });
}

/** bool [n, m], true in the first column. */
function firstColumn(n: number, m: number): Tensor {
  const mask = new Uint8Array(n * m);
  for (let i = 0; i < n; i++) mask[i * m] = 1;
  return fromData(mask, [n, m], "bool");
}

/** What stands in the denominators when some candidates are excluded: the others, and always the own positive. */
const keepOwn = (exclude: Tensor, n: number, m: number): Tensor =>
  logicalOr(diagonalMask(n, m), logicalNot(exclude));

/** bool [n, m], true where column and row number agree. */
function diagonalMask(n: number, m: number): Tensor {
  const mask = new Uint8Array(n * m);
  for (let i = 0; i < n; i++) mask[i * m + i] = 1;
  return fromData(mask, [n, m], "bool");
}

export interface TwoViewOptions extends LossOptions {
  /** Cosines are divided by it. Default: 0.1. */
  temperature?: number;
}

interface TwoViews {
  /** Cosines of the positive pairs over the temperature, twice: [2n]. */
  positive: Tensor;
  /** Scores of each anchor, first views then second, against both views, [2n, 2n]. */
  scores: Tensor;
  /** bool [2n, 2n]: all but the anchor itself. */
  others: Tensor;
  /** bool [2n, 2n]: all but the anchor itself and its other view. */
  negatives: Tensor;
}

/** What the losses over two views of one batch share: 2n anchors with 2n − 2 negatives each. */
function twoViews(name: string, first: Tensor, second: Tensor, temperature: number): TwoViews {
  requirePairs(name, first, second);
  requireTemperature(name, temperature);
  const a = l2Normalize(first);
  const b = l2Normalize(second);
  const both = concat([a, b]);
  const n = first.shape[0]!;
  const mask = (isIn: (i: number, j: number) => boolean) =>
    fromData(
      Uint8Array.from({ length: 4 * n * n }, (_, at) => Number(isIn(Math.floor(at / (2 * n)), at % (2 * n)))),
      [2 * n, 2 * n],
      "bool",
    );
  const pairs = multiply(sum(multiply(a, b), { axis: 1 }), 1 / temperature);
  return {
    positive: concat([pairs, pairs]),
    scores: matmul(multiply(both, 1 / temperature), transpose(both)),
    others: mask((i, j) => i !== j),
    negatives: mask((i, j) => i % n !== j % n),
  };
}

/**
 * NT-Xent, the loss of SimCLR: InfoNCE over two views of a batch, each view of an image once the anchor,
 * with the 2n − 2 other views as negatives.
 *
 * Source: Chen et al., "A simple framework for contrastive learning of visual representations" (2020),
 * equation 1.
 *
 * @param first [n, d] @param second [n, d]; row i of both shows the same thing.
 * @returns The mean over the 2n anchors (their sum, or [2n], by `reduction`).
 */
export function ntXent(
  first: Tensor,
  second: Tensor,
  { temperature = 0.1, reduction }: TwoViewOptions = {},
): Tensor {
  const { positive, scores, others } = twoViews("ntXent", first, second, temperature);
  return contrast(positive, scores, { include: others, bound: 1 / temperature, reduction });
}

/**
 * Decoupled contrastive loss: NT-Xent without the positive in the denominator, log U_i − s⁺_i/τ.
 *
 * The gradient of NT-Xent is that of this loss times 1 − e^{s⁺/τ} / (e^{s⁺/τ} + U) (see `npcMultiplier`),
 * a factor that is small for easy positives and small batches. The loss has no lower bound of 0.
 *
 * Source: Yeh et al., "Decoupled contrastive learning" (2022), equation 6. The masks are exact here;
 * the authors' code adds −103 to masked scores.
 *
 * @param first [n, d] @param second [n, d]; row i of both shows the same thing.
 * @returns The mean over the 2n anchors (their sum, or [2n], by `reduction`).
 */
export function dcl(
  first: Tensor,
  second: Tensor,
  { temperature = 0.1, reduction }: TwoViewOptions = {},
): Tensor {
  const { positive, scores, negatives } = twoViews("dcl", first, second, temperature);
  return contrast(positive, scores, { include: negatives, bound: 1 / temperature, reduction });
}

/**
 * Decoupled contrastive loss with weighted positives: w_i = 2 − e^{s⁺_i/σ} / mean_j e^{s⁺_j/σ} puts more weight
 * on pairs that lie far apart; the mean of w is 1.
 *
 * Source: Yeh et al., "Decoupled contrastive learning" (2022), equations 7 and 8. The paper treats w as a
 * weight, the authors' code lets the gradient flow through it.
 *
 * @param options.sigma σ. Default: 0.5.
 * @param options.throughWeight Whether the gradient flows through w. Default: false.
 */
export function dclw(
  first: Tensor,
  second: Tensor,
  options: TwoViewOptions & { sigma?: number; throughWeight?: boolean } = {},
): Tensor {
  const { temperature = 0.1, sigma = 0.5, throughWeight = false, reduction } = options;
  const { positive, scores, negatives } = twoViews("dclw", first, second, temperature);
  const [pairs] = split(positive, 2) as [Tensor, Tensor];
  const weight = dclWeights(multiply(pairs, temperature), sigma);
  const w = throughWeight ? weight : stopGradient(weight);
  return contrast(positive, scores, {
    include: negatives,
    positiveWeight: concat([w, w]),
    bound: 1 / temperature,
    reduction,
  });
}

/** The weights of `dclw`, [n], from the cosines of the positive pairs, [n]. */
export function dclWeights(positiveCosines: Tensor, sigma = 0.5): Tensor {
  const scaled = divide(positiveCosines, sigma);
  // Relative to the mean, computed in the exponent so that small σ does not overflow.
  const logMean = subtract(logSumExp(scaled), Math.log(positiveCosines.shape[0]!));
  return subtract(2, exp(subtract(scaled, logMean)));
}

/**
 * The negative-positive coupling multiplier q_i = 1 − e^{s⁺_i/τ} / (e^{s⁺_i/τ} + U_i) that relates the gradients
 * of NT-Xent and of the decoupled loss: ∇NT-Xent_i = q_i ∇DCL_i.
 *
 * Source: Yeh et al., "Decoupled contrastive learning" (2022), proposition 1.
 *
 * @returns [2n]: first views, then second.
 */
export function npcMultiplier(
  first: Tensor,
  second: Tensor,
  { temperature = 0.1 }: TwoViewOptions = {},
): Tensor {
  const { positive, scores, negatives } = twoViews("npcMultiplier", first, second, temperature);
  const logU = logSumExp(where(negatives, scores, Number.NEGATIVE_INFINITY), { axis: 1 });
  return sigmoid(subtract(logU, positive));
}

function requirePairs(name: string, a: Tensor, b: Tensor): void {
  if (
    a.shape.length !== 2 ||
    b.shape.length !== 2 ||
    a.shape[0] !== b.shape[0] ||
    a.shape[1] !== b.shape[1]
  ) {
    throw new RangeError(`${name}: ${describe(a)} and ${describe(b)}; expected two of one shape [n, d]`);
  }
}

function requireTemperature(name: string, temperature: number): void {
  if (!(temperature > 0))
    throw new RangeError(`${name}: temperature is ${temperature}; expected a number above 0`);
}
