/** nearmiss as a contestant: node peers/nearmiss.ts <folder of the problem> <workload> <program> <threads> */
import { compile } from "../../library/src/index.ts";
import { item, type Tensor, values } from "../../library/src/tensor/index.ts";
import { leaves } from "../../library/src/tree.ts";
import { euclidean, serve, type Trainer } from "../contestant.ts";
import { type Problem, readProblem } from "../problem.ts";
import { type Program, workloadNamed } from "../workloads/index.ts";

export function nearmissTrainer(problem: Problem, program: Program, threads: number): Trainer {
  const step = compile(program.step, { threads });
  let state = program.init(problem.parameters);
  let gradients: unknown;
  return {
    reset: () => {
      state = program.init(problem.parameters);
    },
    step: async (batch) => {
      const result = await step(state, problem.batches[batch]);
      state = result.state ?? state;
      gradients = result.gradients;
      return item(result.loss);
    },
    gradientNorms: () => leaves(gradients ?? []).map((g: Tensor) => euclidean(values(g))),
  };
}

if (import.meta.main) {
  const [folder, name, variant, threads] = process.argv.slice(2) as [string, string, string, string];
  const problem = readProblem(folder);
  await serve(
    nearmissTrainer(problem, workloadNamed(name).programs[variant]!, Number(threads)),
    problem.batches.length,
  );
}
