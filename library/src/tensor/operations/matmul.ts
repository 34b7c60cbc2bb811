/** Matrix products. */
import {
  broadcastShapes,
  constantValue,
  describe,
  expression,
  type GraphWriter,
  isFloat,
  type Operation,
  sameShape,
  sizeOf,
  type Tensor,
} from "../tensor.ts";
import { withRank } from "./batch.ts";
import { emitBiasedConvolution } from "./convolution-kernel.ts";
import { full, multiply, rowScaled } from "./elementwise.ts";
import { sum, sumTo, totalsOperands } from "./reduce.ts";
import { emitSumOfScatteredRows } from "./scatter-rows.ts";
import { expandDims, reshape, squeeze, transpose, transposeSource } from "./shape.ts";
import { numbers, requireType } from "./types.ts";

interface MatmulAttributes extends Record<string, unknown> {
  transposeA: boolean;
  transposeB: boolean;
}

const matmulOperation: Operation = {
  name: "matmul",
  emit: (graph, [a, b], node) => {
    const { transposeA, transposeB } = node.attributes as MatmulAttributes;
    // Gemm reads its operands transposed in place; it takes matrices of floats only.
    if (node.shape.length === 2 && isFloat(node.dtype)) {
      return graph.node("Gemm", [a!, b!], { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 });
    }
    // The engine fuses these transposes into its batched product.
    const turn = (name: string, rank: number) =>
      graph.node("Transpose", [name], {
        perm: Array.from({ length: rank }, (_, i) =>
          i === rank - 1 ? rank - 2 : i === rank - 2 ? rank - 1 : i,
        ),
      });
    const left = transposeA ? turn(a!, node.inputs[0]!.shape.length) : a!;
    const right = transposeB ? turn(b!, node.inputs[1]!.shape.length) : b!;
    return graph.node("MatMul", [left, right]);
  },
  vjp: (g, node) => {
    const [left, right] = node.inputs as [Tensor, Tensor];
    const { transposeA, transposeB } = node.attributes as MatmulAttributes;
    const a = transposeA ? transpose(left) : left;
    const b = transposeB ? transpose(right) : right;
    const da = transposeA ? matmul(b, transpose(g)) : matmul(g, transpose(b));
    const db = transposeB ? matmul(transpose(g), a) : matmul(transpose(a), g);
    return [sumTo(da, left.shape), sumTo(db, right.shape)];
  },
  batch: (inputs, batch, node) => {
    const { transposeA, transposeB } = node.attributes as MatmulAttributes;
    const [a, b] = inputs.map((x, i) => withRank(x, i, batch, node.shape.length)) as [Tensor, Tensor];
    return matmul(transposeA ? transpose(a) : a, transposeB ? transpose(b) : b);
  },
};

/**
 * Matrix product over the last two axes; further axes broadcast.
 *
 * @param a [..., n, k], or a vector [k] (its axis is left out of the result).
 * @param b [..., k, m], or a vector [k].
 * @returns [..., n, m]
 * @throws RangeError naming both shapes if the inner lengths differ.
 */
