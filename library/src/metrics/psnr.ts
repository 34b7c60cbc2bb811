/**
 * Peak signal-to-noise ratio, −10 log₁₀ of the mean squared error, dB; a mean over images.
 *
 * @param images with values from 0 to 1, [n, size]; what lies outside counts as 0 or 1
 * @param targets the same length
 * @param options.size Numbers in an image. Default: all.
 * @returns ∞ where an image is the target.
 */
export function psnr(
  images: ArrayLike<number>,
  targets: ArrayLike<number>,
  { size = images.length }: { size?: number } = {},
): number {
  if (targets.length !== images.length)
    throw new RangeError(`psnr: targets has ${targets.length} numbers; expected ${images.length}, as images`);
  if (!(Number.isSafeInteger(size) && size >= 1 && images.length % size === 0 && images.length > 0))
    throw new RangeError(`psnr: size is ${size}; expected a divisor of ${images.length}`);
  let total = 0;
  for (let start = 0; start < images.length; start += size) {
    let squares = 0;
    for (let i = start; i < start + size; i++)
      squares += (Math.min(Math.max(images[i]!, 0), 1) - targets[i]!) ** 2;
    total -= 10 * Math.log10(squares / size);
  }
  return total / (images.length / size);
}
