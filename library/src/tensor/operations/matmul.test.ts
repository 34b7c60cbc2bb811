import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { compile, evaluate } from "../../runtime/index.ts";
import {
  add,
  einsum,
  exp,
  matmul,
  multiply,
  outer,
  type Tensor,
  tensor,
  transpose,
  values,
} from "../index.ts";
import type { DType } from "../tensor.ts";
import { at, build, type Plain, positions } from "./testing/arrays.ts";
import { checkErrors, checkRows, row } from "./testing/rows.ts";
import { filled } from "./testing/samples.ts";

const floatsAndInt: DType[] = ["float32", "float64", "int32"];
const length = fc.integer({ min: 0, max: 4 });
const some = fc.integer({ min: 1, max: 3 });

/** Leading axes for both operands that broadcast, with what they broadcast to. */
const batches = fc.array(fc.tuple(some, fc.boolean(), fc.boolean()), { maxLength: 2 }).chain((axes) =>
  fc.tuple(fc.integer({ min: 0, max: axes.length }), fc.boolean()).map(([drop, left]) => {
    const a = axes.map(([n, one]) => (one ? 1 : n));
    const b = axes.map(([n, , one]) => (one ? 1 : n));
    return { a: left ? a.slice(drop) : a, b: left ? b : b.slice(drop) };
  }),
);

const products = fc
  .tuple(batches, length, length, length)
  .chain(([batch, n, k, m]) =>
    fc
      .tuple(filled([...batch.a, n, k]), filled([...batch.b, k, m], { number: 1 }))
      .map((inputs) => ({ inputs })),
  );

function plainProduct([a, b]: readonly Plain[]): Plain {
  const [headA, headB] = [a!.shape.slice(0, -2), b!.shape.slice(0, -2)];
  const rank = Math.max(headA.length, headB.length);
  const head = Array.from({ length: rank }, (_, i) =>
    Math.max(headA[i - rank + headA.length] ?? 1, headB[i - rank + headB.length] ?? 1),
  );
  return build([...head, a!.shape.at(-2)!, b!.shape.at(-1)!], (index) => {
    const [i, j] = index.slice(-2) as [number, number];
    let total = 0;
    for (let k = 0; k < a!.shape.at(-1)!; k++) {
      total += at(a!, [...index.slice(0, -2), i, k]) * at(b!, [...index.slice(0, -2), k, j]);
    }
    return total;
  });
}

const turned = (x: Plain): Plain =>
  build([...x.shape.slice(0, -2), x.shape.at(-1)!, x.shape.at(-2)!], (index) =>
    at(x, [...index.slice(0, -2), index.at(-1)!, index.at(-2)!]),
  );

const dot = (a: readonly number[], b: readonly number[]) => a.reduce((total, v, i) => total + v * b[i]!, 0);

const equations = [
  "ij,jk->ik",
  "ij,kj->ki",
  "bij,bjk->bik",
  "bij,jk->kib",
  "ij,ij->",
  "i,j->ji",
  "i,i->i",
  "ij,k->k",
  "bhqd,bhkd->bhqk",
  "ij->ji",
  "ij->",
  "ij->j",
  ",i->i",
  "ij,jk,kl->il",
  "i,ij,j->",
  "abc,c,b->a",
  "i,i,i->i",
];

const einsums = fc.constantFrom(...equations).chain((equation) => {
  const terms = equation.split("->")[0]!.split(",");
  const letters = [...new Set(terms.join(""))];
  return fc.tuple(...letters.map(() => some)).chain((list) => {
    const lengths = new Map(letters.map((letter, i) => [letter, list[i] as number]));
    return fc
      .tuple(
        ...terms.map((term, number) =>
          filled(
            [...term].map((letter) => lengths.get(letter)!),
            { number, low: -1, high: 1 },
          ),
        ),
      )
      .map((inputs) => ({ inputs: inputs as Plain[], equation, lengths }));
  });
});

