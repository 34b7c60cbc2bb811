/** How far training has come, and how long it will take. */

export interface Progress {
  /** 0 to 1. */
  fraction: number;
  /** Since training began (or was resumed). */
  seconds: number;
  /** Expected until the last step, from the time that a step took on average; undefined after the first one. */
  secondsLeft?: number;
}

/**
 * The time that is left if the remaining steps take as long as those before, the first one of this run
 * left out, since it includes compiling.
 *
 * @param times Seconds since the run began, at the end of the first step and of the last one so far.
 * @param taken Steps between the two.
 * @param left Steps still to take.
 */
export function remainingSeconds(
  times: { first: number; last: number },
  taken: number,
  left: number,
): number | undefined {
  return taken > 0 ? ((times.last - times.first) / taken) * left : undefined;
}

/**
 * A function that is called after every step with its number and tells the progress.
 *
 * @param steps In all.
 * @param start The step that the run begins after: 0, or that of its checkpoint.
 * @param now Milliseconds; for tests.
 */
export function progressClock(
  steps: number,
  start: number,
  now: () => number = () => performance.now(),
): (step: number) => Progress {
  const began = now();
  let first: number | undefined;
  return (step) => {
    const seconds = (now() - began) / 1000;
    first ??= seconds;
    const left = remainingSeconds({ first, last: seconds }, step - start - 1, steps - step);
    return { fraction: step / steps, seconds, ...(left === undefined ? {} : { secondsLeft: left }) };
  };
}
