/**
 * What several hand graphs share. Where the engine has more than one way to say the same, `Ways` picks;
 * `experiments.ts` times the choices, and the defaults are what won.
 */

import type { Tensor } from "../../library/src/tensor/index.ts";
import type { Problem } from "../problem.ts";
import { flatten } from "../problem.ts";
import type { Pencil } from "./graph.ts";

export interface Ways {
  /** The gradient of relu: select, multiply by the sign, or multiply by the comparison as a number. */
  relu?: "where" | "sign" | "cast";
  /** Sums over the batch: the reduction, or a product with a row of ones. */
  columnSum?: "reduce" | "gemm";
  /** Cross-entropy: its softmax by Softmax, or as the exponential of LogSoftmax. */
  softmax?: "softmax" | "exp";
  /** The loss's own term: GatherElements, or the sum of a one-hot product. */
  pick?: "gather" | "oneHot";
  /** SGD: the update inside of the product that makes the gradient, or after it. */
  update?: "inside" | "after";
  /** Adam: each parameter by itself, or all joined to one vector. */
  adam?: "each" | "joined";
  /** Bias gradients of a convolution, pooling and its gradient; see convnet.ts. */
  pool?: "maxUnpool" | "reduceMax" | "equal" | "slices" | "resize" | "resizeMul" | "shared";
  poolFirst?: boolean;
  weightGradient?: "conv" | "im2col" | "rows";
  /** Whether the result of a convolution is a product with the columns that its weight gradient needs, too. */
  forward?: "conv" | "im2col";
  inputGradient?: "convTranspose" | "conv";
  /** Adding rows into the table's gradient; see retriever.ts. */
  scatter?: "scatterND" | "scatterElements";
  /** The loss and softmax of the contrastive loss; see `infoNce`. */
  contrast?: "softmax" | "turn" | "rowScaled" | "shifted" | "twice";
  /** Lengths of rows: ReduceL2, or the root of the sum of squares. */
  length?: "reduceL2" | "squares";
  /** Whether outputs are written as Identity nodes. */
  identities?: boolean;
  norm?: "layerNormalization" | "elementwise";
}

/** A graph and what goes into it. Output `next.x` becomes input `x` of the following step. */
export interface HandGraph {
  bytes: Uint8Array;
  /** First values of the inputs that steps update. */
  state: Map<string, Tensor>;
  /** Further scalar inputs, by the number of the step from 1. */
  scalars?(step: number): Record<string, number>;
  /** The most threads on which the graph is right. Default: any number. */
  threads?: number;
  /** The graph's names for a batch's tensors, where a parameter has taken theirs. */
  rename?: Record<string, string>;
}

export const parametersOf = (problem: Problem): Map<string, Tensor> => flatten(problem.parameters);

export const lengthOf = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

export function reluGradient(p: Pencil, g: string, y: string, way: Ways["relu"] = "cast"): string {
  if (way === "sign") return p.multiply(g, p.node("Sign", [y]));
  const positive = p.node("Greater", [y, p.scalar(0)]);
  if (way === "cast") return p.multiply(g, p.node("Cast", [positive], { to: 1 }));
  return p.node("Where", [positive, g, p.scalar(0)]);
}

/** The sum over rows of [rows, columns]. */
export function columnSum(
  p: Pencil,
  g: string,
  rows: number,
  columns: number,
  way: Ways["columnSum"] = "gemm",
): string {
  if (way === "reduce") return p.sum(g, [0]);
  const ones = p.constant(new Float32Array(rows).fill(1), [1, rows]);
  return p.reshape(p.gemm(ones, g), columns);
}

