import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import fc from "fast-check";
import {
  compile,
  embeddingBag,
  evaluate,
  fromData,
  gather,
  multiply,
  square,
  subtract,
  sum,
  type Tensor,
  valueAndGrad,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import {
  adaGrad,
  adaGradRows,
  adam,
  bagGradients,
  bagMeans,
  gatherRows,
  lazyAdam,
  lazyAdamState,
  type Optimizer,
  rowCollector,
  sgd,
  sgdRows,
  type Table,
} from "./index.ts";

const [ROWS, WIDTH] = [6, 3];
const newTable = (): Table => ({
  values: Float64Array.from({ length: ROWS * WIDTH }, (_, k) => 0.5 * Math.sin(k)),
  rows: ROWS,
  width: WIDTH,
});
/** Four indices, some of them twice, other rows at every step. */
const indicesAt = (i: number) =>
  Int32Array.of((i * i + 1) % ROWS, (3 * i + 2) % ROWS, (i * i + 1) % ROWS, Math.floor(i / 2) % ROWS);
const targetsAt = (i: number) =>
  fromData(
    Float64Array.from({ length: 12 }, (_, k) => Math.cos(k + i)),
    [4, WIDTH],
  );
/** ½ Σ (row − target)² over the rows of a batch. */
const lossOf = (rows: Tensor, indices: Tensor, targets: Tensor) =>
  multiply(sum(square(subtract(gather(rows, indices), targets))), 0.5);

/** 100 steps; `update` sees the table, the batch and the gradient with respect to the batch's rows. */
async function train(
  update: (table: Table, batch: ReturnType<ReturnType<typeof rowCollector>>, gradient: Float64Array) => void,
  watch: (step: number, table: Table) => void = () => {},
): Promise<Table> {
  const table = newTable();
  const collect = rowCollector(ROWS, 4);
  const rows = new Float64Array(4 * WIDTH);
  const gradient = compile(
    (x: Tensor, positions: Tensor, targets: Tensor) => valueAndGrad(lossOf)(x, positions, targets)[1],
  );
  for (let i = 1; i <= 100; i++) {
    const batch = collect(indicesAt(i));
    gatherRows(table, batch, rows);
    const g = await gradient(fromData(rows, [4, WIDTH]), fromData(batch.positions, [4]), targetsAt(i));
    update(table, batch, values(g) as Float64Array);
    watch(i, table);
  }
  return table;
}

async function trainDense<State>(optimizer: Optimizer<State>): Promise<ArrayLike<number>> {
  const step = compile((state: State & { params: Tensor }, indices: Tensor, targets: Tensor) =>
    optimizer.update(state, valueAndGrad(lossOf)(state.params, indices, targets)[1]),
  );
  let state = optimizer.init(fromData(newTable().values, [ROWS, WIDTH]));
  for (let i = 1; i <= 100; i++) state = await step(state, fromData(indicesAt(i), [4]), targetsAt(i));
  return values(state.params);
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
}

test("sgd and AdaGrad by rows are those over the whole table, over 100 steps", async () => {
  const bySgd = await train((table, batch, g) => sgdRows(table, batch, g, { learningRate: 0.05 }));
  assertClose(bySgd.values, await trainDense(sgd({ learningRate: 0.05 })), 1e-14);
  const state = { square: new Float64Array(ROWS * WIDTH) };
  const byAdaGrad = await train((table, batch, g) =>
    adaGradRows(table, state, batch, g, { learningRate: 0.1 }),
  );
  assertClose(byAdaGrad.values, await trainDense(adaGrad({ learningRate: 0.1 })), 1e-14);
});

test("lazy Adam takes the 100 steps of PyTorch's SparseAdam", async () => {
  const stored = JSON.parse(readFileSync(new URL("trajectories.json", import.meta.url), "utf8")) as {
    steps: number[];
    rows: Record<string, number[][]>;
  };
  const settings = {
    lazyAdam: { learningRate: 0.05 },
    "lazyAdam other": { learningRate: 0.1, beta1: 0.8, beta2: 0.99, epsilon: 1e-3 },
  };
  for (const [name, options] of Object.entries(settings)) {
    const state = lazyAdamState(newTable());
    let compared = 0;
    await train(
      (table, batch, g) => lazyAdam(table, state, batch, g, options),
      (step, table) => {
        const at = stored.steps.indexOf(step);
        if (at >= 0) assertClose(table.values, stored.rows[name]![at]!, 1e-10);
        if (at >= 0) compared++;
      },
    );
    assert.equal(compared, 7);
    assert.equal(state.step, 100);
  }
});

test("where every row is in every batch, lazy Adam is Adam, moments included", async () => {
  const table = newTable();
  const collect = rowCollector(ROWS, ROWS);
  const state = lazyAdamState(table);
  const options = { learningRate: 0.05, epsilon: 0 };
  const optimizer = adam(options);
  const all = Int32Array.from({ length: ROWS }, (_, i) => i);
  let dense = optimizer.init(fromData(newTable().values, [ROWS, WIDTH]));
  const step = compile((s: typeof dense, g: Tensor) => optimizer.update(s, g));
  for (let i = 0; i < 20; i++) {
    const g = random(i).normal(new Float64Array(ROWS * WIDTH));
    lazyAdam(table, state, collect(all), g, options);
    dense = await step(dense, fromData(g, [ROWS, WIDTH]));
  }
  assertClose(table.values, values(dense.params), 1e-12);
  assertClose(state.mean, values(dense.mean as Tensor), 1e-12);
  assertClose(state.square, values(dense.square as Tensor), 1e-12);
});

test("rows that are not in the batch keep their values and moments bit for bit", async () => {
  const table = newTable();
  const state = lazyAdamState(table);
  const collect = rowCollector(ROWS, 2);
  lazyAdam(table, state, collect(Int32Array.of(4, 1)), new Float64Array(6).fill(1), { learningRate: 0.1 });
  const first = newTable().values;
  for (const row of [0, 2, 3, 5]) {
    for (let k = 0; k < WIDTH; k++) {
      assert.equal(table.values[row * WIDTH + k], first[row * WIDTH + k]);
      assert.equal(state.square[row * WIDTH + k], 0);
    }
  }
  for (const row of [1, 4])
    assert.ok(Math.abs(table.values[row * WIDTH]! - first[row * WIDTH]! + 0.1) < 1e-6);
});

test("collected rows against the plain way, with bags and padding, batch after batch", () => {
  const rowsOf = fc.integer({ min: 1, max: 100 });
  fc.assert(
    fc.property(
      rowsOf,
      fc.integer({ min: 1, max: 4 }),
      fc.integer(),
      fc.boolean(),
      (rows, bag, seed, padded) => {
        const draw = random(seed);
        const padding = padded ? draw.integer(0, rows) : undefined;
        const collect = rowCollector(rows, 12 * bag, { bag, padding });
        for (let turn = 0; turn < 3; turn++) {
          const bags = draw.integer(0, 13);
          const indices = Int32Array.from({ length: bags * bag }, () => draw.integer(0, rows));
          const batch = collect(indices);
          const real = [...indices].filter((row) => row !== padding);
          const unique = [...new Set(real)].sort((a, b) => a - b);
          assert.deepEqual([...batch.rows.subarray(0, batch.count)], unique);
          indices.forEach((row, i) => {
            assert.equal(batch.positions[i], row === padding ? 0 : unique.indexOf(row));
          });
          assert.equal(batch.starts[batch.count], real.length);
          unique.forEach((row, place) => {
            const expected = [...indices].flatMap((other, i) => (other === row ? [Math.floor(i / bag)] : []));
            assert.deepEqual(
              [...batch.bags.subarray(batch.starts[place], batch.starts[place + 1])],
              expected,
            );
          });
          for (let b = 0; b < 12; b++) {
            const size = [...indices.subarray(b * bag, (b + 1) * bag)].filter(
              (row) => row !== padding,
            ).length;
            assert.equal(batch.weights[b], size === 0 ? 0 : 1 / size);
          }
        }
      },
    ),
    { numRuns: 60 },
  );
});

for (const padding of [undefined, 0]) {
  test(`means and gradients of bags are those of embeddingBag ${padding === 0 ? "with" : "without"} padding`, async () => {
    const draw = random(3);
    const [rows, width, bags, bag] = [9, 5, 7, 4];
    const table: Table = { values: draw.normal(new Float64Array(rows * width)), rows, width };
    const indices = Int32Array.from({ length: bags * bag }, () => draw.integer(0, 4));
    indices.fill(0, 8, 12);
    const weights = fromData(draw.normal(new Float64Array(bags * width)), [bags, width]);
    const whole = fromData(table.values, [rows, width]);
    const bagged = (x: Tensor) =>
      embeddingBag(x, fromData(indices, [bags, bag]), { padding: padding ?? null });
    const [means, gradient] = await evaluate([
      bagged(whole),
      valueAndGrad((x: Tensor) => sum(multiply(bagged(x), weights)))(whole)[1],
    ] as const);

    const batch = rowCollector(rows, bags * bag, { bag, padding })(indices);
    const into = new Float64Array(bags * width).fill(7);
    bagMeans(table, batch, into);
    assertClose(into, values(means), 1e-14);
    const perRow = new Float64Array(batch.count * width).fill(7);
    bagGradients(width, batch, values(weights) as Float64Array, perRow);
    const scattered = new Float64Array(rows * width);
    for (let i = 0; i < batch.count; i++)
      scattered.set(perRow.subarray(i * width, (i + 1) * width), batch.rows[i]! * width);
    assertClose(scattered, values(gradient), 1e-14);
  });
}

test("misuse is named, and leaves the collector usable", () => {
  const collect = rowCollector(5, 4, { bag: 2 });
  assert.throws(() => collect(Int32Array.of(1, 5)), /index 1 is 5; expected 0 to 4/);
  assert.throws(() => collect(Int32Array.of(3, -1)), /index 1 is -1/);
  assert.throws(() => collect(new Int32Array(6)), /6 indices; expected at most 4, in bags of 2/);
  assert.throws(() => collect(new Int32Array(3)), /3 indices/);
  const batch = collect(Int32Array.of(2, 2));
  assert.deepEqual([...batch.rows.subarray(0, batch.count)], [2]);
  const table = newTable();
  assert.throws(
    () => sgdRows(table, batch, new Float64Array(2), { learningRate: 1 }),
    /gradients has 2 values; expected at least 3/,
  );
  assert.throws(
    () => sgdRows(table, batch, new Float64Array(3), { learningRate: Number.NaN }),
    /learningRate is NaN/,
  );
  assert.throws(() => bagMeans(table, batch, new Float64Array(3)), /into has 3 values; expected at least 6/);
  assert.throws(() => gatherRows(table, batch, new Float64Array(1)), /into has 1 values/);
  const small = { ...lazyAdamState(table), mean: new Float64Array(1) };
  assert.throws(
    () => lazyAdam(table, small, batch, new Float64Array(3), { learningRate: 1 }),
    /mean has 1 values/,
  );
  assert.throws(() => rowCollector(0, 4), /rows is 0/);
});
