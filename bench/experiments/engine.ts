import type { InferenceSession } from "onnxruntime-node";
import { random } from "../../library/src/random.ts";
import { handModel } from "../dump.ts";
import { workloadNamed } from "../workloads/index.ts";
import { type Candidate, type Experiment, graphs, normal } from "./compare.ts";

const copying: Experiment = {
  name: "run-overhead",
  question: "what a run costs besides its kernels: one node over [n] floats",
  candidates: () => {
    const make = (n: number, preallocated: boolean): Candidate => ({
      ...graphs((draw) => ({ x: normal(draw, n) }), { only: (p) => ({ y: [p.node("Neg", ["x"]), [n]] }) })()
        .only!,
      preallocated,
    });
    return {
      "1 float": make(1, false),
      "1 float, preallocated": make(1, true),
      "250,000 floats": make(250_000, false),
      "250,000 floats, preallocated": make(250_000, true),
      "4,000,000 floats": make(4_000_000, false),
      "4,000,000 floats, preallocated": make(4_000_000, true),
    };
  },
};

const many: Experiment = {
  name: "many-outputs",
  question: "a run with 100 inputs and outputs of 10 floats",
  candidates: () => {
    const list = Array.from({ length: 100 }, (_, i) => `x${i}`);
    const { only } = graphs((draw) => Object.fromEntries(list.map((name) => [name, normal(draw, 10)])), {
      only: (p) => Object.fromEntries(list.map((name) => [`y${name}`, [p.node("Neg", [name]), [10]]])),
    })() as { only: Candidate };
    return { fresh: only, preallocated: { ...only, preallocated: true } };
  },
};

const settings: Record<string, InferenceSession.SessionOptions> = {
  default: {},
  "no memory pattern": { enableMemPattern: false },
  "no arena": { enableCpuMemArena: false },
  "denormals as zero": { extra: { session: { set_denormal_as_zero: "1" } } },
  "no spinning": { extra: { session: { intra_op: { allow_spinning: "0" } } } },
  "parallel execution, 2 inter-op threads": { executionMode: "parallel", interOpNumThreads: 2 },
  "optimization: basic": { graphOptimizationLevel: "basic" },
  "optimization: extended": { graphOptimizationLevel: "extended" },
  "dynamic block base 4": { extra: { session: { dynamic_block_base: "4" } } },
  "no prepacking": { extra: { session: { disable_prepacking: "1" } } },
};

const sessionOptions = (name: string): Experiment => ({
  name: `session-options-${name}`,
  question: `settings of the session, on the hand graph of ${name}`,
  candidates: () => {
    const workload = workloadNamed(name);
    const model = handModel(workload, workload.problem(random(1).split(name)));
    return {
      ...Object.fromEntries(
        Object.entries(settings).map(([label, options]) => [label, { ...model, options }]),
      ),
      "preallocated outputs": { ...model, preallocated: true },
    };
  },
});

export const engine: Experiment[] = [
  copying,
  many,
  ...["classifier", "two-towers", "language-model", "convnet", "retriever"].map(sessionOptions),
];
