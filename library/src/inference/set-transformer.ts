/** A transformer that reads two sets of numbers and answers with parameters: amortised inference. */
import { type Dense, dense, mlp, type Stack, transformerEncoder } from "../nn/index.ts";
import { requireCount } from "../nn/layer.ts";
import type { EncoderBlock } from "../nn/transformer.ts";
import type { Random } from "../random.ts";
import { concat, fullLike, gelu, mean, slice, stack, type Tensor } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

export interface TwoSetTransformerParams {
  embedding: Dense;
  encoder: Stack<EncoderBlock>;
  head: Dense[];
}

export interface TwoSetTransformer {
  init(random: Random): TwoSetTransformerParams;
  /** Sets [n, first] and [n, second], members in any order, to [n, outputs]. Sizes may differ from call to call. */
  apply(params: TwoSetTransformerParams, first: Tensor, second: Tensor): Tensor;
}

/**
 * Every member is a token: its number, and which set it is of. Self-attention over both sets, without positions; the mean
 * of each set's tokens; a hidden layer. So the answer does not depend on the order within a set.
 *
 * Trained on simulations with the squared error of the parameters that they were drawn with, it nears the posterior mean
 * under the simulations' prior.
 *
 * Source: Svensson, "Negative binomial regression and inference using a pre-trained transformer" (2025), whose
 * transformer has blocks within and across the sets; set transformers are by Lee et al. (2019).
 *
 * @param options.outputs How many numbers it answers with.
 * @param options.width Of tokens. Default: 32.
 * @param options.layers Default: 2.
 * @param options.heads Default: 4.
 */
export function twoSetTransformer(options: {
  outputs: number;
  width?: number;
  layers?: number;
  heads?: number;
}): TwoSetTransformer {
  const { outputs, width = 32, layers = 2, heads = 4 } = options;
  requireCount("twoSetTransformer", "outputs", outputs);
  const embedding = dense(2, width);
  const encoder = transformerEncoder({ width, heads, layers });
  const head = mlp([2 * width, width, outputs], gelu);
  return {
    init: (random) => ({
      embedding: embedding.init(random.split("embedding")),
      encoder: encoder.init(random.split("encoder")),
      head: head.init(random.split("head")),
    }),
    apply(params, first, second) {
      for (const [name, set] of Object.entries({ first, second }))
        if (set.shape.length !== 2 || set.shape[0] !== first.shape[0] || set.shape[1] === 0)
          throw new RangeError(
            `twoSetTransformer: ${name} is ${describe(set)}; expected [n, members], with one n and at least one member`,
          );
      const size = first.shape[1]!;
      const members = concat([first, second], 1);
      const sides = concat([fullLike(first, -1), fullLike(second, 1)], 1);
      const tokens = embedding.apply(params.embedding, stack([members, sides], 2));
      const seen = encoder.apply(params.encoder, tokens);
      const pooled = [slice(seen, [null, [0, size]]), slice(seen, [null, [size, members.shape[1]!]])].map(
        (part) => mean(part, { axis: 1 }),
      );
      return head.apply(params.head, concat(pooled, 1));
    },
  };
}
