/** Where objects are, as maps of a class each. */

export interface HeatmapObject {
  label: number;
  row: number;
  column: number;
  /** Cells, a whole number of at least 0. */
  radius: number;
}

/**
 * A map a class with a bump of height 1 at the cell of each object: exp(−d² / 2σ²) with σ = (2 radius + 1) / 6, cut off
 * at `radius` cells along rows and columns. Where bumps overlap, the higher one stands.
 *
 * Source: Law and Deng, "CornerNet: Detecting Objects as Paired Keypoints" (2018), section 3.2; Zhou et al., "Objects
 * as Points" (2019).
 *
 * @returns [classes, height, width]
 * @throws RangeError for an object outside of the map, a label that is no class, or a radius that is no whole number.
 */
export function gaussianHeatmap(
  objects: readonly HeatmapObject[],
  { classes, height, width }: { classes: number; height: number; width: number },
): Float32Array {
  const map = new Float32Array(classes * height * width);
  const below = (value: number, limit: number) => Number.isInteger(value) && value >= 0 && value < limit;
  for (const { label, row, column, radius } of objects) {
    if (!(below(label, classes) && below(row, height) && below(column, width)))
      throw new RangeError(
        `gaussianHeatmap: object of label ${label} at row ${row}, column ${column}; expected whole numbers from 0 below ${classes}, ${height}, ${width}`,
      );
    if (!below(radius, Number.POSITIVE_INFINITY))
      throw new RangeError(`gaussianHeatmap: radius is ${radius}; expected a whole number of at least 0`);
    const deviation = (2 * radius + 1) / 6;
    for (let y = Math.max(0, row - radius); y <= Math.min(height - 1, row + radius); y++)
      for (let x = Math.max(0, column - radius); x <= Math.min(width - 1, column + radius); x++) {
        const at = (label * height + y) * width + x;
        const distance = (y - row) ** 2 + (x - column) ** 2;
        map[at] = Math.max(map[at]!, Math.exp(-distance / (2 * deviation ** 2)));
      }
  }
  return map;
}
