export interface CropBox {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/**
 * A part of a grey picture, resized to a square: the mean of 2 × 2 bilinear samples a pixel. What lies outside of the
 * picture is 0.
 *
 * @param image [height, width], row by row
 * @param width Of the picture, in pixels.
 * @param box In pixels from the upper left corner; pixel (0, 0) reaches from 0 to 1.
 * @param size Pixels a side of the result.
 * @returns [size, size]
 * @throws RangeError for an empty box, or a width or size that does not fit.
 */
export function cropResize(
  image: ArrayLike<number>,
  width: number,
  box: CropBox,
  size: number,
): Float32Array {
  const height = image.length / width;
  if (!(Number.isSafeInteger(width) && width >= 1 && Number.isInteger(height)))
    throw new RangeError(
      `cropResize: width is ${width}; expected one that divides the ${image.length} pixels`,
    );
  if (!(Number.isSafeInteger(size) && size >= 1))
    throw new RangeError(`cropResize: size is ${size}; expected a whole number of at least 1`);
  const { left, top, right, bottom } = box;
  if (!(right > left && bottom > top))
    throw new RangeError(
      `cropResize: box is [${left}, ${top}, ${right}, ${bottom}]; expected left < right and top < bottom`,
    );
  const pixel = (row: number, column: number) =>
    row < 0 || column < 0 || row >= height || column >= width ? 0 : image[row * width + column]!;
  const sample = (y: number, x: number) => {
    const [row, column] = [Math.floor(y), Math.floor(x)];
    const [down, across] = [y - row, x - column];
    return (
      (1 - down) * ((1 - across) * pixel(row, column) + across * pixel(row, column + 1)) +
      down * ((1 - across) * pixel(row + 1, column) + across * pixel(row + 1, column + 1))
    );
  };
  const result = new Float32Array(size * size);
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++) {
      let total = 0;
      for (const down of [0.25, 0.75])
        for (const across of [0.25, 0.75])
          total += sample(
            top + ((row + down) / size) * (bottom - top) - 0.5,
            left + ((column + across) / size) * (right - left) - 0.5,
          );
      result[row * size + column] = total / 4;
    }
  return result;
}
