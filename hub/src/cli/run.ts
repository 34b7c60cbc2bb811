/** `nearmiss run SLUG`: runs a paper's study, here or on the server that owns the home folder. */

import type { ClaimVerdict, Effect, ScaleName } from "@nearmiss/papers/study";
import { SingleBar } from "cli-progress";
import type { RunEvent, RunRecord } from "../types.ts";
import { decisionWord } from "./decisions.ts";
import { CommandError, exitCodes } from "./exit.ts";
import { type Hub, openHub } from "./hub.ts";
import { onInterrupt } from "./interrupt.ts";
import { columns, type Format, print, say, short, styled, wrap } from "./output.ts";
import { requirePaper } from "./papers.ts";

export interface RunOptions {
  scale: ScaleName;
  seeds?: number;
  format: Format;
}

export async function run(slug: string, { scale, seeds, format }: RunOptions): Promise<void> {
  const paper = requirePaper(slug);
  if (!paper.runnable)
    throw new CommandError(exitCodes.failure, `The paper "${slug}" has no study yet, so it cannot run.`);
  // Ctrl-C counts from the first moment on, also while the store is being opened.
  let interrupted = false;
  let stop = () => {};
  const ignore = onInterrupt(() => {
    interrupted = true;
    stop();
  });
  const hub = await openHub(`nearmiss run ${slug}`);
  try {
    const { id } = await hub.run({ slug, scale, seeds });
    stop = () => void hub.stop(id).catch((error) => say(String(error.message)));
    if (interrupted) stop();
    await follow(hub, id, `${slug}, ${scale}`);
    const record = await hub.find(id);
    print(format, record, toText);
    conclude(record, hub.log(id));
  } finally {
    await hub.close();
    ignore();
  }
}

async function follow(hub: Hub, id: string, name: string): Promise<void> {
  const bar = process.stderr.isTTY ? progressBar(name) : undefined;
  try {
    for await (const event of hub.events(id)) bar?.show(event);
  } finally {
    bar?.stop();
  }
}

/** A bar on stderr: how far the run is, what it does, how long it will last. */
function progressBar(name: string) {
  const bar = new SingleBar({
    format: `${name} {bar} {percentage} % | {what} | {eta_formatted} left`,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    barsize: 30,
    hideCursor: true,
    clearOnComplete: true,
    stopOnComplete: false,
    stream: process.stderr,
  });
  let trials = 0;
  let total = 1;
  bar.start(1, 0, { what: "starting" });
  return {
    show(event: RunEvent) {
      if (event.type === "start") total = event.arms.length * event.seeds.length;
      if (event.type === "trial") bar.update(++trials / total);
      if (event.type === "progress") bar.update(event.overall, { what: `${event.arm}, seed ${event.seed}` });
    },
    stop() {
      bar.stop();
    },
  };
}

/** Ends the command as the run has ended. */
function conclude({ status, error, id }: RunRecord, log: string | undefined): void {
  if (status === "done") return;
  if (status === "stopped") throw new CommandError(exitCodes.stopped, `Run ${id} was stopped.`);
  const hint = log === undefined ? "" : ` What it printed is in ${log}.`;
  const reason = (error ?? status).replace(/\.?$/, ".");
  throw new CommandError(exitCodes.runFailed, `Run ${id} failed: ${reason}${hint}`);
}

function toText(record: RunRecord): string {
  const { slug, scale, trials, verdicts, startedAt, finishedAt } = record;
  const seeds = new Set(trials.map((trial) => trial.seed)).size;
  const seconds = startedAt && finishedAt ? (Date.parse(finishedAt) - Date.parse(startedAt)) / 1000 : 0;
  const facts = [
    `scale ${scale}`,
    ...(seeds > 0 ? [`${seeds} seed${seeds === 1 ? "" : "s"}`] : []),
    `${seconds.toFixed(1)} s`,
  ];
  return [
    `${styled("bold", slug)}  ${styled("dim", facts.join(", "))}`,
    ...(trials.length > 0 ? [metricsTable(trials)] : []),
    ...verdicts.map(verdictText),
  ].join("\n\n");
}

/** Mean and standard deviation over seeds: a row a metric, a column an arm. */
function metricsTable(trials: RunRecord["trials"]): string {
  const arms = [...new Set(trials.map((trial) => trial.arm))];
  const head = ["", ...arms.map((arm) => styled("dim", arm)), ""];
  const rows = Object.keys(trials[0].metrics).map((metric) => {
    const cells = arms.map((arm) =>
      spread(trials.filter((trial) => trial.arm === arm).map((trial) => trial.metrics[metric])),
    );
    return [metric, ...cells, ""];
  });
  return columns([head, ...rows])
    .map((line) => `  ${line}`)
    .join("\n");
}

function spread(values: number[]): string {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  if (values.length < 2) return short(mean);
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1);
  return `${short(mean)} ± ${short(Math.sqrt(variance))}`;
}

function verdictText({ claim, statement, decision, rule, effects }: ClaimVerdict): string {
  return [
    `${styled("bold", claim)}: ${decisionWord(decision)}`,
    wrap(statement),
    ...columns(effects.map((effect) => [effectName(effect), interval(effect), ""])).map(
      (line) => `  ${line}`,
    ),
    styled("dim", wrap(`Rule: ${rule}`)),
  ].join("\n");
}

const effectName = ({ metric, method, baseline }: Effect) => `${metric}, ${method} against ${baseline}`;

/** The difference as measured, and the interval of the gain turned back into the metric's own direction. */
function interval({ difference, low, high, seeds, better }: Effect): string {
  const sign = better === "higher" ? 1 : -1;
  // Through JSON, infinite ends are null.
  if (seeds < 2 || low === null || high === null) return `${signed(difference)} (no interval with one seed)`;
  const [from, to] = [sign * low, sign * high].sort((a, b) => a - b);
  const meaning = low > 0 ? "for the method" : high < 0 ? "against the method" : "could be either way";
  return `${signed(difference)} [${signed(from)}, ${signed(to)}], ${meaning}`;
}

const signed = (value: number) => (value > 0 ? `+${short(value)}` : short(value));
