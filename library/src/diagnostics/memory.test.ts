import assert from "node:assert/strict";
import { test } from "node:test";
import {
  add,
  matmul,
  multiply,
  relu,
  reshape,
  sum,
  type Tensor,
  transpose,
  valueAndGrad,
  zeros,
} from "../index.ts";
import { peakMemory } from "./index.ts";

test("peakMemory: values are dropped after their last use, results are kept", () => {
  const x = zeros([10]);
  // One at a time: the result of the step before lives while the next is made.
  const chain = (a: Tensor) => relu(multiply(relu(a), 2));
  assert.equal(peakMemory(chain, x), 80);
  assert.equal(
    peakMemory((a: Tensor) => [relu(a), multiply(a, 2), add(a, 1)], x),
    120,
  );
  assert.equal(
    peakMemory((a: Tensor) => a, x),
    0,
  );
});

test("peakMemory: a reshape takes nothing, and keeps its source alive", () => {
  const x = zeros([10]);
  assert.equal(
    peakMemory((a: Tensor) => reshape(relu(a), [2, 5]), x),
    40,
  );
  const late = (a: Tensor) => {
    const kept = reshape(relu(a), [10]);
    return add(multiply(multiply(a, 2), 3), kept);
  };
  assert.equal(peakMemory(late, x), 120);
});

test("peakMemory: a backward pass holds what the forward pass made", () => {
  const loss = (w: Tensor, x: Tensor) => sum(relu(matmul(relu(matmul(x, w)), transpose(w))));
  const at = (n: number) => peakMemory(valueAndGrad(loss), zeros([4, 32]), zeros([n, 4]));
  const growth = at(2048) - at(1024);
  // Two hidden values of 32 and one of 4 numbers an example, at least.
  assert.ok(growth >= 1024 * 4 * 36, `${growth}`);
  assert.equal(at(4096) - at(2048), 2 * growth);
});
