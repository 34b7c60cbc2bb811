import { type Dense, mlp } from "../nn/index.ts";
import type { Random } from "../random.ts";
import {
  abs,
  broadcastTo,
  concat,
  expandDims,
  multiply,
  reshape,
  subtract,
  type Tensor,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";

/**
 * A ranker that sees query and document together: a network on [q, d, q ⊙ d, |q − d|], whose scores no inner product
 * of separate vectors gives. It is a light stand-in for a cross-encoder over tokens.
 *
 * @param options.width d, of the vectors of queries and documents. @param options.hidden Default: [64].
 */
export function interactionRanker({ width, hidden = [64] }: { width: number; hidden?: readonly number[] }): {
  init(random: Random): Dense[];
  /** Scores [n, k] of queries [n, width] and k candidates of each, [n, k, width]. */
  apply(params: Dense[], queries: Tensor, candidates: Tensor): Tensor;
} {
  const network = mlp([4 * width, ...hidden, 1]);
  return {
    init: (random) => network.init(random),
    apply(params, queries, candidates) {
      if (queries.shape.length !== 2 || queries.shape[1] !== width)
        throw new RangeError(`interactionRanker: queries is ${describe(queries)}; expected [n, ${width}]`);
      const [n, k] = candidates.shape as [number, number];
      if (candidates.shape.length !== 3 || n !== queries.shape[0] || candidates.shape[2] !== width)
        throw new RangeError(
          `interactionRanker: candidates is ${describe(candidates)}; expected [${queries.shape[0]}, k, ${width}]`,
        );
      const q = broadcastTo(expandDims(queries, 1), candidates.shape);
      const seen = concat([q, candidates, multiply(q, candidates), abs(subtract(q, candidates))], 2);
      return reshape(network.apply(params, reshape(seen, [n * k, 4 * width])), [n, k]);
    },
  };
}
