/** `nearmiss rerun RECORD`: repeats a finished run and says whether every number is the same. */
import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import type { RunRecord } from "../types.ts";
import { CommandError, exitCodes } from "./exit.ts";
import { columns, type Format, print } from "./output.ts";
import { requireRunnable } from "./run.ts";
import { failureOf, withRunner } from "./runner.ts";

/** What of a run's record is needed to repeat it. */
const recordSchema = z.object({
  id: z.string(),
  slug: z.string(),
  scale: z.enum(["smoke", "default", "full"]),
  status: z.string(),
  trials: z.array(
    z.object({ arm: z.string(), seed: z.number().int().min(1), metrics: z.record(z.string(), z.number()) }),
  ),
  environment: z.record(z.string(), z.string()),
  code: z.string().optional(),
});

type Repeatable = z.infer<typeof recordSchema>;

/** A metric that is not the same; `null` where one of the runs lacks it. */
export interface Difference {
  arm: string;
  seed: number;
  metric: string;
  before: number | null;
  now: number | null;
}

interface Comparison {
  equal: boolean;
  /** Ids of the runs. */
  before: string;
  now: string;
  /** Number of metrics compared, over all arms and seeds. */
  metrics: number;
  /** What else is not the same: "code", and entries of the environment. */
  changed: string[];
  differences: Difference[];
}

/** @param source a run's id, or the path of a JSON file as `run --format json` writes it */
export async function rerun(source: string, { format }: { format: Format }): Promise<void> {
  const file = existsSync(source) ? readRecord(source) : undefined;
  if (file) requireRepeatable(file, source);
  await withRunner(`nearmiss rerun ${source}`, async (runner) => {
    const before = file ?? requireRepeatable(await runner.find(source), source);
    requireRunnable(before.slug);
    const { slug, scale } = before;
    const seeds = Math.max(...before.trials.map(({ seed }) => seed));
    const { record } = await runner.run({ slug, scale, seeds }, { fresh: true });
    const failure = failureOf(record, runner.log(record.id));
    if (failure) throw failure;
    const result = compareRuns(before, record);
    print(format, result, toText);
    if (!result.equal)
      throw new CommandError(
        exitCodes.failure,
        `${result.differences.length} of ${result.metrics} metrics are not the same.`,
      );
  });
}

/** Compares the metrics of two runs number by number, bit by bit. */
export function compareRuns(before: Repeatable, now: RunRecord): Comparison {
  const earlier = metricsOf(before);
  const later = metricsOf(now);
  const keys = [...new Set([...earlier.keys(), ...later.keys()])];
  const differences = keys.flatMap((key): Difference[] => {
    const [was, is] = [earlier.get(key), later.get(key)];
    if (Object.is(was?.value, is?.value)) return [];
    const { arm, seed, metric } = (was ?? is)!;
    return [{ arm, seed, metric, before: was?.value ?? null, now: is?.value ?? null }];
  });
  const names = [...new Set([...Object.keys(before.environment), ...Object.keys(now.environment)])];
  const changed = [
    ...(before.code === now.code ? [] : ["code"]),
    ...names.filter((name) => before.environment[name] !== now.environment[name]),
  ];
  const equal = differences.length === 0;
  return { equal, before: before.id, now: now.id, metrics: keys.length, changed, differences };
}

function metricsOf({ trials }: Pick<Repeatable, "trials">) {
  const all = trials.flatMap(({ arm, seed, metrics }) =>
    Object.entries(metrics).map(([metric, value]) => ({ arm, seed, metric, value })),
  );
  return new Map(all.map((one) => [JSON.stringify([one.arm, one.seed, one.metric]), one]));
}

function readRecord(path: string): Repeatable {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, "utf8"));
  } catch (error) {
    throw new CommandError(exitCodes.badFile, `${path} cannot be read: ${(error as Error).message}`);
  }
  const result = recordSchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new CommandError(
    exitCodes.badFile,
    `${path} is not the record of a run: ${issue.path.join(".") || "the whole"}: ${issue.message}.`,
  );
}

/** @throws CommandError for a run that did not finish: it has no numbers to repeat */
function requireRepeatable<Run extends Repeatable>(run: Run, source: string): Run {
  if (run.status !== "done" || run.trials.length === 0)
    throw new CommandError(
      exitCodes.failure,
      `Run ${source} is ${run.status}, expected one that is done: only that can be repeated.`,
    );
  return run;
}

function toText({ equal, before, now, metrics, changed, differences }: Comparison): string {
  const shown = differences.slice(0, 20);
  const rows = shown.map(({ arm, seed, metric, before, now }) => [
    `  ${metric}`,
    `${arm}, seed ${seed}`,
    `${before ?? "missing"} before, ${now ?? "missing"} now`,
  ]);
  return [
    equal
      ? `Run ${now} repeats run ${before}: all ${metrics} metrics are the same, bit for bit.`
      : `Run ${now} does not repeat run ${before}: ${differences.length} of ${metrics} metrics differ.`,
    ...columns(rows),
    ...(differences.length > shown.length ? [`  and ${differences.length - shown.length} more`] : []),
    ...(changed.length > 0 ? [`Not the same as then: ${changed.join(", ")}.`] : []),
  ].join("\n");
}
