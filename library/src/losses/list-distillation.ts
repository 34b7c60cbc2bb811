/**
 * Losses by which a retriever learns from a ranker's scores of a query's documents. No gradient flows into the ranker.
 * For whole distributions over a list take `hintonKD` with temperature 1.
 */
import {
  abs,
  add,
  cast,
  equal,
  expandDims,
  fromData,
  greater,
  logicalAnd,
  logicalOr,
  multiply,
  reciprocal,
  softplus,
  square,
  stopGradient,
  subtract,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

/** A ranker's scores of the same documents. */
export interface TeacherScores {
  positive: Tensor;
  negative: Tensor;
}

/**
 * Margin-MSE: ((s⁺ − s⁻) − (t⁺ − t⁻))². Adding a number to both of a pair's scores changes nothing, but their scale
 * counts: where the student's scores are cosines, scale the teacher's.
 *
 * Source: Hofstätter et al., "Improving efficient neural ranking models with cross-architecture knowledge
 * distillation" (2020), equation 6.
 *
 * @param positive Student scores of the positives, [n].
 * @param negative Student scores of negatives, [n], or [n, k] for k of each query.
 * @param teacher Scores of the same shapes.
 * @returns A scalar; of `negative`'s shape with reduction "none".
 */
export function marginMSE(
  positive: Tensor,
  negative: Tensor,
  teacher: TeacherScores,
  { reduction }: LossOptions = {},
): Tensor {
  const [n] = positive.shape;
  const { shape } = negative;
  if (positive.shape.length !== 1)
    throw new RangeError(`marginMSE: positive is ${describe(positive)}; expected [n]`);
  if ((shape.length !== 1 && shape.length !== 2) || shape[0] !== n)
    throw new RangeError(`marginMSE: negative is ${describe(negative)}; expected [${n}] or [${n}, k]`);
  for (const [name, own, given] of [
    ["positive", positive, teacher.positive],
    ["negative", negative, teacher.negative],
  ] as const)
    if (!sameShape(own.shape, given.shape))
      throw new RangeError(
        `marginMSE: teacher.${name} is ${describe(given)}; expected the shape of ${name}, ${describe(own)}`,
      );
  const margins = (p: Tensor, others: Tensor) => subtract(shape.length === 1 ? p : expandDims(p, 1), others);
  const student = margins(positive, negative);
  const wanted = stopGradient(margins(teacher.positive, teacher.negative));
  return reduce(square(subtract(student, wanted)), reduction);
}

/**
 * Pairwise distillation weighted by ranks: Σ |1/π(d) − 1/π(d′)| log(1 + e^{s_{d′} − s_d}) over the pairs of a list whose
 * teacher scores are t_d > t_{d′}. π is the rank of a document by the student's own scores, so that mistakes at the
 * top of its list count most; no gradient flows through it.
 *
 * Source: Zamani and Bendersky, "Multivariate representation learning for information retrieval" (2023), equation 8,
 * after Zeng et al., "Curriculum learning for dense retrieval distillation" (2022).
 *
 * @param student s, [n, k] @param teacher t, [n, k]
 * @returns A scalar, the mean over lists by default, each the sum over its pairs; [n] with reduction "none".
 */
export function rankDistillation(student: Tensor, teacher: Tensor, { reduction }: LossOptions = {}): Tensor {
  if (student.shape.length !== 2)
    throw new RangeError(`rankDistillation: student is ${describe(student)}; expected [n, k]`);
  if (!sameShape(student.shape, teacher.shape))
    throw new RangeError(
      `rankDistillation: teacher is ${describe(teacher)}; expected ${describe(student)}, as student`,
    );
  const gain = reciprocal(ranks(stopGradient(student)));
  const weights = abs(subtract(expandDims(gain, 2), expandDims(gain, 1)));
  const preferred = greater(expandDims(teacher, 2), expandDims(teacher, 1));
  const losses = softplus(subtract(expandDims(student, 1), expandDims(student, 2)));
  return reduce(sum(where(preferred, multiply(weights, losses), 0), { axis: [1, 2] }), reduction);
}

/** Rank of each element in its row, the greatest first, as floats from 1; of equal ones the first ranks first. */
function ranks(x: Tensor): Tensor {
  const k = x.shape[1]!;
  const earlier = fromData(
    Uint8Array.from({ length: k * k }, (_, at) => Number(at % k < Math.floor(at / k))),
    [k, k],
    "bool",
  );
  const [other, own] = [expandDims(x, 1), expandDims(x, 2)];
  const ahead = logicalOr(greater(other, own), logicalAnd(equal(other, own), earlier));
  return add(sum(cast(ahead, x.dtype), { axis: 2 }), 1);
}
