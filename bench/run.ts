/**
 * Speed, side by side: nearmiss, the same work as a hand-written ONNX graph, PyTorch, and on request the
 * libraries that JavaScript has.
 *
 *     npm run bench -- [workload …] [--peers pytorch,jax,tfjs] [--rounds 5] [--milliseconds 1000] [--quick]
 *
 * Prints a table for each workload and the goals with what was reached; writes all numbers to
 * bench/results/latest.json. Exits with 1 if contestants that should compute the same do not.
 */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { random } from "../library/src/random.ts";
import { type Contestant, contest, disagreements } from "./contest.ts";
import { goals } from "./goals.ts";
import { handGraphs } from "./hand/index.ts";
import { type Problem, writeProblem } from "./problem.ts";
import { judge, showGoals, showTimes } from "./table.ts";
import { type Workload, workloadNamed, workloads } from "./workloads/index.ts";

const here = import.meta.dirname;
const PYTHON = "/usr/bin/python3";
/** Losses after the same steps may differ by this much, relatively: rounding, grown by a few steps. */
const TOLERANCE = 1e-3;
const SEED = 1;
const CHECK_STEPS = 5;
/** Processes that want to run, on average over a minute, from which on the machine is not ours. */
const BUSY = 0.5;

/** Fails where PyTorch's matrix products are those of Debian's reference BLAS, whose folder is named blas. */
const FAST_BLAS = `
import torch
torch.ones(2, 2) @ torch.ones(2, 2)
assert "/blas/libblas.so" not in open("/proc/self/maps").read()
`;

const peers = {
  pytorch: {
    missing: () =>
      !succeeds(PYTHON, ["-c", "import torch"])
        ? "PyTorch is left out: install Debian's python3-torch to have it"
        : !succeeds(PYTHON, ["-c", FAST_BLAS])
          ? "PyTorch is left out: it stands on Debian's reference BLAS, some 40 times slower; install libopenblas0-pthread"
          : undefined,
  },
  jax: { missing: () => missingModule("@jax-js/jax") },
  tfjs: { missing: () => missingModule("@tensorflow/tfjs") },
};

function succeeds(command: string, args: string[]): boolean {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

const missingModule = (name: string): string | undefined =>
  existsSync(join(here, "peers/node_modules", name))
    ? undefined
    : `${name} is left out: npm install --prefix bench/peers installs it`;

type PeerName = keyof typeof peers;

/** PyTorch's ways of doing a workload, beyond the usual one. */
const torchVariants: Record<string, string[]> = {
  "contrastive-loss": ["", "hand-written gradient"],
  retriever: ["", "sparse"],
};

function contestants(
  { name, programs, hostPrograms = {} }: Workload,
  problem: Problem,
  folder: string,
  chosen: readonly PeerName[],
): Contestant[] {
  const threadCounts = [1, 2];
  const handThreads = handGraphs[name]!(problem).threads ?? Number.POSITIVE_INFINITY;
  const node = (script: string, row: string, variant: string, threads: number): Contestant => ({
    row,
    threads,
    command: process.execPath,
    args: [join(here, "peers", script), folder, name, variant, String(threads)],
    // Rows that an optimizer skips keep their moments, so sparse updates are another computation.
    agreement: row.endsWith("sparse") ? "sparse" : "dense",
  });
  return [
    ...Object.keys({ ...programs, ...hostPrograms }).flatMap((row) =>
      threadCounts.map((t) => node("nearmiss.ts", row, row, t)),
    ),
    ...threadCounts.filter((t) => t <= handThreads).map((t) => node("hand.ts", "hand graph", "", t)),
    ...(chosen.includes("pytorch") ? (torchVariants[name] ?? [""]) : []).flatMap((variant) =>
      threadCounts.map((t) => {
        const row = `pytorch ${variant}`.trim();
        return {
          ...node("", row, "", t),
          command: PYTHON,
          args: [join(here, "peers/pytorch.py"), folder, name, variant, String(t)],
        };
      }),
    ),
    // Both have one thread in Node.
    ...(chosen.includes("jax") ? [node("jax.js", "jax-js", "", 1)] : []),
    ...(chosen.includes("tfjs") ? [node("tfjs.js", "tensorflow.js", "", 1)] : []),
  ];
}

async function main(): Promise<number> {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      peers: { type: "string", default: "pytorch" },
      rounds: { type: "string" },
      milliseconds: { type: "string" },
      quick: { type: "boolean", default: false },
    },
  });
  const rounds = positive("rounds", options.rounds, options.quick ? 2 : 5);
  const milliseconds = positive("milliseconds", options.milliseconds, options.quick ? 300 : 1000);
  const chosen = options.peers
    .split(",")
    .filter((name) => name !== "")
    .map((name) => {
      if (!(name in peers)) {
        throw new RangeError(`--peers: got ${name}; expected some of ${Object.keys(peers).join(",")}`);
      }
      return name as PeerName;
    });
  const present = chosen.filter((name) => {
    const reason = peers[name].missing();
    if (reason) console.log(reason);
    return reason === undefined;
  });
  const picked = positionals.length === 0 ? workloads : positionals.map(workloadNamed);

  const machine = { processor: cpus()[0]?.model, cores: cpus().length, node: process.version };
  console.log(
    `${machine.cores} × ${machine.processor}, Node ${machine.node}, ${rounds} rounds of ${milliseconds} ms`,
  );
  const load = loadavg()[0]!;
  if (load > BUSY) {
    console.log(`other programs keep ${load.toFixed(1)} cores busy: these times are only indicative`);
  }
  const results: unknown[] = [];
  let agreed = true;
  for (const workload of picked) {
    const folder = mkdtempSync(join(tmpdir(), "nearmiss-bench-"));
    try {
      const problem = workload.problem(random(SEED).split(workload.name));
      writeProblem(folder, problem);
      const entrants = contestants(workload, problem, folder, present);
      const measured = await contest(entrants, { rounds, milliseconds, checkSteps: CHECK_STEPS });
      const judged = judge(goals[workload.name] ?? [], measured);
      const differences = disagreements(entrants, measured, TOLERANCE);
      agreed &&= differences.length === 0;
      console.log(`\n${workload.target} ${workload.title}\n${showTimes(measured)}\n${showGoals(judged)}`);
      for (const sentence of differences) console.log(`  DIFFERS: ${sentence}`);
      results.push({
        workload: workload.name,
        target: workload.target,
        measured,
        goals: judged,
        differences,
      });
    } finally {
      rmSync(folder, { recursive: true });
    }
  }
  mkdirSync(join(here, "results"), { recursive: true });
  const record = { machine, load, rounds, milliseconds, results };
  writeFileSync(join(here, "results/latest.json"), `${JSON.stringify(record, null, 2)}\n`);
  return agreed ? 0 : 1;
}

function positive(name: string, text: string | undefined, otherwise: number): number {
  if (text === undefined) return otherwise;
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1) {
    throw new RangeError(`--${name}: got ${text}; expected a whole number of at least 1`);
  }
  return number;
}

process.exitCode = await main();
