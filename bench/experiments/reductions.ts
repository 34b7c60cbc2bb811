import { fromData } from "../../library/src/tensor/index.ts";
import type { Pencil } from "../hand/graph.ts";
import { type Experiment, graphs, normal } from "./compare.ts";

const column = (rows: number, columns: number): Experiment => ({
  name: `column-sum-${rows}x${columns}`,
  question: `sum over the rows of [${rows}, ${columns}]: the gradient of a bias`,
  candidates: graphs((draw) => ({ x: normal(draw, rows, columns) }), {
    "ReduceSum axis 0": (p) => ({ y: [p.sum("x", [0]), [columns]] }),
    "Gemm with a row of ones": (p) => {
      const ones = p.constant(new Float32Array(rows).fill(1), [1, rows]);
      return { y: [p.reshape(p.gemm(ones, "x"), columns), [columns]] };
    },
    "Gemm with a column of ones, transA": (p) => {
      const ones = p.constant(new Float32Array(rows).fill(1), [rows, 1]);
      return { y: [p.reshape(p.gemm("x", ones, { transA: true }), columns), [columns]] };
    },
  }),
});

const exps = (p: Pencil, axis: number) => {
  const top = p.node("ReduceMax", ["x", p.integers(axis)], { keepdims: 1 });
  const e = p.node("Exp", [p.subtract("x", top)]);
  return { top, e, total: p.sum(e, [axis], true) };
};

const logSumExp = (rows: number, columns: number): Experiment => ({
  name: `log-sum-exp-${rows}x${columns}`,
  question: `log Σ eˣ over the rows of [${rows}, ${columns}] and its gradient, the softmax`,
  candidates: graphs((draw) => ({ x: normal(draw, rows, columns) }), {
    "ReduceLogSumExp, e^(x − it)": (p) => {
      const y = p.node("ReduceLogSumExp", ["x", p.integers(1)], { keepdims: 1 });
      return { y: [y, [rows, 1]], g: [p.node("Exp", [p.subtract("x", y)]), [rows, columns]] };
    },
    "ReduceLogSumExp, Softmax": (p) => ({
      y: [p.node("ReduceLogSumExp", ["x", p.integers(1)], { keepdims: 1 }), [rows, 1]],
      g: [p.node("Softmax", ["x"], { axis: 1 }), [rows, columns]],
    }),
    "max, e^(x − max), sum, quotient": (p) => {
      const { top, e, total } = exps(p, 1);
      return {
        y: [p.add(p.node("Log", [total]), top), [rows, 1]],
        g: [p.multiply(e, p.node("Reciprocal", [total])), [rows, columns]],
      };
    },
    "max, e^(x − max), sum; Softmax": (p) => {
      const { top, total } = exps(p, 1);
      return {
        y: [p.add(p.node("Log", [total]), top), [rows, 1]],
        g: [p.node("Softmax", ["x"], { axis: 1 }), [rows, columns]],
      };
    },
    "LogSoftmax, its first column, e^it": (p) => {
      const logs = p.node("LogSoftmax", ["x"], { axis: 1 });
      const first = (z: string) => p.node("Slice", [z, p.integers(0), p.integers(1), p.integers(1)]);
      return {
        y: [p.subtract(first("x"), first(logs)), [rows, 1]],
        g: [p.node("Exp", [logs]), [rows, columns]],
      };
    },
    "LogSoftmax, its first column; Softmax": (p) => {
      const logs = p.node("LogSoftmax", ["x"], { axis: 1 });
      const first = (z: string) => p.node("Slice", [z, p.integers(0), p.integers(1), p.integers(1)]);
      return {
        y: [p.subtract(first("x"), first(logs)), [rows, 1]],
        g: [p.node("Softmax", ["x"], { axis: 1 }), [rows, columns]],
      };
    },
  }),
});

