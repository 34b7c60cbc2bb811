import assert from "node:assert/strict";
import { test } from "node:test";
import { eigh } from "../linalg/index.ts";
import { random } from "../random.ts";
import { fromData, values } from "../tensor/index.ts";
import { diffusionClusters, diffusionMap } from "./index.ts";

/** Points around centres on a line, `each` of them a centre, in two dimensions. */
function blobs(centres: number[], each: number, seed: number): Float64Array {
  const draw = random(seed);
  return Float64Array.from(
    centres.flatMap((centre) =>
      Array.from({ length: each }, () => [
        centre + 0.3 * draw.normal(1)[0]!,
        0.3 * draw.normal(1)[0]!,
      ]).flat(),
    ),
  );
}

test("two blobs: the second coordinate has one sign in each", () => {
  for (let seed = 0; seed < 5; seed++) {
    const u = diffusionMap(blobs([0, 5], 10, seed), 20, { width: 2, random: random(seed) });
    const signs = Array.from({ length: 20 }, (_, i) => Math.sign(u[2 * i + 1]!));
    assert.equal(new Set(signs.slice(0, 10)).size, 1);
    assert.equal(new Set(signs.slice(10)).size, 1);
    assert.notEqual(signs[0], signs[10]);
  }
});

test("the coordinates span the eigenvectors of the smallest eigenvalues", () => {
  const x = blobs([0, 4, 8], 6, 1);
  const n = 18;
  const bandwidth = 2;
  const kernel = Float64Array.from({ length: n * n }, (_, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    const square = (x[2 * i]! - x[2 * j]!) ** 2 + (x[2 * i + 1]! - x[2 * j + 1]!) ** 2;
    return Math.exp(-square / (2 * bandwidth ** 2));
  });
  const degree = Array.from({ length: n }, (_, i) =>
    kernel.subarray(i * n, (i + 1) * n).reduce((a, b) => a + b),
  );
  const laplacian = kernel.map((each, at) => {
    const [i, j] = [Math.floor(at / n), at % n];
    return (i === j ? 1 : 0) - each / Math.sqrt(degree[i]! * degree[j]!);
  });
  const { vectors } = eigh(fromData(laplacian, [n, n]));
  const u = diffusionMap(x, n, { width: 3, random: random(1), bandwidth });
  for (let k = 0; k < 3; k++) {
    // The length of the reference eigenvector's projection on what was found.
    let length = 0;
    for (let j = 0; j < 3; j++) {
      let product = 0;
      for (let i = 0; i < n; i++) product += values(vectors)[i * n + k]! * u[i * 3 + j]!;
      length += product ** 2;
    }
    assert.ok(Math.abs(length - 1) < 1e-3, `eigenvector ${k}: ${length}`);
  }
});

test("clusters are the blobs, whatever the order", () => {
  for (let seed = 0; seed < 5; seed++) {
    const x = blobs([0, 6, 12], 12, seed);
    const found = diffusionClusters(x, 36, { clusters: 3, random: random(seed), bandwidth: 1.5 });
    const groups = [0, 1, 2].map((k) => new Set(found.subarray(k * 12, (k + 1) * 12)));
    assert.ok(
      groups.every((group) => group.size === 1),
      `seed ${seed}: ${found}`,
    );
    assert.equal(new Set(found).size, 3);
  }
});

test("bad input is named", () => {
  const draw = random(1);
  assert.throws(() => diffusionMap([1, 2, 3], 2, { width: 1, random: draw }), /n is 2 and x has 3/);
  assert.throws(() => diffusionMap([1, 2], 2, { width: 3, random: draw }), /width is 3/);
  assert.throws(() => diffusionMap([1, 1, 1, 1], 2, { width: 1, random: draw }), /bandwidth is 0/);
});
