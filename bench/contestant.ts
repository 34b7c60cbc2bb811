/**
 * What runs inside a contestant's process: it reads commands from standard input, a line of JSON each,
 * and answers each with a line of JSON. `peers/pytorch.py` speaks the same.
 *
 * - `{"command":"check","steps":n}` → `{"observed":[[loss, …], …]}`: n steps from the initial weights.
 * - `{"command":"round","milliseconds":t}` → `{"median":ms,"steps":n}`: from the initial weights, a few
 *   steps unmeasured, then steps for about t milliseconds, each timed.
 */
import { createInterface } from "node:readline";

/** A workload in one library's hands. Batches are numbered and used in turn. */
export interface Trainer {
  /** Back to the initial weights. */
  reset(): void;
  /** Trains on a batch and returns the loss, as a number in this process. */
  step(batch: number): Promise<number>;
  /** The Euclidean norms of the last step's gradients, where the workload is about those. */
  gradientNorms?(): number[];
}

const WARM_UP_STEPS = 2;
const LEAST_STEPS = 3;
const MOST_STEPS = 2000;

/** Answers commands until standard input ends. */
export async function serve(trainer: Trainer, batches: number): Promise<void> {
  answer({ ready: true });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line) as { command: string; steps: number; milliseconds: number };
    if (request.command === "check") answer({ observed: await check(trainer, batches, request.steps) });
    else if (request.command === "round") answer(await round(trainer, batches, request.milliseconds));
    else throw new RangeError(`command: got ${JSON.stringify(request.command)}; expected check or round`);
  }
}

const answer = (message: unknown) => process.stdout.write(`${JSON.stringify(message)}\n`);

export async function check(trainer: Trainer, batches: number, steps: number): Promise<number[][]> {
  trainer.reset();
  const observed: number[][] = [];
  for (let i = 0; i < steps; i++) {
    const loss = await trainer.step(i % batches);
    observed.push([loss, ...(trainer.gradientNorms?.() ?? [])]);
  }
  return observed;
}

export async function round(
  trainer: Trainer,
  batches: number,
  milliseconds: number,
): Promise<{ median: number; steps: number }> {
  trainer.reset();
  for (let i = 0; i < WARM_UP_STEPS; i++) await trainer.step(i % batches);
  const times: number[] = [];
  const end = performance.now() + milliseconds;
  while (times.length < LEAST_STEPS || (performance.now() < end && times.length < MOST_STEPS)) {
    const start = performance.now();
    await trainer.step((WARM_UP_STEPS + times.length) % batches);
    times.push(performance.now() - start);
  }
  return { median: median(times), steps: times.length };
}

/** The middle value; the mean of the two middle ones of an even number. */
export function median(list: readonly number[]): number {
  if (list.length === 0) throw new RangeError("median: the list is empty");
  const sorted = [...list].sort((a, b) => a - b);
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2;
}

/** √Σ x² */
export function euclidean(data: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < data.length; i++) sum += data[i]! * data[i]!;
  return Math.sqrt(sum);
}
