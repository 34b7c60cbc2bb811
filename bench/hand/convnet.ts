import { fromData } from "../../library/src/tensor/index.ts";
import type { Problem } from "../problem.ts";
import { LEARNING_RATE } from "../workloads/convnet.ts";
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
  reluGradient,
  type Ways,
} from "./parts.ts";

type Images = [number, number, number, number];

const KERNEL = 3;
const same = { pads: [1, 1, 1, 1], kernel_shape: [KERNEL, KERNEL] };

/** Two convolutions with relu and 2 × 2 max pooling, two dense layers, cross-entropy, Adam. */
export function convnetGraph(problem: Problem, ways: Ways = {}): HandGraph {
  const parameters = parametersOf(problem);
  const { x, labels } = problem.batches[0] as Record<string, { shape: readonly [number, number] }>;
  const n = x!.shape[0];
  const side = Math.sqrt(x!.shape[1]);
  // Pooling and relu commute, and relu over a quarter of the values is cheaper.
  const { poolFirst = true } = ways;
  const p = pencil(ways);
  declare(p, parameters);
  p.input("x", x!.shape);
  p.input("labels", labels!.shape, "int32");
  const shapeOf = (name: string) => parameters.get(name)!.shape;
  const gradients = new Map<string, string>();

  // Forward; what the way back needs of each convolution is kept in `back`.
  let hidden = p.reshape("x", n, 1, side, side);
  let shape: Images = [n, 1, side, side];
  const back: ((g: string, isFirst: boolean) => string)[] = [];
  for (const i of [0, 1]) {
    const name = `convolutions.${i}`;
    const [filters] = shapeOf(`${name}.weight`) as Images;
    const input = hidden;
    const inputShape = shape;
    const outputShape: Images = [n, filters, shape[2], shape[3]];
    const convolved =
      ways.forward === "im2col"
        ? byColumns(p, input, inputShape, `${name}.weight`, `${name}.bias`, filters)
        : p.node("Conv", [input, `${name}.weight`, p.reshape(`${name}.bias`, filters)], same);
    const active = poolFirst ? convolved : p.node("Relu", [convolved]);
    const pooled = maxPool(p, active, outputShape, ways.pool);
    hidden = poolFirst ? p.node("Relu", [pooled.result]) : pooled.result;
    const result = hidden;
    shape = [n, filters, shape[2] / 2, shape[3] / 2];
    back.push((g, isFirst) => {
      const convolvedGradient = poolFirst
        ? pooled.back(reluGradient(p, g, result, ways.relu))
        : reluGradient(p, pooled.back(g), active, ways.relu);
      gradients.set(
        `${name}.weight`,
        weightGradient(p, input, inputShape, convolvedGradient, outputShape, ways.weightGradient),
      );
      gradients.set(`${name}.bias`, p.reshape(p.sum(convolvedGradient, [0, 2, 3]), filters, 1, 1));
      return isFirst ? "" : inputGradient(p, convolvedGradient, `${name}.weight`, ways.inputGradient);
    });
  }
  const flat = shape[1] * shape[2] * shape[3];
  const features = p.reshape(hidden, n, flat);
  const inner = p.node("Relu", [p.gemm(features, "head.0.weight", { c: "head.0.bias" })]);
  const logits = p.gemm(inner, "head.1.weight", { c: "head.1.bias" });
  const classes = shapeOf("head.1.bias")[0]!;
  const { loss, gradientTimesN } = crossEntropy(p, logits, "labels", n, classes, ways);
  p.output("loss", loss, []);

  const g1 = p.multiply(gradientTimesN, 1 / n);
  gradients.set("head.1.weight", p.gemm(inner, g1, { transA: true }));
  gradients.set("head.1.bias", columnSum(p, g1, n, classes, ways.columnSum));
  const g0 = reluGradient(p, p.gemm(g1, "head.1.weight", { transB: true }), inner, ways.relu);
  gradients.set("head.0.weight", p.gemm(features, g0, { transA: true }));
  gradients.set("head.0.bias", columnSum(p, g0, n, shapeOf("head.0.bias")[0]!, ways.columnSum));
  const featureGradient = p.reshape(p.gemm(g0, "head.0.weight", { transB: true }), ...shape);
  back[0]!(back[1]!(featureGradient, false), true);
  adam(p, parameters, gradients, { learningRate: LEARNING_RATE });
  return {
    bytes: p.bytes(),
    state: adamState(parameters, (shape) => fromData(new Float32Array(lengthOf(shape)), shape)),
    scalars: adamScalars({ learningRate: LEARNING_RATE }),
  };
}

/**
 * 2 × 2 max pooling of [n, c, h, w], and its gradient's way back. By default equal maxima share the gradient,
 * as in the library; in the other ways ties get it once or each, which is less work.
 */
