/**
 * What the engine does in one step, and where its time goes.
 *
 *     node bench/dump.ts <workload> [--hand] [--program nearmiss] [--threads 1] [--steps 20] [--raw] [--nodes]
 *
 * Runs nearmiss' graph of a step (with `--hand` the hand-written one) under the engine's profiler and prints
 * nodes and time by type, and by type and shapes. These are the nodes that are left after the engine's own
 * rewriting; `--raw` turns that off and so shows the graph as it was written. `--nodes` lists them one by
 * one in the order in which they run.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { toOnnx } from "../library/src/index.ts";
import { random } from "../library/src/random.ts";
import { type Tensor, values } from "../library/src/tensor/index.ts";
import { leaves } from "../library/src/tree.ts";
import { handGraphs, type Ways } from "./hand/index.ts";
import { flatten, type Problem } from "./problem.ts";
import { showTable } from "./table.ts";
import { type Program, type Workload, workloadNamed } from "./workloads/index.ts";

/** One node of the graph that ran. */
export interface NodeTime {
  name: string;
  type: string;
  /** Such as "256×784, 784×256 → 256×256". */
  shapes: string;
  /** Mean of a step. */
  milliseconds: number;
}

type Feeds = Record<string, OrtTensor>;

const toOrt = (x: Tensor) => new OrtTensor(x.dtype as "float32", values(x) as Float32Array, x.shape);

/** The graph of nearmiss' step, with the values of a first step. */
export function nearmissModel(problem: Problem, program: Program): { bytes: Uint8Array; feeds: Feeds } {
  const args = [program.init(problem.parameters), problem.batches[0]] as const;
  const feeds = Object.fromEntries(leaves(args).map((x, i) => [`input${i}`, toOrt(x)]));
  return { bytes: toOnnx(program.step, ...args), feeds };
}

/** The hand-written graph of the same step, with the same values. */
export function handModel(
  { name }: Workload,
  problem: Problem,
  ways: Ways = {},
): { bytes: Uint8Array; feeds: Feeds; threads?: number } {
  const { bytes, state, scalars, threads, rename = {} } = handGraphs[name]!(problem, ways);
  const named = [...flatten(problem.batches[0])].map(([key, x]): [string, Tensor] => [rename[key] ?? key, x]);
  return {
    bytes,
    threads,
    feeds: {
      ...Object.fromEntries([...state, ...named].map(([key, x]) => [key, toOrt(x)])),
      ...Object.fromEntries(
        Object.entries(scalars?.(1) ?? {}).map(([key, x]) => [key, new OrtTensor("float32", [x], [])]),
      ),
    },
  };
}

/** Runs a model a number of times under the profiler: its nodes in the order in which they first ran. */
export async function profile(
  model: { bytes: Uint8Array; feeds: Feeds },
  { steps, ...options }: InferenceSession.SessionOptions & { steps: number },
): Promise<NodeTime[]> {
  const folder = mkdtempSync(join(tmpdir(), "nearmiss-profile-"));
  try {
    const session = await InferenceSession.create(model.bytes, {
      logSeverityLevel: 3,
      enableProfiling: true,
      profileFilePrefix: join(folder, "profile"),
      ...options,
    });
    for (let i = 0; i < steps; i++) await session.run(model.feeds);
    session.endProfiling();
    await session.release();
    const [file] = readdirSync(folder);
    return nodeTimes(JSON.parse(readFileSync(join(folder, file!), "utf8")) as ProfileEvent[]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** What the engine's profiler writes; only the events of kernels matter here. */
interface ProfileEvent {
  cat: string;
  name: string;
  /** Microseconds. */
  dur: number;
  args: { op_name?: string; input_type_shape?: TypedShape[]; output_type_shape?: TypedShape[] };
}

/** For instance {"float": [256, 784]}. */
type TypedShape = Record<string, number[]>;

/** Means over all runs but the first, which also fills caches and memory arenas. */
export function nodeTimes(events: readonly ProfileEvent[]): NodeTime[] {
  const show = (list: TypedShape[] = []) =>
    list.map((typed) => Object.values(typed)[0]!.join("×") || "scalar").join(", ");
  const found = new Map<string, NodeTime & { durations: number[] }>();
  for (const { cat, name, dur, args } of events) {
    if (cat !== "Node" || !name.endsWith("_kernel_time")) continue;
    const known = found.get(name);
    if (known) known.durations.push(dur / 1000);
    else {
      const shapes = `${show(args.input_type_shape)} → ${show(args.output_type_shape)}`;
      found.set(name, { name, type: args.op_name!, shapes, milliseconds: 0, durations: [dur / 1000] });
    }
  }
  return [...found.values()].map(({ durations, ...node }) => {
    const later = durations.length > 1 ? durations.slice(1) : durations;
    return { ...node, milliseconds: later.reduce((sum, t) => sum + t, 0) / later.length };
  });
}

/** Counts and times by a key, the slowest first. */
export function summarize(nodes: readonly NodeTime[], key: (node: NodeTime) => string) {
  const groups = new Map<string, { count: number; milliseconds: number }>();
  for (const node of nodes) {
    const group = groups.get(key(node)) ?? { count: 0, milliseconds: 0 };
    group.count++;
    group.milliseconds += node.milliseconds;
    groups.set(key(node), group);
  }
  return [...groups].sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
}

const MOST_ROWS = 40;

async function main(): Promise<void> {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      hand: { type: "boolean", default: false },
      program: { type: "string", default: "nearmiss" },
      threads: { type: "string", default: "1" },
      steps: { type: "string", default: "20" },
      raw: { type: "boolean", default: false },
      nodes: { type: "boolean", default: false },
    },
  });
  const workload = workloadNamed(positionals[0] ?? "");
  const problem = workload.problem(random(1).split(workload.name));
  const program = workload.programs[options.program];
  if (!program) {
    const names = Object.keys(workload.programs).join(", ");
    throw new RangeError(`--program: got ${options.program}; expected one of ${names}`);
  }
  const nodes = await profile(options.hand ? handModel(workload, problem) : nearmissModel(problem, program), {
    steps: Number(options.steps),
    intraOpNumThreads: Number(options.threads),
    graphOptimizationLevel: options.raw ? "disabled" : "all",
  });
  const rows = (groups: ReturnType<typeof summarize>) =>
    groups.map(([name, { count, milliseconds }]) => [String(count), milliseconds.toFixed(3), name]);
  const total = nodes.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
  console.log(`${workload.title}: ${nodes.length} nodes, ${total.toFixed(2)} ms a step in kernels\n`);
  console.log(showTable([["count", "ms", "type"], ...rows(summarize(nodes, ({ type }) => type))]), "\n");
  if (options.nodes) {
    const list = nodes.map(({ type, shapes, milliseconds }) => [milliseconds.toFixed(3), type, shapes]);
    console.log(showTable([["ms", "type", "shapes"], ...list]));
  } else {
    const byShape = summarize(nodes, ({ type, shapes }) => `${type} ${shapes}`).slice(0, MOST_ROWS);
    console.log(showTable([["count", "ms", "type and shapes"], ...rows(byShape)]));
  }
}

if (import.meta.main) await main();
