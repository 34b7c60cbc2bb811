/** A vision transformer: images as sequences of patches. */
import { add, mean, reshape, type Tensor, transpose } from "../tensor/index.ts";
import { type Dense, dense } from "./dense.ts";
import { type Initializer, normal, zeroFill } from "./initializers.ts";
import { type Layer, requireCount } from "./layer.ts";
import { type EncoderBlock, type Stack, transformerEncoder } from "./transformer.ts";

export interface VisionTransformer {
  patches: Dense;
  /** [1, patches, width] */
  positions: Tensor;
  encoder: Stack<EncoderBlock>;
  head: Dense;
}

export interface VisionTransformerOptions {
  /** Height and width of the input, which comes as rows of side² · channels values, channels first. */
  side: number;
  channels?: number;
  /** Pixels a side of a patch, a divisor of the side. */
  patch: number;
  width: number;
  layers: number;
  heads: number;
  outputs: number;
  /** How positions start. Default: normal with a deviation of 0.02. */
  positions?: Initializer;
}

/**
 * Patches embedded linearly with learnt positions, pre-norm encoder blocks, a mean over patches and a dense layer that
 * starts at 0.
 *
 * Source: Dosovitskiy et al., "An Image is Worth 16x16 Words" (2020); with a mean in place of a class token, as in Beyer,
 * Zhai and Kolesnikov, "Better plain ViT baselines for ImageNet-1k" (2022).
 */
export function visionTransformer(options: VisionTransformerOptions): Layer<VisionTransformer> {
  const { side, channels = 1, patch, width, layers, heads, outputs, positions = normal(0.02) } = options;
  requireCount("visionTransformer", "patch", patch);
  if (side % patch !== 0)
    throw new RangeError(`visionTransformer: patch is ${patch}; expected a divisor of side ${side}`);
  const grid = side / patch;
  const size = channels * patch * patch;
  const embed = dense(size, width);
  const encoder = transformerEncoder({ width, heads, layers });
  const head = dense(width, outputs, { weight: zeroFill });
  return {
    init: (random) => ({
      patches: embed.init(random.split("patches")),
      positions: positions(random.split("positions"), [1, grid * grid, width]),
      encoder: encoder.init(random.split("encoder")),
      head: head.init(random.split("head")),
    }),
    apply: (params, x) => {
      const cut = transpose(reshape(x, [-1, channels, grid, patch, grid, patch]), [0, 2, 4, 1, 3, 5]);
      const embedded = embed.apply(params.patches, reshape(cut, [-1, grid * grid, size]));
      const seen = encoder.apply(params.encoder, add(embedded, params.positions));
      return head.apply(params.head, mean(seen, { axis: 1 }));
    },
  };
}
