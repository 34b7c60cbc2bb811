import assert from "node:assert/strict";
import { test } from "node:test";
import { columnOf, parseCsv, type Table } from "nearmiss/data";
import { type CompareOptions, compareObjectives } from "./compare.ts";
import { metricOf } from "./metrics.ts";
import { type PrepareOptions, poolSplit, prepare } from "./prepare.ts";
import { numbersText, twoClasses } from "./testing.ts";

const settings: PrepareOptions = { target: "kind", ignore: ["note"], maxRows: 10_000 };
const options: CompareOptions = {
  objectives: ["softmaxCrossEntropy", "integratedRisk-weights"],
  metric: metricOf("balanced-accuracy"),
  why: "asked for",
  seeds: 2,
};
const timeless = (value: object) =>
  JSON.parse(JSON.stringify(value, (key, v) => (key === "seconds" ? 0 : v)));

test("every row is in one part, held back, validation or pool, and each seed divides the pool", () => {
  const prepared = prepare(twoClasses(300, 0.3), settings);
  const { heldBack, validation, pool } = prepared;
  const all = [heldBack, validation, pool].flat(2).sort((a, b) => a - b);
  assert.deepEqual(
    all,
    Array.from({ length: 300 }, (_, i) => i),
  );
  assert.equal(heldBack.flat().length, 60);
  const [training, evaluation] = poolSplit(prepared, 1);
  assert.deepEqual([training, evaluation].flat(2).sort(), pool.flat().sort());
  assert.notDeepEqual(poolSplit(prepared, 2), [training, evaluation]);
});

test("equal rows are in one part, also where their targets differ", () => {
  const rows = Array.from({ length: 120 }, (_, i) => `${i % 40},${(i >> 2) % 2 ? "a" : "b"}\n`);
  const prepared = prepare(parseCsv(`x,kind\n${rows.join("")}`), { ...settings, ignore: [] });
  const parts = [prepared.heldBack, prepared.validation, ...poolSplit(prepared, 1)];
  const places = new Map<number, number>();
  for (const [part, groups] of parts.entries())
    for (const row of groups.flat()) {
      assert.equal(places.get(row % 40) ?? part, part);
      places.set(row % 40, part);
    }
  assert.match(prepared.notes.join(" "), /80 rows repeat an earlier one/);
});

test("of more than maxRows a sample is used, and it is said", () => {
  const prepared = prepare(twoClasses(300, 0.3), { ...settings, maxRows: 100 });
  assert.equal(prepared.rows, 100);
  assert.match(prepared.notes.join(" "), /random sample of 100 of 300 rows/);
});

test("where one objective is better, it is recommended and holds; numbers repeat", async () => {
  // The classes overlap and one is rare: cross-entropy hardly ever names it, inverse frequencies do.
  const prepared = prepare(twoClasses(1000, 0.15, 1), settings);
  const first = await compareObjectives(prepared, { ...options, seeds: 6 });
  const { findings } = first;
  assert.equal(findings.complete, true);
  assert.equal(findings.recommendation?.objective, "integratedRisk-weights");
  assert.equal(findings.heldBack?.holds, "yes");
  assert.equal(first.model?.objective, "integratedRisk-weights");
  assert.equal(findings.trials.length, 12);
  const weighted = findings.objectives.find(({ name }) => name === "integratedRisk-weights");
  assert.ok(weighted!.difference!.low > 0);
  const again = await compareObjectives(prepared, { ...options, seeds: 6 });
  assert.deepEqual(timeless(again.findings), timeless(findings));
});

test("the baseline alone is kept, and nothing is recommended", async () => {
  const prepared = prepare(twoClasses(300, 0.3), settings);
  const { findings, model } = await compareObjectives(prepared, {
    ...options,
    objectives: ["softmaxCrossEntropy"],
  });
  assert.equal(findings.recommendation?.objective, undefined);
  assert.equal(model?.objective, "softmaxCrossEntropy");
});

test("rows held back decide nothing: other labels and values there change only what is said of them", async () => {
  const prepared = prepare(twoClasses(400, 0.3), settings);
  assert.ok(prepared.target.task === "classification");
  const labels = prepared.target.labels.slice();
  const x = columnOf(prepared.table, "x", "number");
  const values = x.values.slice();
  for (const row of prepared.heldBack.flat()) {
    labels[row] = 1 - labels[row];
    values[row] = 1 + 2 * values[row];
  }
  const columns = prepared.table.columns.map((column) => (column === x ? { ...x, values } : column));
  const other = {
    ...prepared,
    table: { ...prepared.table, columns },
    target: { ...prepared.target, labels },
  };
  const [a, b] = [await compareObjectives(prepared, options), await compareObjectives(other, options)].map(
    ({ findings: { heldBack, recommendation, ...rest } }) => ({
      heldBack,
      objective: recommendation?.objective,
      rest: timeless(rest),
    }),
  );
  assert.deepEqual(a.rest, b.rest);
  assert.equal(a.objective, b.objective);
  assert.ok(a.heldBack!.results[0].metrics.accuracy > 0.7);
  assert.ok(b.heldBack!.results[0].metrics.accuracy < 0.5);
});

test("numbers are predicted in their own units", async () => {
  const table: Table = parseCsv(numbersText(400));
  const prepared = prepare(table, { target: "y", maxRows: 10_000 });
  const { findings } = await compareObjectives(prepared, {
    ...options,
    objectives: ["squaredError", "huber"],
    metric: metricOf("rmse"),
  });
  // Noise of 0.3 cannot be predicted; the mean alone would be off by √13.
  const { rmse } = findings.heldBack!.results[0].metrics;
  assert.ok(rmse > 0.2 && rmse < 1, `${rmse}`);
});

test("stopped, it gives what is finished, and recommends nothing", async () => {
  const stop = new AbortController();
  const { findings, model } = await compareObjectives(prepare(twoClasses(300, 0.3), settings), {
    ...options,
    signal: stop.signal,
    onProgress: (_, what) => {
      if (what.includes("seed 2 of 2")) stop.abort();
    },
  });
  assert.equal(findings.complete, false);
  assert.equal(model, undefined);
  assert.equal(findings.recommendation, undefined);
  assert.deepEqual(
    findings.trials.map(({ objective, seed }) => `${objective} ${seed}`),
    ["softmaxCrossEntropy 1", "integratedRisk-weights 1"],
  );
  assert.deepEqual(
    findings.objectives.map(({ seeds }) => seeds),
    [1, 1],
  );
});

test("progress rises to the end", async () => {
  const told: number[] = [];
  await compareObjectives(prepare(twoClasses(200, 0.4), settings), {
    ...options,
    seeds: 1,
    onProgress: (fraction) => told.push(fraction),
  });
  assert.ok(told.every((fraction, i) => i === 0 || fraction >= told[i - 1]));
  assert.ok(told[0] < 0.05 && told.at(-1)! > 0.8 && told.at(-1)! <= 1);
});
