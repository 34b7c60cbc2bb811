import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { neuralCollapse } from "./index.ts";

const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

/** Corners of a regular triangle, an equiangular tight frame of three classes in the plane. */
const corners = [0, 1, 2].flatMap((k) => [Math.cos((2 * Math.PI * k) / 3), Math.sin((2 * Math.PI * k) / 3)]);

test("neuralCollapse: all measures are 0 where features collapse onto a simplex along the weights", () => {
  const labels = [0, 0, 1, 1, 2, 2];
  const features = labels.flatMap((y) => [3 * corners[2 * y]! + 5, 3 * corners[2 * y + 1]! - 2]);
  const { variability, equiangularity, duality, norms } = neuralCollapse(features, labels, corners);
  for (const measure of [variability, equiangularity, duality]) close(measure, 0);
  for (const norm of norms) close(norm, 1);
});

test("neuralCollapse: each measure sees its own departure", () => {
  const labels = [0, 0, 1, 1, 2, 2];
  const collapsed = labels.flatMap((y) => [corners[2 * y]!, corners[2 * y + 1]!]);
  // Two examples at ±e of each mean: Σ_W is e² on the first axis, Σ_B is 1/2 on both.
  const e = 0.3;
  const spread = collapsed.map((x, i) => (i % 2 ? x : x + (i % 4 ? e : -e)));
  close(neuralCollapse(spread, labels, corners).variability, (e * e) / 0.5 / 3);
  const turned = corners.map((_, i) => (i % 2 ? corners[i - 1]! : -corners[i + 1]!));
  close(neuralCollapse(collapsed, labels, turned).duality, Math.SQRT2);
  close(
    neuralCollapse(
      collapsed,
      labels,
      corners.map((x) => -x),
    ).duality,
    2,
  );
  // Three classes on a line: cosines 0, 0 and −1 in place of −1 / 2.
  const line = [-1, 0, 0, 0, 1, 0];
  close(neuralCollapse(line, [0, 1, 2], corners).equiangularity, 0.5);
});

test("neuralCollapse: more features than classes; shift and rotation change nothing", () => {
  const draw = random("neural collapse");
  const labels = Array.from({ length: 30 }, (_, i) => i % 3);
  const features = labels.flatMap((y) => [y, y * y, 0, 1].map((x) => x + 0.1 * draw.normal(1)[0]!));
  const weight = [...draw.normal(12)];
  const plain = neuralCollapse(features, labels, weight);
  assert.ok(plain.variability > 0 && Number.isFinite(plain.variability));
  const turn = (rows: number[]) => rows.map((_, i) => (i % 4 < 2 ? rows[i + 2]! : -rows[i - 2]!));
  const turned = neuralCollapse(turn(features.map((x) => x + 1)), labels, turn(weight));
  close(turned.variability, plain.variability, 1e-8);
  close(turned.duality, plain.duality, 1e-8);
});

test("neuralCollapse names what does not fit", () => {
  assert.throws(() => neuralCollapse([1, 2], [0, 0], [1, 1]), /class 1 has no example/);
  assert.throws(() => neuralCollapse([1, 2, 3], [0, 0], [1, 1]), /do not fit 2 labels/);
});
