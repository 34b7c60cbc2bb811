import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, fromData, type Tensor, tensor, values } from "../index.ts";
import { newtonSchulzInverseSqrt } from "../tensor/index.ts";
import { checkErrors } from "../tensor/operations/testing/rows.ts";
import { cholesky, eigh, solve, svd, triangularSolve } from "./index.ts";

type Rows = number[][];

const rows = (x: Tensor): Rows => {
  const [n, m] = x.shape.length === 1 ? [x.shape[0]!, 1] : (x.shape as [number, number]);
  const data = values(x);
  return Array.from({ length: n }, (_, i) => Array.from({ length: m }, (_, j) => data[i * m + j]!));
};
const double = (list: Rows | number[]) => tensor(list, { dtype: "float64" });
const turned = (a: Rows): Rows => a[0]!.map((_, j) => a.map((row) => row[j]!));
const product = (a: Rows, b: Rows): Rows =>
  a.map((row) => turned(b).map((column) => row.reduce((total, v, i) => total + v * column[i]!, 0)));
const diagonal = (list: ArrayLike<number>): Rows =>
  Array.from(list, (v, i) => Array.from(list, (_, j) => (i === j ? v : 0)));
const identity = (n: number) => diagonal(Array<number>(n).fill(1));

function close(actual: Rows, expected: Rows, tolerance = 1e-9): void {
  assert.deepEqual([actual.length, actual[0]!.length], [expected.length, expected[0]!.length]);
  actual.forEach((row, i) => {
    row.forEach((v, j) => {
      const wanted = expected[i]![j]!;
      assert.ok(
        Math.abs(v - wanted) <= tolerance * Math.max(1, Math.abs(wanted)),
        `[${i}, ${j}]: ${v}, not ${wanted}`,
      );
    });
  });
}

const length = fc.integer({ min: 1, max: 6 });
const matrix = (n: number, m: number): fc.Arbitrary<Rows> =>
  fc.array(
    fc.array(
      fc.integer({ min: -8, max: 8 }).map((v) => v / 2),
      { minLength: m, maxLength: m },
    ),
    {
      minLength: n,
      maxLength: n,
    },
  );
/** B Bᵀ + I/2 */
const positive = length
  .chain((n) => matrix(n, n))
  .map((b) => product(b, turned(b)).map((row, i) => row.map((v, j) => v + (i === j ? 0.5 : 0))));
const symmetric = length
  .chain((n) => matrix(n, n))
  .map((b) => b.map((row, i) => row.map((v, j) => v + b[j]![i]!)));

test("cholesky: L is lower triangular with a positive diagonal, and L Lᵀ = A", () =>
  fc.assert(
    fc.property(positive, (a) => {
      const l = rows(cholesky(double(a)));
      close(product(l, turned(l)), a);
      l.forEach((row, i) => {
        assert.ok(row[i]! > 0);
        assert.ok(row.every((v, j) => j <= i || v === 0));
      });
    }),
  ));

test("solve: A x = b for vectors and matrices, with pivoting", () =>
  fc.assert(
    fc.property(positive, length, fc.boolean(), (a, k, flipped) => {
      // Turning the rows around brings small pivots to the front.
      const system = flipped ? [...a].reverse() : a;
      const x = a.map((_, i) => Array.from({ length: k }, (_, j) => Math.sin(1 + i * k + j)));
      close(rows(solve(double(system), double(product(system, x)))), x, 1e-6);
      const first = x.map((row) => [row[0]!]);
      const vector = solve(double(system), double(product(system, first).flat()));
      assert.deepEqual([...vector.shape], [a.length]);
      close(rows(vector), first, 1e-6);
    }),
  ));

test("triangularSolve: all four systems, whatever stands in the other triangle", () =>
  fc.assert(
    fc.property(positive, fc.boolean(), fc.boolean(), (a, upper, transpose) => {
      const t = a.map((row, i) => row.map((v, j) => ((upper ? j >= i : j <= i) ? v : 0)));
      const x = a.map((_, i) => [Math.sin(i + 1), Math.cos(i)]);
      const b = product(transpose ? turned(t) : t, x);
      // Substitution amplifies rounding by the condition of T, so it is the residual that is small.
      const found = rows(triangularSolve(double(a), double(b), { upper, transpose }));
      close(product(transpose ? turned(t) : t, found), b, 1e-8);
    }),
  ));

test("eigh: values rise, vectors are orthonormal, V diag Vᵀ = A", () =>
  fc.assert(
    fc.property(symmetric, (a) => {
      const { values: spectrum, vectors } = eigh(double(a));
      const list = [...values(spectrum)];
      assert.ok(list.every((v, i) => i === 0 || v >= list[i - 1]!));
      const v = rows(vectors);
      close(product(turned(v), v), identity(a.length));
      close(product(product(v, diagonal(list)), turned(v)), a);
    }),
  ));

