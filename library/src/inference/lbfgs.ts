/** Minimising smooth functions outside of graphs. */

export interface LbfgsOptions {
  /** Stops once the Euclidean norm of the gradient is at most this. Default: 1e-6. */
  tolerance?: number;
  /** Default: 1000. */
  maxIterations?: number;
  /** How many steps the curvature is estimated from. Default: 10. */
  memory?: number;
}

export interface Minimum {
  x: Float64Array;
  value: number;
  gradientNorm: number;
  iterations: number;
  /** Whether the gradient's norm came down to the tolerance. */
  converged: boolean;
}

/**
 * L-BFGS (Nocedal 1980; Nocedal and Wright 2006, algorithm 7.5) with a backtracking line search.
 *
 * @param f Writes its gradient at x into the second argument and returns its value.
 * @param start Left as it is.
 * @throws RangeError if the value at the start is not finite.
 */
export function lbfgs(
  f: (x: Float64Array, gradient: Float64Array) => number,
  start: ArrayLike<number>,
  { tolerance = 1e-6, maxIterations = 1000, memory = 10 }: LbfgsOptions = {},
): Minimum {
  let x = Float64Array.from(start);
  let gradient = new Float64Array(x.length);
  let value = f(x, gradient);
  if (!Number.isFinite(value)) throw new RangeError(`lbfgs: the value at the start is ${value}`);
  let next = new Float64Array(x.length);
  let nextGradient = new Float64Array(x.length);
  const pairs: { step: Float64Array; change: Float64Array; product: number }[] = [];
  let iterations = 0;
  while (norm(gradient) > tolerance && iterations < maxIterations) {
    const direction = quasiNewton(gradient, pairs);
    const slope = dot(gradient, direction);
    // The first step has no curvature to go by: one of length 1 at most.
    let size = pairs.length > 0 ? 1 : Math.min(1, 1 / norm(gradient));
    // Close to the minimum, differences of the value drown in its rounding.
    const slack = 1e-14 * Math.abs(value);
    let nextValue = Number.POSITIVE_INFINITY;
    for (let tries = 0; tries < 50; tries++) {
      for (let i = 0; i < x.length; i++) next[i] = x[i]! + size * direction[i]!;
      nextValue = f(next, nextGradient);
      if (nextValue <= value + 1e-4 * size * slope + slack) break;
      size /= 2;
    }
    if (!(nextValue <= value + slack)) break;
    const step = next.map((moved, i) => moved - x[i]!);
    const change = nextGradient.map((moved, i) => moved - gradient[i]!);
    const product = dot(step, change);
    if (product > 1e-12 * norm(step) * norm(change)) {
      pairs.push({ step, change, product });
      if (pairs.length > memory) pairs.shift();
    }
    [x, next] = [next, x];
    [gradient, nextGradient] = [nextGradient, gradient];
    value = nextValue;
    iterations++;
  }
  const gradientNorm = norm(gradient);
  return { x, value, gradientNorm, iterations, converged: gradientNorm <= tolerance };
}

/** −H g, with H from the two loops over the latest steps. */
function quasiNewton(
  gradient: Float64Array,
  pairs: readonly { step: Float64Array; change: Float64Array; product: number }[],
): Float64Array {
  const direction = gradient.map((g) => -g);
  const weights: number[] = [];
  for (const { step, change, product } of pairs.toReversed()) {
    const weight = dot(step, direction) / product;
    weights.unshift(weight);
    addScaled(direction, change, -weight);
  }
  const latest = pairs.at(-1);
  if (latest) {
    const scale = latest.product / dot(latest.change, latest.change);
    for (let i = 0; i < direction.length; i++) direction[i]! *= scale;
  }
  pairs.forEach(({ step, change, product }, i) => {
    addScaled(direction, step, weights[i]! - dot(change, direction) / product);
  });
  return direction;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return sum;
}

const norm = (a: Float64Array): number => Math.sqrt(dot(a, a));

function addScaled(into: Float64Array, a: Float64Array, factor: number): void {
  for (let i = 0; i < into.length; i++) into[i]! += factor * a[i]!;
}