function maxPool(p: Pencil, x: string, [n, c, h, w]: Images, way: Ways["pool"] = "shared") {
  const windows = { kernel_shape: [2, 2], strides: [2, 2] };
  if (way === "maxUnpool") {
    const [result, indices] = p.nodes("MaxPool", [x], 2, windows) as [string, string];
    const back = (g: string) => p.node("MaxUnpool", [g, indices, p.integers(n, c, h, w)], windows);
    return { result, back };
  }
  if (way === "slices") {
    const corner = (i: number, j: number) =>
      p.node("Slice", [x, p.integers(i, j), p.integers(h, w), p.integers(2, 3), p.integers(2, 2)]);
    const corners = [corner(0, 0), corner(0, 1), corner(1, 0), corner(1, 1)];
    const result = p.node("Max", corners);
    const back = (g: string) => {
      const zero = p.scalar(0);
      const parts = corners.map((part) =>
        p.reshape(p.node("Where", [p.node("Equal", [part, result]), g, zero]), n, c, h / 2, w / 2, 1),
      );
      const pairs = [parts.slice(0, 2), parts.slice(2)].map((pair) =>
        p.reshape(p.node("Concat", pair, { axis: 4 }), n, c, h / 2, 1, w),
      );
      return p.reshape(p.node("Concat", pairs, { axis: 3 }), n, c, h, w);
    };
    return { result, back };
  }
  if (way === "resize" || way === "resizeMul" || way === "shared") {
    const result = p.node("MaxPool", [x], windows);
    const enlarge = (z: string) =>
      p.node("Resize", [z, "", "", p.integers(n, c, h, w)], {
        mode: "nearest",
        nearest_mode: "floor",
        coordinate_transformation_mode: "asymmetric",
      });
    const back = (g: string) => {
      const hit = p.node("Equal", [x, enlarge(result)]);
      if (way === "resize") return p.node("Where", [hit, enlarge(g), p.scalar(0)]);
      const mask = p.node("Cast", [hit], { to: 1 });
      if (way === "resizeMul") return p.multiply(mask, enlarge(g));
      const count = p.multiply(p.node("AveragePool", [mask], windows), 4);
      return p.multiply(mask, enlarge(p.divide(g, count)));
    };
    return { result, back };
  }
  const cut = p.reshape(x, n, c, h / 2, 2, w / 2, 2);
  const result =
    way === "equal"
      ? p.node("MaxPool", [x], windows)
      : p.node("ReduceMax", [cut, p.integers(3, 5)], { keepdims: 0 });
  const wide = (y: string) => p.reshape(y, n, c, h / 2, 1, w / 2, 1);
  const back = (g: string) =>
    p.reshape(p.node("Where", [p.node("Equal", [cut, wide(result)]), wide(g), p.scalar(0)]), n, c, h, w);
  return { result, back };
}

function weightGradient(
  p: Pencil,
  x: string,
  [n, c, h, w]: Images,
  g: string,
  [, filters]: Images,
  way: Ways["weightGradient"] = "im2col",
): string {
  if (way === "conv") {
    // Batch and channels change places: the cotangent is then the window that slides over the images.
    const turned = p.node("Conv", [p.transpose(x, 1, 0, 2, 3), p.transpose(g, 1, 0, 2, 3)], {
      pads: same.pads,
    });
    return p.transpose(turned, 1, 0, 2, 3);
  }
  if (way === "rows") {
    // One product over all positions of all images: the nine shifted images as rows of a matrix.
    const turned = p.reshape(
      p.transpose(columnsOf(p, x, [n, c, h, w]), 1, 0, 2),
      KERNEL * KERNEL * c,
      n * h * w,
    );
    const cotangent = p.reshape(p.transpose(p.reshape(g, n, filters, h * w), 1, 0, 2), filters, n * h * w);
    const product = p.reshape(p.gemm(cotangent, turned, { transB: true }), filters, KERNEL * KERNEL, c);
    return p.reshape(p.transpose(product, 0, 2, 1), filters, c, KERNEL, KERNEL);
  }
  // One product for each image, added up.
  const columns = columnsOf(p, x, [n, c, h, w]);
  const each = p.node("MatMul", [p.reshape(g, n, filters, h * w), p.transpose(columns, 0, 2, 1)]);
  const total = p.reshape(p.sum(each, [0]), filters, KERNEL * KERNEL, c);
  return p.reshape(p.transpose(total, 0, 2, 1), filters, c, KERNEL, KERNEL);
}

/** A convolution as a product of the weights with the shifted images. */
function byColumns(
  p: Pencil,
  x: string,
  [n, c, h, w]: Images,
  weight: string,
  bias: string,
  filters: number,
) {
  const taps = KERNEL * KERNEL;
  const matrix = p.reshape(p.transpose(p.reshape(weight, filters, c, taps), 0, 2, 1), filters, taps * c);
  const product = p.node("MatMul", [matrix, columnsOf(p, x, [n, c, h, w])]);
  return p.add(p.reshape(product, n, filters, h, w), bias);
}

/** The nine shifted images beside each other: [n, 9 c, h w]. */
function columnsOf(p: Pencil, x: string, [n, c, h, w]: Images): string {
  const padded = p.node("Pad", [x, p.integers(0, 0, 1, 1, 0, 0, 1, 1), p.scalar(0)]);
  const shifted = [0, 1, 2].flatMap((i) =>
    [0, 1, 2].map((j) =>
      p.node("Slice", [padded, p.integers(i, j), p.integers(i + h, j + w), p.integers(2, 3)]),
    ),
  );
  return p.reshape(p.node("Concat", shifted, { axis: 1 }), n, KERNEL * KERNEL * c, h * w);
}

function inputGradient(
  p: Pencil,
  g: string,
  weight: string,
  way: Ways["inputGradient"] = "convTranspose",
): string {
  if (way === "convTranspose") return p.node("ConvTranspose", [g, weight], same);
  const end = -(2 ** 31);
  const turned = p.node("Slice", [
    weight,
    p.integers(-1, -1),
    p.integers(end, end),
    p.integers(2, 3),
    p.integers(-1, -1),
  ]);
  return p.node("Conv", [g, p.transpose(turned, 1, 0, 2, 3)], same);
}
