/** Classes that arrive one group after the other, for continual learning. */

export interface IncrementalTask {
  /** 0 for the first. */
  number: number;
  /** The classes that this task brings. */
  classes: number[];
  /** The examples of these classes. */
  indices: Int32Array;
}

/**
 * A stream of tasks, each of some classes, whose examples are gone once the next task has begun.
 *
 * @param labels Class of each example.
 * @param options.order All classes, in the order in which they arrive.
 * @param options.sizes How many classes each task brings.
 * @throws RangeError where the sizes do not add up to the number of classes, or a class comes twice.
 */
export function taskStream(
  labels: ArrayLike<number>,
  { order, sizes }: { order: readonly number[]; sizes: readonly number[] },
): { length: number; open(number: number): IncrementalTask } {
  const total = sizes.reduce((sum, size) => sum + size, 0);
  if (total !== order.length || sizes.some((size) => !(Number.isSafeInteger(size) && size >= 1)))
    throw new RangeError(`taskStream: sizes [${sizes.join(", ")}] do not cut ${order.length} classes`);
  if (new Set(order).size !== order.length)
    throw new RangeError(`taskStream: order [${order.join(", ")}] holds a class twice`);
  let current = 0;
  return {
    length: sizes.length,
    /** The examples of a task. Opening one closes all before it; opening those again throws. */
    open(number) {
      if (!(Number.isSafeInteger(number) && number >= 0 && number < sizes.length))
        throw new RangeError(`taskStream: task ${number} is none of the ${sizes.length} tasks`);
      if (number < current)
        throw new RangeError(
          `taskStream: task ${number} is over, task ${current} has begun; its examples are gone`,
        );
      current = number;
      const start = sizes.slice(0, number).reduce((sum, size) => sum + size, 0);
      const classes = order.slice(start, start + sizes[number]!);
      const members = Array.from({ length: labels.length }, (_, i) => i).filter((i) =>
        classes.includes(labels[i]!),
      );
      return { number, classes, indices: Int32Array.from(members) };
    },
  };
}
