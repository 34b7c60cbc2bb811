import { compile } from "../runtime/index.ts";
import { grad, sqrt, square, sum, type Tensor, values } from "../tensor/index.ts";
import { describe, isFloat } from "../tensor/tensor.ts";

/**
 * How strongly each token's vector moves a score: ‖∂ s(x) / ∂ x_i‖₂, for instance of an answer's log-probability with
 * respect to the words of a prompt. It says how sensitive the score is there, not whether the word speaks for it.
 *
 * Source: Wang et al. 2024, "NegativePrompt", which looks at its sentences so; Li et al. 2016, "Visualizing and
 * Understanding Neural Models in NLP".
 *
 * @param score s, from vectors [n, length, width] to [n], each row on its own.
 * @param vectors Concrete, float [n, length, width].
 * @returns [n, length]
 * @throws TypeError for vectors of another form.
 */
export async function inputGradientNorms(
  score: (vectors: Tensor) => Tensor,
  vectors: Tensor,
): Promise<Float64Array> {
  if (vectors.shape.length !== 3 || !isFloat(vectors.dtype))
    throw new TypeError(
      `inputGradientNorms: vectors is ${describe(vectors)}; expected float [n, length, width]`,
    );
  const norms = compile(
    (x: Tensor) => sqrt(sum(square(grad((y: Tensor) => sum(score(y)))(x)), { axis: 2 })),
    { threads: 1 },
  );
  return Float64Array.from(values(await norms(vectors)), Number);
}
