/**
 * Optimizers as pure state transformations: `init` makes a state around parameters, `update` takes a
 * state and gradients and returns the next state. States are trees, so they pass through `compile`,
 * are saved like parameters, and cost no memory that you do not see.
 */
import {
  add,
  cast,
  divide,
  expm1,
  fromData,
  multiply,
  negate,
  scalar,
  sizeOf,
  sqrt,
  subtract,
  type Tensor,
} from "../tensor/index.ts";
import { mapTree, zipTrees } from "../tree.ts";

export interface Optimizer<State> {
  init<P>(params: P): State & { params: P };
  update<P>(state: State & { params: P }, gradients: P): State & { params: P };
}

/** A number, or a schedule: a function of the steps taken so far, as a tensor, since graphs are traced once. */
export type LearningRate = number | ((step: Tensor) => Tensor);

/** Steps taken so far, a float32 scalar (exact up to 16 million). */
export interface Counted {
  step: Tensor;
}

const rateAt = (rate: LearningRate, step: Tensor): Tensor | number =>
  typeof rate === "number" ? rate : rate(step);

/** Zeros in a tensor's shape, as values. */
const zeroState = (x: Tensor): Tensor =>
  fromData(
    x.dtype === "float64" ? new Float64Array(sizeOf(x.shape)) : new Float32Array(sizeOf(x.shape)),
    x.shape,
  );

export interface SgdState extends Counted {
  /** Absent without momentum. */
  velocity?: unknown;
}

/**
 * Stochastic gradient descent: v ← μ v + g, θ ← θ − η v; with Nesterov's momentum θ ← θ − η (g + μ v).
 *
 * @param options.momentum μ. Default: 0.
 */
export function sgd(options: {
  learningRate: LearningRate;
  momentum?: number;
  nesterov?: boolean;
}): Optimizer<SgdState> {
  const { learningRate, momentum = 0, nesterov = false } = options;
  return {
    init: (params) => ({
      params,
      step: scalar(0),
      ...(momentum === 0 ? {} : { velocity: mapTree(params, zeroState) }),
    }),
    update: (state, gradients) => {
      const rate = rateAt(learningRate, state.step);
      const step = add(state.step, 1);
      if (momentum === 0) {
        return {
          ...state,
          step,
          params: zipTrees([state.params, gradients], (p, g) => subtract(p, multiply(g, rate))),
        };
      }
      const velocity = zipTrees([state.velocity, gradients], (v, g) => add(multiply(v, momentum), g));
      const direction = nesterov
        ? zipTrees([velocity, gradients], (v, g) => add(g, multiply(v, momentum)))
        : velocity;
      return {
        ...state,
        step,
        velocity,
        params: zipTrees([state.params, direction], (p, d) => subtract(p, multiply(d, rate))),
      };
    },
  };
}

export interface AdamState extends Counted {
  /** Running mean of gradients, divided by 1 − β₁ (see `adam`). */
  mean: unknown;
  /** Running mean of squared gradients, divided by 1 − β₂. */
  square: unknown;
}

export interface AdamOptions {
  /** Default: 0.001. */
  learningRate?: LearningRate;
  /** Default: 0.9. */
  beta1?: number;
  /** Default: 0.999. */
  beta2?: number;
  /** Added to the root of the mean square. Default: 1e-8. */
  epsilon?: number;
}

/**
 * Adam (Kingma and Ba 2015, algorithm 1, with bias correction).
 *
 * The moments are kept divided by 1 − β: M ← β₁ M + g and V ← β₂ V + g² need one operation less each,
 * and the factors join the step size: θ ← θ − α M / (√V + ε'), where ε' is ε on V's scale.
 */
export function adam(options: AdamOptions = {}): Optimizer<AdamState> {
  return adamW({ ...options, weightDecay: 0 });
}

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2): θ ← θ − η λ θ before the step.
 *
 * @param options.weightDecay λ. Default: 0.01.
 */
export function adamW(options: AdamOptions & { weightDecay?: number } = {}): Optimizer<AdamState> {
  const { learningRate = 1e-3, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0.01 } = options;
  return {
    init: (params) => ({
      params,
      step: scalar(0),
      mean: mapTree(params, zeroState),
      square: mapTree(params, zeroState),
    }),
    update: (state, gradients) => {
      const step = add(state.step, 1);
      const rate = rateAt(learningRate, state.step);
      const mean = zipTrees([state.mean, gradients], (m, g) => add(multiply(m, beta1), g));
      const square = zipTrees([state.square, gradients], (v, g) => add(multiply(v, beta2), multiply(g, g)));
      const meanFactor = divide(1 - beta1, oneMinusPower(beta1, step));
      const root = sqrt(divide(1 - beta2, oneMinusPower(beta2, step)));
      const size = multiply(divide(meanFactor, root), rate);
      const floor = divide(epsilon, root);
      const shrink = multiply(scalarOf(rate), weightDecay);
      const params = zipTrees([state.params, mean, square], (p, m, v) => {
        const as = (x: Tensor) => cast(x, p.dtype);
        const move = multiply(divide(m, add(sqrt(v), as(floor))), as(size));
        return subtract(weightDecay === 0 ? p : subtract(p, multiply(p, as(shrink))), move);
      });
      return { ...state, step, mean, square, params };
    },
  };
}

const scalarOf = (rate: Tensor | number): Tensor => (typeof rate === "number" ? scalar(rate) : rate);

/** 1 − β^step, exact where β^step is close to 1. */
const oneMinusPower = (beta: number, step: Tensor): Tensor => negate(expm1(multiply(step, Math.log(beta))));