checkRows([
  row({
    name: "matmul",
    samples: products,
    apply: ([a, b]) => matmul(a!, b!),
    expected: plainProduct,
    dtypes: floatsAndInt,
  }),
  row({
    name: "matmul of transposes",
    samples: products,
    apply: ([a, b]) => matmul(transpose(b!), transpose(a!)),
    expected: (inputs) => turned(plainProduct(inputs)),
    dtypes: floatsAndInt,
  }),
  row({
    name: "matmul of a left operand that is transposed",
    samples: products.map((sample) => ({
      ...sample,
      inputs: [turned(sample.inputs[0]!), sample.inputs[1]!],
    })),
    apply: ([a, b]) => matmul(transpose(a!), b!),
    expected: ([a, b]) => plainProduct([turned(a!), b!]),
    dtypes: floatsAndInt,
  }),
  row({
    name: "matmul of a matrix with itself",
    samples: some.chain((n) => filled([n, n]).map((x) => ({ inputs: [x] }))),
    apply: ([x]) => matmul(matmul(x!, transpose(x!)), x!),
    expected: ([x]) => plainProduct([plainProduct([x!, turned(x!)]), x!]),
  }),
  row({
    name: "matmul of vectors",
    samples: length.chain((n) =>
      fc.tuple(filled([n]), filled([n], { number: 1 })).map((inputs) => ({ inputs })),
    ),
    apply: ([a, b]) => matmul(a!, b!),
    expected: ([a, b]) => ({ shape: [], data: [dot(a!.data, b!.data)] }),
    dtypes: floatsAndInt,
  }),
  row({
    name: "matmul of a vector with matrices",
    samples: fc
      .tuple(some, some, some)
      .chain(([n, k, m]) =>
        fc.tuple(filled([k]), filled([n, k, m], { number: 1 })).map((inputs) => ({ inputs })),
      ),
    apply: ([a, b]) => matmul(a!, b!),
    expected: ([a, b]) => {
      const full = plainProduct([{ ...a!, shape: [1, ...a!.shape] }, b!]);
      return { ...full, shape: [full.shape[0]!, full.shape[2]!] };
    },
  }),
  row({
    name: "matmul of matrices with a vector",
    samples: fc
      .tuple(some, some, some)
      .chain(([n, m, k]) =>
        fc.tuple(filled([n, m, k]), filled([k], { number: 1 })).map((inputs) => ({ inputs })),
      ),
    apply: ([a, b]) => matmul(a!, b!),
    expected: ([a, b]) => {
      const full = plainProduct([a!, { ...b!, shape: [...b!.shape, 1] }]);
      return { ...full, shape: full.shape.slice(0, 2) };
    },
  }),
  // The sum may become part of the product, on either side and with a bias of any shape that fits.
  row({
    name: "a product plus a bias",
    samples: fc.tuple(some, some, some).chain(([n, k, m]) =>
      fc
        .tuple(
          filled([n, k]),
          filled([k, m], { number: 1 }),
          fc.constantFrom([], [m], [1, m], [n, 1], [n, m], [1], [2, n, m]).chain((shape) => filled(shape)),
          fc.boolean(),
        )
        .map(([a, b, bias, first]) => ({ inputs: [a, b, bias], first })),
    ),
    apply: ([a, b, bias], { first }) => (first ? add(bias!, matmul(a!, b!)) : add(matmul(a!, b!), bias!)),
    expected: ([a, b, bias]) => {
      const product = plainProduct([a!, b!]);
      const shape = bias!.shape.length === 3 ? bias!.shape : product.shape;
      return build(shape, (index) => at(product, index) + at(bias!, index));
    },
    dtypes: floatsAndInt,
  }),
  row({
    name: "a product that is read twice, plus itself",
    samples: some.chain((n) =>
      fc.tuple(filled([n, 2]), filled([2, n], { number: 1 })).map((inputs) => ({ inputs })),
    ),
    apply: ([a, b]) => {
      const product = matmul(a!, b!);
      return multiply(add(product, product), product);
    },
    expected: (inputs) => {
      const product = plainProduct(inputs);
      return { ...product, data: product.data.map((v) => 2 * v * v) };
    },
  }),
  row({
    name: "outer",
    samples: fc
      .tuple(length, length)
      .chain(([n, m]) => fc.tuple(filled([n]), filled([m], { number: 1 })).map((inputs) => ({ inputs }))),
    apply: ([a, b]) => outer(a!, b!),
    expected: ([a, b]) => build([a!.data.length, b!.data.length], ([i, j]) => a!.data[i!]! * b!.data[j!]!),
  }),
  row({
    name: "einsum",
    samples: einsums,
    apply: (inputs, { equation }) => einsum(equation, ...inputs),
    expected: (inputs, { equation, lengths }) => {
      const [operands, result] = equation.split("->") as [string, string];
      const terms = operands.split(",");
      const letters = [...lengths.keys()];
      const all = positions([...lengths.values()]);
      return build(
        [...result].map((l) => lengths.get(l)!),
        (index) => {
          let total = 0;
          for (const place of all) {
            const of = (l: string) => place[letters.indexOf(l)]!;
            if ([...result].some((l, i) => of(l) !== index[i])) continue;
            total += terms.reduce((product, term, i) => {
              const x = inputs[i]!;
              const offset = [...term].reduce((sum, l, axis) => sum * x.shape[axis]! + of(l), 0);
              return product * x.data[offset]!;
            }, 1);
          }
          return total;
        },
      );
    },
  }),
]);

