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
    "relu: where": { relu: "where" },
    "relu: sign": { relu: "sign" },
    "columns: reduce": { columnSum: "reduce" },
    "update after": { update: "after" },
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
    "columns: reduce": { columnSum: "reduce" },
  }),
  ways("convnet", {
    default: {},
    "pool: maxUnpool": { pool: "maxUnpool" },
    "pool: reduceMax": { pool: "reduceMax" },
    "pool: equal": { pool: "equal" },
    "pool: slices": { pool: "slices" },
    "pool: resize": { pool: "resize" },
    "pool: resizeMul": { pool: "resizeMul" },
    "relu first": { poolFirst: false },
    "weights: conv": { weightGradient: "conv" },
    "weights: rows": { weightGradient: "rows" },
    "input: conv": { inputGradient: "conv" },
    "forward: im2col": { forward: "im2col" },
    "textbook: relu first, maxUnpool, conv": { poolFirst: false, pool: "maxUnpool", weightGradient: "conv" },
  }),
  ways("language-model", {
    default: {},
    "outputs by Identity": { identities: true },
    "columns: reduce": { columnSum: "reduce" },
    "norm: elementwise": { norm: "elementwise" },
  }),
];
