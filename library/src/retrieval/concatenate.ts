/** Vectors of several encoders as one. */
import { unitRows, type Vectors, vectors } from "./vectors.ts";

/**
 * The rows of several encoders side by side, each encoder's of length 1 first, so that none outweighs the others
 * by its scale. The cosine of two rows is then the mean of the encoders' cosines; an encoder that stands there
 * twice counts twice.
 *
 * @param encoded the same texts by each encoder, of any widths
 * @returns [count, sum of widths], not of length 1
 * @throws RangeError where the numbers of rows disagree
 */
export function concatenateEncoders(encoded: readonly Vectors[]): Vectors {
  const first = encoded[0];
  if (!first) throw new RangeError("concatenateEncoders: there are no encoders; expected at least one");
  const { count } = first;
  const wrong = encoded.find((rows) => rows.count !== count);
  if (wrong)
    throw new RangeError(
      `concatenateEncoders: encoders have ${count} and ${wrong.count} rows; expected as many of each`,
    );
  const width = encoded.reduce((sum, rows) => sum + rows.width, 0);
  const data = new Float32Array(count * width);
  let at = 0;
  for (const rows of encoded) {
    const unit = unitRows(rows);
    for (let row = 0; row < count; row++)
      data.set(unit.data.subarray(row * rows.width, (row + 1) * rows.width), row * width + at);
    at += rows.width;
  }
  return vectors(data, width);
}