test("svd: values fall, both sides are orthonormal, U diag Vᵀ = A, for every form and rank", () =>
  fc.assert(
    fc.property(
      fc
        .tuple(length, length, fc.boolean())
        .chain(([n, m, low]) =>
          low ? fc.tuple(matrix(n, 1), matrix(1, m)).map(([x, y]) => product(x, y)) : matrix(n, m),
        ),
      (a) => {
        const { u, values: spectrum, v } = svd(double(a));
        const k = Math.min(a.length, a[0]!.length);
        const list = [...values(spectrum)];
        assert.ok(list.every((s, i) => s >= 0 && (i === 0 || s <= list[i - 1]!)));
        assert.deepEqual(
          [u.shape, v.shape].map((s) => [...s]),
          [
            [a.length, k],
            [a[0]!.length, k],
          ],
        );
        close(product(turned(rows(u)), rows(u)), identity(k));
        close(product(turned(rows(v)), rows(v)), identity(k));
        close(product(product(rows(u), diagonal(list)), turned(rows(v))), a);
      },
    ),
  ));

test("known values", () => {
  assert.deepEqual(
    rows(
      cholesky(
        double([
          [4, 2],
          [2, 5],
        ]),
      ),
    ),
    [
      [2, 0],
      [1, 2],
    ],
  );
  close(
    [
      [
        ...values(
          eigh(
            double([
              [2, 1],
              [1, 2],
            ]),
          ).values,
        ),
      ],
    ],
    [[1, 3]],
  );
  close(
    [
      [
        ...values(
          svd(
            double([
              [3, 0],
              [0, -4],
            ]),
          ).values,
        ),
      ],
    ],
    [[4, 3]],
  );
});

test("float32 goes in, float64 comes out", () => {
  const x = solve(
    tensor([
      [2, 0],
      [0, 4],
    ]),
    tensor([2, 2]),
  );
  assert.deepEqual([x.dtype, ...values(x)], ["float64", 1, 0.5]);
});

test("the inverse square root inside graphs is that of the eigenvalues", async () => {
  const data = Float64Array.from({ length: 25 }, (_, i) => Math.sin(1.7 * i * i));
  const b = rows(fromData(data, [5, 5]));
  const a = product(b, turned(b)).map((row, i) => row.map((v, j) => v + (i === j ? 0.1 : 0)));
  const { values: spectrum, vectors } = eigh(double(a));
  const v = rows(vectors);
  const wanted = product(product(v, diagonal(values(spectrum).map((s) => s ** -0.5))), turned(v));
  close(rows(await evaluate(newtonSchulzInverseSqrt(double(a)))), wanted, 1e-8);
});

checkErrors([
  [
    "a Cholesky factor of what is not positive definite",
    () =>
      cholesky(
        double([
          [1, 2],
          [2, 1],
        ]),
      ),
    /^cholesky: a is not positive definite/,
  ],
  [
    "a Cholesky factor of what is not symmetric",
    () =>
      cholesky(
        double([
          [1, 2],
          [0, 1],
        ]),
      ),
    /^cholesky: a is not symmetric: 0 at \[1, 0\] but 2 at \[0, 1\]/,
  ],
  [
    "eigenvalues of a rectangle",
    () => eigh(double([[1, 2]])),
    /^eigh: a is .*\[1, 2\].*expected a square matrix/,
  ],
  [
    "singular values of what is not a number",
    () => svd(double([[1, Number.NaN]])),
    /^svd: a holds NaN at \[0,1\]/,
  ],
  ["singular values of a vector", () => svd(double([1, 2])), /^svd: a is .*\[2\].*expected a matrix/],
  [
    "a singular system",
    () =>
      solve(
        double([
          [1, 2],
          [2, 4],
        ]),
        double([1, 2]),
      ),
    /^solve: a, .*\[2, 2\].*, is singular/,
  ],
  [
    "a right-hand side of another length",
    () =>
      solve(
        double([
          [1, 0],
          [0, 1],
        ]),
        double([1, 2, 3]),
      ),
    /^solve: b is .*\[3\].*expected 2 rows/,
  ],
  [
    "a triangle with 0 on the diagonal",
    () =>
      triangularSolve(
        double([
          [1, 0],
          [1, 0],
        ]),
        double([1, 2]),
      ),
    /^triangularSolve: t has 0 on its diagonal at 1/,
  ],
  [
    "an expression without a value",
    () => cholesky(newtonSchulzInverseSqrt(double([[1]]))),
    /without a value/,
  ],
  ["integers", () => eigh(tensor([[1]], { dtype: "int32" })), /^eigh: a is .*int32/],
]);
