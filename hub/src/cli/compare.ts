/** `nearmiss compare DATA --target COLUMN`: which objective, on the user's own rows. */
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { SingleBar } from "cli-progress";
import type { Table } from "nearmiss/data";
import { nearNames } from "../catalog/titles.ts";
import {
  compareObjectives,
  type Findings,
  learningRates,
  leastRowsForAuc,
  type Model,
} from "../compare/compare.ts";
import type { Comparison } from "../compare/comparison.ts";
import { defaultMetric, fittingMetrics, type MetricName, metricOf } from "../compare/metrics.ts";
import { saveModel } from "../compare/model-folder.ts";
import { baselines, fittingObjectives, objectives, type Task } from "../compare/objectives.ts";
import { classCounts, type Prepared, poolSplit, prepare } from "../compare/prepare.ts";
import { reportPage } from "../compare/report/page.ts";
import { readRows } from "../compare/rows.ts";
import { comparisonText } from "../compare/text.ts";
import { environment } from "../runs/environment.ts";
import { CommandError, exitCodes } from "./exit.ts";
import { onInterrupt } from "./interrupt.ts";
import { type Format, print, say } from "./output.ts";

export interface CompareCommandOptions {
  target: string;
  losses: string;
  metric?: string;
  task?: Task;
  seeds: number;
  maxRows: number;
  ignore: string[];
  keep: string[];
  missing?: string;
  header: boolean;
  out?: string;
  format: Format;
}

export async function compare(file: string, options: CompareCommandOptions): Promise<void> {
  const { missing, header, seeds, format } = options;
  const folder = freeFolder(file, options.out);
  const table = await readTable(file, { missing, header });
  const prepared = prepare(table, options);
  const names = chooseObjectives(options.losses, prepared);
  const { name, why } = chooseMetric(options.metric, prepared);
  makeFolder(folder);

  const stop = new AbortController();
  const ignoreInterrupts = onInterrupt(() => stop.abort());
  const bar = process.stderr.isTTY ? progressBar(`compare ${basename(file)}`) : undefined;
  const started = performance.now();
  let found: { findings: Findings; model?: Model };
  try {
    found = await compareObjectives(prepared, {
      objectives: names,
      metric: metricOf(name),
      why,
      seeds,
      signal: stop.signal,
      onProgress: bar?.show,
    });
  } finally {
    bar?.stop();
    ignoreInterrupts();
  }
  const comparison: Comparison = {
    ...describe(file, prepared, { name, why, seeds }),
    ...found.findings,
    seconds: (performance.now() - started) / 1000,
    versions: versions(),
  };
  writeFileSync(join(folder, "comparison.json"), `${JSON.stringify(comparison, null, 2)}\n`);
  writeFileSync(join(folder, "report.html"), reportPage(comparison));
  if (found.model)
    saveModel(join(folder, "model"), found.model, prepared.target, { missing, versions: versions() });
  print(format, comparison, comparisonText);
  say(`The report is ${join(folder, "report.html")}.`);
  if (found.model) say(`nearmiss predict ${folder} ROWS predicts new rows.`);
  if (!comparison.complete)
    throw new CommandError(
      exitCodes.stopped,
      "Stopped: what was finished is told above, and marked as incomplete.",
    );
}

/** Reads a file of rows; whatever is wrong with it is a bad input file. */
export async function readTable(file: string, options: Parameters<typeof readRows>[1]): Promise<Table> {
  try {
    return await readRows(file, options);
  } catch (error) {
    const { message } = error as Error;
    throw new CommandError(
      exitCodes.badFile,
      message.includes(file) ? message : `${file} cannot be read: ${message}`,
    );
  }
}

/** Where results go: a folder that is not there yet, or an empty one, so that nothing is overwritten. */
function freeFolder(file: string, out?: string): string {
  if (out !== undefined) {
    if (existsSync(out) && (!statSync(out).isDirectory() || readdirSync(out).length > 0))
      throw new CommandError(
        exitCodes.wrongUsage,
        `--out: ${out} exists already; expected a new or an empty folder, so that nothing is overwritten.`,
      );
    return out;
  }
  const base = `${basename(file, extname(file))}-comparison`;
  for (let copy = 1; ; copy++) {
    const folder = copy === 1 ? base : `${base}-${copy}`;
    if (!existsSync(folder)) return folder;
  }
}

