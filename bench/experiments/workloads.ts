import { random } from "../../library/src/random.ts";
import { handModel, nearmissModel } from "../dump.ts";
import type { Ways } from "../hand/index.ts";
import { workloadNamed } from "../workloads/index.ts";
import type { Experiment } from "./compare.ts";

/** Whole steps: the hand graph written in different ways, after nearmiss' own graph. */
const ways = (name: string, list: Record<string, Ways>): Experiment => ({
  name: `ways-${name}`,
  question: `a step of ${name}, its graph written in different ways`,
  candidates: () => {
    const workload = workloadNamed(name);
    const problem = workload.problem(random(1).split(name));
    return {
      nearmiss: nearmissModel(problem, workload.programs.nearmiss!),
      ...Object.fromEntries(
        Object.entries(list).map(([label, choice]) => [label, handModel(workload, problem, choice)]),
      ),
    };
  },
});

export const wholeSteps: Experiment[] = [
  ways("retriever", {
    default: {},
    "outputs by Identity": { identities: true },
  }),
  ways("classifier", {
    default: {},
    "relu: cast": { relu: "cast" },
    "relu: sign": { relu: "sign" },
    "columns: gemm": { columnSum: "gemm" },
    "update after": { update: "after" },
    "columns: gemm, relu: cast": { columnSum: "gemm", relu: "cast" },
  }),
  ways("contrastive-loss", {
    softmax: { contrast: "softmax" },
    turn: { contrast: "turn" },
    rowScaled: { contrast: "rowScaled" },
    shifted: { contrast: "shifted" },
    twice: { contrast: "twice" },
  }),
  ways("two-towers", {
    softmax: { contrast: "softmax", length: "reduceL2" },
    rowScaled: { contrast: "rowScaled" },
    shifted: { contrast: "shifted" },
    "shifted, columns: gemm": { contrast: "shifted", columnSum: "gemm" },
  }),
  ways("convnet", {
    default: {},
    "pool: reduceMax": { pool: "reduceMax" },
    "pool: equal": { pool: "equal" },
    "pool: slices": { pool: "slices" },
    "pool: resize": { pool: "resize" },
    "pool: resizeMul": { pool: "resizeMul" },
    "pool: resize, first": { pool: "resize", poolFirst: true },
    "pool: resizeMul, first": { pool: "resizeMul", poolFirst: true },
    "weights: im2col": { weightGradient: "im2col" },
    "weights: rows": { weightGradient: "rows" },
    "input: conv": { inputGradient: "conv" },
    "forward, weights: im2col": { weightGradient: "im2col", forward: "im2col" },
    "pool: resize, first; weights: im2col": { poolFirst: true, pool: "resize", weightGradient: "im2col" },
    "pool: resizeMul, first; weights: im2col": {
      poolFirst: true,
      pool: "resizeMul",
      weightGradient: "im2col",
    },
    "pool: resizeMul, first; forward, weights: im2col": {
      poolFirst: true,
      pool: "resizeMul",
      weightGradient: "im2col",
      forward: "im2col",
    },
  }),
  ways("language-model", {
    default: {},
    "outputs by Identity": { identities: true },
    "columns: gemm": { columnSum: "gemm" },
    "norm: elementwise": { norm: "elementwise" },
  }),
];
