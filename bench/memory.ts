/**
 * Whether training keeps its memory: `node bench/memory.ts [workload] [--steps 10000] [--threads 1]`.
 *
 * Trains for many steps, by default a small classifier, and compares the resident memory's peaks in the
 * second to fourth and in the last three tenths of the steps (the first tenth fills arenas and compiles code).
 * Garbage is collected when JavaScript likes, so single peaks differ by a tenth of the whole; medians do not.
 * Exits with 1 if the peaks grew by the limit or more.
 */
import { parseArgs } from "node:util";
import { softmaxCrossEntropy } from "../library/src/losses/index.ts";
import { mlp } from "../library/src/nn/index.ts";
import { adam } from "../library/src/optim/index.ts";
import { random } from "../library/src/random.ts";
import { median } from "../library/src/stats/index.ts";
import { fromData, type Tensor, valueAndGrad } from "../library/src/tensor/index.ts";
import type { Trainer } from "./contestant.ts";
import { nearmissTrainer } from "./peers/nearmiss.ts";
import { showTable } from "./table.ts";
import { BATCHES, type Workload, workloadNamed } from "./workloads/index.ts";

/** Growth of the peak that the project allows (G9). */
const LIMIT = 0.05;
const TENTHS = 10;

const network = mlp([64, 64, 10]);
const optimizer = adam();

const small: Workload = {
  name: "small",
  target: "G9",
  title: "classifier 64-64-10, batch 32, Adam",
  problem: (draw) => ({
    parameters: network.init(draw.split("parameters")),
    batches: Array.from({ length: BATCHES }, (_, i) => ({
      x: fromData(draw.split(i).normal(32 * 64), [32, 64]),
      labels: fromData(
        Int32Array.from({ length: 32 }, (_, j) => j % 10),
        [32],
      ),
    })),
  }),
  programs: {
    nearmiss: {
      init: (parameters) => optimizer.init(parameters),
      step: (state, batch: { x: Tensor; labels: Tensor }) => {
        const [loss, gradients] = valueAndGrad((params: typeof state.params) =>
          softmaxCrossEntropy(network.apply(params, batch.x), batch.labels),
        )(state.params);
        return { state: optimizer.update(state, gradients), loss };
      },
    },
  },
};

/** The peak of resident bytes in each tenth of the steps. */
export async function residentPeaks(
  trainer: Trainer,
  batches: number,
  steps: number,
  resident: () => number = process.memoryUsage.rss,
): Promise<number[]> {
  const peaks = Array<number>(TENTHS).fill(0);
  for (let i = 0; i < steps; i++) {
    await trainer.step(i % batches);
    const tenth = Math.floor((i * TENTHS) / steps);
    peaks[tenth] = Math.max(peaks[tenth]!, resident());
  }
  return peaks;
}

/** What late peaks exceed early ones by, as a share of those: medians of three, drawn out from six tenths to ten. */
export function growth(peaks: readonly number[]): number {
  return (median(peaks.slice(-3)) / median(peaks.slice(1, 4)) - 1) * (10 / 6);
}

async function main(): Promise<number> {
  const { values: options, positionals } = parseArgs({
    allowPositionals: true,
    options: { steps: { type: "string", default: "10000" }, threads: { type: "string", default: "1" } },
  });
  const steps = Number(options.steps);
  if (!Number.isInteger(steps) || steps < TENTHS) {
    throw new RangeError(`--steps: got ${options.steps}; expected a whole number of at least ${TENTHS}`);
  }
  const workload = positionals[0] === undefined ? small : workloadNamed(positionals[0]);
  const problem = workload.problem(random(1));
  const trainer = nearmissTrainer(problem, workload.programs.nearmiss!, Number(options.threads));
  const peaks = await residentPeaks(trainer, problem.batches.length, steps);
  const rows = peaks.map((bytes, i) => [String(((i + 1) * steps) / TENTHS), (bytes / 1e6).toFixed(1)]);
  console.log(`${workload.title}\n${showTable([["steps", "peak MB"], ...rows])}`);
  const grown = growth(peaks);
  const reached = grown < LIMIT;
  const percent = (100 * grown).toFixed(1);
  console.log(`growth ${percent} % (goal: below ${100 * LIMIT} %): ${reached ? "reached" : "MISSED"}`);
  return reached ? 0 : 1;
}

if (import.meta.main) process.exitCode = await main();