function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { recursive: true });
  } catch (error) {
    throw new CommandError(exitCodes.failure, `--out: ${folder} cannot be made: ${(error as Error).message}`);
  }
}

function chooseObjectives(losses: string, { target }: Prepared): string[] {
  const classes = target.task === "classification" ? target.classes.length : 0;
  const fitting = fittingObjectives(target.task, classes);
  const baseline = baselines[target.task];
  if (losses === "all") return fitting;
  const wanted = losses.split(",").map((name) => name.trim());
  for (const name of wanted) {
    if (fitting.includes(name)) continue;
    const reason = Object.hasOwn(objectives, name)
      ? `does not fit the target "${target.name}" (${target.task === "regression" ? "numbers" : `${classes} classes`})`
      : "is no objective";
    const near = nearNames(name, fitting);
    const hint = near.length > 0 && reason.startsWith("is no") ? ` Did you mean ${near.join(" or ")}?` : "";
    throw new CommandError(
      exitCodes.wrongUsage,
      `--losses: "${name}" ${reason}.${hint} There are: ${fitting.join(", ")}.`,
    );
  }
  return [...new Set([baseline, ...wanted])];
}

function chooseMetric(asked: string | undefined, prepared: Prepared): { name: MetricName; why: string } {
  const { target } = prepared;
  const counts = allCounts(prepared);
  if (asked === undefined) return defaultMetric(target.task, counts);
  const fitting: string[] = fittingMetrics(target.task, counts.length);
  if (!fitting.includes(asked))
    throw new CommandError(
      exitCodes.wrongUsage,
      `--metric: "${asked}" does not fit the target "${target.name}"; expected ${fitting.join(", ")}.`,
    );
  if (asked === "auc" && Math.min(...counts) < leastRowsForAuc)
    throw new CommandError(
      exitCodes.badFile,
      `--metric auc: the smaller class of "${target.name}" has ${Math.min(...counts)} rows; expected at least ${leastRowsForAuc}, so that every part of the split holds both.`,
    );
  return { name: asked as MetricName, why: "asked for" };
}

const allCounts = ({ target, heldBack, validation, pool }: Prepared) =>
  classCounts(target, [...heldBack, ...validation, ...pool]);

function describe(
  file: string,
  prepared: Prepared,
  { name, why, seeds }: { name: MetricName; why: string; seeds: number },
) {
  const { target, features, heldBack, validation, rows, notes, warnings } = prepared;
  const count = (groups: number[][]) => groups.flat().length;
  const [training, evaluation] = poolSplit(prepared, 1);
  const classes = target.task === "classification" ? target.classes : undefined;
  const { label, better } = metricOf(name);
  return {
    format: "nearmiss-comparison" as const,
    version: 1 as const,
    file,
    target: target.name,
    task: target.task,
    ...(classes ? { classes, classRows: allCounts(prepared) } : {}),
    rows: {
      used: rows,
      training: count(training),
      evaluation: count(evaluation),
      validation: count(validation),
      heldBack: count(heldBack),
    },
    columns: features,
    metric: { name, label, better, why },
    metrics: fittingMetrics(target.task, classes?.length).filter((other) => other !== name),
    baseline: baselines[target.task],
    seeds,
    learningRates,
    notes,
    warnings,
  };
}

function versions(): Record<string, string> {
  const { nearmiss, node, onnxruntime } = environment();
  return { nearmiss, node, onnxruntime };
}

/** A bar on stderr: how far the comparison is, what it does, how long it will last. */
function progressBar(name: string) {
  const bar = new SingleBar({
    format: `${name} {bar} {percentage} % | {what} | {eta_formatted} left`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    etaBuffer: 100,
    stream: process.stderr,
  });
  bar.start(1, 0, { what: "starting" });
  return {
    show: (fraction: number, what: string) => bar.update(fraction, { what }),
    stop: () => bar.stop(),
  };
}