/** Mean cross-entropy of logits [n, classes] and labels int32 [n], and n times its gradient. */
export function crossEntropy(
  p: Pencil,
  logits: string,
  labels: string,
  n: number,
  classes: number,
  ways: Ways = {},
): { loss: string; gradientTimesN: string } {
  const logProbabilities = p.node("LogSoftmax", [logits], { axis: 1 });
  const column = p.reshape(labels, n, 1);
  const positions = p.constant(
    Int32Array.from({ length: classes }, (_, i) => i),
    [1, classes],
    "int32",
  );
  const oneHot = p.node("Cast", [p.node("Equal", [column, positions])], { to: 1 });
  const own =
    ways.pick === "oneHot"
      ? p.node("ReduceSum", [p.multiply(logProbabilities, oneHot), p.integers(0, 1)], { keepdims: 0 })
      : p.node(
          "ReduceSum",
          [p.node("GatherElements", [logProbabilities, column], { axis: 1 }), p.integers(0, 1)],
          {
            keepdims: 0,
          },
        );
  const probabilities =
    ways.softmax === "softmax" ? p.node("Softmax", [logits], { axis: 1 }) : p.node("Exp", [logProbabilities]);
  return { loss: p.multiply(own, -1 / n), gradientTimesN: p.subtract(probabilities, oneHot) };
}

/** Rows over their lengths, and the map of a gradient with respect to those back to the rows. */
export function normalize(p: Pencil, x: string, way: Ways["length"] = "squares") {
  const inverse = p.node("Reciprocal", [
    way === "reduceL2"
      ? p.node("ReduceL2", [x, p.integers(1)], { keepdims: 1 })
      : p.node("Sqrt", [p.sum(p.multiply(x, x), [1], true)]),
  ]);
  const unit = p.multiply(x, inverse);
  const back = (g: string) =>
    p.multiply(p.subtract(g, p.multiply(unit, p.sum(p.multiply(g, unit), [1], true))), inverse);
  return { unit, back };
}

/**
 * InfoNCE by cosine from anchors to positives, both [n, d]: the loss and its gradients.
 *
 * Own scores are row products, so that no diagonal has to be cut out of the [n, n] scores. Ways:
 * - softmax: ReduceLogSumExp for the loss, Softmax for the gradient. "turn" transposes before the last product.
 * - rowScaled: e = e^(s − max), its row sums z; the gradients are e B / z and eᵀ (A / z), so that no pass over
 *   [n, n] divides by z.
 * - shifted: as rowScaled, with 1 / temperature in place of the maximum, which cosines cannot exceed; it is
 *   subtracted inside of the product.
 * - twice: as shifted, but the transposed e is a product of its own.
 */
export function infoNce(
  p: Pencil,
  anchors: string,
  positives: string,
  n: number,
  temperature: number,
  ways: Ways = {},
): { loss: string; anchorGradient: string; positiveGradient: string } {
  const a = normalize(p, anchors, ways.length);
  const b = normalize(p, positives, ways.length);
  const scale = 1 / temperature;
  const own = p.multiply(p.sum(p.multiply(a.unit, b.unit), [1]), scale);
  const meanOf = (logSum: string) => p.node("ReduceMean", [p.subtract(logSum, own)], { keepdims: 0 });
  const factor = scale / n;
  const { contrast = "rowScaled" } = ways;

  if (contrast === "softmax" || contrast === "turn") {
    const scores = p.gemm(a.unit, b.unit, { transB: true, alpha: scale });
    const weights = p.node("Softmax", [scores], { axis: 1 });
    const logSum = p.node("ReduceLogSumExp", [scores, p.integers(1)], { keepdims: 0 });
    // (P − I) B = P B − B
    const towardsA = p.gemm(weights, b.unit, { c: b.unit, alpha: factor, beta: -factor });
    const towardsB =
      contrast === "turn"
        ? p.gemm(p.transpose(weights, 1, 0), a.unit, { c: a.unit, alpha: factor, beta: -factor })
        : p.gemm(weights, a.unit, { transA: true, c: a.unit, alpha: factor, beta: -factor });
    return { loss: meanOf(logSum), anchorGradient: a.back(towardsA), positiveGradient: b.back(towardsB) };
  }

  let e: string;
  let top: string;
  if (contrast === "rowScaled") {
    const scores = p.gemm(a.unit, b.unit, { transB: true, alpha: scale });
    top = p.node("ReduceMax", [scores, p.integers(1)], { keepdims: 1 });
    e = p.node("Exp", [p.subtract(scores, top)]);
  } else {
    top = p.scalar(scale);
    e = p.node("Exp", [p.gemm(a.unit, b.unit, { transB: true, alpha: scale, c: p.scalar(-scale) })]);
  }
  const z = p.sum(e, [1], true);
  const loss = meanOf(p.reshape(p.add(p.node("Log", [z]), top), n));
  const inverse = p.node("Reciprocal", [z]);
  const towardsA = p.subtract(p.multiply(p.gemm(e, b.unit), inverse), b.unit);
  const scaled = p.multiply(a.unit, inverse);
  const turned =
    contrast === "twice"
      ? p.gemm(
          p.node("Exp", [p.gemm(b.unit, a.unit, { transB: true, alpha: scale, c: p.scalar(-scale) })]),
          scaled,
        )
      : p.gemm(e, scaled, { transA: true });
  return {
    loss,
    anchorGradient: p.multiply(a.back(towardsA), factor),
    positiveGradient: p.multiply(b.back(p.subtract(turned, a.unit)), factor),
  };
}

