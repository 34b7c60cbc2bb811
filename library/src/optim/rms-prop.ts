import { add, divide, multiply, sqrt, subtract } from "../tensor/index.ts";
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

export interface RmsPropState extends Counted {
  /** V: the running mean of squared gradients, divided by 1 − α, as in `adam`. */
  square: unknown;
  /** Absent without momentum. */
  velocity?: unknown;
}

export interface RmsPropOptions {
  /** Default: 0.01. */
  learningRate?: LearningRate;
  /** α, the weight of the old mean square in the new one. Default: 0.99. */
  decay?: number;
  /** μ. Default: 0. */
  momentum?: number;
  /** Added to the root of the mean square. Default: 1e-8. */
  epsilon?: number;
}

/**
 * RMSProp (Tieleman and Hinton 2012, lecture 6.5): v ← α v + (1 − α) g², u = g / (√v + ε), θ ← θ − η u;
 * with momentum b ← μ b + u, θ ← θ − η b.
 */
export function rmsProp(options: RmsPropOptions = {}): Optimizer<RmsPropState> {
  const { learningRate = 0.01, decay = 0.99, momentum = 0, epsilon = 1e-8 } = options;
  requireRate("rmsProp", learningRate);
  requireNumber("rmsProp", "decay", decay, 0, 1);
  requireNumber("rmsProp", "momentum", momentum, 0, 1);
  requireNumber("rmsProp", "epsilon", epsilon, 0);
  const root = Math.sqrt(1 - decay);
  return {
    init: (params) => ({
      params,
      step: firstStep(),
      square: mapTree(params, zeroState),
      ...(momentum === 0 ? {} : { velocity: mapTree(params, zeroState) }),
    }),
    update(state, gradients) {
      const step = nextStep(state);
      const rate = perType((dtype) => multiply(rateAt(learningRate, state.step, dtype), 1 / root));
      const square = zipTrees([state.square, gradients], (v, g) => add(multiply(v, decay), multiply(g, g)));
      // g / (√V + ε / root) is u · root; the factor is in the rate.
      const scaled = zipTrees([gradients, square], (g, v) => divide(g, add(sqrt(v), epsilon / root)));
      const moved = (directions: unknown) =>
        zipTrees([state.params, directions], (p, d) => subtract(p, multiply(d, rate(p))));
      if (momentum === 0) return { ...state, step, square, params: moved(scaled) };
      const velocity = zipTrees([state.velocity, scaled], (b, u) => add(multiply(b, momentum), u));
      return { ...state, step, square, velocity, params: moved(velocity) };
    },
  };
}
