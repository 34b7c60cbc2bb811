import type { Pencil } from "../hand/graph.ts";
import { type Experiment, graphs, normal, type Results } from "./compare.ts";

const product = (m: number, k: number, n: number): Experiment => ({
  name: `product-${m}x${k}x${n}`,
  question: `[${m}, ${k}] × [${k}, ${n}] in every orientation of its operands; the first is plain`,
  candidates: graphs(
    (draw) => {
      const a = normal(draw, m, k);
      const b = normal(draw, k, n);
      return {
        a,
        b,
        at: normal(draw, k, m),
        bt: normal(draw, n, k),
        c: normal(draw, m, n),
        row: normal(draw, n),
      };
    },
    {
      "Gemm A B": (p) => ({ ab: [p.gemm("a", "b"), [m, n]] }),
      "MatMul A B": (p) => ({ ab: [p.node("MatMul", ["a", "b"]), [m, n]] }),
      "Gemm A Bᵀ": (p) => ({ abt: [p.gemm("a", "bt", { transB: true }), [m, n]] }),
      "Gemm Aᵀ B": (p) => ({ atb: [p.gemm("at", "b", { transA: true }), [m, n]] }),
      "Gemm Aᵀ Bᵀ": (p) => ({ atbt: [p.gemm("at", "bt", { transA: true, transB: true }), [m, n]] }),
      "Transpose A, Gemm": (p) => ({ atb: [p.gemm(p.transpose("at", 1, 0), "b"), [m, n]] }),
      "Gemm A B + row": (p) => ({ abr: [p.gemm("a", "b", { c: "row" }), [m, n]] }),
      "Gemm A B, Add row": (p) => ({ abr: [p.add(p.node("MatMul", ["a", "b"]), "row"), [m, n]] }),
      "Gemm A B + C": (p) => ({ abc: [p.gemm("a", "b", { c: "c" }), [m, n]] }),
      "Gemm ½ A B": (p) => ({ half: [p.gemm("a", "b", { alpha: 0.5 }), [m, n]] }),
    },
  ),
});

const HEADS = [16, 4] as const;
const CONTEXT = 128;
const SIZE = 32;

/** x [batch, heads, a, b] with its last axes swapped. */
const turn = (p: Pencil, x: string) => p.transpose(x, 0, 1, 3, 2);

const attentionBackward: Experiment = {
  name: "attention-backward",
  question:
    "Pᵀ g of weights P [16, 4, 128, 128] and cotangent g [16, 128, 4, 32], laid out as [16, 128, 4, 32]",
  candidates: graphs(
    (draw) => ({ w: normal(draw, ...HEADS, CONTEXT, CONTEXT), g: normal(draw, 16, CONTEXT, 4, SIZE) }),
    {
      "MatMul(Transpose P, g)": (p): Results => {
        const g = p.transpose("g", 0, 2, 1, 3);
        return { y: [p.transpose(p.node("MatMul", [turn(p, "w"), g]), 0, 2, 1, 3), [16, CONTEXT, 4, SIZE]] };
      },
      "MatMul(gᵀ, P), turned back with the heads": (p) => {
        const g = p.transpose("g", 0, 2, 3, 1);
        return { y: [p.transpose(p.node("MatMul", [g, "w"]), 0, 3, 1, 2), [16, CONTEXT, 4, SIZE]] };
      },
      Einsum: (p) => ({
        y: [p.node("Einsum", ["w", "g"], { equation: "bhqk,bqhd->bkhd" }), [16, CONTEXT, 4, SIZE]],
      }),
    },
  ),
};

const attentionForward: Experiment = {
  name: "attention-forward",
  question: "softmax(½ Q Kᵀ + mask) of Q, K [16, 4, 128, 32]",
  candidates: graphs(
    (draw) => ({
      q: normal(draw, ...HEADS, CONTEXT, SIZE),
      k: normal(draw, ...HEADS, CONTEXT, SIZE),
      mask: normal(draw, CONTEXT, CONTEXT),
    }),
    Object.fromEntries(
      (["scale scores", "scale queries", "keys turned before, scale queries"] as const).map((label) => [
        label,
        (p: Pencil): Results => {
          const q = label === "scale scores" ? "q" : p.multiply("q", 0.5);
          const raw = p.node("MatMul", [q, turn(p, "k")]);
          const scores = label === "scale scores" ? p.multiply(raw, 0.5) : raw;
          return {
            y: [p.node("Softmax", [p.add(scores, "mask")], { axis: 3 }), [...HEADS, CONTEXT, CONTEXT]],
          };
        },
      ]),
    ),
  ),
};

const split: Experiment = {
  name: "split-three",
  question: "queries, keys and values out of [2048, 384] as [16, 4, 128, 32] each",
  candidates: graphs((draw) => ({ x: normal(draw, 2048, 384) }), {
    "Split, three times Reshape and Transpose": (p) => {
      const parts = p.nodes("Split", ["x"], 3, { axis: 1, num_outputs: 3 });
      return Object.fromEntries(
        parts.map((part, i) => [
          `y${i}`,
          [p.transpose(p.reshape(part, 16, CONTEXT, 4, SIZE), 0, 2, 1, 3), [...HEADS, CONTEXT, SIZE]],
        ]),
      );
    },
    "three times Slice, Reshape, Transpose": (p) =>
      Object.fromEntries(
        [0, 1, 2].map((i) => {
          const part = p.node("Slice", ["x", p.integers(i * 128), p.integers((i + 1) * 128), p.integers(1)]);
          return [
            `y${i}`,
            [p.transpose(p.reshape(part, 16, CONTEXT, 4, SIZE), 0, 2, 1, 3), [...HEADS, CONTEXT, SIZE]],
          ];
        }),
      ),
    "one Transpose, three times Gather": (p) => {
      const all = p.transpose(p.reshape("x", 16, CONTEXT, 3, 4, SIZE), 2, 0, 3, 1, 4);
      return Object.fromEntries(
        [0, 1, 2].map((i) => [
          `y${i}`,
          [p.node("Gather", [all, p.constant(Int32Array.of(i), [], "int32")]), [...HEADS, CONTEXT, SIZE]],
        ]),
      );
    },
  }),
};

const join: Experiment = {
  name: "join-three",
  question: "the way back of a split: three [2048, 128] to [2048, 384]",
  candidates: graphs(
    (draw) => ({ a: normal(draw, 2048, 128), b: normal(draw, 2048, 128), c: normal(draw, 2048, 128) }),
    {
      Concat: (p) => ({ y: [p.node("Concat", ["a", "b", "c"], { axis: 1 }), [2048, 384]] }),
      "Pad each, Add": (p) => {
        const wide = (x: string, i: number) =>
          p.node("Pad", [x, p.integers(0, i * 128, 0, (2 - i) * 128), p.scalar(0)], { mode: "constant" });
        return { y: [p.add(p.add(wide("a", 0), wide("b", 1)), wide("c", 2)), [2048, 384]] };
      },
    },
  ),
};

export const products: Experiment[] = [
  product(256, 784, 256),
  product(1024, 512, 256),
  product(1024, 256, 1024),
  product(4096, 4096, 128),
  product(512, 2048, 128),
  attentionBackward,
  attentionForward,
  split,
  join,
];
