import type { Random } from "../random.ts";

export interface BatchOptions {
  /** Leave out the last batch where it is smaller: every batch then has one shape. Default false. */
  dropLast?: boolean;
}

/**
 * One epoch: the indices 0 … count - 1 in random order, `size` at a time. Give each epoch its own
 * stream: `batches(n, 64, random.split(epoch))`.
 *
 * @throws RangeError for a size below 1, or where `dropLast` would leave no batch at all
 */
export function batches(
  count: number,
  size: number,
  random: Random,
  options: BatchOptions = {},
): Int32Array[] {
  const { dropLast = false } = options;
  if (!(Number.isSafeInteger(size) && size >= 1))
    throw new RangeError(`batches: size ${size} must be an integer of at least 1`);
  if (dropLast && count < size)
    throw new RangeError(`batches: with dropLast, ${count} items make no batch of size ${size}`);
  const order = random.permutation(count);
  const end = dropLast ? count - (count % size) : count;
  return Array.from({ length: Math.ceil(end / size) }, (_, i) =>
    order.slice(i * size, Math.min((i + 1) * size, end)),
  );
}

export type Rows = Float32Array | Float64Array | Int32Array | Uint32Array | Uint8Array;

/**
 * Gathers rows: of a matrix [n, width] held row by row, or items of a plain array.
 *
 * @param width numbers a row, default 1
 * @returns [indices, width] of the same type, copied
 * @throws RangeError naming the first index that is out of range
 */
export function take<T extends Rows>(values: T, indices: ArrayLike<number>, width?: number): T;
export function take<T>(values: readonly T[], indices: ArrayLike<number>): T[];
export function take(
  values: Rows | readonly unknown[],
  indices: ArrayLike<number>,
  width = 1,
): Rows | unknown[] {
  const count = values.length / width;
  if (!(Number.isSafeInteger(width) && width >= 1 && Number.isInteger(count)))
    throw new RangeError(`take: ${values.length} values are no rows of width ${width}`);
  for (let i = 0; i < indices.length; i++)
    if (!(Number.isInteger(indices[i]) && indices[i] >= 0 && indices[i] < count))
      throw new RangeError(`take: index ${i} is ${indices[i]}, outside the ${count} rows`);

  if (Array.isArray(values)) return Array.from(indices, (index) => values[index]);
  const rows = values as Rows;
  const out = new (rows.constructor as new (length: number) => Rows)(indices.length * width);
  for (let i = 0; i < indices.length; i++)
    out.set(rows.subarray(indices[i] * width, (indices[i] + 1) * width), i * width);
  return out;
}
