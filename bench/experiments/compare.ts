/** Times candidates for the same computation in turn, and checks that they compute the same. */
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { type Random, random } from "../../library/src/random.ts";
import { fromData, type Shape, type Tensor, values } from "../../library/src/tensor/index.ts";
import { median } from "../contestant.ts";
import { type Pencil, pencil } from "../hand/graph.ts";

export type Feeds = Record<string, OrtTensor>;

/** One way to compute something. */
export interface Candidate {
  bytes: Uint8Array;
  feeds: Feeds;
  options?: InferenceSession.SessionOptions;
  /** Whether results are written into memory that is given to the engine, the same for every run. */
  preallocated?: boolean;
  /** The most threads on which it is right. */
  threads?: number;
}

/** A question about the engine, with its possible answers. */
export interface Experiment {
  name: string;
  question: string;
  candidates(): Record<string, Candidate>;
}

/** Named results of a small graph and their shapes. */
export type Results = Record<string, [name: string, shape: Shape]>;

/** Candidates that are small graphs over the same inputs, drawn at random. */
export function graphs(
  draw: (random: Random) => Record<string, Tensor>,
  builds: Record<string, (p: Pencil) => Results>,
): () => Record<string, Candidate> {
  return () => {
    const inputs = draw(random(1));
    const feeds = Object.fromEntries(Object.entries(inputs).map(([name, x]) => [name, toOrt(x)]));
    return Object.fromEntries(
      Object.entries(builds).map(([label, build]) => {
        const p = pencil();
        for (const [name, { shape, dtype }] of Object.entries(inputs)) p.input(name, shape, dtype);
        for (const [name, [from, shape]] of Object.entries(build(p))) p.output(name, from, shape);
        return [label, { bytes: p.bytes(), feeds }];
      }),
    );
  };
}

export const toOrt = (x: Tensor): OrtTensor =>
  new OrtTensor(x.dtype as "float32", values(x) as Float32Array, x.shape);

export const normal = (draw: Random, ...shape: number[]): Tensor =>
  fromData(draw.normal(shape.reduce((product, n) => product * n, 1)), shape);

export interface Timing {
  label: string;
  threads: number;
  /** Least of the rounds' medians. */
  milliseconds: number;
  /** Largest difference of a result from that of the first candidate which has it, relative to that result's largest element. */
  difference: number;
}

/** Every candidate on one and two threads, in turn. */
export async function compare(
  candidates: Record<string, Candidate>,
  {
    rounds,
    milliseconds,
    threadCounts,
  }: { rounds: number; milliseconds: number; threadCounts: readonly number[] },
): Promise<Timing[]> {
  const timings: Timing[] = [];
  for (const threads of threadCounts) {
    const entrants: (Timing & { run: () => Promise<void>; session: InferenceSession })[] = [];
    const reference: Record<string, Float32Array> = {};
    for (const [label, candidate] of Object.entries(candidates)) {
      if ((candidate.threads ?? threads) < threads) continue;
      const session = await InferenceSession.create(candidate.bytes, {
        logSeverityLevel: 3,
        intraOpNumThreads: threads,
        ...candidate.options,
      });
      const results = await session.run(candidate.feeds);
      const arrays = Object.fromEntries(
        Object.entries(results).map(([name, x]) => [name, (x as OrtTensor).data as Float32Array]),
      );
      for (const [name, x] of Object.entries(arrays)) reference[name] ??= x;
      const fetches = candidate.preallocated ? (results as Feeds) : undefined;
      const run = async () => {
        await (fetches ? session.run(candidate.feeds, fetches) : session.run(candidate.feeds));
      };
      const difference = largestDifference(reference, arrays);
      entrants.push({ label, threads, milliseconds: Number.POSITIVE_INFINITY, difference, run, session });
    }
    for (let i = 0; i < rounds; i++) {
      for (const entrant of entrants) {
        await entrant.run();
        const times: number[] = [];
        const end = performance.now() + milliseconds;
        while (times.length < 3 || performance.now() < end) {
          const start = performance.now();
          await entrant.run();
          times.push(performance.now() - start);
        }
        entrant.milliseconds = Math.min(entrant.milliseconds, median(times));
      }
    }
    for (const { run: _run, session, ...timing } of entrants) {
      timings.push(timing);
      await session.release();
    }
  }
  return timings;
}

function largestDifference(
  expected: Record<string, Float32Array>,
  got: Record<string, Float32Array>,
): number {
  let worst = 0;
  for (const [name, x] of Object.entries(expected)) {
    const y = got[name];
    if (!y) continue;
    let scale = 0;
    let difference = 0;
    for (let i = 0; i < x.length; i++) {
      scale = Math.max(scale, Math.abs(x[i]!));
      difference = Math.max(difference, Math.abs(x[i]! - y[i]!));
    }
    worst = Math.max(worst, difference / (scale || 1));
  }
  return worst;
}
