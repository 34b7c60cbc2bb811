/** Positions 0 … n - 1 in rising order of value; equal values keep their order. Throws on NaN. */
export function sortedIndices(values: ArrayLike<number>): Int32Array {
  for (let i = 0; i < values.length; i++)
    if (Number.isNaN(values[i])) throw new RangeError(`value ${i} is NaN, which has no rank`);
  return Int32Array.from({ length: values.length }, (_, i) => i).sort((a, b) => values[a] - values[b]);
}

/** Ranks from 1 for the smallest value; equal values share the mean of their ranks. */
export function ranks(values: ArrayLike<number>): Float64Array {
  const order = sortedIndices(values);
  const out = new Float64Array(values.length);
  for (let start = 0; start < order.length; ) {
    let end = start + 1;
    while (end < order.length && values[order[end]] === values[order[start]]) end++;
    for (let i = start; i < end; i++) out[order[i]] = (start + 1 + end) / 2;
    start = end;
  }
  return out;
}
