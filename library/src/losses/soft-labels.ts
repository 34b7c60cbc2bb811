/** InfoNCE together with a teacher's graded relevance of the same candidates. */
import {
  add,
  concat,
  expandDims,
  matmul,
  multiply,
  reshape,
  squeeze,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { infoNCE, l2Normalize } from "./contrastive.ts";
import { hintonKD } from "./distillation.ts";
import type { LossOptions } from "./reduction.ts";

export interface SoftLabelOptions extends LossOptions {
  /** λ: the share of the soft labels, 0 to 1. Default: 0.5. */
  weight?: number;
  /** τ: the student's cosines are divided by it. Default: 0.02. */
  temperature?: number;
  /** The teacher's scores are divided by it. Default: `temperature`. */
  teacherTemperature?: number;
}

/**
 * (1 − λ) InfoNCE + λ KL(softmax(t / τ_T) ‖ softmax(s / τ)), s the cosines of a query with its positive and
 * its own hard negatives, t the teacher's scores of the same. InfoNCE counts all hard negatives of the batch and
 * all other positives as negatives; the soft labels look at each query's own candidates alone. A teacher that is
 * certain of the positive makes the second part InfoNCE over these. No gradient flows into the teacher.
 *
 * Source: "LG-ANNA-Embedding technical report" (2025), which trains on a teacher's scores without writing
 * the loss; the form here is that of Hinton, Vinyals and Dean (2015) over lists of candidates.
 *
 * @param queries [n, d]
 * @param positives [n, d]; row i belongs to query i
 * @param negatives [n, k, d], k hard negatives of each query
 * @param teacherScores t, [n, 1 + k]: the positive's, then the negatives'
 * @returns A scalar, or [n] with reduction "none".
 */
export function softLabelInfoNCE(
  queries: Tensor,
  positives: Tensor,
  negatives: Tensor,
  teacherScores: Tensor,
  { weight = 0.5, temperature = 0.02, teacherTemperature = temperature, reduction }: SoftLabelOptions = {},
): Tensor {
  const [n, k, d] = negatives.shape as [number, number, number];
  if (negatives.shape.length !== 3 || queries.shape[0] !== n || queries.shape[1] !== d)
    throw new RangeError(
      `softLabelInfoNCE: negatives is ${describe(negatives)} and queries ${describe(queries)}; expected [n, k, d] and [n, d]`,
    );
  if (teacherScores.shape.length !== 2 || teacherScores.shape[0] !== n || teacherScores.shape[1] !== 1 + k)
    throw new RangeError(
      `softLabelInfoNCE: teacherScores is ${describe(teacherScores)}; expected [${n}, ${1 + k}]`,
    );
  if (!(weight >= 0 && weight <= 1))
    throw new RangeError(`softLabelInfoNCE: weight is ${weight}; expected 0 to 1`);
  if (!(teacherTemperature > 0))
    throw new RangeError(
      `softLabelInfoNCE: teacherTemperature is ${teacherTemperature}; expected more than 0`,
    );
  const hard = () =>
    infoNCE(queries, positives, { temperature, negatives: reshape(negatives, [n * k, d]), reduction });
  if (weight === 0) return hard();
  const q = l2Normalize(queries);
  const own = expandDims(sum(multiply(q, l2Normalize(positives)), { axis: 1 }), 1);
  const others = squeeze(matmul(l2Normalize(negatives), expandDims(q, 2)), 2);
  const student = multiply(concat([own, others], 1), 1 / temperature);
  const teacher = multiply(teacherScores, 1 / teacherTemperature);
  const soft = hintonKD(student, teacher, { temperature: 1, reduction });
  return weight === 1 ? soft : add(multiply(hard(), 1 - weight), multiply(soft, weight));
}
