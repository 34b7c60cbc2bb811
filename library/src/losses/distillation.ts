/**
 * Losses by which a student learns from a teacher's logits: both [n, C]. No gradient flows into the teacher.
 */
import {
  add,
  exp,
  logSoftmax,
  multiply,
  sigmoid,
  softplus,
  stopGradient,
  subtract,
  sum,
  type Tensor,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type LossOptions, reduce } from "./reduction.ts";

export interface DistillationOptions extends LossOptions {
  /** T: logits are divided by it. */
  temperature?: number;
}

/**
 * Knowledge distillation: T² KL(softmax(t / T) ‖ softmax(s / T)).
 *
 * Source: Hinton, Vinyals and Dean, "Distilling the Knowledge in a Neural Network" (2015), section 2.
 *
 * @param student s, [n, C]
 * @param teacher t, [n, C]
 * @param options.temperature Default: 4.
 * @returns A scalar, or [n] with reduction "none".
 */
export function hintonKD(
  student: Tensor,
  teacher: Tensor,
  { temperature = 4, reduction }: DistillationOptions = {},
): Tensor {
  const target = requirePair("hintonKD", student, teacher, temperature);
  const logQ = logSoftmax(multiply(student, 1 / temperature));
  const logP = logSoftmax(multiply(target, 1 / temperature));
  const divergences = sum(multiply(exp(logP), subtract(logP, logQ)), { axis: 1 });
  return reduce(multiply(divergences, temperature ** 2), reduction);
}

/**
 * Distance of logits by a binary divergence of their difference: T² Σ_k KL(Bern(1/2) ‖ Bern(σ((s_k − t_k) / T))),
 * which is T² Σ_k log cosh((s_k − t_k) / 2T): a smooth Huber loss, (s_k − t_k)² / 8 near 0, whose slope never
 * passes T / 2. Adding a number to all of a row's logits changes it, unlike losses of probabilities.
 *
 * Source: Yang et al., "Dual-Head Knowledge Distillation" (2024), in the form of the authors' code.
 *
 * @param student s, [n, C]
 * @param teacher t, [n, C]
 * @param options.temperature Default: 2.
 * @returns A scalar, or [n] with reduction "none".
 */
export function logitBinaryKL(
  student: Tensor,
  teacher: Tensor,
  { temperature = 2, reduction }: DistillationOptions = {},
): Tensor {
  const target = requirePair("logitBinaryKL", student, teacher, temperature);
  const x = multiply(subtract(student, target), 1 / temperature);
  // log cosh(x / 2) without overflow.
  const each = subtract(multiply(add(softplus(x), softplus(multiply(x, -1))), 0.5), Math.LN2);
  return reduce(multiply(sum(each, { axis: 1 }), temperature ** 2), reduction);
}

/**
 * Each class as a decision of its own: T² Σ_k KL(Bern(σ(t_k / T)) ‖ Bern(σ(s_k / T))).
 *
 * Source: Yang et al. (2024), the first form of their logit loss; also Yang et al., "Multi-Label Knowledge
 * Distillation" (2023).
 *
 * @param student s, [n, C]
 * @param teacher t, [n, C]
 * @param options.temperature Default: 2.
 * @returns A scalar, or [n] with reduction "none".
 */
export function binaryKD(
  student: Tensor,
  teacher: Tensor,
  { temperature = 2, reduction }: DistillationOptions = {},
): Tensor {
  const target = requirePair("binaryKD", student, teacher, temperature);
  const s = multiply(student, 1 / temperature);
  const t = multiply(target, 1 / temperature);
  // The divergence between softplus and its tangent at t.
  const each = subtract(subtract(softplus(s), softplus(t)), multiply(sigmoid(t), subtract(s, t)));
  return reduce(multiply(sum(each, { axis: 1 }), temperature ** 2), reduction);
}

/** The teacher's logits, held constant. */
function requirePair(name: string, student: Tensor, teacher: Tensor, temperature: number): Tensor {
  if (student.shape.length !== 2)
    throw new RangeError(`${name}: student is ${describe(student)}; expected [n, C]`);
  const [n, classes] = student.shape;
  if (teacher.shape.length !== 2 || teacher.shape[0] !== n || teacher.shape[1] !== classes)
    throw new RangeError(`${name}: teacher is ${describe(teacher)}; expected [${n}, ${classes}]`);
  if (!(temperature > 0))
    throw new RangeError(`${name}: temperature is ${temperature}; expected a number above 0`);
  return stopGradient(teacher);
}
