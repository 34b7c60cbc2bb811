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

export interface AdaGradState extends Counted {
  /** G: the sum of squared gradients. */
  square: unknown;
}

export interface AdaGradOptions {
  /** Default: 0.01. */
  learningRate?: LearningRate;
  /** Added to the root of the sum. Default: 1e-10. */
  epsilon?: number;
}

/** AdaGrad (Duchi, Hazan and Singer 2011, diagonal form): G ← G + g², θ ← θ − η g / (√G + ε). */
export function adaGrad(options: AdaGradOptions = {}): Optimizer<AdaGradState> {
  const { learningRate = 0.01, epsilon = 1e-10 } = options;
  requireRate("adaGrad", learningRate);
  requireNumber("adaGrad", "epsilon", epsilon, 0);
  return {
    init: (params) => ({ params, step: firstStep(), square: mapTree(params, zeroState) }),
    update(state, gradients) {
      const rate = perType((dtype) => rateAt(learningRate, state.step, dtype));
      const square = zipTrees([state.square, gradients], (sum, g) => add(sum, multiply(g, g)));
      const params = zipTrees([state.params, gradients, square], (p, g, sum) =>
        subtract(p, multiply(divide(g, add(sqrt(sum), epsilon)), rate(p))),
      );
      return { ...state, step: nextStep(state), square, params };
    },
  };
}
