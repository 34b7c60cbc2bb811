/** An ensemble as one network: particles with cosine heads, on a layer of their own or a shared one. */
import { matmul, multiply, relu, stack, type Tensor, transpose } from "nearmiss";
import { l2Normalize } from "nearmiss/losses";
import { type Dense, dense, glorotUniform, type Layer } from "nearmiss/nn";

export interface Particles {
  first: Dense[];
  second: Dense[];
  /** Weights of the heads, [classes, features] each. */
  heads: Tensor[];
}

/** Logits are cosines times this. */
export const SCALE = 30;

/** [n, inputs] to logits [particles, n, classes]. */
export function particles(options: {
  inputs: number;
  hidden: readonly [number, number];
  classes: number;
  count: number;
  /** Whether the particles have their first layer in common. */
  shared: boolean;
}): Layer<Particles> {
  const { inputs, hidden, classes, count, shared } = options;
  const first = dense(inputs, hidden[0]);
  const second = dense(...hidden);
  const many = <T>(number: number, make: (i: number) => T) =>
    Array.from({ length: number }, (_, i) => make(i));
  return {
    init: (random) => ({
      first: many(shared ? 1 : count, (i) => first.init(random.split("first").split(i))),
      second: many(count, (i) => second.init(random.split("second").split(i))),
      heads: many(count, (i) => glorotUniform(random.split("head").split(i), [classes, hidden[1]])),
    }),
    apply(params, x) {
      const firsts = params.first.map((layer) => relu(first.apply(layer, x)));
      return stack(
        params.second.map((layer, i) => {
          const features = relu(second.apply(layer, firsts[shared ? 0 : i]!));
          const cosines = matmul(l2Normalize(features), transpose(l2Normalize(params.heads[i]!)));
          return multiply(cosines, SCALE);
        }),
      );
    },
  };
}

/** The mean of the particles' logits, [n, classes] row by row. */
export function meanOfParticles(logits: Float32Array, count: number): Float32Array {
  const size = logits.length / count;
  return Float32Array.from({ length: size }, (_, i) => {
    let total = 0;
    for (let m = 0; m < count; m++) total += logits[m * size + i]!;
    return total / count;
  });
}