export interface AdamOptions {
  learningRate: number;
  weightDecay?: number;
}

const BETA1 = 0.9;
const BETA2 = 0.999;
const EPSILON = 1e-8;

/** The inputs `adam` reads besides the state: step size and ε, with the bias corrections in them. */
export function adamScalars({ learningRate }: AdamOptions) {
  return (step: number): Record<string, number> => {
    const root = Math.sqrt((1 - BETA2 ** step) / (1 - BETA2));
    return { size: (learningRate * (1 - BETA1) * root) / (1 - BETA1 ** step), floor: EPSILON * root };
  };
}

/** The state of Adam over named parameters: those, and zeros for both moments. */
export function adamState(
  parameters: ReadonlyMap<string, Tensor>,
  zeros: (shape: readonly number[]) => Tensor,
) {
  const state = new Map<string, Tensor>(parameters);
  for (const [name, x] of parameters) {
    state.set(`mean.${name}`, zeros(x.shape));
    state.set(`square.${name}`, zeros(x.shape));
  }
  return state;
}

/**
 * Updates parameters, declared as inputs before, by their gradients, and writes the outputs. Moments are
 * kept undivided by 1 − β, which saves two passes over memory.
 */
export function adam(
  p: Pencil,
  parameters: ReadonlyMap<string, Tensor>,
  gradients: ReadonlyMap<string, string>,
  { learningRate, weightDecay = 0 }: AdamOptions,
): void {
  const size = p.input("size", []);
  const floor = p.input("floor", []);
  const beta1 = p.scalar(BETA1);
  const beta2 = p.scalar(BETA2);
  const keep = p.scalar(1 - learningRate * weightDecay);
  for (const [name, { shape }] of parameters) {
    const gradient = gradients.get(name);
    if (gradient === undefined) throw new Error(`adam: there is no gradient for ${name}`);
    const mean = p.add(p.multiply(p.input(`mean.${name}`, shape), beta1), gradient);
    const square = p.add(p.multiply(p.input(`square.${name}`, shape), beta2), p.multiply(gradient, gradient));
    const move = p.multiply(p.divide(mean, p.add(p.node("Sqrt", [square]), floor)), size);
    const kept = weightDecay === 0 ? name : p.multiply(name, keep);
    p.output(`next.${name}`, p.subtract(kept, move), shape);
    p.output(`next.mean.${name}`, mean, shape);
    p.output(`next.square.${name}`, square, shape);
  }
}

/** Declares parameters as inputs. */
export function declare(p: Pencil, parameters: ReadonlyMap<string, Tensor>): void {
  for (const [name, { shape }] of parameters) p.input(name, shape);
}
