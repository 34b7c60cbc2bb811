/** Look again at what has not been found yet: peaks of score maps, picked in stages. */

export interface HeatmapSize {
  classes: number;
  height: number;
  width: number;
}

export interface ProbingOptions extends HeatmapSize {
  /** How many cells to pick a stage. */
  perStage: number;
  /** Cells a side, odd, of the square in which a pick must be the highest of its class, and which it then hides. Default: 3. */
  kernel?: number;
  /** Which maps a pick hides its square on: its own class's, or all of them. Default: "class". */
  hides?: "class" | "all";
}

export interface ProbingPick {
  /** From 0. */
  stage: number;
  label: number;
  row: number;
  column: number;
  score: number;
}

export interface Probing {
  /** Stage by stage, in each from the highest score down. */
  picks: ProbingPick[];
  /** For each stage what it was allowed to see: 1, and 0 for what earlier stages had picked, [classes, height, width] each. */
  visible: Uint8Array[];
}

/**
 * Hard instance probing: the highest peaks of each stage's score map, where earlier stages have not picked. In training,
 * `visible` belongs on targets and loss of its stage, so that a stage learns only what those before it have missed.
 *
 * A peak is a cell that is at least as high as all others of its square; where equal cells touch, all are peaks. With
 * one stage this is the usual choice of queries from a heatmap. A stage picks fewer where there are fewer peaks above 0.
 *
 * Source: Chen et al., "FocalFormer3D: Focusing on Hard Instance for 3D Object Detection" (2023), section 3.2 and
 * algorithm 1. Masks that follow predicted boxes are left to the caller.
 *
 * @param stages Scores at least 0, [classes, height, width] each.
 * @throws RangeError for scores of another length or below 0, a kernel that is even, or numbers that are not whole.
 */
export function hardInstanceProbing(
  stages: readonly ArrayLike<number>[],
  { classes, height, width, perStage, kernel = 3, hides = "class" }: ProbingOptions,
): Probing {
  const cells = classes * height * width;
  if (!(Number.isSafeInteger(perStage) && perStage >= 1))
    throw new RangeError(
      `hardInstanceProbing: perStage is ${perStage}; expected a whole number of at least 1`,
    );
  if (!(Number.isSafeInteger(kernel) && kernel % 2 === 1 && kernel >= 1))
    throw new RangeError(`hardInstanceProbing: kernel is ${kernel}; expected an odd number of at least 1`);
  if (hides !== "class" && hides !== "all")
    throw new RangeError(`hardInstanceProbing: hides is ${JSON.stringify(hides)}; expected "class" or "all"`);
  const reach = (kernel - 1) / 2;
  /** Whether a test holds for all cells of the square around a place, cut at the border. */
  const everywhere = (row: number, column: number, holds: (cell: number) => boolean): boolean => {
    for (let y = Math.max(0, row - reach); y <= Math.min(height - 1, row + reach); y++)
      for (let x = Math.max(0, column - reach); x <= Math.min(width - 1, column + reach); x++)
        if (!holds(y * width + x)) return false;
    return true;
  };
  const result: Probing = { picks: [], visible: [] };
  const open = new Uint8Array(cells).fill(1);
  stages.forEach((scores, stage) => {
    if (scores.length !== cells)
      throw new RangeError(
        `hardInstanceProbing: stage ${stage} has ${scores.length} scores; expected ${cells}`,
      );
    result.visible.push(open.slice());
    const seen = new Float64Array(cells);
    for (let at = 0; at < cells; at++) {
      if (!(scores[at]! >= 0))
        throw new RangeError(
          `hardInstanceProbing: stage ${stage} has a score of ${scores[at]} at ${at}; expected 0 or more`,
        );
      seen[at] = open[at]! * scores[at]!;
    }
    const peaks: ProbingPick[] = [];
    for (let label = 0; label < classes; label++)
      for (let row = 0; row < height; row++)
        for (let column = 0; column < width; column++) {
          const map = label * height * width;
          const score = seen[map + row * width + column]!;
          if (score === 0) continue;
          if (everywhere(row, column, (cell) => seen[map + cell]! <= score))
            peaks.push({ stage, label, row, column, score });
        }
    const picks = peaks.sort((a, b) => b.score - a.score).slice(0, perStage);
    for (const { label, row, column } of picks)
      everywhere(row, column, (cell) => {
        for (let c = 0; c < classes; c++)
          if (c === label || hides === "all") open[c * height * width + cell] = 0;
        return true;
      });
    result.picks.push(...picks);
  });
  return result;
}
