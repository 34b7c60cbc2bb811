/** A comparison as text for a terminal. */
import type { Interval } from "nearmiss/stats";
import { columns, short, styled, wrap } from "../cli/output.ts";
import type { Comparison, ObjectiveResult } from "./comparison.ts";
import { metricOf } from "./metrics.ts";
import { probability } from "./recommendation-text.ts";

export function comparisonText(comparison: Comparison): string {
  const { file, target, task, classes, rows, columns: used, seeds, seconds, complete } = comparison;
  const kind = task === "regression" ? "a number" : `${classes!.length} classes`;
  const facts = [
    `${rows.used} rows, ${used.length} column${used.length === 1 ? "" : "s"}`,
    `${target}: ${kind}`,
    `${seeds} seed${seeds === 1 ? "" : "s"}`,
    `${seconds.toFixed(0)} s`,
  ];
  return [
    `${styled("bold", file)}  ${styled("dim", facts.join(", "))}`,
    ...(complete
      ? []
      : [
          styled(
            "bold",
            "Incomplete: it was stopped, so nothing is recommended, and the intervals are of fewer seeds.",
          ),
        ]),
    ...comparison.warnings.map((warning) => wrap(`Warning: ${warning}`, "")),
    ...comparison.notes.map((note) => styled("dim", wrap(note, ""))),
    ...(comparison.objectives.length > 0 ? [table(comparison)] : []),
    ...comparison.failed.map(({ name, reason }) => wrap(`${name} could not be trained: ${reason}`, "")),
    ...(comparison.recommendation ? [styled("bold", wrap(comparison.recommendation.text, ""))] : []),
    ...heldBack(comparison),
  ].join("\n\n");
}

function table(comparison: Comparison): string {
  const { metric, baseline, task, rows } = comparison;
  const calibration = task === "classification" && metric.name !== "ece";
  const other = metric.name === "rmse" ? "mae" : "rmse";
  const extra = calibration ? "ece" : task === "regression" ? other : undefined;
  const head = [
    "",
    `${metric.label} (${metric.better} is better)`,
    `against ${baseline}`,
    "corrected p",
    ...(extra ? [metricOf(extra).label] : []),
    "learning rate",
    "seconds",
    "",
  ];
  const lines = ranked(comparison).map((result) => [
    result.name,
    between(result.metrics[metric.name]),
    result.difference ? between(result.difference, true) : "",
    result.difference ? probability(result.difference.adjusted) : "",
    ...(extra ? [short(result.metrics[extra].estimate)] : []),
    short(result.learningRate),
    result.seconds.toFixed(2),
    "",
  ]);
  const body = columns([head.map((cell) => styled("dim", cell)), ...lines]).map((line) => `  ${line}`);
  const under = `Mean and 95 % interval over ${comparison.objectives[0].seeds} splits of ${rows.training} training and ${rows.evaluation} evaluation rows; ${metric.label}: ${metric.why}.`;
  return [...body, styled("dim", wrap(under))].join("\n");
}

/** Best first. */
export function ranked({ objectives, metric }: Comparison): ObjectiveResult[] {
  const sign = metric.better === "higher" ? 1 : -1;
  return objectives.toSorted(
    (a, b) => sign * (b.metrics[metric.name].estimate - a.metrics[metric.name].estimate),
  );
}

function heldBack({ heldBack: held, metric }: Comparison): string[] {
  if (!held) return [];
  const lines = held.results.map(({ objective, metrics }) => [
    objective,
    ...Object.entries(metrics).map(
      ([name, value]) => `${metricOf(name as typeof metric.name).label} ${short(value)}`,
    ),
    "",
  ]);
  const difference = held.difference
    ? [`  difference in ${metric.label} ${between(held.difference, true)}`]
    : [];
  return [
    [
      `On ${held.rows} rows that were held back from everything:`,
      ...columns(lines).map((line) => `  ${line}`),
      ...difference,
    ].join("\n"),
  ];
}

/** "0.913 [0.902, 0.924]": as many decimals as the interval's width deserves. */
export function between({ estimate, low, high }: Interval, signed = false): string {
  const decimals = decimalsFor((high - low) / 2);
  const show = (value: number) => {
    const text = decimals === undefined ? short(value) : value.toFixed(decimals).replace(/^-(0\.?0*)$/, "$1");
    return signed && Number(text) > 0 ? `+${text}` : text;
  };
  if (!Number.isFinite(low) || !Number.isFinite(high)) return `${show(estimate)} (no interval with one seed)`;
  return `${show(estimate)} [${show(low)}, ${show(high)}]`;
}

/** Two significant digits of half an interval; undefined where there is none to go by. */
function decimalsFor(half: number): number | undefined {
  if (!(half > 0 && Number.isFinite(half))) return undefined;
  return Math.max(0, Math.min(8, 1 - Math.floor(Math.log10(half))));
}
