/**
 * A table whose values and Adam moments lie in one WebAssembly memory, so that a batch's rows are updated
 * in place, four float32 at a time. The functions of sparse-rows.ts take it like any other table:
 *
 *     const table = embeddingTable(rows, width, indicesPerBatch, { bag });   // instead of { values, … }
 *
 * Of these, `bagMeans` and `lazyAdamBags` run the passes of rows.wat on it.
 *
 * Why kernels of our own, once, where the engine does all else: it has no sparse update and copies every
 * result into a new buffer, and loops in JavaScript take 3 times as long (about 4 ns an element for bounds
 * checks and arithmetic in float64). For 1,024 bags of 16 indices into 30,000 × 128 values, in milliseconds
 * on one core: means 1.7 against 4.2, gradients and Adam 4.0 against 11. A whole step of the benchmark's
 * retriever takes 8 to 9, where PyTorch's SparseAdam takes 18 to 23 (`node bench/run.ts retriever`).
 */
import type { Floats } from "../random.ts";
import { ROWS } from "./rows-bytes.ts";
import type { RowBatch, Table } from "./sparse-rows.ts";

/** A table's arrays within its memory, and the passes over them. */
export interface RowMemory {
  /** [rows, width] each: the values, and the moments of Adam. */
  values: Float32Array;
  mean: Float32Array;
  square: Float32Array;
  /** The means of the batch's bags, written over the start of `into`. */
  bagMeans(batch: RowBatch, into: Floats): void;
  /** One lazy Adam step from the gradients of the bags' means. */
  lazyAdam(batch: RowBatch, gradients: Floats, scalars: AdamScalars): void;
}

/** What a step of Adam multiplies with: m ← β₁ m + g, v ← β₂ v + g², θ ← θ − size · m / (√v + floor). */
export interface AdamScalars {
  beta1: number;
  beta2: number;
  size: number;
  floor: number;
}

export interface EmbeddingTable extends Table {
  values: Float32Array;
}

const PAGE = 65_536;
const MOST_PAGES = 65_536;

/**
 * A table of zeros, float32, for `bagMeans` and `lazyAdamBags` at the speed of WebAssembly. Its memory never
 * grows or moves, so `values` stays valid: fill it, read it, save it as any array. A width that is no
 * multiple of 4 gives a plain table, which takes the JavaScript loops.
 *
 * @param capacity The number of indices in a batch, at most, and
 * @param options.bag the indices in a bag: the same as for `rowCollector`. Default: 1.
 * @throws RangeError for sizes that are no whole numbers, and for more than 4 GiB, which is what a memory
 *   holds: values, two moments and a batch, so up to 357 million values.
 */
export function embeddingTable(
  rows: number,
  width: number,
  capacity: number,
  { bag = 1 }: { bag?: number } = {},
): EmbeddingTable {
  for (const [argument, value] of Object.entries({ rows, width, capacity, bag }))
    if (!(Number.isSafeInteger(value) && value >= 1))
      throw new RangeError(`embeddingTable: ${argument} is ${value}; expected a whole number of at least 1`);
  if (width % 4 !== 0) return { values: new Float32Array(rows * width), rows, width };
  const memory = rowMemory(rows, width, capacity, Math.ceil(capacity / bag));
  return { values: memory.values, rows, width, memory };
}

function rowMemory(rows: number, width: number, capacity: number, bags: number): RowMemory {
  // In elements of 4 bytes. What the passes read 16 bytes at a time comes first, and so is aligned.
  const bytes = 4 * (3 * rows * width + bags * width + bags + 3 * capacity + 1);
  const pages = Math.ceil(bytes / PAGE);
  if (pages > MOST_PAGES)
    throw new RangeError(
      `embeddingTable: rows ${rows}, width ${width} and capacity ${capacity} need ${bytes} bytes; expected at most ${MOST_PAGES * PAGE}`,
    );
  const memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
  let next = 0;
  const place = <T>(make: new (buffer: ArrayBufferLike, at: number, length: number) => T, length: number) => {
    const array = new make(memory.buffer, next, length);
    next += 4 * length;
    return array;
  };
  const values = place(Float32Array, rows * width);
  const mean = place(Float32Array, rows * width);
  const square = place(Float32Array, rows * width);
  const vectors = place(Float32Array, bags * width);
  const weights = place(Float32Array, bags);
  const ids = place(Int32Array, capacity);
  const bagsOf = place(Int32Array, capacity);
  const starts = place(Int32Array, capacity + 1);
  const passes = instantiate(memory);

  /** Copies a batch in, once it is known to fit: nothing in WebAssembly checks where in its memory it writes. */
  function take(name: string, batch: RowBatch): void {
    const { count } = batch;
    if (batch.rows.length > capacity || batch.weights.length > bags)
      throw new RangeError(
        `${name}: batch has room for ${batch.rows.length} indices in ${batch.weights.length} bags; expected at most ${capacity} in ${bags}, as the table was made for`,
      );
    if (count > 0 && batch.rows[count - 1]! >= rows)
      throw new RangeError(`${name}: batch names row ${batch.rows[count - 1]}; expected 0 to ${rows - 1}`);
    weights.set(batch.weights);
    ids.set(batch.rows.subarray(0, count));
    bagsOf.set(batch.bags.subarray(0, batch.starts[count]));
    starts.set(batch.starts.subarray(0, count + 1));
  }
  /** The arguments that both passes end their pointers with. */
  const pointers = (count: number) =>
    [
      vectors.byteOffset,
      ids.byteOffset,
      count,
      bagsOf.byteOffset,
      starts.byteOffset,
      weights.byteOffset,
      4 * width,
    ] as const;

  return {
    values,
    mean,
    square,
    bagMeans(batch, into) {
      take("bagMeans", batch);
      const used = vectors.subarray(0, batch.weights.length * width);
      used.fill(0);
      passes.bagMeans(values.byteOffset, ...pointers(batch.count));
      into.set(used);
    },
    lazyAdam(batch, gradients, { beta1, beta2, size, floor }) {
      take("lazyAdamBags", batch);
      vectors.set(gradients.subarray(0, batch.weights.length * width));
      passes.lazyAdam(
        values.byteOffset,
        mean.byteOffset,
        square.byteOffset,
        ...pointers(batch.count),
        beta1,
        beta2,
        size,
        floor,
      );
    },
  };
}

/** The exports of rows.wat; byte offsets, except for `count`. */
interface Passes {
  bagMeans(values: number, ...batch: Pointers): void;
  lazyAdam(
    values: number,
    mean: number,
    square: number,
    ...rest: [...Pointers, beta1: number, beta2: number, size: number, floor: number]
  ): void;
}
type Pointers = readonly [
  vectors: number,
  rows: number,
  count: number,
  bags: number,
  starts: number,
  weights: number,
  width: number,
];

function instantiate(memory: WebAssembly.Memory): Passes {
  const bytes = Uint8Array.from(atob(ROWS), (character) => character.charCodeAt(0));
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { host: { memory } });
  return exports as unknown as Passes;
}