const crossEntropy = (rows: number, classes: number): Experiment => ({
  name: `cross-entropy-${rows}x${classes}`,
  question: `mean cross-entropy of logits [${rows}, ${classes}] and its gradient`,
  candidates: graphs(
    (draw) => ({
      x: normal(draw, rows, classes),
      labels: fromData(
        Int32Array.from({ length: rows }, () => draw.integer(0, classes)),
        [rows, 1],
      ),
    }),
    Object.fromEntries(
      (
        [
          ["LogSoftmax + GatherElements; e^it − oneHot", "gather", "exp"],
          ["LogSoftmax + GatherElements; Softmax − oneHot", "gather", "softmax"],
          ["LogSoftmax × oneHot; e^it − oneHot", "oneHot", "exp"],
          ["Softmax, GatherElements, Log; it − oneHot", "own", "softmax"],
          ["LogSoftmax + GatherElements; ScatterElements of −1 into e^it", "gather", "scatter"],
          ["ReduceLogSumExp − GatherElements; e^(x − it) − oneHot", "sumExp", "sumExp"],
        ] as const
      ).map(([label, pick, gradient]) => [
        label,
        (p: Pencil) => {
          const positions = p.constant(
            Int32Array.from({ length: classes }, (_, i) => i),
            [1, classes],
            "int32",
          );
          const oneHot = () => p.node("Cast", [p.node("Equal", ["labels", positions])], { to: 1 });
          const gather = (z: string) => p.node("GatherElements", [z, "labels"], { axis: 1 });
          const total = (z: string) => p.node("ReduceSum", [z, p.integers(0, 1)], { keepdims: 0 });
          const softmax = () => p.node("Softmax", ["x"], { axis: 1 });
          if (pick === "sumExp") {
            const sums = p.node("ReduceLogSumExp", ["x", p.integers(1)], { keepdims: 1 });
            const loss = total(p.subtract(sums, gather("x")));
            const probabilities = p.node("Exp", [p.subtract("x", sums)]);
            return {
              loss: [p.multiply(loss, 1 / rows), []],
              g: [p.multiply(p.subtract(probabilities, oneHot()), 1 / rows), [rows, classes]],
            };
          }
          if (pick === "own") {
            const probabilities = softmax();
            return {
              loss: [p.multiply(total(p.node("Log", [gather(probabilities)])), -1 / rows), []],
              g: [p.multiply(p.subtract(probabilities, oneHot()), 1 / rows), [rows, classes]],
            };
          }
          const logs = p.node("LogSoftmax", ["x"], { axis: 1 });
          const hot = gradient === "scatter" ? "" : oneHot();
          const loss = total(pick === "gather" ? gather(logs) : p.multiply(logs, hot));
          const probabilities = gradient === "softmax" ? softmax() : p.node("Exp", [logs]);
          const minusOnes = p.constant(new Float32Array(rows).fill(-1), [rows, 1]);
          const difference =
            gradient === "scatter"
              ? p.node("ScatterElements", [probabilities, "labels", minusOnes], { axis: 1, reduction: "add" })
              : p.subtract(probabilities, hot);
          return {
            loss: [p.multiply(loss, -1 / rows), []],
            g: [p.multiply(difference, 1 / rows), [rows, classes]],
          };
        },
      ]),
    ),
  ),
});

const rowReductions: Experiment = {
  name: "row-reductions-2048x512",
  question: "which reductions over the last axis of [2048, 512] are fast",
  candidates: graphs(
    (draw) => ({ x: normal(draw, 2048, 512) }),
    Object.fromEntries([
      ...[
        "ReduceSum",
        "ReduceMean",
        "ReduceMax",
        "ReduceL2",
        "ReduceSumSquare",
        "ReduceLogSumExp",
        "ReduceLogSum",
      ].map(
        (type) =>
          [
            type,
            (p: Pencil) => ({
              [type]: [p.node(type, ["x", p.integers(1)]), [2048, 1]] as [string, number[]],
            }),
          ] as const,
      ),
      [
        "Mul, ReduceSum",
        (p: Pencil) => ({
          squares: [p.sum(p.multiply("x", "x"), [1], true), [2048, 1]] as [string, number[]],
        }),
      ] as const,
      [
        "Gemm with ones",
        (p: Pencil) => ({
          gemm: [p.gemm("x", p.constant(new Float32Array(512).fill(1), [512, 1])), [2048, 1]] as [
            string,
            number[],
          ],
        }),
      ] as const,
    ]),
  ),
};

export const reductions: Experiment[] = [
  column(256, 256),
  column(2048, 512),
  logSumExp(1024, 1024),
  logSumExp(4096, 4096),
  crossEntropy(256, 10),
  crossEntropy(2048, 1024),
  rowReductions,
];
