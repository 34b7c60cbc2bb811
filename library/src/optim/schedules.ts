/**
 * Learning rates that change: functions from the number of steps taken so far (a scalar tensor, 0 at the
 * first step) to a rate. Each can be given to any optimizer, and `warmUp` goes before any of them.
 */
import {
  add,
  cos,
  divide,
  exp,
  floor,
  less,
  maximum,
  minimum,
  multiply,
  subtract,
  type Tensor,
  where,
} from "../tensor/index.ts";
import type { LearningRate, Schedule } from "./optimizer.ts";

/** The same rate throughout. */
export const constant =
  (rate: number): Schedule =>
  (step) =>
    add(multiply(step, 0), rate);

export interface DecayOptions {
  /** The rate at the first step. */
  from: number;
  /** The rate after `steps` steps and ever after. Default: 0. */
  to?: number;
  steps: number;
}

/** From one rate to another along a straight line. */
export function linear({ from, to = 0, steps }: DecayOptions): Schedule {
  requireSteps("linear", steps);
  return (step) => add(multiply(fractionOf(step, steps), to - from), from);
}

/** From one rate to another along half a cosine (Loshchilov and Hutter 2017, equation 5, without restarts). */
export function cosine({ from, to = 0, steps }: DecayOptions): Schedule {
  requireSteps("cosine", steps);
  return (step) =>
    add(multiply(add(cos(multiply(fractionOf(step, steps), Math.PI)), 1), (from - to) / 2), to);
}

export interface RepeatedDecayOptions {
  /** The rate at the first step. */
  from: number;
  /** What the rate is multiplied with each time. */
  factor: number;
  /** After how many steps each time. Default: 1. */
  every?: number;
}

/** from · factor^(step / every), smoothly. */
export function exponential({ from, factor, every = 1 }: RepeatedDecayOptions): Schedule {
  requireSteps("exponential", every);
  requireFactor("exponential", factor);
  return (step) => multiply(exp(multiply(step, Math.log(factor) / every)), from);
}

/** from · factor^⌊step / every⌋: constant, then a jump. */
export function steps({ from, factor, every = 1 }: RepeatedDecayOptions): Schedule {
  requireSteps("steps", every);
  requireFactor("steps", factor);
  return (step) => multiply(exp(multiply(floor(divide(step, every)), Math.log(factor))), from);
}

/**
 * A linear rise before another schedule: its first rate times 1/n, 2/n, … 1 over n steps, after which it
 * starts from its own step 0.
 *
 * @param rise n, in steps.
 */
export function warmUp(rise: number, then: LearningRate): Schedule {
  requireSteps("warmUp", rise);
  const schedule = typeof then === "number" ? constant(then) : then;
  return (step) => {
    const rate = schedule(maximum(subtract(step, rise), 0));
    return where(less(step, rise), multiply(rate, divide(add(step, 1), rise)), rate);
  };
}

/** How far a decay has come, 0 to 1. */
const fractionOf = (step: Tensor, total: number): Tensor => minimum(divide(step, total), 1);

function requireSteps(name: string, value: number): void {
  if (!(Number.isFinite(value) && value > 0))
    throw new RangeError(`${name}: the number of steps is ${value}; expected one above 0`);
}

function requireFactor(name: string, factor: number): void {
  if (!(factor > 0)) throw new RangeError(`${name}: factor is ${factor}; expected a number above 0`);
}
