import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  add,
  cast,
  compile,
  divide,
  evaluate,
  exp,
  fromData,
  item,
  log,
  matmul,
  mean,
  multiply,
  negate,
  reshape,
  sin,
  slice,
  square,
  subtract,
  sum,
  type Tensor,
  tensor,
  valueAndGrad,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { leaves, mapTree } from "../tree.ts";
import {
  accumulate,
  adaGrad,
  adam,
  adamW,
  clipByGlobalNorm,
  clipByValue,
  globalNorm,
  lion,
  movingAverage,
  type Optimizer,
  rmsProp,
  schedules,
  sgd,
} from "./index.ts";

/** Parameters after steps 1, 2, 5, … of the loss below, by programs that are not ours. */
const reference = JSON.parse(readFileSync(new URL("trajectories.json", import.meta.url), "utf8")) as {
  steps: number[];
  trajectories: Record<string, number[][]>;
};

const double = (data: number[] | number[][]) => tensor(data, { dtype: "float64" });
const start = {
  a: double([1, -2, 0.5]),
  b: double([
    [0.3, -0.7],
    [1.2, 2],
  ]),
};
type Params = typeof start;
const logCosh = (x: Tensor) => log(divide(add(exp(x), exp(negate(x))), 2));

/** Badly scaled, not quadratic, and the two parameters meet: ½ Σ c (a − t)² + Σ log cosh(b − u) + 0.3 sin(a₀ b₀₀). */
function loss({ a, b }: Params): Tensor {
  const squares = sum(multiply(double([0.5, 5, 0.05]), square(subtract(a, double([0.2, 0.4, -1])))));
  const soft = sum(
    logCosh(
      subtract(
        b,
        double([
          [1, -1],
          [0.5, 0],
        ]),
      ),
    ),
  );
  return add(add(squares, soft), multiply(sin(multiply(slice(a, [0]), slice(b, [0, 0]))), 0.3));
}

async function trajectory<State>(
  optimizer: Optimizer<State>,
  change: (gradients: Params) => Params = (g) => g,
  watch: (params: Params, last: Params) => Params = (params) => params,
): Promise<number[][]> {
  const step = compile((state: State & { params: Params }, watched: Params) => {
    const next = optimizer.update(state, change(valueAndGrad(loss)(state.params)[1]));
    return { next, watched: watch(next.params, watched) };
  });
  let state = optimizer.init(start);
  let watched = start;
  const rows: number[][] = [];
  for (let i = 1; i <= 100; i++) {
    ({ next: state, watched } = await step(state, watched));
    if (reference.steps.includes(i)) rows.push(leaves(watched).flatMap((x) => [...values(x)]));
  }
  return rows;
}

function assertTrajectory(name: string, actual: number[][]): void {
  const expected = reference.trajectories[name]!;
  assert.equal(actual.length, expected.length);
  actual.forEach((row, i) => {
    row.forEach((value, j) => {
      const error = Math.abs(value - expected[i]![j]!);
      assert.ok(
        error < 1e-9,
        `after step ${reference.steps[i]}, element ${j}: ${value} is not ${expected[i]![j]}`,
      );
    });
  });
}

const optimizers: Record<string, Optimizer<unknown>> = {
  sgd: sgd({ learningRate: 0.05 }),
  momentum: sgd({ learningRate: 0.02, momentum: 0.9 }),
  nesterov: sgd({ learningRate: 0.02, momentum: 0.9, nesterov: true }),
  "sgd weight decay": sgd({ learningRate: 0.02, momentum: 0.5, weightDecay: 0.1 }),
  adam: adam({ learningRate: 0.05 }),
  "adam other": adam({ learningRate: 0.1, beta1: 0.8, beta2: 0.99, epsilon: 1e-3 }),
  adamW: adamW({ learningRate: 0.05, weightDecay: 0.1 }),
  rmsProp: rmsProp(),
  "rmsProp momentum": rmsProp({ decay: 0.9, momentum: 0.8, epsilon: 1e-4 }),
  adaGrad: adaGrad({ learningRate: 0.1 }),
  lion: lion({ learningRate: 0.01, weightDecay: 0.1 }),
  cosine: sgd({ learningRate: schedules.cosine({ from: 0.05, to: 0.005, steps: 80 }) }),
  exponential: sgd({ learningRate: schedules.exponential({ from: 0.05, factor: 0.97 }) }),
  steps: sgd({ learningRate: schedules.steps({ from: 0.05, factor: 0.1, every: 30 }) }),
  "warm-up": sgd({ learningRate: schedules.warmUp(20, schedules.linear({ from: 0.05, steps: 80 })) }),
};
for (const [name, optimizer] of Object.entries(optimizers)) {
  test(`${name}: 100 steps as an independent program takes them`, async () => {
    assertTrajectory(name, await trajectory(optimizer));
  });
}

