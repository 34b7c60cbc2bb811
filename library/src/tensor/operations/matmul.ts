/** Matrix products. */
import {
  broadcastShapes,
  describe,
  expression,
  type GraphWriter,
  type Operation,
  sameShape,
  type Tensor,
} from "../tensor.ts";
import { sum, sumTo } from "./reduce.ts";
import { expandDims, reshape, squeeze, transpose, transposeSource } from "./shape.ts";

interface MatmulAttributes extends Record<string, unknown> {
  transposeA: boolean;
  transposeB: boolean;
}

const matmulOperation: Operation = {
  name: "matmul",
  emit: (graph, [a, b], node) => {
    const { transposeA, transposeB } = node.attributes as MatmulAttributes;
    // Gemm reads its operands transposed in place; it takes matrices only.
    if (node.shape.length === 2) {
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
    return reshape(matmul(reshape(a, [-1, inner]), b), [...a.shape.slice(0, -1), columns]);
  }
  const batch = broadcastShapes("matmul", a.shape.slice(0, -2), b.shape.slice(0, -2));
  const left = transposeSource(a);
  const right = transposeSource(b);
  return expression(matmulOperation, [left ?? a, right ?? b], [...batch, rows, columns], a.dtype, {
    transposeA: left !== undefined,
    transposeB: right !== undefined,
  });
}

/**
 * Addition as ONNX. Where one operand is a matrix product that nothing else reads, the sum becomes
 * part of the product.
 */
export function emitAddition(graph: GraphWriter, inputs: string[], node: Tensor): string {
  for (const i of [0, 1]) {
    const product = node.inputs[i]!;
    const other = node.inputs[1 - i]!;
    const foldable =
      product.operation === matmulOperation &&
      product.shape.length === 2 &&
      sameShape(product.shape, node.shape) &&
      other.shape.length <= 2 &&
      graph.uses(product) === 1;
    if (!foldable) continue;
    const { transposeA, transposeB } = product.attributes as MatmulAttributes;
    const operands = [...product.inputs.map((operand) => graph.name(operand)), inputs[1 - i]!];
    return graph.node("Gemm", operands, { transA: transposeA ? 1 : 0, transB: transposeB ? 1 : 0 });
  }
  return graph.node("Add", inputs);
}

/** The product of every element of a [n] with every one of b [m]: [n, m]. */
export function outer(a: Tensor, b: Tensor): Tensor {
  if (a.shape.length !== 1 || b.shape.length !== 1) {
    throw new RangeError(`outer: ${describe(a)} and ${describe(b)}; expected two vectors`);
  }
  return matmul(expandDims(a, 1), expandDims(b, 0));
}

/**
 * Sums of products in Einstein's notation, for two operands.
 *
 * @param equation For instance "bij,bjk->bik": letters name axes; those missing right of the arrow are
 *   summed. No letter twice in one operand.
 * @throws RangeError if the equation does not fit the operands.
 */
export function einsum(equation: string, a: Tensor, b: Tensor): Tensor {
  const match = /^([a-zA-Z]*),([a-zA-Z]*)->([a-zA-Z]*)$/.exec(equation.replaceAll(" ", ""));
  if (!match) throw new RangeError(`einsum: equation "${equation}"; expected a form like "bij,bjk->bik"`);
  const [, left, right, result] = match as unknown as [string, string, string, string];
  const lengths = new Map<string, number>();
  for (const [letters, x] of [
    [left, a],
    [right, b],
  ] as const) {
    if (letters.length !== x.shape.length || new Set(letters).size !== letters.length) {
      throw new RangeError(`einsum: "${letters}" must name each axis of ${describe(x)} once`);
    }
    [...letters].forEach((letter, i) => {
      const length = lengths.get(letter) ?? x.shape[i]!;
      if (length !== x.shape[i]) {
        throw new RangeError(
          `einsum: axis "${letter}" has lengths ${length} and ${x.shape[i]} in ${equation}`,
        );
      }
      lengths.set(letter, length);
    });
  }
  for (const letter of result) {
    if (!lengths.has(letter))
      throw new RangeError(`einsum: result axis "${letter}" is in no operand of ${equation}`);
  }
  // Axes in both operands and the result are the batch, those in both but not in the result the inner axes.
  const kept = (letters: string) => [...letters];
  const shared = kept(left).filter((l) => right.includes(l));
  const batch = shared.filter((l) => result.includes(l));
  const inner = shared.filter((l) => !result.includes(l));
  const alone = (letters: string, other: string) => kept(letters).filter((l) => !other.includes(l));
  const product = (list: string[]) => list.reduce((size, l) => size * lengths.get(l)!, 1);
  const arrange = (x: Tensor, letters: string, order: string[], free: string[]) => {
    const summed = free.filter((l) => !result.includes(l));
    const rest = kept(letters).filter((l) => !summed.includes(l));
    const reduced = summed.length > 0 ? sum(x, { axis: summed.map((l) => letters.indexOf(l)) }) : x;
    return transpose(
      reduced,
      order.filter((l) => rest.includes(l)).map((l) => rest.indexOf(l)),
    );
  };
  const freeA = alone(left, right);
  const freeB = alone(right, left);
  const rowsA = freeA.filter((l) => result.includes(l));
  const columnsB = freeB.filter((l) => result.includes(l));
  const x = reshape(arrange(a, left, [...batch, ...rowsA, ...inner], freeA), [
    product(batch),
    product(rowsA),
    product(inner),
  ]);
  const y = reshape(arrange(b, right, [...batch, ...inner, ...columnsB], freeB), [
    product(batch),
    product(inner),
    product(columnsB),
  ]);
  const order = [...batch, ...rowsA, ...columnsB];
  const full = reshape(
    batch.length === 0 ? matmul(squeeze(x, 0), squeeze(y, 0)) : matmul(x, y),
    order.map((l) => lengths.get(l)!),
  );
  return transpose(
    full,
    kept(result).map((l) => order.indexOf(l)),
  );
}
