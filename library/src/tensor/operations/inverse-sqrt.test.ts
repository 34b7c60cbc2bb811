import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate } from "../../runtime/index.ts";
import { checkGradients, slopeAlong } from "../../testing.ts";
import {
  add,
  fromData,
  identityMatrix,
  matmul,
  multiply,
  newtonSchulzInverseSqrt,
  sum,
  type Tensor,
  tensor,
  transpose,
  values,
} from "../index.ts";
import { checkErrors } from "./testing/rows.ts";

const wave = (shape: number[], phase: number) =>
  fromData(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(phase + 1.7 * i * i)),
    shape,
  );

/** B Bᵀ + ridge · I, symmetric positive definite. */
const positive = (b: Tensor, ridge: number) =>
  add(matmul(b, transpose(b)), multiply(identityMatrix(b.shape.at(-1)!, "float64"), ridge));

test("Z A Z is the identity, for single matrices and batches", async () => {
  const a = positive(wave([3, 5, 5], 0.4), 0.05);
  const z = newtonSchulzInverseSqrt(a);
  const product = values(await evaluate(matmul(matmul(z, a), z)));
  for (let i = 0; i < 75; i++) {
    const [row, column] = [Math.floor(i / 5) % 5, i % 5];
    assert.ok(Math.abs(product[i]! - Number(row === column)) < 1e-8, `element ${i}: ${product[i]}`);
  }
});

test("a diagonal matrix with a condition number of 1e4, in both float types", async () => {
  for (const [dtype, tolerance] of [
    ["float64", 1e-10],
    ["float32", 1e-3],
  ] as const) {
    const diagonal = [1e-2, 1, 100];
    const a = tensor(
      diagonal.map((d, i) => diagonal.map((_, j) => (i === j ? d : 0))),
      { dtype },
    );
    const z = values(await evaluate(newtonSchulzInverseSqrt(a)));
    diagonal.forEach((d, i) => {
      assert.ok(Math.abs(z[4 * i]! * Math.sqrt(d) - 1) < tolerance, `${dtype}: ${z[4 * i]} for ${d}`);
    });
  }
});

test("first and second derivatives agree with central differences", async () => {
  const f = (b: Tensor) => sum(multiply(newtonSchulzInverseSqrt(positive(b, 0.5)), wave([3, 3], 2)));
  const checks = await checkGradients([
    { f, params: wave([3, 3], 0.9) },
    { f: slopeAlong(f, wave([3, 3], 5)), params: wave([3, 3], 0.9) },
  ]);
  for (const { error } of checks) assert.ok(error < 1e-6, `${error}`);
});

checkErrors([
  [
    "a matrix that is not square",
    () => newtonSchulzInverseSqrt(wave([2, 3], 0)),
    /^newtonSchulzInverseSqrt: a is .*\[2, 3\].*expected square matrices/,
  ],
  [
    "no iteration",
    () => newtonSchulzInverseSqrt(wave([2, 2], 0), { iterations: 0 }),
    /^newtonSchulzInverseSqrt: iterations is 0/,
  ],
]);
