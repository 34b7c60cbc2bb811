/** Negative labels for what a model itself finds least likely, a few more in every round. */

export interface PseudoLabels {
  /** 1 where there is a pseudo-label, [rows, classes] row by row. */
  chosen: Uint8Array;
  /** The score, 0 to 1, that was stored as a soft label; 0 elsewhere. */
  targets: Float32Array;
}

export interface AsymmetricPseudoLabelOptions {
  classes: number;
  /** Over how many rounds labels are given out: epochs after warm-up, E − W. */
  rounds: number;
  /** θ₋, the fraction of each class's unknown labels that are labelled after all rounds. Default: 0.9. */
  proportion?: number;
  /** Labels of earlier rounds, which stay. */
  previous?: PseudoLabels;
}

/**
 * One round of asymmetric pseudo-labelling: in each class, of the labels that are unknown and without a
 * pseudo-label, the ⌊θ₋ U / rounds⌋ with the lowest scores get theirs, U being how many are unknown in the class. A
 * pseudo-label is the score itself; positive ones are not given.
 *
 * Source: Zhou et al., "Acknowledging the Unknown for Multi-label Learning with Single Positive Labels" (2022),
 * section 3.3.
 *
 * @param scores Probabilities, [rows, classes] row by row.
 * @param observed 1 (known to be positive) or 0 (unknown), likewise.
 * @returns New pseudo-labels, those of earlier rounds included.
 * @throws RangeError where lengths do not fit, or for rounds or a proportion that are out of range.
 */
export function asymmetricPseudoLabels(
  scores: ArrayLike<number>,
  observed: ArrayLike<number>,
  { classes, rounds, proportion = 0.9, previous }: AsymmetricPseudoLabelOptions,
): PseudoLabels {
  const name = "asymmetricPseudoLabels";
  const rows = scores.length / classes;
  if (!Number.isInteger(rows))
    throw new RangeError(`${name}: ${scores.length} scores are no rows of ${classes} classes`);
  for (const [argument, length] of Object.entries({
    observed: observed.length,
    previous: previous?.chosen.length,
  }))
    if (length !== undefined && length !== scores.length)
      throw new RangeError(
        `${name}: ${argument} has ${length} entries; expected ${scores.length}, as scores`,
      );
  if (!(Number.isInteger(rounds) && rounds >= 1))
    throw new RangeError(`${name}: rounds is ${rounds}; expected a whole number of at least 1`);
  if (!(proportion >= 0 && proportion <= 1))
    throw new RangeError(`${name}: proportion is ${proportion}; expected a number from 0 to 1`);
  const chosen = previous?.chosen.slice() ?? new Uint8Array(scores.length);
  const targets = previous?.targets.slice() ?? new Float32Array(scores.length);
  for (let c = 0; c < classes; c++) {
    const unknown = Array.from({ length: rows }, (_, row) => row * classes + c).filter(
      (at) => observed[at] === 0,
    );
    const count = Math.floor((proportion * unknown.length) / rounds);
    const lowest = unknown.filter((at) => !chosen[at]).sort((a, b) => scores[a]! - scores[b]!);
    for (const at of lowest.slice(0, count)) {
      chosen[at] = 1;
      targets[at] = scores[at]!;
    }
  }
  return { chosen, targets };
}
