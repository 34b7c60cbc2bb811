import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type Floats, random } from "../random.ts";
import {
  bagGradients,
  bagMeans,
  embeddingTable,
  gatherRows,
  lazyAdam,
  lazyAdamBags,
  lazyAdamState,
  rowCollector,
  type Table,
} from "./index.ts";

/** The largest difference, as a part of the largest expected value. */
function difference(actual: Floats, expected: Floats): number {
  assert.equal(actual.length, expected.length);
  let [largest, worst] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    assert.ok(Number.isFinite(actual[i]!));
    largest = Math.max(largest, Math.abs(expected[i]!));
    worst = Math.max(worst, Math.abs(actual[i]! - expected[i]!));
  }
  assert.ok(largest > 0);
  return worst / largest;
}

const plain = (like: Table): Table => ({
  values: Float64Array.from(like.values),
  rows: like.rows,
  width: like.width,
});

for (const width of [4, 128]) {
  test(`100 steps are those of the plain functions in float64, width ${width}`, () => {
    const [rows, bags, bag, padding] = [50, 12, 5, 7];
    const draw = random(width);
    const table = embeddingTable(rows, width, bags * bag, { bag });
    assert.ok(table.memory);
    draw.normal(table.values);
    const first = table.values.slice();
    const reference = plain(table);
    const state = lazyAdamState(table);
    const expected = lazyAdamState(reference);
    const collect = rowCollector(rows, bags * bag, { bag, padding });
    const means = new Float32Array(bags * width);
    const expectedMeans = new Float64Array(bags * width);
    const gradients = new Float32Array(bags * width);
    const perRow = new Float64Array(bags * bag * width);
    const options = { learningRate: 0.01, beta1: 0.8, beta2: 0.99, epsilon: 1e-6 };
    let repeated = 0;
    for (let step = 0; step < 100; step++) {
      // Rows below 40 only, the padding among them, fewer bags than there is room for, one of padding alone.
      const indices = Int32Array.from({ length: (bags - (step % 3)) * bag }, () => draw.integer(0, 40));
      indices.fill(padding, bag, 2 * bag);
      const batch = collect(indices);
      repeated += batch.starts[batch.count]! - batch.count;
      bagMeans(table, batch, means);
      bagMeans(reference, batch, expectedMeans);
      assert.ok(difference(means, expectedMeans) < 2e-6);
      draw.normal(gradients);
      lazyAdamBags(table, state, batch, gradients, options);
      bagGradients(width, batch, gradients, perRow);
      lazyAdam(reference, expected, batch, perRow, options);
    }
    assert.ok(repeated > 1000);
    assert.equal(state.step, 100);
    assert.ok(difference(table.values, reference.values) < 2e-6);
    assert.ok(difference(state.mean as Float32Array, expected.mean) < 2e-6);
    assert.ok(difference(state.square as Float32Array, expected.square) < 2e-6);
    for (const row of [padding, 40, 49]) {
      const [from, to] = [row * width, (row + 1) * width];
      assert.deepEqual(table.values.subarray(from, to), first.subarray(from, to));
      assert.ok(state.square.subarray(from, to).every((value) => value === 0));
    }
  });
}

test("any batch, down to none and to padding alone, has the means and the step of a plain table", () => {
  const size = (max: number) => fc.integer({ min: 1, max });
  fc.assert(
    fc.property(size(40), size(5), size(9), size(4), fc.integer(), (rows, quads, bags, bag, seed) => {
      const draw = random(seed);
      const width = 4 * quads;
      const padding = draw.integer(0, rows);
      const table = embeddingTable(rows, width, bags * bag, { bag });
      draw.normal(table.values);
      const reference: Table = { values: table.values.slice(), rows, width };
      const collect = rowCollector(rows, bags * bag, { bag, padding });
      const [state, expected] = [lazyAdamState(table), lazyAdamState(reference)];
      for (let step = 0; step < 3; step++) {
        const length = draw.integer(0, bags + 1) * bag;
        const batch = collect(Int32Array.from({ length }, () => draw.integer(0, rows)));
        const means = new Float64Array(bags * width).fill(7);
        const expectedMeans = new Float64Array(bags * width).fill(7);
        bagMeans(table, batch, means);
        bagMeans(reference, batch, expectedMeans);
        const gradients = draw.normal(new Float64Array(bags * width));
        lazyAdamBags(table, state, batch, gradients, { learningRate: 0.1 });
        lazyAdamBags(reference, expected, batch, gradients, { learningRate: 0.1 });
        means.forEach((mean, i) => {
          assert.ok(Math.abs(mean - expectedMeans[i]!) < 1e-5);
        });
        // Steps are of the size of the learning rate, where gradients cancel too: of those, the sign is open.
        table.values.forEach((value, i) => {
          const certain = Math.abs(expected.mean[i]!) > 1e-3 || expected.mean[i] === 0;
          assert.ok(Math.abs(value - reference.values[i]!) < (certain ? 1e-4 : 0.3));
        });
      }
    }),
    { numRuns: 60 },
  );
});

