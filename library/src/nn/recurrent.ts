/**
 * Recurrent cells, and `unroll`, which runs one over a sequence of fixed length: every time step becomes
 * part of the graph.
 *
 * The gates of a cell lie side by side in one matrix. The inputs of all time steps are multiplied with it
 * at once (`project`); only the state's part is computed step by step.
 */
import type { Random } from "../random.ts";
import {
  add,
  expandDims,
  fromData,
  matmul,
  multiply,
  sigmoid,
  slice,
  split,
  stack,
  subtract,
  type Tensor,
  tanh,
  values,
  where,
  zeros,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { zipTrees } from "../tree.ts";
import { glorotUniform, type Initializer, orthogonal, zeroFill } from "./initializers.ts";
import { requireCount } from "./layer.ts";

export interface Recurrent {
  /** [inputs, gates · hidden] */
  input: Tensor;
  /** [hidden, gates · hidden] */
  recurrent: Tensor;
  /** [gates · hidden] */
  bias: Tensor;
}

/** P: its parameters, S: its state, a tree of tensors [n, hidden]. */
export interface Cell<P, S> {
  init(random: Random): P;
  /** The state before the first step: zeros for n sequences. */
  start(n: number, dtype?: Tensor["dtype"]): S;
  /** The inputs' part of all gates: [..., inputs] → [..., gates · hidden]. */
  project(params: P, x: Tensor): Tensor;
  /** The next state, from what `project` gave for this time step: [n, gates · hidden]. */
  step(params: P, state: S, projected: Tensor): S;
  /** What the layer above sees of a state: [n, hidden]. */
  output(state: S): Tensor;
}

export interface CellOptions {
  /** Start of the input weights. Default: `glorotUniform`. */
  input?: Initializer;
  /** Start of each gate's recurrent weights. Default: `orthogonal()`. */
  recurrent?: Initializer;
}

/** h' = tanh(x W + h U + b) (Elman 1990). */
export function rnnCell(inputs: number, hidden: number, options: CellOptions = {}): Cell<Recurrent, Tensor> {
  const { init, project } = gates("rnnCell", 1, inputs, hidden, options);
  return {
    init,
    project,
    start: (n, dtype) => zeros([n, hidden], dtype),
    step: ({ recurrent }, h, projected) => tanh(add(projected, matmul(h, recurrent))),
    output: (h) => h,
  };
}

export interface Gru extends Recurrent {
  /** [hidden], inside of the reset gate. */
  candidateBias: Tensor;
}

/**
 * Gated recurrent unit (Cho et al. 2014), with the reset gate after the product, as fast libraries have it:
 * r = σ(x W_r + h U_r + b_r), z = σ(x W_z + h U_z + b_z), c = tanh(x W_c + b_c + r (h U_c + b'_c)),
 * h' = (1 − z) c + z h. The gates lie in the order r, z, c.
 */
export function gruCell(inputs: number, hidden: number, options: CellOptions = {}): Cell<Gru, Tensor> {
  const { init, project } = gates("gruCell", 3, inputs, hidden, options);
  return {
    init: (random) => ({ ...init(random), candidateBias: zeroFill(random, [hidden]) }),
    project,
    start: (n, dtype) => zeros([n, hidden], dtype),
    step({ recurrent, candidateBias }, h, projected) {
      const [fromInput, candidateInput] = split(projected, [2 * hidden, hidden], 1) as [Tensor, Tensor];
      const [fromState, candidateState] = split(matmul(h, recurrent), [2 * hidden, hidden], 1) as [
        Tensor,
        Tensor,
      ];
      const [reset, update] = split(sigmoid(add(fromInput, fromState)), 2, 1) as [Tensor, Tensor];
      const candidate = tanh(add(candidateInput, multiply(reset, add(candidateState, candidateBias))));
      // (1 − z) c + z h with one product less.
      return add(candidate, multiply(update, subtract(h, candidate)));
    },
    output: (h) => h,
  };
}

export interface LstmState {
  /** h, [n, hidden] */
  hidden: Tensor;
  /** c, [n, hidden] */
  cell: Tensor;
}

/**
 * Long short-term memory (Hochreiter and Schmidhuber 1997, with the forget gate of Gers et al. 2000):
 * i, f, o = σ(x W + h U + b), g = tanh(x W_g + h U_g + b_g), c' = f c + i g, h' = o tanh(c'). The gates lie
 * in the order i, f, g, o.
 *
 * @param options.forgetBias Start of the forget gate's bias. Default: 1, so that memories last at first
 *   (Jozefowicz et al. 2015).
 */
export function lstmCell(
  inputs: number,
  hidden: number,
  { forgetBias = 1, ...options }: CellOptions & { forgetBias?: number } = {},
): Cell<Recurrent, LstmState> {
  const { init, project } = gates("lstmCell", 4, inputs, hidden, options);
  return {
    init: (random) => ({
      ...init(random),
      bias: fromData(new Float32Array(4 * hidden).fill(forgetBias, hidden, 2 * hidden), [4 * hidden]),
    }),
    project,
    start: (n, dtype) => ({ hidden: zeros([n, hidden], dtype), cell: zeros([n, hidden], dtype) }),
    step({ recurrent }, state, projected) {
      const [i, f, g, o] = split(add(projected, matmul(state.hidden, recurrent)), 4, 1) as [
        Tensor,
        Tensor,
        Tensor,
        Tensor,
      ];
      const cell = add(multiply(sigmoid(f), state.cell), multiply(sigmoid(i), tanh(g)));
      return { hidden: multiply(sigmoid(o), tanh(cell)), cell };
    },
    output: (state) => state.hidden,
  };
}

export interface UnrollOptions<S> {
  /** The state before the first step. Default: zeros. */
  start?: S;
  /** bool [n, time]: where false, the step is skipped and the state stays as it is. Default: all true. */
  present?: Tensor;
  /** Whether to begin at the end; outputs stay at their places. Default: false. */
  reverse?: boolean;
}

/**
 * Runs a cell over sequences.
 *
 * @param x [n, time, inputs]
 * @returns `outputs` [n, time, hidden] and the `state` after the last step.
 */
export function unroll<P, S>(
  cell: Cell<P, S>,
  params: P,
  x: Tensor,
  options: UnrollOptions<S> = {},
): { outputs: Tensor; state: S } {
  if (x.shape.length !== 3 || x.shape[1] === 0)
    throw new RangeError(
      `unroll: x is ${describe(x)}; expected [n, time, inputs] with at least one time step`,
    );
  const [n, time] = x.shape as [number, number, number];
  const { present, reverse = false } = options;
  if (present && (present.dtype !== "bool" || present.shape[0] !== n || present.shape[1] !== time))
    throw new TypeError(`unroll: present is ${describe(present)}; expected bool [${n}, ${time}]`);
  const projected = cell.project(params, x);
  const steps = Array.from({ length: time }, (_, t) => slice(projected, [null, t]));
  const order = reverse ? steps.map((_, t) => time - 1 - t) : steps.map((_, t) => t);
  const outputs: Tensor[] = new Array(time);
  let state = options.start ?? cell.start(n, x.dtype);
  for (const t of order) {
    const next = cell.step(params, state, steps[t]!);
    state = present ? chosen(expandDims(slice(present, [null, t]), 1), next, state) : next;
    outputs[t] = cell.output(state);
  }
  return { outputs: stack(outputs, 1), state };
}

/** The leaves of one tree where the condition holds, of the other elsewhere. */
const chosen = <S>(condition: Tensor, yes: S, no: S): S =>
  zipTrees([yes, no], (a, b) => where(condition, a, b));

/** Parameters of `count` gates side by side, each started by itself, and the inputs' product with them. */
function gates(
  name: string,
  count: number,
  inputs: number,
  hidden: number,
  { input = glorotUniform, recurrent = orthogonal() }: CellOptions,
) {
  requireCount(name, "inputs", inputs);
  requireCount(name, "hidden", hidden);
  return {
    init: (random: Random): Recurrent => ({
      input: sideBySide(count, random.split("input"), [inputs, hidden], input),
      recurrent: sideBySide(count, random.split("recurrent"), [hidden, hidden], recurrent),
      bias: zeroFill(random, [count * hidden]),
    }),
    project: (params: Recurrent, x: Tensor): Tensor => add(matmul(x, params.input), params.bias),
  };
}

function sideBySide(
  count: number,
  random: Random,
  [rows, columns]: [number, number],
  draw: Initializer,
): Tensor {
  const data = new Float32Array(rows * count * columns);
  for (let gate = 0; gate < count; gate++) {
    const block = values(draw(random.split(gate), [rows, columns]));
    for (let row = 0; row < rows; row++) {
      data.set(block.subarray(row * columns, (row + 1) * columns), (row * count + gate) * columns);
    }
  }
  return fromData(data, [rows, count * columns]);
}
