/** Metrics of models that learn one task after the other. */

/**
 * Average incremental accuracy: the mean over tasks of the accuracy on all classes seen so far, measured
 * when the task has been learned.
 *
 * Source: Rebuffi et al., "iCaRL: Incremental Classifier and Representation Learning" (2017), section 4.
 */
export function averageIncrementalAccuracy(accuracies: ArrayLike<number>): number {
  if (accuracies.length === 0) throw new RangeError("averageIncrementalAccuracy: there is no accuracy");
  let sum = 0;
  for (let i = 0; i < accuracies.length; i++) sum += accuracies[i]!;
  return sum / accuracies.length;
}

/**
 * Average forgetting: over all tasks but the last, how far accuracy has fallen from its best to the end.
 *
 * Source: Chaudhry et al., "Riemannian Walk for Incremental Learning" (2018), equation 3.
 *
 * @param accuracies Row t: accuracy on tasks 0 … t after task t has been learned.
 * @returns 0 for a single task; below 0 where old tasks have become better.
 */
export function averageForgetting(accuracies: readonly (readonly number[])[]): number {
  accuracies.forEach((row, t) => {
    if (row.length !== t + 1)
      throw new RangeError(`averageForgetting: row ${t} has ${row.length} accuracies; expected ${t + 1}`);
  });
  const last = accuracies.at(-1);
  if (!last) throw new RangeError("averageForgetting: there is no task");
  const old = last.length - 1;
  let sum = 0;
  for (let j = 0; j < old; j++) {
    const before = accuracies.slice(j, -1).map((row) => row[j]!);
    sum += Math.max(...before) - last[j]!;
  }
  return old === 0 ? 0 : sum / old;
}
