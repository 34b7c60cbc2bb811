import assert from "node:assert/strict";
import { test } from "node:test";
import { svd } from "../linalg/index.ts";
import { random } from "../random.ts";
import { type Tensor, tensor, values } from "../tensor/index.ts";
import { logME } from "./index.ts";

const close = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const classes = (...labels: number[]) => tensor(Int32Array.from(labels));
const normal = (name: string, n: number, d: number) =>
  tensor(random(name).normal(new Float64Array(n * d)), { shape: [n, d] });
const rowsOf = (x: Tensor) =>
  Array.from({ length: x.shape[0]! }, (_, i) => [...values(x).slice(i * x.shape[1]!, (i + 1) * x.shape[1]!)]);
const example = [
  [1, 0],
  [0.9, 0.1],
  [0, 1],
  [0.1, 0.9],
];

test("worked example: labels that follow the features, labels that do not, and scale", () => {
  close(logME(double(example), classes(0, 0, 1, 1), { compat: true }), -0.143506);
  close(logME(double(example), classes(0, 1, 0, 1), { compat: true }), -1.070849);
  const scaled = double(example.map((row) => row.map((x) => 10 * x)));
  close(logME(scaled, classes(0, 0, 1, 1), { compat: true }), -0.143506);
  close(logME(double(example), classes(0, 0, 1, 1)), -0.143506, 1e-3);
});

/** Log evidence at given precisions, from the covariance of y itself. */
function evidence(F: number[][], y: number[], alpha: number, beta: number): number {
  const n = F.length;
  // y ~ N(0, β⁻¹ I + α⁻¹ F Fᵀ): Gaussian elimination gives the determinant and the quadratic form.
  const rows = F.map((a, i) => [
    ...F.map((b, j) => a.reduce((sum, x, k) => sum + x * b[k]!, 0) / alpha + (i === j ? 1 / beta : 0)),
    y[i]!,
  ]);
  let [logDeterminant, quadratic] = [0, 0];
  for (let i = 0; i < n; i++) {
    const pivot = rows[i]![i]!;
    logDeterminant += Math.log(pivot);
    quadratic += rows[i]![n]! ** 2 / pivot;
    for (let r = i + 1; r < n; r++) {
      const factor = rows[r]![i]! / pivot;
      for (let c = i; c <= n; c++) rows[r]![c]! -= factor * rows[i]![c]!;
    }
  }
  return (-logDeterminant - quadratic - n * Math.log(2 * Math.PI)) / 2 / n;
}

for (const [n, d] of [
  [30, 5],
  [15, 25],
] as const) {
  test(`the exact form is the largest evidence over a grid, ${n} examples of ${d} features`, () => {
    const F = normal(`grid ${n}`, n, d);
    const noise = random("noise").normal(new Float64Array(n));
    const y = rowsOf(F).map((row, i) => row[0]! - 0.5 * row[1]! + 0.7 * noise[i]!);
    const found = logME(F, tensor(Float64Array.from(y)));
    let best = Number.NEGATIVE_INFINITY;
    let [a, b, width] = [0, 0, 8];
    // A grid that closes in on its best point.
    for (let turn = 0; turn < 6; turn++, width /= 3) {
      const [centerA, centerB] = [a, b];
      for (let i = -4; i <= 4; i++)
        for (let j = -4; j <= 4; j++) {
          const [x, z] = [centerA + (i * width) / 4, centerB + (j * width) / 4];
          const value = evidence(rowsOf(F), y, Math.exp(x), Math.exp(z));
          if (value > best) [best, a, b] = [value, x, z];
        }
    }
    close(found, best, 1e-3);
  });
}

test("more features than examples: the released code leaves out (d − n)/2n · ln α", () => {
  const [F, labels] = [normal("wide", 10, 30), classes(0, 1, 0, 1, 0, 1, 0, 1, 0, 1)];
  const [exact, code] = [logME(F, labels), logME(F, labels, { compat: true })];
  assert.ok(Math.abs(exact - code) > 0.05, `${exact} and ${code}`);
});

test("a rotation of the features, and doubled columns of targets, change nothing", () => {
  const F = normal("rotated", 40, 6);
  const labels = classes(...Array.from({ length: 40 }, (_, i) => i % 3));
  const { v } = svd(normal("rotation", 6, 6));
  const turn = rowsOf(v);
  const turned = rowsOf(F).map((row) =>
    turn[0]!.map((_, j) => row.reduce((sum, x, k) => sum + x * turn[k]![j]!, 0)),
  );
  close(logME(double(turned), labels), logME(F, labels), 1e-9);
  const y = [...values(normal("y", 40, 1))];
  const once = logME(F, tensor(Float64Array.from(y)));
  close(logME(F, double(y.map((value) => [value, value]))), once, 1e-12);
});

test("a class without examples does not count", () => {
  const gap = logME(double(example), classes(0, 0, 2, 2));
  close(gap, logME(double(example), classes(0, 0, 1, 1)), 1e-12);
});

test("features that follow the labels score higher than random ones", () => {
  const labels = Array.from({ length: 60 }, (_, i) => i % 2);
  const noise = rowsOf(normal("features", 60, 8));
  const aligned = noise.map((row, i) => row.map((x, j) => (j === 0 ? 2 * labels[i]! - 1 + 0.5 * x : x)));
  assert.ok(logME(double(aligned), classes(...labels)) > logME(double(noise), classes(...labels)) + 0.1);
});

test("a class of one example, features of zeros and perfect features give finite scores", () => {
  for (const F of [
    double(example),
    double(example.map(() => [0, 0])),
    double([
      [1, 0],
      [1, 0],
      [0, 1],
      [0, 1],
    ]),
  ])
    assert.ok(Number.isFinite(logME(F, classes(0, 0, 0, 1))));
});

test("errors name the argument, its value and what is expected", () => {
  assert.throws(() => logME(double(example), classes(0, 1)), /expected \[n, d\] and \[n\]/);
  assert.throws(() => logME(double(example), classes(0, 0, -1, 1)), /label 2 is -1/);
  assert.throws(() => logME(double([[1], [NaN]]), classes(0, 1)), /holds NaN at/);
  assert.throws(() => logME(double([[1], [2]]), tensor([1, Infinity])), /target 1 is Infinity/);
});