export function matmul(a: Tensor, b: Tensor): Tensor {
  if (a.shape.length === 0 || b.shape.length === 0) {
    throw new RangeError(`matmul: ${describe(a)} and ${describe(b)}; expected at least one axis each`);
  }
  requireType("matmul", numbers, a, "a");
  if (a.shape.length === 1 && b.shape.length === 1) {
    return reshape(matmul(expandDims(a, 0), expandDims(b, 1)), []);
  }
  if (a.shape.length === 1) return squeeze(matmul(expandDims(a, 0), b), -2);
  if (b.shape.length === 1) return squeeze(matmul(a, expandDims(b, 1)), -1);
  const [rows, inner] = a.shape.slice(-2) as [number, number];
  const [innerB, columns] = b.shape.slice(-2) as [number, number];
  if (inner !== innerB || a.dtype !== b.dtype) {
    throw new RangeError(
      `matmul: ${describe(a)} and ${describe(b)} do not fit; the last axis of the first (${inner}) must equal ` +
        `the last but one of the second (${innerB}), and the types must agree`,
    );
  }
  // One matrix for a whole batch: a single large product instead of many small ones.
  if (a.shape.length > 2 && b.shape.length === 2) {
    const heads = a.shape.slice(0, -1);
    return reshape(matmul(reshape(a, [sizeOf(heads), inner]), b), [...heads, columns]);
  }
  const batch = broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  // The engine leaves batched products over no elements at all as the memory happened to be.
  if (inner === 0) return full([...batch, rows, columns], 0, a.dtype);
  const left = transposeSource(a);
  const right = transposeSource(b);
  // (f ∘ M) b = f ∘ (M b) and (f ∘ M)ᵀ b = Mᵀ (f ∘ b) for a factor f of M's rows: scaling the smaller matrix.
  const scaled = rowScaled(left ?? a);
  if (scaled && !left && columns < inner) return multiply(matmul(scaled.matrix, b), scaled.factor);
  if (scaled && left && columns < rows) return matmul(transpose(scaled.matrix), multiply(b, scaled.factor));
  // Aᵀ b = (bᵀ A)ᵀ: the batched product is slow where it reads the larger of its operands transposed.
  if (left && !right && batch.length > 0 && columns < rows && columns < inner)
    return transpose(matmul(transpose(b), left));
  return expression(matmulOperation, [left ?? a, right ?? b], [...batch, rows, columns], a.dtype, {
    transposeA: left !== undefined,
    transposeB: right !== undefined,
  });
}

/** A matrix product times a number, as one Gemm can compute it together with a sum. */
interface ScaledProduct {
  product: Tensor;
  factor: number;
}

/** Reads an operand as a scaled product, unless something else reads a part of it. */
function scaledProduct(graph: GraphWriter, x: Tensor): ScaledProduct | undefined {
  if (x.shape.length !== 2 || !isFloat(x.dtype) || graph.uses(x) !== 1) return undefined;
  if (x.operation === matmulOperation) return { product: x, factor: 1 };
  if (x.operation.name !== "multiply") return undefined;
  const [a, b] = x.inputs as [Tensor, Tensor];
  return scaledBy(graph, a, b) ?? scaledBy(graph, b, a);
}

function scaledBy(graph: GraphWriter, product: Tensor, scale: Tensor): ScaledProduct | undefined {
  const factor = constantValue(scale);
  const foldable =
    factor !== undefined &&
    product.operation === matmulOperation &&
    product.shape.length === 2 &&
    isFloat(product.dtype) &&
    graph.uses(product) === 1 &&
    // Gemm's factors are float32.
    Math.fround(factor) === factor;
  return foldable ? { product, factor } : undefined;
}

function emitGemm(
  graph: GraphWriter,
  { product, factor }: ScaledProduct,
  added?: { name: string; factor: number },
): string {
  const { transposeA, transposeB } = product.attributes as MatmulAttributes;
  const operands = product.inputs.map((operand) => graph.name(operand));
  return graph.node("Gemm", added ? [...operands, added.name] : operands, {
    transA: transposeA ? 1 : 0,
    transB: transposeB ? 1 : 0,
    ...(factor === 1 ? {} : { alpha: { float: factor } }),
    ...(added && added.factor !== 1 ? { beta: { float: added.factor } } : {}),
  });
}

/**
 * a + sign · b as ONNX. Where an operand is a matrix product (perhaps times a number) that nothing else
 * reads, the sum becomes part of the product: biases, and steps of gradient descent.
 */
