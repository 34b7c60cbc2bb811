import assert from "node:assert/strict";
import { test } from "node:test";
import type { Comparison } from "../comparison.ts";
import { comparisonText } from "../text.ts";
import { reportPage } from "./page.ts";
import { linear, ticks } from "./svg.ts";

const interval = (estimate: number) => ({ estimate, low: estimate - 0.02, high: estimate + 0.02 });
const comparison: Comparison = {
  format: "nearmiss-comparison",
  version: 1,
  complete: true,
  file: "a<b>.csv",
  target: '<script>alert("x")</script>',
  task: "classification",
  classes: ["a", "b"],
  classRows: [60, 40],
  rows: { used: 100, training: 48, evaluation: 16, validation: 16, heldBack: 20 },
  columns: ["<i>"],
  metric: { name: "accuracy", label: "accuracy", better: "higher", why: "asked for" },
  metrics: ["ece"],
  baseline: "base",
  seeds: 2,
  learningRates: [0.001],
  notes: ["A note & more."],
  warnings: ["A <b>warning</b>."],
  objectives: [
    {
      name: "base",
      learningRate: 0.001,
      seeds: 2,
      metrics: { accuracy: interval(0.8), ece: interval(0.1) },
      seconds: 1,
      steps: 300,
    },
    {
      name: "better",
      learningRate: 0.001,
      seeds: 2,
      metrics: { accuracy: interval(0.9), ece: interval(0.1) },
      difference: { ...interval(0.1), p: 0.001, adjusted: 0.001 },
      seconds: 1,
      steps: 300,
    },
  ],
  failed: [{ name: "broken", reason: "the loss is NaN" }],
  recommendation: { objective: "better", text: "Use better." },
  heldBack: {
    rows: 20,
    results: [
      {
        objective: "base",
        metrics: { accuracy: 0.8 },
        reliability: [{ confidence: 0.7, accuracy: 0.8, count: 20 }],
      },
      {
        objective: "better",
        metrics: { accuracy: 0.9 },
        reliability: [{ confidence: 0.7, accuracy: 0.9, count: 20 }],
      },
    ],
    difference: interval(0.1),
    holds: "yes",
  },
  trials: ["base", "better"].map((objective) => ({
    objective,
    seed: 1,
    metrics: { accuracy: 0.8 },
    seconds: 1,
    steps: 300,
    curve: [
      [15, 0.5],
      [30, 0.8],
    ],
  })),
  seconds: 3,
  versions: { nearmiss: "0.1.0" },
};

test("the page is whole in itself, and what users wrote is text in it", () => {
  const page = reportPage(comparison);
  assert.doesNotMatch(page, /<script|https?:|\bsrc=|@import|url\(/);
  assert.match(page, /&lt;script&gt;alert\(&quot;x&quot;\)&lt;\/script&gt;/);
  assert.match(page, /A &lt;b&gt;warning&lt;\/b&gt;/);
  assert.match(page, /&lt;i&gt;/);
  assert.match(page, /A note &amp; more/);
  assert.doesNotMatch(page, /undefined|Infinity/);
});

test("it has the recommendation, every plot with title and description, and the numbers as a table", () => {
  const page = reportPage(comparison);
  assert.match(page, /class="answer found">Use better\./);
  const drawings = page.match(
    /<svg viewBox="[^"]+" width="\d+" height="\d+" role="img" aria-labelledby="[\w-]+ [\w-]+"><title[^>]*>[^<]+<\/title><desc[^>]*>[^<]+<\/desc>/g,
  );
  assert.equal(drawings?.length, 4);
  assert.match(
    page,
    /<th scope="row">better<\/th><td>0\.900 \[0\.880, 0\.920\]<\/td><td>\+0\.100 \[\+0\.080, \+0\.120\]<\/td><td>0\.001<\/td>/,
  );
  assert.match(page, /broken could not be trained: the loss is NaN/);
});

test("a comparison that was stopped says so, with one seed or none", () => {
  const { recommendation, heldBack, ...rest } = comparison;
  const endless = { estimate: 0.8, low: -Infinity, high: Infinity };
  const one = rest.objectives.map((objective) => ({
    ...objective,
    metrics: { accuracy: endless, ece: endless },
  }));
  const stopped: Comparison = { ...rest, complete: false, objectives: one };
  assert.match(reportPage(stopped), /<strong>Incomplete\.<\/strong>.*2 trainings are finished/);
  assert.doesNotMatch(reportPage(stopped), /class="answer|Infinity/);
  assert.match(comparisonText(stopped), /^Incomplete: it was stopped/m);
  const none: Comparison = { ...stopped, objectives: [], trials: [] };
  assert.match(reportPage(none), /0 trainings are finished/);
  assert.match(comparisonText(none), /Incomplete/);
  assert.ok(recommendation && heldBack);
});

test("a comparison of numbers shows true against predicted values", () => {
  const results = comparison.heldBack!.results.map(({ objective }) => ({
    objective,
    metrics: { rmse: 1 },
    scatter: [
      [1, 2],
      [3, 3],
    ] as [number, number][],
  }));
  const page = reportPage({
    ...comparison,
    task: "regression",
    heldBack: { ...comparison.heldBack!, results },
  });
  assert.match(page, /id="scatter-title"/);
});

test("ticks are round and lie within the domain", () => {
  assert.deepEqual(
    ticks([0, 1]).map(({ text }) => text),
    ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"],
  );
  assert.deepEqual(
    ticks([-0.013, 0.021]).map(({ text }) => text),
    ["-0.010", "-0.005", "0.000", "0.005", "0.010", "0.015", "0.020"],
  );
  assert.deepEqual(linear([2, 2], [0, 10]).domain, [1.5, 2.5]);
});
