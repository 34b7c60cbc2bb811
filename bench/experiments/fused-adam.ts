/**
 * Would one pass over memory for Adam, outside of the engine, pay? `node bench/experiments/fused-adam.ts`
 *
 * The engine needs ten passes for an Adam update, each over whole arrays, and onnxruntime-node 1.30 copies
 * every result into a new buffer. Here the retriever's step is cut in two: the engine computes the loss and
 * the gradients of the bags, [512, 128] each; 341 bytes of WebAssembly (source: fused-adam.wat) add those
 * into the table's gradient and update table and moments in place, in the memory that the engine reads.
 */
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { random } from "../../library/src/random.ts";
import { type Tensor, values } from "../../library/src/tensor/index.ts";
import { check, round, type Trainer } from "../contestant.ts";
import { pencil } from "../hand/graph.ts";
import { handGraphs } from "../hand/index.ts";
import { adamScalars, infoNce } from "../hand/parts.ts";
import { handTrainer } from "../peers/hand.ts";
import type { Problem } from "../problem.ts";
import { format, showTable } from "../table.ts";
import { workloadNamed } from "../workloads/index.ts";
import { LEARNING_RATE, TEMPERATURE } from "../workloads/retriever.ts";
import { toOrt } from "./compare.ts";

// fused-adam.wat, assembled by wat2wasm with SIMD.
const MODULE =
  "AGFzbQEAAAABFwJgCX9/f39/fX19fQBgB39/f39/f30AAhABBGhvc3QGbWVtb3J5AgABAwMCAAEHEgIEYWRhbQAAB3NjYXR0ZXIAAQqGAgKWAQIBfwN7A0AgAyAJav0ABAAhCiABIAlq/QAEACAF/RP95gEgCv3kASELIAIgCWr9AAQAIAb9E/3mASAKIAr95gH95AEhDCABIAlqIAv9CwQAIAIgCWogDP0LBAAgACAJaiAAIAlq/QAEACAH/RMgCyAM/eMBIAj9E/3kAf3nAf3mAf3lAf0LBAAgCUEQaiIJIARJDQALC2wBBH8DQCAAIAUgAiAHQQJ0aigCAGxqIQggASAFIAcgBG5saiEJIAkgBWohCgNAIAggCP0ABAAgCf0ABAAgBv0T/eYB/eQB/QsEACAIQRBqIQggCUEQaiIJIApJDQALIAdBAWoiByADSQ0ACws=";

interface Kernels {
  adam(
    p: number,
    m: number,
    v: number,
    g: number,
    bytes: number,
    beta1: number,
    beta2: number,
    size: number,
    floor: number,
  ): void;
  scatter(
    table: number,
    rows: number,
    ids: number,
    count: number,
    length: number,
    width: number,
    scale: number,
  ): void;
}

const PAGE = 65_536;

/** Milliseconds spent in each part, all steps together. */
const spent = { engine: 0, scatter: 0, adam: 0 };

