/**
 * An optimizer is a pair of pure functions: `init` makes a state around parameters, `update` takes a state
 * and gradients and returns the next state. States are trees, so they pass through `compile`, are saved
 * like parameters, and cost no memory that you do not see.
 */
import { add, cast, fromData, scalar, sizeOf, type Tensor } from "../tensor/index.ts";

export interface Optimizer<State> {
  /** The state before the first step. The parameters are its `params`. */
  init<P>(params: P): State & { params: P };
  /** The state after one step. `gradients` has the form of the parameters. */
  update<P>(state: State & { params: P }, gradients: P): State & { params: P };
}

/** From the number of steps taken so far, a scalar, to a learning rate; see `schedules.ts`. */
export type Schedule = (step: Tensor) => Tensor;

/** A number, or a schedule, which is a function of a tensor since graphs are traced once. */
export type LearningRate = number | Schedule;

/** Steps taken so far, a float32 scalar (exact up to 16 million). */
export interface Counted {
  step: Tensor;
}

export const firstStep = (): Tensor => scalar(0);

export const nextStep = ({ step }: Counted): Tensor => add(step, 1);

/** Zeros in a tensor's shape, as values. */
export const zeroState = (x: Tensor): Tensor =>
  fromData(
    x.dtype === "float64" ? new Float64Array(sizeOf(x.shape)) : new Float32Array(sizeOf(x.shape)),
    x.shape,
  );

/** The learning rate of a step in an element type, as a scalar. */
export function rateAt(rate: LearningRate, step: Tensor, dtype: Tensor["dtype"]): Tensor {
  return typeof rate === "number" ? scalar(rate, dtype) : cast(rate(cast(step, dtype)), dtype);
}

/** Scalars of a step, computed once for each element type among the parameters. */
export function perType<T>(compute: (dtype: Tensor["dtype"]) => T): (x: Tensor) => T {
  const known = new Map<Tensor["dtype"], T>();
  return ({ dtype }) => {
    const value = known.get(dtype) ?? compute(dtype);
    known.set(dtype, value);
    return value;
  };
}

/** Checks a number that an optimizer is made with. */
export function requireNumber(
  name: string,
  argument: string,
  value: number,
  low: number,
  high = Number.POSITIVE_INFINITY,
): void {
  if (!(value >= low && value < high)) {
    const limit = high === Number.POSITIVE_INFINITY ? "" : ` and below ${high}`;
    throw new RangeError(`${name}: ${argument} is ${value}; expected a number of at least ${low}${limit}`);
  }
}

export function requireRate(name: string, rate: LearningRate): void {
  if (typeof rate !== "function") requireNumber(name, "learningRate", rate, 0);
}
