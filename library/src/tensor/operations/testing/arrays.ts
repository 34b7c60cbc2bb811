/**
 * Plain nested-loop arrays, the independent side of comparisons with the engine: nothing here shares
 * code with the operations.
 */

export interface Plain {
  shape: readonly number[];
  /** Row after row. */
  data: readonly number[];
  /** Set for what is not a float, whatever float type is under test. */
  dtype?: "int32" | "bool";
}

export type Index = readonly number[];

/** All positions of a shape, row after row. */
export function positions(shape: Index): number[][] {
  return shape.reduce<number[][]>(
    (heads, length) => heads.flatMap((head) => Array.from({ length }, (_, i) => [...head, i])),
    [[]],
  );
}

/** An array from what stands at each position. */
export const build = (shape: Index, value: (index: number[]) => number): Plain => ({
  shape,
  data: positions(shape).map(value),
});

/** The element at a position, which may have more axes in front; axes of length 1 repeat. */
export function at(x: Plain, index: Index): number {
  const own = x.shape.length === 0 ? [] : index.slice(-x.shape.length);
  return x.data[own.reduce((offset, i, axis) => offset * x.shape[axis]! + (x.shape[axis] === 1 ? 0 : i), 0)]!;
}

export const map = (x: Plain, f: (value: number) => number): Plain => ({
  shape: x.shape,
  data: x.data.map(f),
});

/** Applies f element by element to arrays that broadcast to `shape`. */
export const zip = (shape: Index, inputs: readonly Plain[], f: (...values: number[]) => number): Plain =>
  build(shape, (index) => f(...inputs.map((x) => at(x, index))));

/** Applies f to the elements along axes, in order. */
export function reduce(
  x: Plain,
  axes: readonly number[],
  keepDims: boolean,
  f: (values: number[]) => number,
): Plain {
  const kept = x.shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  const inner = x.shape.map((length, axis) => (axes.includes(axis) ? length : 1));
  const full = build(kept, (index) =>
    f(
      positions(inner).map((offset) =>
        at(
          x,
          index.map((i, axis) => i + offset[axis]!),
        ),
      ),
    ),
  );
  return keepDims ? full : { ...full, shape: kept.filter((_, axis) => !axes.includes(axis)) };
}

/** Replaces the elements along one axis by what f makes of them. */
export function along(x: Plain, axis: number, f: (values: number[]) => readonly number[]): Plain {
  const before = x.shape.slice(0, axis);
  const after = x.shape.slice(axis + 1);
  const lines = new Map<string, readonly number[]>();
  for (const head of positions(before)) {
    for (const tail of positions(after)) {
      const line = Array.from({ length: x.shape[axis]! }, (_, i) => at(x, [...head, i, ...tail]));
      lines.set([...head, "", ...tail].join(), f(line));
    }
  }
  const length = lines.values().next().value?.length ?? x.shape[axis]!;
  return build([...before, length, ...after], (index) => {
    const key = [...index.slice(0, axis), "", ...index.slice(axis + 1)].join();
    return lines.get(key)![index[axis]!]!;
  });
}