// The engine leaves such a batched product as the memory happened to be.
test("a batch of products over no elements is 0", async () => {
  const [a, b] = [new Float32Array(0), new Float32Array(0)];
  const run = compile((x: Tensor, y: Tensor) => [matmul(x, y), add(matmul(exp(x), y), 1)]);
  for (let round = 0; round < 3; round++) {
    const [plain, shifted] = await run(tensor(a, { shape: [8, 40, 0] }), tensor(b, { shape: [8, 0, 50] }));
    assert.deepEqual([...plain!.shape], [8, 40, 50]);
    assert.ok(values(plain!).every((v) => v === 0));
    assert.ok(values(shifted!).every((v) => v === 1));
  }
});

const matrix = (n: number, m: number): Tensor => tensor(new Float32Array(n * m), { shape: [n, m] });
checkErrors([
  [
    "inner lengths that differ",
    () => matmul(matrix(2, 3), matrix(2, 3)),
    /^matmul: .*\[2, 3\].*\[2, 3\].*\(3\) must equal .*\(2\)/,
  ],
  [
    "batches that do not broadcast",
    () =>
      matmul(
        tensor(new Float32Array(8), { shape: [2, 2, 2] }),
        tensor(new Float32Array(12), { shape: [3, 2, 2] }),
      ),
    /^matmul: shapes \[2\] and \[3\] do not broadcast/,
  ],
  [
    "a product with a number",
    () => matmul(matrix(2, 2), tensor(1)),
    /^matmul: .*expected at least one axis each/,
  ],
  ["a product of bools", () => matmul(tensor([[true]]), tensor([[true]])), /^matmul: a is .*bool/],
  [
    "a product of types that differ",
    () => matmul(matrix(1, 1), tensor([[1]], { dtype: "int32" })),
    /^matmul: .*types must agree/,
  ],
  ["outer of matrices", () => outer(matrix(2, 2), matrix(2, 2)), /^outer: .*expected two vectors/],
  [
    "an equation without an arrow",
    () => einsum("ij,jk", matrix(2, 2), matrix(2, 2)),
    /^einsum: equation "ij,jk"; expected a form/,
  ],
  [
    "an equation for another number of operands",
    () => einsum("ij,jk->ik", matrix(2, 2)),
    /^einsum: .* is for 2 operands, got 1/,
  ],
  [
    "an equation with too few letters",
    () => einsum("i,jk->ik", matrix(2, 2), matrix(2, 2)),
    /^einsum: "i" must name each axis of .*\[2, 2\]/,
  ],
  ["a diagonal", () => einsum("ii->i", matrix(2, 2)), /^einsum: "ii" must name each axis/],
  [
    "lengths that differ",
    () => einsum("ij,jk->ik", matrix(2, 3), matrix(2, 3)),
    /^einsum: axis "j" has lengths 3 and 2/,
  ],
  ["a result axis from nowhere", () => einsum("ij->iz", matrix(2, 2)), /^einsum: the result of "ij->iz"/],
  ["a result axis twice", () => einsum("ij->ii", matrix(2, 2)), /^einsum: the result of "ij->ii"/],
]);

test("a batched product reads the larger of its operands as it lies", async () => {
  const filledWith = (shape: number[], f: (i: number) => number) => {
    let i = 0;
    return build(shape, () => f(i++));
  };
  const large = filledWith([2, 6, 5], (i) => Math.cos(i ** 2));
  const small = filledWith([2, 6, 3], (i) => Math.sin(i ** 2));
  const [a, b] = [large, small].map((x) => tensor(Float64Array.from(x.data), { shape: x.shape })) as [
    Tensor,
    Tensor,
  ];
  const product = matmul(transpose(a), b);
  // The transpose of a product whose right operand is the larger one.
  assert.equal(product.operation.name, "transpose");
  assert.equal(product.inputs[0]!.inputs[1], a);
  const expected = plainProduct([turned(large), small]);
  assert.deepEqual(product.shape, expected.shape);
  values(await evaluate(product)).forEach((y, i) => {
    assert.ok(Math.abs(Number(y) - expected.data[i]!) < 1e-12, `${i}: ${y}, ${expected.data[i]}`);
  });
});