async function fusedTrainer(problem: Problem, threads: number): Promise<Trainer> {
  const { table } = problem.parameters as { table: Tensor };
  const [rows, width] = table.shape as [number, number];
  const batches = problem.batches as { queries: Tensor; passages: Tensor }[];
  const [n, length] = batches[0]!.queries.shape as [number, number];

  const p = pencil();
  p.input("table", table.shape);
  const encode = (bags: string) => {
    p.input(bags, [n, length], "int32");
    return p.node("ReduceMean", [p.node("Gather", ["table", bags]), p.integers(1)], { keepdims: 0 });
  };
  const { loss, anchorGradient, positiveGradient } = infoNce(
    p,
    encode("queries"),
    encode("passages"),
    n,
    TEMPERATURE,
  );
  p.output("loss", loss, []);
  p.output("queryGradient", anchorGradient, [n, width]);
  p.output("passageGradient", positiveGradient, [n, width]);
  const session = await InferenceSession.create(p.bytes(), {
    intraOpNumThreads: threads,
    logSeverityLevel: 3,
  });

  const size = 4 * rows * width;
  const [at, bagsAt, idsAt] = [
    { p: 0, m: size, v: 2 * size, g: 3 * size },
    4 * size,
    4 * size + 4 * n * width,
  ];
  const pages = Math.ceil((idsAt + 4 * n * length) / PAGE);
  const memory = new WebAssembly.Memory({ initial: pages });
  const { instance } = await WebAssembly.instantiate(Buffer.from(MODULE, "base64"), { host: { memory } });
  const { adam, scatter } = instance.exports as unknown as Kernels;
  const floats = (offset: number, count: number) => new Float32Array(memory.buffer, offset, count);
  const [parameters, mean, square, gradient] = Object.values(at).map((offset) =>
    floats(offset, rows * width),
  ) as [Float32Array, Float32Array, Float32Array, Float32Array];
  const bags = floats(bagsAt, n * width);
  const ids = new Int32Array(memory.buffer, idsAt, n * length);
  const tableFeed = new OrtTensor("float32", parameters, table.shape);
  const feeds = batches.map((batch) => ({ queries: toOrt(batch.queries), passages: toOrt(batch.passages) }));
  const scalars = adamScalars({ learningRate: LEARNING_RATE });
  let steps = 0;
  return {
    reset: () => {
      steps = 0;
      parameters.set(values(table));
      mean.fill(0);
      square.fill(0);
    },
    step: async (batch) => {
      const start = performance.now();
      const results = await session.run({ table: tableFeed, ...feeds[batch] });
      const engine = performance.now();
      gradient.fill(0);
      for (const [name, tokens] of [
        ["queryGradient", batches[batch]!.queries],
        ["passageGradient", batches[batch]!.passages],
      ] as const) {
        bags.set(results[name]!.data as Float32Array);
        ids.set(values(tokens));
        scatter(at.g, bagsAt, idsAt, n * length, length, 4 * width, 1 / length);
      }
      const scattered = performance.now();
      const { size: rate, floor } = scalars(++steps) as { size: number; floor: number };
      adam(at.p, at.m, at.v, at.g, size, 0.9, 0.999, rate, floor);
      spent.engine += engine - start;
      spent.scatter += scattered - engine;
      spent.adam += performance.now() - scattered;
      return Number(results.loss!.data[0]);
    },
  };
}

const workload = workloadNamed("retriever");
const problem = workload.problem(random(1).split(workload.name));
const hand = await handTrainer(problem, handGraphs.retriever!(problem), { intraOpNumThreads: 1 });
const expected = await check(hand, problem.batches.length, 8);
const rows: string[][] = [];
for (const threads of [1, 2]) {
  const fused = await fusedTrainer(problem, threads);
  const got = await check(fused, problem.batches.length, 8);
  const worst = Math.max(...got.map(([loss], i) => Math.abs(loss! / expected[i]![0]! - 1)));
  if (!(worst < 1e-4)) throw new Error(`losses differ by ${worst}: ${got} against ${expected}`);
  const medians = { fused: Number.POSITIVE_INFINITY, hand: Number.POSITIVE_INFINITY };
  Object.assign(spent, { engine: 0, scatter: 0, adam: 0 });
  let steps = 0;
  for (let i = 0; i < 4; i++) {
    const measured = await round(fused, problem.batches.length, 500);
    steps += measured.steps + 3;
    medians.fused = Math.min(medians.fused, measured.median);
    if (threads === 1)
      medians.hand = Math.min(medians.hand, (await round(hand, problem.batches.length, 500)).median);
  }
  const parts = Object.entries(spent).map(([name, total]) => `${name} ${format(total / steps)}`);
  rows.push([
    `engine and one pass, ${threads} thread(s)`,
    format(medians.fused),
    `means: ${parts.join(", ")}`,
  ]);
  if (threads === 1) rows.push(["all in the engine, 1 thread", format(medians.hand), ""]);
}
console.log(showTable([["", "ms a step", ""], ...rows]));
