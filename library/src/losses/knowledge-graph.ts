/** Scores of facts (head, relation, tail) from embeddings, and losses that train these. */
import {
  abs,
  add,
  any,
  exp,
  expandDims,
  fromData,
  less,
  log,
  log1p,
  logicalAnd,
  logicalNot,
  logSumExp,
  multiply,
  negate,
  norm,
  reshape,
  slice,
  softmax,
  softplus,
  sqrt,
  square,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/** A score of facts: head, relation and tail are [..., d] that broadcast, the result [...]. */
export type TripleScore = (head: Tensor, relation: Tensor, tail: Tensor) => Tensor;

/** TransE: −Σ |h + r − t|. Source: Bordes et al. (2013), with the L1 distance. */
export const transE: TripleScore = (head, relation, tail) =>
  negate(sum(abs(subtract(add(head, relation), tail)), { axis: -1 }));

/** DistMult: Σ h r t, which cannot tell a relation from its inverse. Source: Yang et al. (2015). */
export const distMult: TripleScore = (head, relation, tail) =>
  sum(multiply(multiply(head, relation), tail), { axis: -1 });

/**
 * ComplEx: the real part of Σ h r t̄ over complex numbers. The first half of a vector holds real parts, the second
 * imaginary ones. Source: Trouillon et al. (2016).
 */
export const complEx: TripleScore = (head, relation, tail) => {
  const [hr, hi] = halves("complEx", head);
  const [rr, ri] = halves("complEx", relation);
  const [tr, ti] = halves("complEx", tail);
  const real = subtract(multiply(hr, rr), multiply(hi, ri));
  const imaginary = add(multiply(hr, ri), multiply(hi, rr));
  return sum(add(multiply(real, tr), multiply(imaginary, ti)), { axis: -1 });
};

/**
 * RotatE: −Σ |h r − t| over complex numbers, each relation's numbers divided by their length, so that they
 * rotate. Halves as for `complEx`. Source: Sun et al. (2019).
 */
export const rotatE: TripleScore = (head, relation, tail) => {
  const [hr, hi] = halves("rotatE", head);
  const [rr, ri] = halves("rotatE", relation);
  const [tr, ti] = halves("rotatE", tail);
  const length = modulus(rr, ri);
  const [cr, ci] = [multiply(rr, reciprocalOf(length)), multiply(ri, reciprocalOf(length))];
  const real = subtract(subtract(multiply(hr, cr), multiply(hi, ci)), tr);
  const imaginary = subtract(add(multiply(hr, ci), multiply(hi, cr)), ti);
  return negate(sum(modulus(real, imaginary), { axis: -1 }));
};

/** |x + iy|, a little above 0 at 0, where its gradient would not be defined. */
const modulus = (x: Tensor, y: Tensor): Tensor => sqrt(add(add(square(x), square(y)), 1e-12));
const reciprocalOf = (x: Tensor): Tensor => exp(negate(log(x)));

function halves(name: string, x: Tensor): [Tensor, Tensor] {
  const d = x.shape.at(-1)!;
  if (d === undefined || d % 2 !== 0)
    throw new RangeError(`${name}: got ${describe(x)}; expected [..., d] with an even d`);
  const before = x.shape.slice(0, -1).map(() => null);
  return [slice(x, [...before, [0, d / 2]]), slice(x, [...before, [d / 2, d]])];
}

export interface LinkLossOptions extends LossOptions {
  /** γ, added to all scores: for distances the one at which a fact is a coin's toss. Default: 0. */
  margin?: number;
  /** α of self-adversarial weights softmax(α s_i); 0 weighs all negatives alike. Default: 0. */
  adversarialTemperature?: number;
}

/**
 * The logistic loss of link prediction: −log σ(γ + s⁺) − Σ_i w_i log σ(−γ − s_i), Σ w = 1. The weights carry no
 * gradient.
 *
 * Source: Sun et al., "RotatE" (2019).
 *
 * @param positive Scores of facts, [n].
 * @param negatives Scores of corrupted facts, [n, k].
 */
export function linkLogisticLoss(
  positive: Tensor,
  negatives: Tensor,
  { margin = 0, adversarialTemperature = 0, reduction }: LinkLossOptions = {},
): Tensor {
  requireScores("linkLogisticLoss", positive, negatives);
  if (!(adversarialTemperature >= 0))
    throw new RangeError(
      `linkLogisticLoss: adversarialTemperature is ${adversarialTemperature}; expected a number of at least 0`,
    );
  const weights = stopGradient(softmax(multiply(negatives, adversarialTemperature)));
  const pulled = softplus(negate(add(positive, margin)));
  const pushed = sum(multiply(weights, softplus(add(negatives, margin))), { axis: 1 });
  return reduce(add(pulled, pushed), reduction);
}

export interface HardDebiasedOptions extends LossOptions {
  /** τ, the assumed share of false ones among negatives, 0 to below 1. Default: 2e-5, for WN18RR. */
  prior?: number;
  /** Subtracted from the positive's score. Default: 1. */
  margin?: number;
  /** bool [n, k]: negatives that are known to be true; they get no weight. Default: none. */
  known?: Tensor;
  /** Scale of the negatives' sum, N. Default: k, the number of negatives. */
  scale?: number;
  /**
   * "normalized" (default) weighs by the softmax of a row of scores divided by its length, as the authors do;
   * "scores" by the softmax of the scores themselves, which is much harder; "uniform" all alike.
   */
  hardness?: "normalized" | "scores" | "uniform";
}

/**
 * InfoNCE with hard and debiased negatives: −log e^{s⁺−m} / (e^{s⁺−m} + N/(1−τ) [Σ_j w_j e^{s_j} − τ Σ_k v_k e^{f_k}]₊).
 * w and v weigh by hardness, carry no gradient, and sum to 1. Where the estimated false negatives outweigh all
 * negatives, or all negatives are known, the loss of that row is 0, and so is its gradient.
 *
 * With τ = 0, m = 0 and uniform weights it is InfoNCE over k negatives.
 *
 * Source: Zhang et al., "HaSa: Hardness and structure-aware contrastive knowledge graph embedding" (2023);
 * the estimate is that of Chuang et al., "Debiased contrastive learning" (2020).
 *
 * @param positive s⁺, [n].
 * @param negatives s_j, [n, k].
 * @param falseNegatives f_k, scores of what may be true though it is not known to be, [n, f].
 */
export function hardDebiasedInfoNCE(
  positive: Tensor,
  negatives: Tensor,
  falseNegatives: Tensor,
  options: HardDebiasedOptions = {},
): Tensor {
  const name = "hardDebiasedInfoNCE";
  requireScores(name, positive, negatives);
  const [n, k] = negatives.shape as [number, number];
  const { prior = 2e-5, margin = 1, known, scale = k, hardness = "normalized", reduction } = options;
  if (falseNegatives.shape.length !== 2 || falseNegatives.shape[0] !== n || falseNegatives.shape[1] === 0)
    throw new RangeError(`${name}: falseNegatives is ${describe(falseNegatives)}; expected [${n}, f]`);
  if (!(prior >= 0 && prior < 1))
    throw new RangeError(`${name}: prior is ${prior}; expected a number from 0 to below 1`);
  if (!(scale > 0)) throw new RangeError(`${name}: scale is ${scale}; expected a number above 0`);
  if (known && known.shape.join() !== negatives.shape.join())
    throw new RangeError(`${name}: known is ${describe(known)}; expected [${n}, ${k}]`);
  const weighed = weightedLogSum(name, negatives, hardness, known);
  const pushed = add(weighed, Math.log(scale / (1 - prior)) + margin);
  // A row whose negatives are all known has none: nothing is pushed.
  const some = known ? any(logicalNot(known), { axis: 1 }) : fromData(new Uint8Array(n).fill(1), [n], "bool");
  if (prior === 0) return reduce(where(some, softplus(subtract(pushed, positive)), 0), reduction);
  // log [e^a − τ e^b] = a + log(1 − e^{b + log τ − a}), where that is above 0.
  const ratio = subtract(add(weightedLogSum(name, falseNegatives, hardness), Math.log(prior)), weighed);
  const positiveMass = logicalAnd(some, less(ratio, 0));
  const kept = log1p(negate(exp(where(positiveMass, ratio, -1))));
  const losses = softplus(subtract(add(pushed, kept), positive));
  return reduce(where(positiveMass, losses, 0), reduction);
}

/** log Σ_j w_j e^{s_j} of each row. */
function weightedLogSum(name: string, scores: Tensor, hardness: string, known?: Tensor): Tensor {
  const [n, k] = scores.shape as [number, number];
  const masked = (x: Tensor) => (known ? where(known, -1e9, x) : x);
  switch (hardness) {
    case "uniform":
      break;
    case "scores":
      return logSumExp(add(scores, logWeights(masked(scores))), { axis: 1 });
    case "normalized": {
      const length = norm(scores, { axis: 1, keepDims: true });
      const unit = multiply(scores, exp(negate(log(where(less(0, length), length, 1)))));
      return logSumExp(add(scores, logWeights(masked(unit))), { axis: 1 });
    }
    default:
      throw new RangeError(
        `${name}: hardness is ${JSON.stringify(hardness)}; expected "normalized", "scores" or "uniform"`,
      );
  }
  const zeros = fromData(scores.dtype === "float64" ? new Float64Array(n * k) : new Float32Array(n * k), [
    n,
    k,
  ]);
  return logSumExp(add(scores, logWeights(masked(zeros))), { axis: 1 });
}

/** Logarithms of a softmax, as constants. */
const logWeights = (x: Tensor): Tensor => {
  const [n] = x.shape;
  return stopGradient(subtract(x, reshape(logSumExp(x, { axis: 1 }), [n!, 1])));
};

/** Scores [n, k] of candidates [n, k, d] for queries [n, d], such as h ∘ r. */
export const candidateScores = (queries: Tensor, candidates: Tensor): Tensor =>
  sum(multiply(expandDims(queries, 1), candidates), { axis: 2 });

function requireScores(name: string, positive: Tensor, negatives: Tensor): void {
  if (positive.shape.length !== 1)
    throw new RangeError(`${name}: positive is ${describe(positive)}; expected [n]`);
  const [n] = positive.shape;
  if (negatives.shape.length !== 2 || negatives.shape[0] !== n || negatives.shape[1] === 0)
    throw new RangeError(`${name}: negatives is ${describe(negatives)}; expected [${n}, k], k above 0`);
}