export function emitSum(graph: GraphWriter, [a, b]: string[], node: Tensor, sign: 1 | -1): string {
  const [left, right] = node.inputs as [Tensor, Tensor];
  if (sign === 1) {
    const scattered =
      emitSumOfScatteredRows(graph, node) ??
      scatterOnto(graph, right, a!, left) ??
      scatterOnto(graph, left, b!, right);
    if (scattered) return scattered;
    const convolved = emitBiasedConvolution(graph, left, right) ?? emitBiasedConvolution(graph, right, left);
    if (convolved) return convolved;
  }
  const second = sameShape(right.shape, node.shape) && left.shape.length <= 2 && scaledProduct(graph, right);
  if (second) return emitGemm(graph, { ...second, factor: sign * second.factor }, { name: a!, factor: 1 });
  const first = sameShape(left.shape, node.shape) && right.shape.length <= 2 && scaledProduct(graph, left);
  if (first) return emitGemm(graph, first, { name: b!, factor: sign });
  if (sameShape(left.shape, right.shape)) {
    const totals = emitWithTotals(graph, a!, right, sign);
    if (totals) return totals;
  }
  return graph.node(sign === 1 ? "Add" : "Sub", [a!, b!]);
}

/**
 * c + sign · k · Σ over leading axes, as one product with a row of ones, where nothing else reads the sum: a
 * bias's step of gradient descent. Undefined where the operand is something else.
 */
function emitWithTotals(graph: GraphWriter, c: string, operand: Tensor, sign: 1 | -1): string | undefined {
  const { shape, dtype } = operand;
  const columns = shape.at(-1);
  if (shape.length > 2 || sizeOf(shape) !== columns || !isFloat(dtype)) return undefined;
  let factor: number = sign;
  let total = operand;
  for (;;) {
    if (graph.uses(total) !== 1) return undefined;
    if (total.operation.name === "sum") break;
    const [x, y] = total.inputs as [Tensor, Tensor];
    if (total.operation.name === "multiply") {
      const scale = constantValue(y) ?? constantValue(x);
      if (scale === undefined) return undefined;
      factor *= scale;
      total = constantValue(y) === undefined ? y : x;
    } else if (total.operation.name === "reshape") total = x;
    else return undefined;
  }
  // Gemm's factors are float32, and its rows of c are those of the sum.
  if (Math.fround(factor) !== factor || sizeOf(total.shape) !== columns) return undefined;
  const operands = totalsOperands(graph, graph.name(total.inputs[0]!), total);
  if (!operands) return undefined;
  const attributes = { transA: 0, transB: 0, ...(factor === 1 ? {} : { alpha: { float: factor } }) };
  const row = graph.node("Gemm", [...operands, c], attributes);
  return graph.node("Reshape", [row, graph.integers(shape)], { allowzero: 1 });
}

/** Elements scattered into zeros that are only added to something else are scattered onto that at once. */
function scatterOnto(graph: GraphWriter, scattered: Tensor, name: string, other: Tensor): string | undefined {
  if (scattered.operation.name !== "scatterElements" || graph.uses(scattered) !== 1) return undefined;
  if (!sameShape(other.shape, scattered.shape)) return undefined;
  const inputs = [name, ...scattered.inputs.map((x) => graph.name(x))];
  return graph.node("ScatterElements", inputs, {
    axis: scattered.attributes.axis as number,
    reduction: "add",
  });
}

/** a · b, element by element, as ONNX; a matrix product that is only scaled takes the factor with it. */
export function emitMultiplication(graph: GraphWriter, inputs: string[], node: Tensor): string {
  const [a, b] = node.inputs as [Tensor, Tensor];
  const scaled = sameShape(a.shape, node.shape) ? scaledBy(graph, a, b) : scaledBy(graph, b, a);
  return scaled ? emitGemm(graph, scaled) : graph.node("Mul", inputs);
}

/** The product of every element of a [n] with every one of b [m]: [n, m]. */
export function outer(a: Tensor, b: Tensor): Tensor {
  if (a.shape.length !== 1 || b.shape.length !== 1) {
    throw new RangeError(`outer: ${describe(a)} and ${describe(b)}; expected two vectors`);
  }
  return matmul(expandDims(a, 1), expandDims(b, 0));
}