test("clipping by norm and by value, and a moving average: 100 steps as an independent program takes them", async () => {
  const plain = sgd({ learningRate: 0.05 });
  assertTrajectory("clip norm", await trajectory(plain, (g) => clipByGlobalNorm(g, 0.5)));
  assertTrajectory("clip value", await trajectory(plain, (g) => clipByValue(g, 0.5)));
  assertTrajectory(
    "average",
    await trajectory(plain, undefined, (params, last) => movingAverage(last, params, 0.95)),
  );
});

test("the reference itself: every program went its own way, and towards lower loss", async () => {
  const ends = Object.values(reference.trajectories).map((rows) => rows.at(-1)!);
  assert.equal(new Set(ends.map(String)).size, ends.length);
  const at = async ([a, b, c, ...rest]: number[]) =>
    item(await evaluate(loss({ a: double([a!, b!, c!]), b: reshape(double(rest), [2, 2]) })));
  const first = item(await evaluate(loss(start)));
  for (const end of ends) assert.ok((await at(end)) < first / 2);
});

test("float32 parameters take the same way, up to rounding", async () => {
  for (const name of ["momentum", "adamW", "rmsProp", "adaGrad", "warm-up"]) {
    const optimizer = optimizers[name]!;
    const step = compile((state: { params: Params }) =>
      optimizer.update(
        state,
        valueAndGrad((p: Params) => loss(mapTree(p, (x) => cast(x, "float64"))))(state.params)[1],
      ),
    );
    const single = mapTree(start, (x) => fromData(Float32Array.from(values(x)), x.shape));
    let state = optimizer.init(single) as { params: Params };
    for (let i = 0; i < 100; i++) state = (await step(state)) as { params: Params };
    const expected = reference.trajectories[name]!.at(-1)!;
    leaves(state.params)
      .flatMap((x) => [...values(x)])
      .forEach((value, j) => {
        assert.ok(Math.abs(value - expected[j]!) < 1e-4, `${name} ${j}: ${value} is not ${expected[j]}`);
      });
  }
});

test("schedules: their values at single steps", async () => {
  const at = async (schedule: (step: Tensor) => Tensor, step: number) =>
    item(await evaluate(schedule(tensor(step, { dtype: "float64" }))));
  const near = (a: number, b: number) => assert.ok(Math.abs(a - b) < 1e-12, `${a} is not ${b}`);
  const { constant, linear, cosine, exponential, steps, warmUp } = schedules;
  near(await at(constant(0.3), 7), 0.3);
  near(await at(linear({ from: 1, to: 0.5, steps: 10 }), 4), 0.8);
  near(await at(linear({ from: 1, to: 0.5, steps: 10 }), 40), 0.5);
  near(await at(cosine({ from: 1, steps: 10 }), 5), 0.5);
  near(await at(cosine({ from: 1, steps: 10 }), 11), 0);
  near(await at(exponential({ from: 2, factor: 0.25, every: 10 }), 5), 1);
  for (const [step, rate] of [
    [0, 2],
    [9, 2],
    [10, 1],
    [29, 0.5],
    [30, 0.25],
  ] as const) {
    near(await at(steps({ from: 2, factor: 0.5, every: 10 }), step), rate);
  }
  near(await at(warmUp(4, 8), 0), 2);
  near(await at(warmUp(4, 8), 3), 8);
  near(await at(warmUp(4, linear({ from: 8, steps: 4 })), 4), 8);
  near(await at(warmUp(4, linear({ from: 8, steps: 4 })), 6), 4);
});

