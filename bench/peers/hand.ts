/** Hand graphs as a contestant: node peers/hand.ts <folder of the problem> <workload> <variant> <threads> */
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { type Tensor, values } from "../../library/src/tensor/index.ts";
import { euclidean, serve, type Trainer } from "../contestant.ts";
import { type HandGraph, handGraphs } from "../hand/index.ts";
import { flatten, type Problem, readProblem } from "../problem.ts";

const toOrt = (x: Tensor) => new OrtTensor(x.dtype as "float32", values(x) as Float32Array, x.shape);

export async function handTrainer(
  problem: Problem,
  { bytes, state: first, scalars, rename = {} }: HandGraph,
  options: InferenceSession.SessionOptions,
): Promise<Trainer> {
  const session = await InferenceSession.create(bytes, { logSeverityLevel: 3, ...options });
  const start = Object.fromEntries([...first].map(([name, x]) => [name, toOrt(x)]));
  const batches = problem.batches.map((batch) =>
    Object.fromEntries([...flatten(batch)].map(([name, x]) => [rename[name] ?? name, toOrt(x)])),
  );
  let state: Record<string, OrtTensor> = start;
  let gradients: OrtTensor[] = [];
  let steps = 0;
  return {
    reset: () => {
      state = start;
      steps = 0;
    },
    step: async (batch) => {
      steps++;
      const feeds: Record<string, OrtTensor> = { ...state, ...batches[batch] };
      for (const [name, value] of Object.entries(scalars?.(steps) ?? {})) {
        feeds[name] = new OrtTensor("float32", Float32Array.of(value), []);
      }
      const results = await session.run(feeds);
      state = Object.fromEntries(
        Object.keys(state).map((name) => [name, results[`next.${name}`] as OrtTensor]),
      );
      gradients = Object.entries(results).flatMap(([name, x]) =>
        name.startsWith("gradient.") ? [x as OrtTensor] : [],
      );
      return Number(results.loss!.data[0]);
    },
    gradientNorms: () => gradients.map((g) => euclidean(g.data as Float32Array)),
  };
}

if (import.meta.main) {
  const [folder, name, , threads] = process.argv.slice(2) as [string, string, string, string];
  const problem = readProblem(folder);
  const trainer = await handTrainer(problem, handGraphs[name]!(problem), {
    intraOpNumThreads: Number(threads),
  });
  await serve(trainer, problem.batches.length);
}