/**
 * Sums of products in Einstein's notation.
 *
 * Operands are joined from left to right, each pair by one matrix product; order them so that
 * intermediate results stay small.
 *
 * @param equation For instance "bij,bjk->bik": letters name axes; those missing right of the arrow are
 *   summed. No letter twice in one operand.
 * @throws RangeError if the equation does not fit the operands.
 */
export function einsum(equation: string, ...operands: readonly Tensor[]): Tensor {
  const match = /^([a-zA-Z]*(?:,[a-zA-Z]*)*)->([a-zA-Z]*)$/.exec(equation.replaceAll(" ", ""));
  if (!match) throw new RangeError(`einsum: equation "${equation}"; expected a form like "bij,bjk->bik"`);
  const terms = match[1]!.split(",").map((letters) => [...letters]);
  const result = [...match[2]!];
  if (terms.length !== operands.length) {
    throw new RangeError(`einsum: "${equation}" is for ${terms.length} operands, got ${operands.length}`);
  }
  const lengths = axisLengths(equation, terms, operands);
  if (new Set(result).size !== result.length || !result.every((letter) => lengths.has(letter))) {
    throw new RangeError(
      `einsum: the result of "${equation}" must name axes of the operands, each at most once`,
    );
  }
  let [x, letters] = [operands[0]!, terms[0]!];
  for (let i = 1; i < operands.length; i++) {
    const needed = [...result, ...terms.slice(i + 1).flat()];
    [x, letters] = contract(x, letters, operands[i]!, terms[i]!, needed, lengths);
  }
  return arrange(x, letters, result);
}

/** The length of each lettered axis. */
function axisLengths(equation: string, terms: readonly string[][], operands: readonly Tensor[]) {
  const lengths = new Map<string, number>();
  terms.forEach((letters, i) => {
    const x = operands[i]!;
    if (letters.length !== x.shape.length || new Set(letters).size !== letters.length) {
      throw new RangeError(`einsum: "${letters.join("")}" must name each axis of ${describe(x)} once`);
    }
    letters.forEach((letter, axis) => {
      const length = lengths.get(letter) ?? x.shape[axis]!;
      if (length !== x.shape[axis]) {
        throw new RangeError(
          `einsum: axis "${letter}" has lengths ${length} and ${x.shape[axis]} in "${equation}"`,
        );
      }
      lengths.set(letter, length);
    });
  });
  return lengths;
}

/** Sums the axes that `order` does not name and puts the others in its order. */
function arrange(x: Tensor, letters: readonly string[], order: readonly string[]): Tensor {
  const summed = letters.flatMap((letter, axis) => (order.includes(letter) ? [] : [axis]));
  const rest = letters.filter((letter) => order.includes(letter));
  return transpose(
    sum(x, { axis: summed }),
    order.map((letter) => rest.indexOf(letter)),
  );
}

/** The product of two operands, summed over what nothing `needed` names, and the letters of its axes. */
function contract(
  a: Tensor,
  left: readonly string[],
  b: Tensor,
  right: readonly string[],
  needed: readonly string[],
  lengths: ReadonlyMap<string, number>,
): [Tensor, string[]] {
  const shared = left.filter((l) => right.includes(l));
  const batch = shared.filter((l) => needed.includes(l));
  const inner = shared.filter((l) => !needed.includes(l));
  const rows = left.filter((l) => !right.includes(l) && needed.includes(l));
  const columns = right.filter((l) => !left.includes(l) && needed.includes(l));
  const size = (letters: string[]) => letters.reduce((product, l) => product * lengths.get(l)!, 1);
  const front = batch.length === 0 ? [] : [size(batch)];
  const x = reshape(arrange(a, left, [...batch, ...rows, ...inner]), [...front, size(rows), size(inner)]);
  const y = reshape(arrange(b, right, [...batch, ...inner, ...columns]), [
    ...front,
    size(inner),
    size(columns),
  ]);
  const letters = [...batch, ...rows, ...columns];
  return [
    reshape(
      matmul(x, y),
      letters.map((l) => lengths.get(l)!),
    ),
    letters,
  ];
}
