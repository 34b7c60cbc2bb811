import { fromData } from "../../library/src/tensor/index.ts";
import type { Problem } from "../problem.ts";
import { HEADS, LEARNING_RATE, NORM_EPSILON, WEIGHT_DECAY } from "../workloads/language-model.ts";
import { type Pencil, pencil } from "./graph.ts";
import {
  adam,
  adamScalars,
  adamState,
  columnSum,
  crossEntropy,
  declare,
  type HandGraph,
  lengthOf,
  parametersOf,
  type Ways,
} from "./parts.ts";

/** The way back through a part: from the cotangent of its result to that of its input. */
type Back = (g: string) => string;

/**
 * A pre-norm transformer: learned positions, causal attention, exact gelu, AdamW. All activations are
 * matrices [batch · context, width] except inside of attention.
 */
export function languageModelGraph(problem: Problem, ways: Ways = {}): HandGraph {
  const parameters = parametersOf(problem);
  const { tokens } = problem.batches[0] as Record<string, { shape: readonly [number, number] }>;
  const batch = tokens!.shape[0];
  const context = tokens!.shape[1] - 1;
  const [vocabulary, width] = parameters.get("tokens")!.shape as [number, number];
  const layers = [...parameters.keys()].filter((name) => name.endsWith("attentionNorm.gain")).length;
  const n = batch * context;
  const headSize = width / HEADS;
  const p = pencil(ways);
  declare(p, parameters);
  p.input("tokens.batch", tokens!.shape, "int32");
  const gradients = new Map<string, string>();

  const linear = (x: string, name: string): [string, Back] => {
    const outputs = parameters.get(`${name}.bias`)!.shape[0]!;
    const y = p.gemm(x, `${name}.weight`, { c: `${name}.bias` });
    return [
      y,
      (g) => {
        gradients.set(`${name}.weight`, p.gemm(x, g, { transA: true }));
        gradients.set(`${name}.bias`, columnSum(p, g, n, outputs, ways.columnSum));
        return p.gemm(g, `${name}.weight`, { transB: true });
      },
    ];
  };

  const layerNorm = (x: string, name: string): [string, Back] => {
    const { result, unit, inverse } = normalizeRows(p, x, `${name}.gain`, `${name}.bias`, width, ways.norm);
    return [
      result,
      (g) => {
        gradients.set(`${name}.gain`, columnSum(p, p.multiply(g, unit), n, width, ways.columnSum));
        gradients.set(`${name}.bias`, columnSum(p, g, n, width, ways.columnSum));
        const scaled = p.multiply(g, `${name}.gain`);
        const average = (z: string) => p.node("ReduceMean", [z, p.integers(1)], { keepdims: 1 });
        const centred = p.subtract(scaled, average(scaled));
        return p.multiply(p.subtract(centred, p.multiply(unit, average(p.multiply(scaled, unit)))), inverse);
      },
    ];
  };

  const gelu = (x: string): [string, Back] => {
    const normal = p.multiply(
      p.node("Add", [p.node("Erf", [p.multiply(x, Math.SQRT1_2)]), p.scalar(1)]),
      0.5,
    );
    return [
      p.multiply(x, normal),
      (g) => {
        const density = p.node("Exp", [p.multiply(p.multiply(x, x), -0.5)]);
        const slope = p.add(normal, p.multiply(p.multiply(x, density), 1 / Math.sqrt(2 * Math.PI)));
        return p.multiply(g, slope);
      },
    ];
  };

  const mask = p.constant(
    Float32Array.from({ length: context * context }, (_, i) =>
      i % context > Math.floor(i / context) ? -1e9 : 0,
    ),
    [context, context],
  );
  const scale = 1 / Math.sqrt(headSize);

  const attention = (joined: string): [string, Back] => {
    // [n, 3 width] → three of [batch, heads, context, size]
    const split = p.transpose(p.reshape(joined, batch, context, 3, HEADS, headSize), 2, 0, 3, 1, 4);
    const [q, k, v] = [0, 1, 2].map((i) =>
      p.node("Gather", [split, p.constant(Int32Array.of(i), [], "int32")]),
    ) as [string, string, string];
    const turn = (z: string) => p.transpose(z, 0, 1, 3, 2);
    const scores = p.multiply(p.node("MatMul", [q, turn(k)]), scale);
    const weights = p.node("Softmax", [p.add(scores, mask)], { axis: 3 });
    const mixed = p.node("MatMul", [weights, v]);
    const result = p.reshape(p.transpose(mixed, 0, 2, 1, 3), n, width);
    return [
      result,
      (g) => {
        const cut = p.reshape(g, batch, context, HEADS, headSize);
        const gm = p.transpose(cut, 0, 2, 1, 3);
        // Weights are the large operand: the product that reads them as they lie, transposed afterwards, is
        // faster than one that reads them transposed.
        const gv = p.node("MatMul", [p.transpose(cut, 0, 2, 3, 1), weights]);
        const gw = p.node("MatMul", [gm, turn(v)]);
        // Σ_j w_ij gw_ij is the product of result and cotangent, over the narrow axis.
        const inner = p.sum(p.multiply(gm, mixed), [3], true);
        const gs = p.multiply(p.multiply(weights, p.subtract(gw, inner)), scale);
        const gq = p.node("MatMul", [gs, k]);
        const gk = p.node("MatMul", [turn(q), gs]);
        const parts = [
          p.transpose(gq, 0, 2, 1, 3),
          ...[gk, gv].map((turned) => p.transpose(turned, 0, 3, 1, 2)),
        ].map((z) => p.reshape(z, n, width));
        return p.node("Concat", parts, { axis: 1 });
      },
    ];
  };

  const ends = (from: number, to: number) =>
    p.node("Slice", ["tokens.batch", p.integers(from), p.integers(to), p.integers(1)]);
  const inputs = p.reshape(ends(0, context), n);
  const targets = p.reshape(ends(1, context + 1), n);
  const embedded = p.add(p.reshape(p.node("Gather", ["tokens", inputs]), batch, context, width), "positions");
  let x = p.reshape(embedded, n, width);
  const backs: Back[] = [];
  for (let i = 0; i < layers; i++) {
    const name = `blocks.${i}`;
    const [normed, normBack] = layerNorm(x, `${name}.attentionNorm`);
    const [joined, joinedBack] = linear(normed, `${name}.queryKeyValue`);
    const [mixed, mixedBack] = attention(joined);
    const [attended, attendedBack] = linear(mixed, `${name}.output`);
    x = p.add(x, attended);
    backs.push((g) => p.add(g, normBack(joinedBack(mixedBack(attendedBack(g))))));
    const [normed2, norm2Back] = layerNorm(x, `${name}.feedForwardNorm`);
    const [wide, wideBack] = linear(normed2, `${name}.up`);
    const [active, activeBack] = gelu(wide);
    const [narrow, narrowBack] = linear(active, `${name}.down`);
    x = p.add(x, narrow);
    backs.push((g) => p.add(g, norm2Back(wideBack(activeBack(narrowBack(g))))));
  }
  const [normed, normBack] = layerNorm(x, "norm");
  const logits = p.gemm(normed, "head");
  const { loss, gradientTimesN } = crossEntropy(p, logits, targets, n, vocabulary, ways);
  p.output("loss", loss, []);

  gradients.set("head", p.gemm(normed, gradientTimesN, { transA: true, alpha: 1 / n }));
  let g = normBack(p.gemm(gradientTimesN, "head", { transB: true, alpha: 1 / n }));
  for (const back of backs.reverse()) g = back(g);
  gradients.set("positions", p.sum(p.reshape(g, batch, context, width), [0]));
  const rows = p.constant(
    Int32Array.from({ length: vocabulary }, (_, i) => i),
    [vocabulary, 1],
    "int32",
  );
  const oneHot = p.node("Cast", [p.node("Equal", [rows, p.reshape(inputs, 1, n)])], { to: 1 });
  gradients.set("tokens", p.gemm(oneHot, g));
  adam(p, parameters, gradients, { learningRate: LEARNING_RATE, weightDecay: WEIGHT_DECAY });
  return {
    bytes: p.bytes(),
    state: adamState(parameters, (shape) => fromData(new Float32Array(lengthOf(shape)), shape)),
    scalars: adamScalars({ learningRate: LEARNING_RATE }),
    rename: { tokens: "tokens.batch" },
  };
}

/** Layer normalization of rows, and what its gradient needs: normalized rows and 1 / deviation, [n, 1]. */
function normalizeRows(
  p: Pencil,
  x: string,
  gain: string,
  bias: string,
  width: number,
  way: Ways["norm"] = "layerNormalization",
) {
  if (way === "elementwise") {
    const average = (z: string) => p.node("ReduceMean", [z, p.integers(1)], { keepdims: 1 });
    const centred = p.subtract(x, average(x));
    const variance = average(p.multiply(centred, centred));
    const inverse = p.node("Reciprocal", [p.node("Sqrt", [p.add(variance, p.scalar(NORM_EPSILON))])]);
    const unit = p.multiply(centred, inverse);
    return { unit, inverse, result: p.add(p.multiply(unit, gain), bias) };
  }
  const ones = p.constant(new Float32Array(width).fill(1), [width]);
  const [unit, , inverse] = p.nodes("LayerNormalization", [x, ones], 3, {
    axis: -1,
    epsilon: { float: NORM_EPSILON },
  }) as [string, string, string];
  return { unit, inverse, result: p.add(p.multiply(unit, gain), bias) };
}