test("accumulating k parts of a batch takes the steps of the whole batch, and only then", async () => {
  const draw = random(5);
  const xs = double(Array.from({ length: 16 }, () => [...draw.normal(3)]));
  const ys = double(Array.from({ length: 16 }, () => [...draw.normal(1)]));
  const fit = (p: { w: Tensor }, x: Tensor, y: Tensor) => mean(square(subtract(matmul(x, p.w), y)));
  const inner = adamW({ learningRate: schedules.linear({ from: 0.1, steps: 10 }) });
  const whole = compile((state: ReturnType<typeof inner.init<{ w: Tensor }>>) =>
    inner.update(state, valueAndGrad(fit)(state.params, xs, ys)[1]),
  );
  const collecting = accumulate(inner, 4);
  const part = compile((state: ReturnType<typeof collecting.init<{ w: Tensor }>>, x: Tensor, y: Tensor) =>
    collecting.update(state, valueAndGrad(fit)(state.params, x, y)[1]),
  );
  const w = double([[0], [0], [0]]);
  let a = inner.init({ w });
  let b = collecting.init({ w });
  for (let i = 0; i < 6; i++) {
    const before = [...values(b.params.w)];
    for (let k = 0; k < 4; k++) {
      assert.deepEqual([...values(b.params.w)], before);
      const rows = (x: Tensor) => evaluate(slice(x, [[4 * k, 4 * k + 4]]));
      b = await part(b, await rows(xs), await rows(ys));
    }
    a = await whole(a);
    assert.equal(item(b.step), i + 1);
    values(b.params.w).forEach((value, j) => {
      assert.ok(Math.abs(value - values(a.params.w)[j]!) < 1e-12);
    });
  }
});

test("norms and limits: exact values, zero gradients, and what is small stays bit for bit", async () => {
  const tree = { a: double([3, 0]), b: [double([[4]])] };
  const zero = mapTree(tree, (x) => multiply(x, 0));
  const [length, clipped, same, none, cut] = await evaluate([
    globalNorm(tree),
    clipByGlobalNorm(tree, 2.5),
    clipByGlobalNorm(tree, 5),
    clipByGlobalNorm(zero, 1),
    clipByValue(tree, 3.5),
  ] as const);
  assert.equal(item(length), 5);
  assert.deepEqual([...values(clipped.a)], [1.5, 0]);
  assert.deepEqual([...values(clipped.b[0]!)], [2]);
  assert.deepEqual([...values(same.a)], [3, 0]);
  assert.deepEqual([...values(none.a)], [0, 0]);
  assert.deepEqual([...values(cut.b[0]!)], [3.5]);
});

test("misuse is named", () => {
  assert.throws(() => sgd({ learningRate: -1 }), /sgd: learningRate is -1; expected a number of at least 0/);
  assert.throws(
    () => sgd({ learningRate: 1, momentum: 1 }),
    /momentum is 1; expected a number of at least 0 and below 1/,
  );
  assert.throws(() => sgd({ learningRate: 1, nesterov: true }), /nesterov needs a momentum/);
  assert.throws(() => adam({ beta2: 1 }), /beta2 is 1/);
  assert.throws(() => adamW({ weightDecay: Number.NaN }), /weightDecay is NaN/);
  assert.throws(() => clipByGlobalNorm(start, 0), /limit is 0/);
  assert.throws(() => globalNorm({}), /the tree holds no tensor/);
  assert.throws(() => accumulate(adam(), 0.5), /every is 0.5/);
  assert.throws(() => movingAverage(start, start, 1), /decay is 1/);
  assert.throws(() => schedules.linear({ from: 1, steps: 0 }), /number of steps is 0/);
  assert.throws(() => schedules.exponential({ from: 1, factor: 0 }), /factor is 0/);
});
