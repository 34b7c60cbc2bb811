/**
 * Adam and AdamW.
 *
 * The moments are kept divided by 1 − β: M = m / (1 − β₁), V = v / (1 − β₂). Then M ← β₁ M + g and
 * V ← β₂ V + g² need one operation less each, and the factors join the step size, a scalar. Whoever reads
 * the moments of a saved state, or brings them from elsewhere, multiplies or divides by 1 − β.
 */
import {
  add,
  cast,
  divide,
  expm1,
  multiply,
  negate,
  scalar,
  sqrt,
  subtract,
  type Tensor,
} from "../tensor/index.ts";
import { mapTree, zipTrees } from "../tree.ts";
import {
  type Counted,
  firstStep,
  type LearningRate,
  nextStep,
  type Optimizer,
  perType,
  rateAt,
  requireNumber,
  requireRate,
  zeroState,
} from "./optimizer.ts";

export interface AdamState extends Counted {
  /** M: the running mean of gradients, divided by 1 − β₁. */
  mean: unknown;
  /** V: the running mean of squared gradients, divided by 1 − β₂. */
  square: unknown;
}

export interface AdamOptions {
  /** α. Default: 0.001. */
  learningRate?: LearningRate;
  /** Default: 0.9. */
  beta1?: number;
  /** Default: 0.999. */
  beta2?: number;
  /** Added to the root of the mean square. Default: 1e-8. */
  epsilon?: number;
}

/** Adam (Kingma and Ba 2015, algorithm 1, with bias correction): θ ← θ − α m̂ / (√v̂ + ε). */
export function adam(options: AdamOptions = {}): Optimizer<AdamState> {
  return adamW({ ...options, weightDecay: 0 });
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2): θ ← θ − α λ θ before the step.
 *
 * @param options.weightDecay λ. Default: 0.01.
 */
export function adamW(options: AdamOptions & { weightDecay?: number } = {}): Optimizer<AdamState> {
  const { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = options;
  requireRate("adam", learningRate);
  requireNumber("adam", "beta1", beta1, 0, 1);
  requireNumber("adam", "beta2", beta2, 0, 1);
  requireNumber("adam", "epsilon", epsilon, 0);
  requireNumber("adam", "weightDecay", weightDecay, 0);
  return {
    init: (params) => ({
      params,
      step: firstStep(),
      mean: mapTree(params, zeroState),
      square: mapTree(params, zeroState),
    }),
    update(state, gradients) {
      const step = nextStep(state);
      const mean = zipTrees([state.mean, gradients], (m, g) => add(multiply(m, beta1), g));
      const square = zipTrees([state.square, gradients], (v, g) => add(multiply(v, beta2), multiply(g, g)));
      const scalars = perType((dtype) => {
        const rate = rateAt(learningRate, state.step, dtype);
        const taken = cast(step, dtype);
        // m̂ = M · meanFactor and √v̂ = √V · root, so that m̂ / (√v̂ + ε) = M · meanFactor / root / (√V + ε / root).
        const meanFactor = divide(scalar(1 - beta1, dtype), oneMinusPower(beta1, taken));
        const root = sqrt(divide(scalar(1 - beta2, dtype), oneMinusPower(beta2, taken)));
        return {
          size: multiply(divide(meanFactor, root), rate),
          floor: divide(scalar(epsilon, dtype), root),
          shrink: multiply(rate, weightDecay),
        };
      });
      const params = zipTrees([state.params, mean, square], (p, m, v) => {
        const { size, floor, shrink } = scalars(p);
        const move = multiply(divide(m, add(sqrt(v), floor)), size);
        return subtract(weightDecay === 0 ? p : subtract(p, multiply(p, shrink)), move);
      });
      return { ...state, step, mean, square, params };
    },
  };
}

/** 1 − β^step, exact where β^step is close to 1. */
const oneMinusPower = (beta: number, step: Tensor): Tensor => negate(expm1(multiply(step, Math.log(beta))));
