import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fromData, tensor, values } from "../library/src/tensor/index.ts";
import { flatten, readProblem, unflatten, writeProblem } from "./problem.ts";

const problem = {
  parameters: [
    {
      weight: tensor([
        [1, 2],
        [3, 4.5],
      ]),
    },
    { weight: tensor([7]) },
  ],
  batches: [
    { x: fromData(new Float32Array([0.1, -2]), [2, 1]), labels: fromData(Int32Array.of(3, -1), [2]) },
  ],
};

test("a problem is read as it was written", () => {
  const folder = mkdtempSync(join(tmpdir(), "nearmiss-problem-"));
  try {
    writeProblem(folder, problem);
    const read = flatten(readProblem(folder));
    const written = flatten(problem);
    assert.deepEqual([...read.keys()], [...written.keys()]);
    for (const [name, x] of written) {
      assert.deepEqual(read.get(name)!.shape, x.shape, name);
      assert.equal(read.get(name)!.dtype, x.dtype, name);
      assert.deepEqual(values(read.get(name)!), values(x), name);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("a problem without parameters is read with an empty list of them", () => {
  const folder = mkdtempSync(join(tmpdir(), "nearmiss-problem-"));
  try {
    writeProblem(folder, { parameters: [], batches: problem.batches });
    assert.deepEqual(readProblem(folder).parameters, []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("paths name the tensors of a tree, and numbers make arrays again", () => {
  const flat = flatten(problem);
  assert.deepEqual(
    [...flat.keys()],
    ["parameters.0.weight", "parameters.1.weight", "batches.0.x", "batches.0.labels"],
  );
  const again = unflatten(flat) as typeof problem;
  assert.ok(Array.isArray(again.parameters) && Array.isArray(again.batches));
  assert.equal(again.parameters[1]!.weight, problem.parameters[1]!.weight);
});

test("what is not a tensor is refused by its path", () => {
  assert.throws(() => flatten({ a: [tensor([1]), 5] }), /a\.1 is number/);
  assert.throws(
    () => writeProblem("", { parameters: { mask: tensor([true]) }, batches: [] }),
    /parameters\.mask is bool/,
  );
});
