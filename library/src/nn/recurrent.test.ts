import assert from "node:assert/strict";
import { test } from "node:test";
import { add, concat, evaluate, multiply, slice, sum, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { gruCell, lstmCell, rnnCell, unroll } from "./index.ts";
import { assertClose, double, wave, waves } from "./testing.ts";

const x = wave([2, 4, 3], 100, 2);
const cells = { rnn: rnnCell(3, 2), gru: gruCell(3, 2), lstm: lstmCell(3, 2) };
// torch.nn.RNN, GRU and LSTM 1.13 in float64.
const expected = {
  rnn: [
    0.823124334, 0.794514107, -0.556973084, -0.284428578, 0.850251903, 0.713783362, -0.423987695, 0.09858268,
    0.689206975, 0.243185934, -0.081954529, 0.466828932, 0.485091056, -0.027197426, 0.262732797, 0.738123165,
  ],
  gru: [
    -0.132800655, -0.441652336, 0.118930118, 0.618151762, -0.039951013, -0.005447547, 0.223225125,
    0.747673167, -0.112035607, -0.374917469, -0.076368039, 0.680050604, -0.210395618, 0.08427526,
    -0.185108597, 0.747650672,
  ],
  lstm: [
    -0.449696821, -0.202397443, -0.13607786, -0.081464853, -0.507892679, 0.025044104, -0.225297998,
    -0.165100644, -0.329713861, 0.203944757, -0.19167537, -0.205383791, -0.305652389, 0.195133132,
    -0.226832837, -0.315762213,
  ],
};

for (const name of ["rnn", "gru", "lstm"] as const) {
  // biome-ignore lint/suspicious/noExplicitAny: the cells' parameters and states differ
  const cell = cells[name] as any;
  const params = waves(cell.init(random(1)));

  test(`${name}: the values of PyTorch's`, async () => {
    const { outputs, state } = await evaluate(unroll(cell, params, x));
    assertClose(outputs, expected[name]);
    if (name === "lstm")
      assertClose(
        (state as { cell: typeof x }).cell,
        [-0.633224656, -0.309725764, -0.685127568, -0.484193094],
      );
  });

  test(`${name}: gradients by parameters, inputs and the first state; with gaps, and backwards`, async () => {
    const present = tensor([
      [true, false, true, true],
      [false, true, true, false],
    ]);
    const start = name === "lstm" ? { hidden: wave([2, 2], 5), cell: wave([2, 2], 6) } : wave([2, 2], 5);
    for (const options of [{}, { present }, { present, reverse: true }]) {
      const { error } = await checkGradient(
        (p) => {
          const { outputs, state } = unroll(cell, p.params, p.x, { ...options, start: p.start });
          const last = sum(multiply(cell.output(state), wave([2, 2], 4)));
          return add(last, sum(multiply(outputs, wave([2, 4, 2], 3))));
        },
        { params, x, start },
      );
      assert.ok(error < 1e-6, `${error}`);
    }
  });

  test(`${name}: padding at the end leaves the state of the shorter sequence`, async () => {
    const present = tensor([
      [true, true, false, false],
      [true, true, true, true],
    ]);
    const long = unroll(cell, params, x, { present });
    const short = unroll(
      cell,
      params,
      slice(x, [
        [0, 1],
        [0, 2],
      ]),
    );
    const [a, b] = await evaluate([
      slice(cell.output(long.state), [0]),
      slice(cell.output(short.state), [0]),
    ] as const);
    assertClose(a, values(b), 1e-12);
  });

  test(`${name}: backwards is forwards over the reversed sequence`, async () => {
    const flipped = concat(
      [3, 2, 1, 0].map((t) => slice(x, [null, [t, t + 1]])),
      1,
    );
    const [a, b] = await evaluate([
      unroll(cell, params, x, { reverse: true }).outputs,
      unroll(cell, params, flipped).outputs,
    ] as const);
    const rows = (data: ArrayLike<number>, t: number) =>
      [0, 1].flatMap((n) => [0, 1].map((h) => data[(n * 4 + t) * 2 + h]!));
    for (const t of [0, 1, 2, 3]) assertClose(rows(values(a), t), rows(values(b), 3 - t), 1e-12);
  });
}

test("the forget gate's bias starts at 1, each recurrent gate orthogonal", () => {
  const { bias, recurrent } = double(lstmCell(3, 4).init(random(1)));
  assert.deepEqual([...values(bias)], [0, 0, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0]);
  const u = values(recurrent);
  for (let gate = 0; gate < 4; gate++) {
    for (const [i, j] of [
      [0, 0],
      [1, 2],
    ] as const) {
      const dot = [0, 1, 2, 3].reduce(
        (total, row) => total + u[row * 16 + gate * 4 + i]! * u[row * 16 + gate * 4 + j]!,
        0,
      );
      assert.ok(Math.abs(dot - (i === j ? 1 : 0)) < 1e-6);
    }
  }
});

test("misuse is named", () => {
  assert.throws(
    () => unroll(cells.rnn, cells.rnn.init(random(1)), wave([2, 3], 1)),
    /x is .*expected \[n, time, inputs\]/,
  );
  assert.throws(
    () => unroll(cells.rnn, waves(cells.rnn.init(random(1))), x, { present: tensor([[true]]) }),
    /present is .*expected bool \[2, 4\]/,
  );
  assert.throws(() => gruCell(3, 0), /gruCell: hidden is 0/);
});
