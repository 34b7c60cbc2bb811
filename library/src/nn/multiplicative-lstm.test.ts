import assert from "node:assert/strict";
import { test } from "node:test";
import { add, evaluate, fromData, matmul, multiply, slice, sum, type Tensor, tensor } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { mapTree } from "../tree.ts";
import { type LstmState, lstmCell, multiplicativeLstmCell, unroll } from "./index.ts";
import { assertClose, double, wave, waves } from "./testing.ts";

const x = wave([2, 4, 3], 100, 2);
const cell = multiplicativeLstmCell(3, 2);
const params = waves(cell.init(random(1)));

test("the values of the equations written out in NumPy", async () => {
  const { outputs, state } = await evaluate(unroll(cell, params, x));
  assertClose(
    outputs,
    [
      -0.449696821, -0.202397443, -0.092151959, -0.059317785, -0.470359357, 0.028571327, -0.160164372,
      -0.088752383, -0.329713861, 0.203944757, -0.162216221, -0.129841881, -0.232403748, 0.184187576,
      -0.187242178, -0.248674406,
    ],
  );
  assertClose(state.cell, [-0.440602167, -0.18614997, -0.533847215, -0.399262238]);
});

test("a step is an LSTM's whose state is the product of both factors", async () => {
  const state: LstmState = { hidden: wave([2, 2], 5), cell: wave([2, 2], 6) };
  const at = slice(x, [null, 1]);
  const product = multiply(matmul(at, params.inputFactor), matmul(state.hidden, params.stateFactor));
  const lstm = lstmCell(3, 2);
  const expected = lstm.step(params, { ...state, hidden: product }, lstm.project(params, at));
  const [own, other] = await evaluate([cell.step(params, state, cell.project(params, at)), expected]);
  assertClose(own!.hidden, (other!.hidden as Tensor & { data: Float64Array }).data);
  assertClose(own!.cell, (other!.cell as Tensor & { data: Float64Array }).data);
});

test("with weights of zero the forget gate's bias of 1 keeps σ(1) of the cell", async () => {
  const start = double(cell.init(random(2)));
  const zero = { ...mapTree(start, (w) => multiply(w, 0)), bias: start.bias };
  const state = { hidden: wave([2, 2], 5), cell: fromData(Float64Array.of(1, 1, -2, 3), [2, 2]) };
  const next = await evaluate(cell.step(zero, state, cell.project(zero, slice(x, [null, 0]))));
  assertClose(next.cell, [0.731058579, 0.731058579, -1.462117157, 2.193175736]);
});

test("gradients by parameters, inputs and the first state, with gaps", async () => {
  const present = tensor([
    [true, false, true, true],
    [false, true, true, false],
  ]);
  const start = { hidden: wave([2, 2], 5), cell: wave([2, 2], 6) };
  const { error } = await checkGradient(
    (p) => {
      const { outputs, state } = unroll(cell, p.params, p.x, { present, start: p.start });
      return add(sum(multiply(state.cell, wave([2, 2], 4))), sum(multiply(outputs, wave([2, 4, 2], 3))));
    },
    { params, x, start },
  );
  assert.ok(error < 1e-6, `${error}`);
});
