import { concat, fromData, slice, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import type { CausalLanguageModel, CausalLanguageModelParams } from "./causal-language-model.ts";

export interface Prefixed {
  /** Tokens before the vectors, the same for all; may be empty. */
  head: readonly number[];
  /** [n, vectors, width] What stands in the place of tokens: encoded messages, images, columns of a table. */
  vectors: Tensor;
  /** int32 [n, length] Tokens behind the vectors: a question and its answer, say. */
  tail: Tensor;
}

/**
 * What a language model predicts behind vectors that another network has made: it reads [head, vectors, tail], with
 * the tokens of head and tail looked up in its own table. At each place of the tail stand the logits of the token that
 * follows, so that `tokenCrossEntropy` of all but the last with the tail's tokens from the second on, masked to the
 * answer, is the loss of answering.
 *
 * Source: Guan et al. 2024, "LogLLM"; the same block as in image-text models.
 *
 * @returns [n, length, vocabulary]
 * @throws TypeError for vectors that are not [n, vectors, width] with the model's width, and one row for each of tail.
 */
export function prefixedLogits(
  model: CausalLanguageModel,
  params: CausalLanguageModelParams,
  { head, vectors, tail }: Prefixed,
): Tensor {
  const [n, , width] = vectors.shape;
  if (vectors.shape.length !== 3 || width !== model.width || n !== tail.shape[0])
    throw new TypeError(
      `prefixedLogits: vectors is ${describe(vectors)}; expected [${tail.shape[0]}, vectors, ${model.width}]`,
    );
  const before = fromData(
    Int32Array.from({ length: n * head.length }, (_, i) => head[i % head.length]!),
    [n, head.length],
  );
  const parts = [vectors, model.embed(params, tail)];
  if (head.length > 0) parts.unshift(model.embed(params, before));
  const hidden = model.hidden(params, concat(parts, 1));
  const from = head.length + vectors.shape[1]!;
  return model.logits(params, slice(hidden, [null, [from, from + tail.shape[1]!]]));
}
