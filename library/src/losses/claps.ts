/** Contrast of sources and targets with hard pairs that are made of the targets. */
import {
  add,
  concat,
  expandDims,
  identityMatrix,
  matmul,
  multiply,
  notEqual,
  sum,
  type Tensor,
  transpose,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { contrast, l2Normalize } from "./contrastive.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface ClapsOptions extends LossOptions {
  /** τ: cosines are divided by it. Default: 0.1. */
  temperature?: number;
}

/**
 * The contrastive part of CLAPS, ½ (L_cont + L_cont⁺), of pooled vectors: InfoNCE from sources to targets with an
 * imposter as a further negative of each source, and the same with the distant target in the target's place.
 *
 *     const loss = add(likelihood, claps(sources, targets, imposters, distants));
 *
 * `likelihoodImposter` and `distantTarget` of "nearmiss/negatives" make the pairs.
 *
 * Source: Lee, Lee and Hwang, "Contrastive Learning with Adversarial Perturbations for Conditional Text Generation"
 * (2020), equations 3 to 9. The official code leaves out the temperature in the second term.
 *
 * @param sources Pooled and projected vectors of the sources, [n, width].
 * @param targets Those of the targets; row i belongs to source i. [n, width]
 * @param imposters Negatives made of the targets, [n, width]; row i is a negative of source i alone.
 * @param distants Positives made of the targets, [n, width].
 * @returns A scalar, or [n] with reduction "none".
 * @throws RangeError for shapes that do not fit or a temperature that is not positive.
 */
export function claps(
  sources: Tensor,
  targets: Tensor,
  imposters: Tensor,
  distants: Tensor,
  { temperature = 0.1, reduction }: ClapsOptions = {},
): Tensor {
  if (sources.shape.length !== 2)
    throw new RangeError(`claps: sources is ${describe(sources)}; expected [n, width]`);
  for (const [name, x] of Object.entries({ targets, imposters, distants }))
    if (!sameShape(x.shape, sources.shape))
      throw new RangeError(`claps: ${name} is ${describe(x)}; expected [${sources.shape.join(", ")}]`);
  if (!(temperature > 0)) throw new RangeError(`claps: temperature is ${temperature}; expected above 0`);
  const unit = multiply(l2Normalize(sources), 1 / temperature);
  const scores = matmul(unit, transpose(l2Normalize(targets)));
  const own = (x: Tensor) => sum(multiply(unit, l2Normalize(x)), { axis: 1 });
  const [target, imposter, distant] = [own(targets), own(imposters), own(distants)];
  const n = sources.shape[0]!;
  const diagonal = notEqual(identityMatrix(n), 0);
  const against = (positive: Tensor) =>
    contrast(
      positive,
      concat([where(diagonal, expandDims(positive, 1), scores), expandDims(imposter, 1)], 1),
      { reduction: "none", bound: 1 / temperature },
    );
  return reduce(multiply(add(against(target), against(distant)), 0.5), reduction);
}
