/**
 * Tables too large to pass through a graph at every step: embeddings of words, users or documents. The table
 * and its optimizer's state stay in plain arrays, and a step touches only the rows of its batch: collect
 * and gather them here, differentiate with respect to them in a graph, update them here. Unlike the rest of
 * the library, these functions change their arguments in place, and allocate nothing from step to step.
 *
 *     const collect = rowCollector(table.rows, indicesPerBatch);         // once
 *     const batch = collect(indices);                                    // every step
 *     gatherRows(table, batch, rows);
 *     const { gradient } = await step(fromData(rows, [indicesPerBatch, width]), fromData(batch.positions, …));
 *     lazyAdam(table, state, batch, values(gradient), { learningRate: 1e-3 });
 *
 * Where rows are only averaged over bags (static embeddings of texts), `bagMeans` and `bagGradients` do that
 * here as well. The graph then sees one vector for each bag and no gather, which is several times faster:
 *
 *     const table = embeddingTable(rows, width, indicesPerBatch, { bag });  // once; values to be filled
 *     bagMeans(table, batch, means);                                        // every step
 *     const { gradient } = await step(fromData(means, [bags, width]));
 *     lazyAdamBags(table, state, batch, values(gradient), { learningRate: 1e-3 });
 *
 * Every function takes float32 and float64 tables in plain arrays, and those of `embeddingTable`, on which
 * `bagMeans` and `lazyAdamBags` are several times faster.
 */
import type { Floats } from "../random.ts";
import type { AdamScalars, RowMemory } from "./embedding-table.ts";
import { requireNumber } from "./optimizer.ts";

export { type EmbeddingTable, embeddingTable } from "./embedding-table.ts";

/** Vectors outside of graphs. */
export interface Table {
  /** [rows, width], row after row. */
  values: Floats;
  rows: number;
  width: number;
  /** Where `embeddingTable` keeps the values; not for tables in plain arrays. */
  memory?: RowMemory;
}

/** The rows that a batch of indices names. Its arrays are overwritten by the next batch. */
export interface RowBatch {
  /** How many different rows there are. */
  count: number;
  /** Those rows, ascending; the first `count` elements are valid. */
  rows: Int32Array;
  /** For each index of the batch, the place of its row among `rows`: what `gather` in a graph reads. */
  positions: Int32Array;
  /** The bags that row i lies in are bags[starts[i]] … bags[starts[i + 1] − 1], one for each time. */
  bags: Int32Array;
  starts: Int32Array;
  /** One over the number of indices in each bag, 0 for a bag of padding alone. */
  weights: Float64Array;
}

export interface CollectorOptions {
  /** Indices in a bag: the batch's indices are [bags, bag], in this order. Default: 1. */
  bag?: number;
  /** An index that stands for "nothing": no row is collected for it, its position is 0. Default: none. */
  padding?: number;
}

/**
 * Prepares finding a batch's rows, which takes O(indices + rows / 32) a batch.
 *
 * @param rows Of the table.
 * @param capacity The number of indices in a batch, at most; a multiple of the bag's length.
 * @returns A function from indices to their rows. It always returns the same object.
 * @throws RangeError for an index outside of the table, or too many of them.
 */
export function rowCollector(
  rows: number,
  capacity: number,
  { bag = 1, padding = -1 }: CollectorOptions = {},
): (indices: Int32Array) => RowBatch {
  for (const [argument, value] of Object.entries({ rows, capacity, bag }))
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new RangeError(`rowCollector: ${argument} is ${value}; expected a whole number of at least 1`);
  const named = new Int32Array(Math.ceil(rows / 32));
  const placeOf = new Int32Array(rows);
  const ends = new Int32Array(capacity);
  const batch: RowBatch = {
    count: 0,
    rows: new Int32Array(capacity),
    positions: new Int32Array(capacity),
    bags: new Int32Array(capacity),
    starts: new Int32Array(capacity + 1),
    weights: new Float64Array(Math.ceil(capacity / bag)),
  };

  return (indices) => {
    const n = indices.length;
    if (n > capacity || n % bag !== 0)
      throw new RangeError(`rows: ${n} indices; expected at most ${capacity}, in bags of ${bag}`);
    for (let i = 0; i < n; i++) {
      const row = indices[i]!;
      if (row < 0 || row >= rows) {
        named.fill(0);
        throw new RangeError(`rows: index ${i} is ${row}; expected 0 to ${rows - 1}`);
      }
      if (row !== padding) named[row >> 5]! |= 1 << (row & 31);
    }
    batch.count = listRows();
    fillBags(indices);
    return batch;
  };

  /** Ascending rows: memory is then read and written in its own order, which is a third faster than any other. */
  function listRows(): number {
    let count = 0;
    for (let word = 0; word < named.length; word++) {
      for (let bits = named[word]!; bits !== 0; bits &= bits - 1) {
        const row = (word << 5) + 31 - Math.clz32(bits & -bits);
        placeOf[row] = count;
        batch.rows[count++] = row;
      }
      named[word] = 0;
    }
    return count;
  }

  /** Sorts the indices by row, by counting. */
  function fillBags(indices: Int32Array): void {
    const { count, positions, bags, starts, weights } = batch;
    ends.fill(0, 0, count);
    weights.fill(0);
    for (let i = 0, bagNumber = 0, inBag = 0; i < indices.length; i++) {
      const row = indices[i]!;
      const place = row === padding ? 0 : placeOf[row]!;
      positions[i] = place;
      if (row !== padding) {
        ends[place]!++;
        weights[bagNumber]!++;
      }
      if (++inBag === bag) {
        if (weights[bagNumber]! > 0) weights[bagNumber] = 1 / weights[bagNumber]!;
        bagNumber++;
        inBag = 0;
      }
    }
    let total = 0;
    for (let place = 0; place < count; place++) {
      starts[place] = total;
      total += ends[place]!;
      ends[place] = starts[place]!;
    }
    starts[count] = total;
    for (let i = 0, bagNumber = 0, inBag = 0; i < indices.length; i++) {
      if (indices[i]! !== padding) bags[ends[positions[i]!]!++] = bagNumber;
      if (++inBag === bag) {
        bagNumber++;
        inBag = 0;
      }
    }
  }
}

