/** A recurrent language model of bytes: what it remembers of a text is one vector. */
import {
  type ColumnLengths,
  columnLengths,
  type Dense,
  dense,
  embedding,
  type LstmState,
  type MultiplicativeLstm,
  multiplicativeLstmCell,
  unroll,
  weightNorm,
} from "../nn/index.ts";
import { requireCount } from "../nn/layer.ts";
import type { Random } from "../random.ts";
import { compile } from "../runtime/index.ts";
import { divide, fromData, reshape, softmax, type Tensor, values, where } from "../tensor/index.ts";

export interface ByteLanguageModelOptions {
  /** Units of the state. The paper: 4096. */
  hidden: number;
  /** Width of the bytes' vectors. Default: 64. */
  embedding?: number;
}

export interface ByteLanguageModelParams {
  /** [256, embedding] */
  bytes: Tensor;
  cell: MultiplicativeLstm;
  /** Of the cell's four matrices, which are trained by weight normalisation. */
  lengths: ColumnLengths;
  head: Dense;
}

export interface ByteLanguageModel {
  hidden: number;
  init(random: Random): ByteLanguageModelParams;
  /** The state of n texts of which nothing is read: zeros. */
  start(n: number): LstmState;
  /**
   * Reads bytes, int32 [n, length].
   *
   * @param options.start The state before them. Default: zeros.
   * @param options.present bool [n, length]; where false, the state stays as it is.
   * @returns Logits [n, length, 256] of the byte after each, and the state after the last.
   */
  read(
    params: ByteLanguageModelParams,
    bytes: Tensor,
    options?: { start?: LstmState; present?: Tensor },
  ): { logits: Tensor; state: LstmState };
}

/**
 * A multiplicative LSTM over bytes with weight-normalised matrices (Radford, Jozefowicz and Sutskever, "Learning to
 * Generate Reviews and Discovering Sentiment", 2017). A text's feature vector is the cell of its last state.
 */
export function byteLanguageModel({
  hidden,
  embedding: width = 64,
}: ByteLanguageModelOptions): ByteLanguageModel {
  requireCount("byteLanguageModel", "hidden", hidden);
  const table = embedding(256, width);
  const cell = multiplicativeLstmCell(width, hidden);
  const head = dense(hidden, 256);
  return {
    hidden,
    init(random) {
      const start = cell.init(random.split("cell"));
      return {
        bytes: table.init(random.split("bytes")),
        cell: start,
        lengths: columnLengths(start, (path) => path !== "bias"),
        head: head.init(random.split("head")),
      };
    },
    start: (n) => ({
      hidden: fromData(new Float32Array(n * hidden), [n, hidden]),
      cell: fromData(new Float32Array(n * hidden), [n, hidden]),
    }),
    read(params, bytes, { start, present } = {}) {
      const x = table.apply(params.bytes, bytes);
      const { outputs, state } = unroll(cell, weightNorm(params.cell, params.lengths), x, { start, present });
      const [n, length] = bytes.shape as [number, number];
      const logits = head.apply(params.head, reshape(outputs, [n * length, hidden]));
      return { logits: reshape(logits, [n, length, 256]), state };
    },
  };
}

export interface Clamp {
  /** Which unit of the cell. */
  unit: number;
  /** What it is set to after each byte. */
  value: number;
}

/**
 * Writes texts byte by byte, with a unit of the cell held at a value on request: what the unit stands for then shows
 * in the texts.
 *
 * @returns A function of parameters, bytes to begin with (at least one, int32 [n, begun]), the number of bytes to
 *   write, where draws come from, and the clamp. It returns the bytes written, Uint8Array for each text.
 */
export function byteWriter(
  model: ByteLanguageModel,
  { temperature = 1, threads }: { temperature?: number; threads?: number } = {},
) {
  if (!(temperature > 0))
    throw new RangeError(`byteWriter: temperature is ${temperature}; expected a number above 0`);
  const step = compile(
    (params: ByteLanguageModelParams, bytes: Tensor, state: LstmState, held: Tensor, value: Tensor) => {
      const { logits, state: next } = model.read(params, bytes, {
        start: { ...state, cell: where(held, value, state.cell) },
      });
      return { probabilities: softmax(divide(logits, temperature)), state: next };
    },
    { threads },
  );
  return async (
    params: ByteLanguageModelParams,
    begun: readonly Uint8Array[],
    length: number,
    random: Random,
    clamp?: Clamp,
  ): Promise<Uint8Array[]> => {
    const n = begun.length;
    const from = begun[0]?.length ?? 0;
    if (from === 0 || begun.some((each) => each.length !== from))
      throw new RangeError("byteWriter: expected texts of one length to begin with, at least one byte each");
    if (clamp && !(Number.isInteger(clamp.unit) && clamp.unit >= 0 && clamp.unit < model.hidden))
      throw new RangeError(`byteWriter: unit is ${clamp.unit}; expected 0 to ${model.hidden - 1}`);
    const held = fromData(
      Uint8Array.from({ length: model.hidden }, (_, i) => Number(i === clamp?.unit)),
      [1, model.hidden],
    );
    const value = fromData(Float32Array.of(clamp?.value ?? 0), []);
    const written = begun.map(() => new Uint8Array(length));
    let state = model.start(n);
    let last = fromData(Int32Array.from(begun.flatMap((each) => [...each])), [n, from]);
    for (let t = 0; t < length; t++) {
      const next = await step(params, last, state, held, value);
      const p = values(next.probabilities);
      const places = p.length / (256 * n);
      written.forEach((text, row) => {
        const at = (row * places + places - 1) * 256;
        let draw = random.next();
        let byte = 0;
        while (byte < 255 && draw >= Number(p[at + byte])) draw -= Number(p[at + byte++]);
        text[t] = byte;
      });
      state = next.state;
      last = fromData(
        Int32Array.from(written, (text) => text[t]!),
        [n, 1],
      );
    }
    return written;
  };
}
