export interface CropBox {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/**
 * A part of a grey picture, resized: the mean of 2 × 2 bilinear samples a pixel.
 *
 * @param image [height, width], row by row
 * @param width Of the picture, in pixels.
 * @param box In pixels from the upper left corner; pixel (0, 0) reaches from 0 to 1.
 * @param size Of the result: pixels a side, or height and width.
 * @param options.outside What lies outside of the picture: 0, or as the nearest pixel inside. Default: "zero".
 * @returns [height, width] of that size
 * @throws RangeError for an empty box, or a width or size that does not fit.
 */
export function cropResize(
  image: ArrayLike<number>,
  width: number,
  box: CropBox,
  size: number | readonly [height: number, width: number],
  { outside = "zero" }: { outside?: "zero" | "nearest" } = {},
): Float32Array {
  const height = image.length / width;
  if (!(Number.isSafeInteger(width) && width >= 1 && Number.isInteger(height)))
    throw new RangeError(
      `cropResize: width is ${width}; expected one that divides the ${image.length} pixels`,
    );
  const [rows, columns] = typeof size === "number" ? [size, size] : size;
  if (![rows, columns].every((side) => Number.isSafeInteger(side) && side >= 1))
    throw new RangeError(`cropResize: size is ${size}; expected whole numbers of at least 1`);
  const { left, top, right, bottom } = box;
  if (!(right > left && bottom > top))
    throw new RangeError(
      `cropResize: box is [${left}, ${top}, ${right}, ${bottom}]; expected left < right and top < bottom`,
    );
  if (outside !== "zero" && outside !== "nearest")
    throw new RangeError(`cropResize: outside is ${JSON.stringify(outside)}; expected "zero" or "nearest"`);
  const within = (at: number, length: number) => Math.min(Math.max(at, 0), length - 1);
  const pixel = (row: number, column: number) => {
    const [y, x] = [within(row, height), within(column, width)];
    return outside === "zero" && (y !== row || x !== column) ? 0 : image[y * width + x]!;
  };
  const sample = (y: number, x: number) => {
    const [row, column] = [Math.floor(y), Math.floor(x)];
    const [down, across] = [y - row, x - column];
    return (
      (1 - down) * ((1 - across) * pixel(row, column) + across * pixel(row, column + 1)) +
      down * ((1 - across) * pixel(row + 1, column) + across * pixel(row + 1, column + 1))
    );
  };
  const result = new Float32Array(rows * columns);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      let total = 0;
      for (const down of [0.25, 0.75])
        for (const across of [0.25, 0.75])
          total += sample(
            top + ((row + down) / rows) * (bottom - top) - 0.5,
            left + ((column + across) / columns) * (right - left) - 0.5,
          );
      result[row * columns + column] = total / 4;
    }
  return result;
}
