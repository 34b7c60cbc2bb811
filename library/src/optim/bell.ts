/** A weight that rises and falls during training. */
import { abs, add, divide, exp, multiply, negate, square, subtract, type Tensor } from "../tensor/index.ts";
import type { Schedule } from "./optimizer.ts";

export interface BellOptions {
  /** γ, the step of the peak, above 0. */
  peak: number;
  /** The weight at the peak. Default: 1. */
  height?: number;
  /** β γ: the larger, the narrower. Default: 6. */
  sharpness?: number;
}

/**
 * The derivative of the logistic function, scaled to a height: 4 h e^{−z} / (1 + e^{−z})², z = β (step − γ), β =
 * sharpness / γ. It starts near 0, is h at step γ and falls again likewise.
 *
 * Source: Li et al., "Diversifying Neural Dialogue Generation via Negative Distillation" (2022), progressive weight;
 * their λ is four times the height.
 *
 * @throws RangeError for options that are not above 0.
 */
export function bell({ peak, height = 1, sharpness = 6 }: BellOptions): Schedule {
  for (const [name, value] of Object.entries({ peak, height, sharpness }))
    if (!(value > 0 && Number.isFinite(value)))
      throw new RangeError(`bell: ${name} is ${value}; expected a number above 0`);
  return (step: Tensor) => {
    // By symmetry of z the exponent can be kept below 0.
    const z = multiply(subtract(step, peak), sharpness / peak);
    const e = exp(negate(abs(z)));
    return divide(multiply(e, 4 * height), square(add(1, e)));
  };
}
