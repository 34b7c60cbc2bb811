import type { Random } from "../random.ts";

export interface OversampleOptions {
  /** β: the share that the rarer class shall have at least, from 0 to below 1. Default: 0.3. */
  share?: number;
  random: Random;
}

/**
 * Indices of all examples of two classes, those of the rarer one repeated until they are a share β of the whole:
 * max(⌊β N / (1 − β)⌋, n) of them, with N and n the sizes of the larger and of the rarer class. Each is there as
 * often as any other, up to one that is drawn without replacement. In random order.
 *
 * Source: Guan et al. 2024, "LogLLM" (there β is 0.3).
 *
 * @param labels [n] 0 or 1.
 * @throws RangeError for other labels, a class without examples, a share outside of 0 to below 1.
 */
export function oversampleMinority(
  labels: ArrayLike<number>,
  { share = 0.3, random }: OversampleOptions,
): Int32Array {
  if (!(share >= 0 && share < 1))
    throw new RangeError(`oversampleMinority: share is ${share}; expected a number from 0 to below 1`);
  const classes: [number[], number[]] = [[], []];
  for (let i = 0; i < labels.length; i++) {
    const label = labels[i]!;
    if (label !== 0 && label !== 1)
      throw new RangeError(`oversampleMinority: labels[${i}] is ${label}; expected 0 or 1`);
    classes[label].push(i);
  }
  const [rarer, larger] = classes.sort((a, b) => a.length - b.length);
  if (rarer.length === 0)
    throw new RangeError("oversampleMinority: one class has no example; expected both to have some");
  const count = Math.max(Math.floor((share * larger.length) / (1 - share)), rarer.length);
  const whole = Math.floor(count / rarer.length);
  const rest = random.sample(rarer.length, count - whole * rarer.length);
  const repeated = Array.from({ length: whole }, () => rarer).flat();
  return Int32Array.from(random.shuffle([...larger, ...repeated, ...Array.from(rest, (i) => rarer[i]!)]));
}
