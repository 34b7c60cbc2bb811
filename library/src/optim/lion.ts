import { add, multiply, sign, subtract } from "../tensor/index.ts";
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

export interface LionState extends Counted {
  /** m: the running mean of gradients. */
  mean: unknown;
}

export interface LionOptions {
  /** Default: 0.0001; a third to a tenth of what suits AdamW. */
  learningRate?: LearningRate;
  /** Weight of the mean in the direction. Default: 0.9. */
  beta1?: number;
  /** Weight of the old mean in the new one. Default: 0.99. */
  beta2?: number;
  /** λ, decoupled. Default: 0. */
  weightDecay?: number;
}

/**
 * Lion (Chen et al. 2023, algorithm 2): θ ← θ − η (sign(β₁ m + (1 − β₁) g) + λ θ), then
 * m ← β₂ m + (1 − β₂) g. Every element moves by η, whatever its gradient's size.
 */
export function lion(options: LionOptions = {}): Optimizer<LionState> {
  const { learningRate = 1e-4, beta1 = 0.9, beta2 = 0.99, weightDecay = 0 } = options;
  requireRate("lion", learningRate);
  requireNumber("lion", "beta1", beta1, 0, 1);
  requireNumber("lion", "beta2", beta2, 0, 1);
  requireNumber("lion", "weightDecay", weightDecay, 0);
  return {
    init: (params) => ({ params, step: firstStep(), mean: mapTree(params, zeroState) }),
    update(state, gradients) {
      const rate = perType((dtype) => rateAt(learningRate, state.step, dtype));
      const params = zipTrees([state.params, state.mean, gradients], (p, m, g) => {
        const direction = sign(add(multiply(m, beta1), multiply(g, 1 - beta1)));
        return subtract(
          p,
          multiply(weightDecay === 0 ? direction : add(direction, multiply(p, weightDecay)), rate(p)),
        );
      });
      const mean = zipTrees([state.mean, gradients], (m, g) =>
        add(multiply(m, beta2), multiply(g, 1 - beta2)),
      );
      return { ...state, step: nextStep(state), mean, params };
    },
  };
}
