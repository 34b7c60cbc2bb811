/** Random shapes and values for property tests. */
import fc from "fast-check";
import type { Plain } from "./arrays.ts";

export const seed = Number(process.env.NEARMISS_TEST_SEED ?? 1);

export interface ShapeOptions {
  minRank?: number;
  maxRank?: number;
  /** Shortest axis. Default: 1. */
  min?: number;
  /** Longest axis. Default: 4. */
  max?: number;
}

/** Shapes; few of them without axes or, where `min` is 0, without elements. */
export const shapes = ({ minRank = 0, maxRank = 3, min = 1, max = 4 }: ShapeOptions = {}) => {
  const length = fc.oneof(
    { weight: 12, arbitrary: fc.integer({ min: Math.max(1, min), max }) },
    { weight: 1, arbitrary: fc.constant(min) },
  );
  const some = fc.array(length, { minLength: Math.max(1, minRank), maxLength: maxRank });
  return minRank > 0
    ? some
    : fc.oneof({ weight: 1, arbitrary: fc.constant<number[]>([]) }, { weight: 8, arbitrary: some });
};

export interface ValueOptions {
  low?: number;
  high?: number;
  /** Tells arrays of one sample apart, so that no element of one equals an element of another. */
  number?: number;
}

/**
 * Values in about [low, high] that differ from each other, from whole numbers and from zero by far more
 * than the steps of central differences.
 */
export const filled = (
  shape: readonly number[],
  { low = -2, high = 2, number = 0 }: ValueOptions = {},
): fc.Arbitrary<Plain> => {
  const size = shape.reduce((product, length) => product * length, 1);
  const cells = Math.max(1, Math.floor((high - low) * 8) - 1);
  return fc.array(fc.integer({ min: 0, max: cells }), { minLength: size, maxLength: size }).map((steps) => ({
    shape,
    data: steps.map((cell, i) => low + (cell + 0.2 + 0.13 * number + (0.1 * i) / Math.max(1, size)) / 8),
  }));
};

/** Whole numbers in [0, below). */
export const whole = (shape: readonly number[], below: number): fc.Arbitrary<Plain> => {
  const size = shape.reduce((product, length) => product * length, 1);
  return fc
    .array(fc.integer({ min: 0, max: below - 1 }), { minLength: size, maxLength: size })
    .map((data) => ({ shape, data, dtype: "int32" }));
};

export const booleans = (shape: readonly number[]): fc.Arbitrary<Plain> =>
  whole(shape, 2).map(({ data }) => ({ shape, data, dtype: "bool" }));

/** Several shapes that broadcast to one, and that one. */
export const broadcastable = (count: number, options: ShapeOptions = {}) =>
  shapes(options).chain((shape) =>
    fc
      .array(
        fc.record({
          dropped: fc.integer({ min: 0, max: shape.length }),
          ones: fc.array(fc.boolean(), { minLength: shape.length, maxLength: shape.length }),
        }),
        { minLength: count - 1, maxLength: count - 1 },
      )
      .chain((others) => {
        const narrow = others.map(({ dropped, ones }) =>
          shape.map((length, axis) => (ones[axis] ? 1 : length)).slice(dropped),
        );
        return fc.shuffledSubarray([shape, ...narrow], { minLength: count, maxLength: count });
      })
      .map((list) => ({ shape, shapes: list })),
  );

/** A sample of one float array. */
export const single = (options: ShapeOptions & ValueOptions = {}) =>
  shapes(options)
    .chain((shape) => filled(shape, options))
    .map((x) => ({ inputs: [x] }));

/** A sample of float arrays that broadcast to `shape`. */
export const broadcastInputs = (count: number, options: ShapeOptions & ValueOptions = {}) =>
  broadcastable(count, options).chain(({ shape, shapes: list }) =>
    fc
      .tuple(...list.map((own, number) => filled(own, { ...options, number })))
      .map((inputs) => ({ inputs: inputs as Plain[], shape })),
  );

/** An array of at least one axis, and one of its axes, counted from either end. */
export const withAxis = (options: ShapeOptions & ValueOptions = {}) =>
  shapes({ minRank: 1, ...options }).chain((shape) =>
    fc.record({
      inputs: fc.tuple(filled(shape, options)).map((list) => list as Plain[]),
      axis: fc.integer({ min: -shape.length, max: shape.length - 1 }),
    }),
  );
