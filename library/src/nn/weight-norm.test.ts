import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, multiply, sum } from "../index.ts";
import { checkGradient } from "../testing.ts";
import { columnLengths, weightNorm } from "./index.ts";
import { assertClose, wave } from "./testing.ts";

const params = { cell: { weight: wave([3, 2], 1) }, bias: wave([2], 2) };
const where = (path: string) => path.endsWith("weight");

test("with its own lengths a matrix stays as it is; what has none is not touched", async () => {
  const lengths = columnLengths(params, where);
  assert.deepEqual(Object.keys(lengths), ["cell.weight"]);
  const same = await evaluate(weightNorm(params, lengths));
  assertClose(same.cell.weight, params.cell.weight.data as Float64Array, 1e-6);
  assert.equal(weightNorm(params, lengths).bias, params.bias);
});

test("columns have the lengths asked for, whatever the size of the matrix", async () => {
  const lengths = { "cell.weight": wave([2], 7) };
  const [one, other] = await evaluate([
    weightNorm(params, lengths),
    weightNorm({ ...params, cell: { weight: multiply(params.cell.weight, 5) } }, lengths),
  ]);
  assertClose(other!.cell.weight, one!.cell.weight.data as Float64Array);
  const w = one!.cell.weight.data as Float64Array;
  const expected = wave([2], 7).data as Float64Array;
  assertClose(
    [Math.hypot(w[0]!, w[2]!, w[4]!), Math.hypot(w[1]!, w[3]!, w[5]!)],
    [Math.abs(expected[0]!), Math.abs(expected[1]!)],
  );
});

test("gradients by directions and lengths", async () => {
  const { error } = await checkGradient(
    (p) => sum(multiply(weightNorm(p.params, { "cell.weight": p.lengths }).cell.weight, wave([3, 2], 5))),
    { params, lengths: wave([2], 3) },
  );
  assert.ok(error < 1e-7, `${error}`);
});

test("what does not fit is named", () => {
  assert.throws(() => columnLengths(params, () => false), /where chooses no tensor/);
  assert.throws(() => columnLengths(params, () => true), /bias of shape \[2\]; expected a matrix/);
  assert.throws(() => weightNorm(params, { other: wave([2], 1) }), /params has no other/);
});