/**
 * Copies the rows of a batch: row i of the result is table row batch.rows[i].
 *
 * @param into At least [batch.count, width]; what lies behind is left as it was. Give the graph an array of
 *   the full capacity, so that its shapes stay the same from step to step.
 */
export function gatherRows({ values, width }: Table, { rows, count }: RowBatch, into: Floats): void {
  requireLength("gatherRows", "into", into, count * width);
  for (let i = 0; i < count; i++) {
    const from = rows[i]! * width;
    into.set(values.subarray(from, from + width), i * width);
  }
}

/**
 * The mean of each bag's rows; zeros for a bag of padding alone.
 *
 * @param into At least [capacity / bag, width], overwritten.
 */
export function bagMeans(table: Table, batch: RowBatch, into: Floats): void {
  const { values, width } = table;
  const { rows, count, bags, starts, weights } = batch;
  requireLength("bagMeans", "into", into, weights.length * width);
  const memory = memoryOf(table);
  if (memory) {
    memory.bagMeans(batch, into);
    return;
  }
  into.fill(0);
  for (let place = 0; place < count; place++) {
    const from = rows[place]! * width;
    for (let at = starts[place]!; at < starts[place + 1]!; at++) {
      const bag = bags[at]!;
      const to = bag * width;
      const weight = weights[bag]!;
      for (let k = 0; k < width; k++) into[to + k] = into[to + k]! + weight * values[from + k]!;
    }
  }
}

/**
 * The gradient of each row of a batch, from those of the bags' means: the transpose of `bagMeans`.
 *
 * @param gradients At least [capacity / bag, width].
 * @param into At least [batch.count, width], overwritten.
 */
export function bagGradients(width: number, batch: RowBatch, gradients: Floats, into: Floats): void {
  const { count, bags, starts, weights } = batch;
  requireLength("bagGradients", "gradients", gradients, weights.length * width);
  requireLength("bagGradients", "into", into, count * width);
  for (let place = 0; place < count; place++) {
    const to = place * width;
    // Most rows lie in one bag: its gradient is written, only further ones are added.
    for (let at = starts[place]!; at < starts[place + 1]!; at++) {
      const from = bags[at]! * width;
      const weight = weights[bags[at]!]!;
      if (at === starts[place]) for (let k = 0; k < width; k++) into[to + k] = weight * gradients[from + k]!;
      else for (let k = 0; k < width; k++) into[to + k] = into[to + k]! + weight * gradients[from + k]!;
    }
  }
}

/**
 * θ ← θ − η g for the rows of a batch. The same as `sgd` over the whole table, whose other rows have a
 * gradient of 0.
 *
 * @param gradients At least [batch.count, width], for batch.rows.
 */
export function sgdRows(
  { values, width }: Table,
  { rows, count }: RowBatch,
  gradients: Floats,
  { learningRate }: { learningRate: number },
): void {
  requireNumber("sgdRows", "learningRate", learningRate, 0);
  requireLength("sgdRows", "gradients", gradients, count * width);
  for (let i = 0, at = 0; i < count; i++) {
    const end = at + width;
    for (let to = rows[i]! * width; at < end; at++, to++)
      values[to] = values[to]! - learningRate * gradients[at]!;
  }
}

export interface AdaGradRows {
  /** G of `adaGrad`, [rows, width]; starts at zero. */
  square: Floats;
}

