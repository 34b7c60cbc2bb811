import { maskedSoftmax } from "../nn/normalizers.ts";
import type { Tensor } from "../tensor/index.ts";
import {
  type CausalLanguageModelOptions,
  type CausalLanguageModelParams,
  causalLanguageModel,
} from "./causal-language-model.ts";

/**
 * Where the heads of a language model look: the attention weights of each block, [n, heads, length, length], rows being
 * the positions that look.
 *
 *     const maps = compile((params, tokens) => attentionMaps(options)(params, tokens));
 *
 * @param options those of the `causalLanguageModel` whose parameters are given
 */
export function attentionMaps({ normalizer = maskedSoftmax, ...options }: CausalLanguageModelOptions) {
  return (params: CausalLanguageModelParams, tokens: Tensor): Tensor[] => {
    const maps: Tensor[] = [];
    const model = causalLanguageModel({
      ...options,
      normalizer: (scores, mask) => {
        const weights = normalizer(scores, mask);
        maps.push(weights);
        return weights;
      },
    });
    model.apply(params, tokens);
    return maps;
  };
}