test("the memory stays where it is, and the other functions take the table as well", () => {
  const table = embeddingTable(6, 4, 4);
  const { values } = table;
  values.fill(3);
  const collect = rowCollector(6, 4);
  const state = lazyAdamState(table);
  for (let step = 0; step < 1000; step++)
    lazyAdamBags(table, state, collect(Int32Array.of(5, step % 5)), new Float32Array(16).fill(1), {
      learningRate: 1e-3,
    });
  assert.equal(table.values, values);
  assert.ok(Math.abs(values[5 * 4]! - 2) < 1e-3, "1000 steps of 0.001 against a constant gradient");
  const row = new Float32Array(4);
  gatherRows(table, collect(Int32Array.of(5)), row);
  assert.deepEqual(row, values.subarray(20));
  assert.ok(state.mean.some((mean) => mean !== 0));
  assert.ok(lazyAdamState(table).mean.every((mean) => mean === 0));
});

test("other widths, other moments and other values take the plain loops", () => {
  const gradients = Float32Array.from({ length: 12 }, (_, i) => Math.sin(i));
  const odd = embeddingTable(3, 6, 2);
  assert.equal(odd.memory, undefined);
  const four = embeddingTable(3, 4, 2);
  const own = { mean: new Float32Array(12), square: new Float32Array(12), step: 0 };
  const copy = { ...four, values: new Float32Array(12) };
  for (const [table, state] of [
    [odd, lazyAdamState(odd)],
    [four, own],
    [copy, lazyAdamState(copy)],
  ] as const) {
    const batch = rowCollector(3, 2)(Int32Array.of(2, 2));
    const expected = plain(table);
    const perRow = new Float64Array(table.width);
    bagGradients(table.width, batch, gradients, perRow);
    lazyAdam(expected, lazyAdamState(expected), batch, perRow, { learningRate: 0.1 });
    lazyAdamBags(table, state, batch, gradients, { learningRate: 0.1 });
    assert.ok(difference(table.values, expected.values) < 1e-6);
    assert.ok(state.mean.subarray(2 * table.width).every((mean) => mean !== 0));
    const means = new Float32Array(2 * table.width);
    bagMeans(table, batch, means);
    assert.deepEqual(means.subarray(table.width), table.values.subarray(2 * table.width));
  }
  assert.equal(four.memory!.mean[8], 0);
});

test("misuse is named, and changes nothing", () => {
  assert.throws(() => embeddingTable(0, 4, 1), /embeddingTable: rows is 0; expected a whole number/);
  assert.throws(() => embeddingTable(1, 4.5, 1), /width is 4.5/);
  assert.throws(() => embeddingTable(1, 4, Number.NaN), /capacity is NaN/);
  assert.throws(() => embeddingTable(1, 4, 1, { bag: 0 }), /bag is 0/);
  assert.throws(
    () => embeddingTable(3_000_000, 128, 16),
    /rows 3000000, width 128 and capacity 16 need 4608008\d{3} bytes; expected at most 4294967296/,
  );

  const table = embeddingTable(5, 4, 4, { bag: 2 });
  table.values.fill(1);
  const state = lazyAdamState(table);
  const step = (
    batch: ReturnType<ReturnType<typeof rowCollector>>,
    gradients = new Float32Array(8).fill(1),
  ) => lazyAdamBags(table, state, batch, gradients, { learningRate: 0.1 });
  const foreign = rowCollector(9, 4, { bag: 2 })(Int32Array.of(1, 8));
  assert.throws(() => step(foreign), /lazyAdamBags: batch names row 8; expected 0 to 4/);
  assert.throws(() => bagMeans(table, foreign, new Float32Array(8)), /bagMeans: batch names row 8/);
  const long = rowCollector(5, 6, { bag: 3 })(Int32Array.of(1, 2, 3));
  assert.throws(() => step(long), /room for 6 indices in 2 bags; expected at most 4 in 2/);
  const single = rowCollector(5, 4)(Int32Array.of(1, 2));
  assert.throws(() => step(single, new Float32Array(16)), /4 indices in 4 bags/);
  const batch = rowCollector(5, 4, { bag: 2 })(Int32Array.of(1, 2));
  assert.throws(() => step(batch, new Float32Array(7)), /gradients has 7 values; expected at least 8/);
  assert.throws(() => bagMeans(table, batch, new Float32Array(7)), /into has 7 values; expected at least 8/);
  assert.throws(
    () => lazyAdamBags(table, state, batch, new Float32Array(8), { learningRate: -1 }),
    /lazyAdamBags: learningRate is -1/,
  );
  assert.equal(state.step, 0);
  assert.ok(table.values.every((value) => value === 1));
  assert.ok([...state.mean, ...state.square].every((value) => value === 0));
});
