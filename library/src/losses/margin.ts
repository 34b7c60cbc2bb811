/** Losses of margins z = y f, with labels y of ± 1 and a score f: [n] of any float type. */
import {
  customGradient,
  exp,
  minimum,
  multiply,
  negate,
  relu,
  softplus,
  subtract,
  type Tensor,
} from "../tensor/index.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/** Exponents above this are held there: sums of a batch stay finite in float32. */
const HIGHEST_POWER = 80;

/** log(1 + e^{−z}), binary cross-entropy. */
export const logisticMargin = (margins: Tensor, { reduction }: LossOptions = {}): Tensor =>
  reduce(softplus(negate(margins)), reduction);

/** max(0, 1 − z), with gradient 0 at z = 1 (Cortes and Vapnik 1995). */
export const hingeMargin = (margins: Tensor, { reduction }: LossOptions = {}): Tensor =>
  reduce(relu(subtract(1, margins)), reduction);

/** e^{−z}, held at e^80 with the slope there (Freund and Schapire 1997). */
export function exponentialMargin(margins: Tensor, { reduction }: LossOptions = {}): Tensor {
  const losses = customGradient(
    (z: Tensor) => exp(minimum(negate(z), HIGHEST_POWER)),
    (g, result) => [negate(multiply(g, result))],
  );
  return reduce(losses(margins), reduction);
}