/** AdaGrad for the rows of a batch: the same as `adaGrad` over the whole table. */
export function adaGradRows(
  { values, width }: Table,
  { square }: AdaGradRows,
  { rows, count }: RowBatch,
  gradients: Floats,
  { learningRate, epsilon = 1e-10 }: { learningRate: number; epsilon?: number },
): void {
  requireNumber("adaGradRows", "learningRate", learningRate, 0);
  requireLength("adaGradRows", "square", square, values.length);
  requireLength("adaGradRows", "gradients", gradients, count * width);
  for (let i = 0, at = 0; i < count; i++) {
    const end = at + width;
    for (let to = rows[i]! * width; at < end; at++, to++) {
      const g = gradients[at]!;
      const sum = square[to]! + g * g;
      square[to] = sum;
      values[to] = values[to]! - (learningRate * g) / (Math.sqrt(sum) + epsilon);
    }
  }
}

export interface LazyAdamState {
  /** M and V of `adam` (divided by 1 − β), [rows, width]; start at zero. */
  mean: Floats;
  square: Floats;
  /** Steps taken so far. */
  step: number;
}

export interface LazyAdamOptions {
  learningRate: number;
  /** Default: 0.9. */
  beta1?: number;
  /** Default: 0.999. */
  beta2?: number;
  /** Default: 1e-8. */
  epsilon?: number;
}

/**
 * The state before the first step. A table of `embeddingTable` has room for one, which is set to zeros: go on
 * from a saved state by copying its moments into this one.
 */
export function lazyAdamState(table: Table): LazyAdamState {
  const { mean, square } = memoryOf(table) ?? { mean: table.values.slice(), square: table.values.slice() };
  return { mean: mean.fill(0), square: square.fill(0), step: 0 };
}

/**
 * Adam for the rows of a batch, lazily: moments of rows that are not in the batch stay as they are, where
 * Adam over the whole table would let them decay and move the rows on. The bias correction counts all steps,
 * and ε is added before it: θ ← θ − α √(1 − β₂ᵗ) / (1 − β₁ᵗ) · m / (√v + ε). As PyTorch's SparseAdam.
 */
export function lazyAdam(
  { values, width }: Table,
  state: LazyAdamState,
  { rows, count }: RowBatch,
  gradients: Floats,
  options: LazyAdamOptions,
): void {
  const { mean, square } = state;
  requireLength("lazyAdam", "mean", mean, values.length);
  requireLength("lazyAdam", "square", square, values.length);
  requireLength("lazyAdam", "gradients", gradients, count * width);
  const { beta1, beta2, size, floor } = adamScalars("lazyAdam", state.step + 1, options);
  state.step++;
  for (let i = 0, at = 0; i < count; i++) {
    const end = at + width;
    for (let to = rows[i]! * width; at < end; at++, to++) {
      const g = gradients[at]!;
      const m = beta1 * mean[to]! + g;
      const v = beta2 * square[to]! + g * g;
      mean[to] = m;
      square[to] = v;
      values[to] = values[to]! - (size * m) / (Math.sqrt(v) + floor);
    }
  }
}

/**
 * `bagGradients` and `lazyAdam` in one: a whole step from the gradients of the bags' means. On a table of
 * `embeddingTable`, with the state that `lazyAdamState` gave for it, this is one pass in WebAssembly and the
 * rows' gradients are never stored; else they are, in a new array.
 *
 * @param gradients At least [capacity / bag, width].
 */
export function lazyAdamBags(
  table: Table,
  state: LazyAdamState,
  batch: RowBatch,
  gradients: Floats,
  options: LazyAdamOptions,
): void {
  const { values, width } = table;
  const memory = memoryOf(table);
  requireLength("lazyAdamBags", "gradients", gradients, batch.weights.length * width);
  if (memory && memory.mean === state.mean && memory.square === state.square) {
    memory.lazyAdam(batch, gradients, adamScalars("lazyAdamBags", state.step + 1, options));
    state.step++;
    return;
  }
  const perRow = new (values instanceof Float64Array ? Float64Array : Float32Array)(batch.count * width);
  bagGradients(width, batch, gradients, perRow);
  lazyAdam(table, state, batch, perRow, options);
}

/** What step number `step`, from 1, multiplies with. */
function adamScalars(
  name: string,
  step: number,
  { learningRate, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8 }: LazyAdamOptions,
): AdamScalars {
  requireNumber(name, "learningRate", learningRate, 0);
  requireNumber(name, "beta1", beta1, 0, 1);
  requireNumber(name, "beta2", beta2, 0, 1);
  const root = Math.sqrt(1 - beta2);
  const size = (learningRate * (1 - beta1) * Math.sqrt(1 - beta2 ** step)) / (1 - beta1 ** step) / root;
  return { beta1, beta2, size, floor: epsilon / root };
}

/** The memory of an `embeddingTable`, unless the table is a copy of one with other values. */
const memoryOf = ({ values, memory }: Table) => (memory?.values === values ? memory : undefined);

function requireLength(name: string, argument: string, array: Floats, length: number): void {
  if (array.length < length)
    throw new RangeError(`${name}: ${argument} has ${array.length} values; expected at least ${length}`);
}
