/** Stochastic gradient descent, plain and with momentum. */
import { add, multiply, subtract } from "../tensor/index.ts";
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

export interface SgdState extends Counted {
  /** v; absent without momentum. */
  velocity?: unknown;
}

export interface SgdOptions {
  learningRate: LearningRate;
  /** μ. Default: 0. */
  momentum?: number;
  /** Nesterov's form of momentum. Default: false. */
  nesterov?: boolean;
  /** λ of an L2 penalty, added to the gradient: g + λ θ. Default: 0. */
  weightDecay?: number;
}

/**
 * v ← μ v + g, θ ← θ − η v (Polyak 1964); in Nesterov's form θ ← θ − η (g + μ v) (Sutskever et al. 2013).
 * The learning rate stands outside of the velocity, as in PyTorch.
 */
export function sgd(options: SgdOptions): Optimizer<SgdState> {
  const { learningRate, momentum = 0, nesterov = false, weightDecay = 0 } = options;
  requireRate("sgd", learningRate);
  requireNumber("sgd", "momentum", momentum, 0, 1);
  requireNumber("sgd", "weightDecay", weightDecay, 0);
  if (nesterov && momentum === 0) throw new RangeError("sgd: nesterov needs a momentum above 0");
  return {
    init: (params) => ({
      params,
      step: firstStep(),
      ...(momentum === 0 ? {} : { velocity: mapTree(params, zeroState) }),
    }),
    update(state, gradients) {
      const rate = perType((dtype) => rateAt(learningRate, state.step, dtype));
      const step = nextStep(state);
      const moved = (directions: unknown) =>
        zipTrees([state.params, directions], (p, d) => subtract(p, multiply(d, rate(p))));
      const penalized =
        weightDecay === 0
          ? gradients
          : zipTrees([gradients, state.params], (g, p) => add(g, multiply(p, weightDecay)));
      if (momentum === 0) return { ...state, step, params: moved(penalized) };
      const velocity = zipTrees([state.velocity, penalized], (v, g) => add(multiply(v, momentum), g));
      const ahead = () => zipTrees([velocity, penalized], (v, g) => add(g, multiply(v, momentum)));
      return { ...state, step, velocity, params: moved(nesterov ? ahead() : velocity) };
    },
  };
}
