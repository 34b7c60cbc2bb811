import type { Random } from "../random.ts";
import { add, concat, matmul, multiply, sigmoid, split, type Tensor, tanh } from "../tensor/index.ts";
import { glorotUniform, orthogonal } from "./initializers.ts";
import { type Cell, type CellOptions, type LstmState, lstmCell, type Recurrent } from "./recurrent.ts";

/** The gates lie in the order i, f, g, o. */
export interface MultiplicativeLstm extends Recurrent {
  /** W_mx, [inputs, hidden] */
  inputFactor: Tensor;
  /** W_mh, [hidden, hidden] */
  stateFactor: Tensor;
}

/**
 * Multiplicative long short-term memory: an LSTM whose gates see, in place of the state h, the product
 * m = (x W_mx) ⊙ (h W_mh), so that each input has a transition of its own.
 *
 * Source: Krause et al., "Multiplicative LSTM for sequence modelling" (2016). Radford, Jozefowicz and Sutskever,
 * "Learning to Generate Reviews and Discovering Sentiment" (2017), normalise all four matrices by `weightNorm`.
 *
 * @param options.forgetBias Start of the forget gate's bias. Default: 1.
 */
export function multiplicativeLstmCell(
  inputs: number,
  hidden: number,
  options: CellOptions & { forgetBias?: number } = {},
): Cell<MultiplicativeLstm, LstmState> {
  const plain = lstmCell(inputs, hidden, options);
  const { input = glorotUniform, recurrent = orthogonal() } = options;
  return {
    init: (random: Random) => ({
      ...plain.init(random),
      inputFactor: input(random.split("inputFactor"), [inputs, hidden]),
      stateFactor: recurrent(random.split("stateFactor"), [hidden, hidden]),
    }),
    start: plain.start,
    project: (params, x) => concat([plain.project(params, x), matmul(x, params.inputFactor)], -1),
    step(params, state, projected) {
      const [gates, fromInput] = split(projected, [4 * hidden, hidden], 1) as [Tensor, Tensor];
      const product = multiply(fromInput, matmul(state.hidden, params.stateFactor));
      const [i, f, g, o] = split(add(gates, matmul(product, params.recurrent)), 4, 1) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const cell = add(multiply(sigmoid(f), state.cell), multiply(sigmoid(i), tanh(g)));
      return { hidden: multiply(sigmoid(o), tanh(cell)), cell };
    },
    output: plain.output,
  };
}
