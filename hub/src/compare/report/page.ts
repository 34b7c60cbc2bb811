/** The report: one HTML file that needs nothing else, readable in light and dark, on paper and aloud. */
import { short } from "../../cli/output.ts";
import type { Comparison, HeldBack } from "../comparison.ts";
import { type MetricName, metricOf } from "../metrics.ts";
import { probability } from "../recommendation-text.ts";
import { between, ranked } from "../text.ts";
import { curvesPlot } from "./curves-plot.ts";
import { figure, key, list, page, table, versionsText } from "./document.ts";
import { intervalPlot } from "./interval-plot.ts";
import { reliabilityPlot } from "./reliability-plot.ts";
import { scatterPlot } from "./scatter-plot.ts";
import { type Series, escapeText as text } from "./svg.ts";

export function reportPage(comparison: Comparison): string {
  const { file, target, heldBack, complete, trials } = comparison;
  const title = `Objectives for “${target}”`;
  const sections = [
    header(comparison, title),
    ...(complete
      ? []
      : [
          `<p class="warning"><strong>Incomplete.</strong> The comparison was stopped: ${trials.length} trainings are finished, intervals are of fewer seeds, and nothing is recommended.</p>`,
        ]),
    ...comparison.warnings.map(
      (warning) => `<p class="warning"><strong>Warning.</strong> ${text(warning)}</p>`,
    ),
    ...(comparison.objectives.length > 0 ? [objectivesSection(comparison)] : []),
    ...(heldBack ? [heldBackSection(comparison, heldBack)] : []),
    ...(trials.length > 0 ? [curvesSection(comparison)] : []),
    method(comparison),
  ];
  const footer = `${versionsText(comparison.versions)}. The numbers are in comparison.json beside this file.`;
  return page(`${title}, ${file}`, sections, footer);
}

function header(
  { file, task, classes, rows, columns, seeds, seconds, recommendation }: Comparison,
  title: string,
) {
  const kind = task === "regression" ? "a number" : `${classes!.length} classes`;
  const facts = `${file}: ${rows.used} rows, ${columns.length} columns, target ${kind}; ${seeds} seed${seeds === 1 ? "" : "s"}, ${seconds.toFixed(0)} s`;
  const answer = recommendation
    ? `<p class="answer${recommendation.objective ? " found" : ""}">${text(recommendation.text)}</p>`
    : "";
  return `<h1>${text(title)}</h1>\n<p class="facts">${text(facts)}</p>\n${answer}`;
}

function objectivesSection(comparison: Comparison): string {
  const { metric, baseline, task, objectives, failed } = comparison;
  const others = comparison.metrics.filter((name) => name in objectives[0].metrics);
  const head = [
    "objective",
    metric.label,
    `against ${baseline}`,
    "corrected p",
    ...others.map((name) => metricOf(name).label),
    "learning rate",
    "steps",
    "seconds",
  ];
  const rows = ranked(comparison).map(({ name, metrics, difference, learningRate, steps, seconds }) => [
    name,
    between(metrics[metric.name]),
    difference ? between(difference, true) : "baseline",
    difference ? probability(difference.adjusted) : "",
    ...others.map((other) => short(metrics[other].estimate)),
    short(learningRate),
    steps.toFixed(0),
    seconds.toFixed(2),
  ]);
  const calibration = task === "classification" ? " ECE is the expected calibration error." : "";
  const caption = `Means over seeds, with 95 % intervals; differences are paired by seed, and p is corrected for all of them (Holm).${calibration}`;
  return [
    "<h2>All objectives</h2>",
    key([
      ["baseline", `${baseline}, the baseline; the dashed line is its mean`],
      ["other", "other objectives"],
    ]),
    figure(intervalPlot(comparison, "metric"), "Objectives and their intervals"),
    ...(objectives.some(({ difference }) => difference)
      ? [
          `<p class="under">What decides is the difference on the same seeds, whose interval can be much shorter:</p>`,
          figure(intervalPlot(comparison, "difference"), "Differences from the baseline"),
        ]
      : []),
    figure(table(caption, head, rows), "Table of all objectives"),
    ...failed.map(
      ({ name, reason }) => `<p class="under">${text(`${name} could not be trained: ${reason}`)}</p>`,
    ),
  ].join("\n");
}

function heldBackSection({ metric, target, task }: Comparison, held: HeldBack): string {
  const names = Object.keys(held.results[0].metrics) as MetricName[];
  const rows = held.results.map(({ objective, metrics }) => [
    objective,
    ...names.map((name) => short(metrics[name])),
  ]);
  const head = ["objective", ...names.map((name) => metricOf(name).label)];
  const difference = held.difference
    ? `<p>Difference in ${metric.label}: ${text(between(held.difference, true))}, the interval over resampled rows.</p>`
    : "";
  const plot = task === "classification" ? reliabilityPlot(held) : scatterPlot(held, target);
  const explanation =
    task === "classification"
      ? "Predictions by how sure they are, in ten bins; large marks are many rows. On the dashed line, predictions with a confidence of 0.8 are right in 80 % of rows."
      : "Each mark is a row. On the dashed line, the prediction is exact.";
  return [
    "<h2>On rows held back from everything</h2>",
    figure(
      table(
        `Trained once more, on all rows for training and evaluation together, and tried on ${held.rows} rows that decided nothing.`,
        head,
        rows,
      ),
      "Results on rows held back",
    ),
    difference,
    key(held.results.map(({ objective }, i) => [i === 0 ? "baseline" : "other", objective])),
    figure(plot, task === "classification" ? "Reliability diagram" : "True and predicted values"),
    `<p class="under">${explanation}</p>`,
  ].join("\n");
}

function curvesSection(comparison: Comparison): string {
  const { baseline, recommendation } = comparison;
  const other = recommendation?.objective ?? ranked(comparison).find(({ name }) => name !== baseline)?.name;
  return [
    "<h2>Training</h2>",
    key([["baseline", baseline], ...(other ? [["other", other] as [Series, string]] : [])]),
    figure(curvesPlot(comparison, other), "Training curves"),
    `<p class="under">One line a seed. Training stops where validation rows no longer gain, and the best step is kept.</p>`,
  ].join("\n");
}

function method(comparison: Comparison): string {
  const { rows, seeds, learningRates, metric, notes, columns, baseline } = comparison;
  const items = [
    `${rows.heldBack} rows were held back from everything. ${rows.validation} rows chose learning rates (among ${learningRates.join(", ")}) and when to stop; no reported number is of them. The other ${rows.training + rows.evaluation} were split anew for each of ${seeds} seeds into ${rows.training} to train on and ${rows.evaluation} to evaluate on, the same for all objectives.`,
    `All objectives train the same network with Adam, from the same weights on the same batches for a seed. How columns become numbers is learnt from training rows alone.`,
    `${metric.label} decides: ${metric.why}.`,
    `Repeated splits share rows, so intervals and tests use the enlarged variance of Nadeau and Bengio (2003). An objective is recommended only if it beats ${baseline} with a corrected p below 0.05.`,
    ...notes,
    `Columns learnt from: ${columns.join(", ")}.`,
  ];
  return `<h2>How it was measured</h2>\n${list(items)}`;
}
