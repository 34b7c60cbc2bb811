/** For the tests of layers: parameters that any program can write down, and comparisons. */
import assert from "node:assert/strict";
import { fromData, sizeOf, type Tensor, values } from "../tensor/index.ts";
import { mapTree } from "../tree.ts";

/** amplitude · sin(k + 10 · index) for element k, float64: what the reference values were computed with. */
export function wave(shape: readonly number[], index: number, amplitude = 0.5): Tensor {
  return fromData(
    Float64Array.from({ length: sizeOf(shape) }, (_, k) => amplitude * Math.sin(k + 10 * index)),
    shape,
  );
}

/** The tree with its tensors replaced by waves, numbered in order. */
export const waves = <T>(tree: T): T => mapTree(tree, (x, i) => wave(x.shape, i));

/** The tree in float64. */
export const double = <T>(tree: T): T =>
  mapTree(tree, (x) => (x.dtype === "float32" ? fromData(Float64Array.from(values(x)), x.shape) : x));

export function assertClose(
  actual: Tensor | ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance = 1e-8,
) {
  const got = "length" in actual ? actual : values(actual);
  assert.equal(got.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    const error = Math.abs(got[i]! - expected[i]!);
    assert.ok(
      error <= tolerance * Math.max(1, Math.abs(expected[i]!)),
      `element ${i}: ${got[i]} is not ${expected[i]}`,
    );
  }
}
