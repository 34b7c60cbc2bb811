/** Reading on with a past that learns: what a language model keeps of earlier positions follows the loss of later ones. */
import { tokenLogProbs } from "../losses/token-log-probabilities.ts";
import type { KeysAndValues } from "../nn/index.ts";
import {
  add,
  concat,
  divide,
  exp,
  fromData,
  multiply,
  negate,
  slice,
  sqrt,
  square,
  subtract,
  sum,
  type Tensor,
  type TensorLike,
  valueAndGrad,
  zeros,
  zerosLike,
} from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import { zipTrees } from "../tree.ts";
import type { CausalLanguageModel, CausalLanguageModelParams } from "./causal-language-model.ts";

/** What a model keeps of positions that it has read, and Adam's state of each number of it. */
export interface OptimizedPast {
  /** Keys and values of each block, [n, heads, positions, size]. */
  past: KeysAndValues[];
  /** Running means of the gradients, and of their squares. */
  first: KeysAndValues[];
  second: KeysAndValues[];
  /** How often each position has been updated: [positions, 1]. */
  updates: Tensor;
}

export interface OptimizePastOptions {
  /** η, of Adam or of plain gradient descent. Default: 3e-3. */
  learningRate?: TensorLike;
  /** Adam, or the learning rate times the gradient. Default: "adam". */
  rule?: "adam" | "gradient";
  /** Of Adam. Default: 0.9. */
  beta1?: number;
  /** Of Adam. Default: 0.999. */
  beta2?: number;
  /** Of Adam. Default: 1e-8. */
  epsilon?: number;
}

/**
 * One chunk of hidden-state optimisation: reads tokens after a past, tells how likely what follows each was, and then
 * moves the past by one step against the gradient of that chunk's loss, h ← h − η ∇_h L(h). The weights stay, and a
 * chunk's own prediction never profits from its targets; later chunks' do. Each position carries its own moments and
 * its own count of updates, so that Adam corrects old and new positions alike.
 *
 *     let state: OptimizedPast | undefined;
 *     for (const { inputs, targets } of chunks)
 *       ({ logProbs, state } = await read(params, inputs, targets, state));  // compiled
 *
 * The chunk's own keys and values join the past as they are read; from the next chunk on they are moved too.
 *
 * Source: Yoshida, "Making the Most of your Model" (2024), chapter on hidden-state optimisation; Yoshida and Gimpel,
 * "Reconsidering the Past: Optimizing Hidden States in Language Models" (2021).
 *
 * @param tokens int32 [n, k]
 * @param targets int32 [n, k]: what follows each token; the last is the next chunk's first token.
 * @param state What this function gave for the chunk before. Default: nothing has been read.
 * @returns `logProbs` [n, k] of the targets, and the `state` for the next chunk.
 * @throws RangeError for targets that have not the tokens' shape, or a rule that is neither "adam" nor "gradient".
 */
export function optimizePast(
  model: CausalLanguageModel,
  params: CausalLanguageModelParams,
  tokens: Tensor,
  targets: Tensor,
  state?: OptimizedPast,
  options: OptimizePastOptions = {},
): { logProbs: Tensor; state: OptimizedPast } {
  const { learningRate = 3e-3, rule = "adam", beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 } = options;
  if (rule !== "adam" && rule !== "gradient")
    throw new RangeError(`optimizePast: rule is ${JSON.stringify(rule)}; expected "adam" or "gradient"`);
  if (!sameShape(tokens.shape, targets.shape))
    throw new RangeError(
      `optimizePast: targets is ${describe(targets)}; expected int32 [${tokens.shape.join(", ")}], as tokens`,
    );
  const all = fromData(
    new Uint8Array(targets.shape.reduce((a, b) => a * b, 1)).fill(1),
    targets.shape,
    "bool",
  );
  const read = (past?: KeysAndValues[]) => {
    const { logits, past: known } = model.extend(params, tokens, past);
    const logProbs = tokenLogProbs(logits, targets, all);
    return [negate(sum(divide(logProbs, targets.shape[1]!))), { logProbs, known }] as const;
  };
  if (!state) {
    const [, { logProbs, known }] = read();
    return { logProbs, state: untouched(known) };
  }
  const [[, { logProbs, known }], gradients] = valueAndGrad((past: KeysAndValues[]) => read(past))(
    state.past,
  );
  const updates = add(state.updates, 1);
  const tend = (beta: number, mean: KeysAndValues[], next: KeysAndValues[]) =>
    zipTrees([mean, next], (m, g) => add(multiply(m, beta), multiply(g, 1 - beta)));
  const first = tend(beta1, state.first, gradients);
  const second = tend(beta2, state.second, zipTrees([gradients], square));
  const corrected = (moment: Tensor, beta: number) =>
    divide(moment, subtract(1, exp(multiply(updates, Math.log(beta)))));
  const moved =
    rule === "gradient"
      ? zipTrees([state.past, gradients], (h, g) => subtract(h, multiply(g, learningRate)))
      : zipTrees([state.past, first, second], (h, m, v) =>
          subtract(
            h,
            divide(multiply(corrected(m, beta1), learningRate), add(sqrt(corrected(v, beta2)), epsilon)),
          ),
        );
  const own = untouched(zipTrees([known, state.past], (both, old) => behind(both, old.shape[2]!)));
  const joined = (a: KeysAndValues[], b: KeysAndValues[]) => zipTrees([a, b], (x, y) => concat([x, y], 2));
  return {
    logProbs,
    state: {
      past: joined(moved, own.past),
      first: joined(first, own.first),
      second: joined(second, own.second),
      updates: concat([updates, own.updates], 0),
    },
  };
}

/** What has been read for the first time. */
function untouched(past: KeysAndValues[]): OptimizedPast {
  const nothing = zipTrees([past], zerosLike);
  const { shape, dtype } = past[0]!.keys;
  return { past, first: nothing, second: nothing, updates: zeros([shape[2]!, 1], dtype) };
}

/** The positions from `from` on. */
const behind = (x: Tensor, from: number): Tensor => slice(x, [null, null, [from, x.shape[2]!]]);
