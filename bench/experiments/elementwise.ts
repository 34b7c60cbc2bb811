import type { Random } from "../../library/src/random.ts";
import { fromData, type Tensor } from "../../library/src/tensor/index.ts";
import type { Pencil } from "../hand/graph.ts";
import { reluGradient } from "../hand/parts.ts";
import { type Experiment, graphs, normal, type Results } from "./compare.ts";

const ROWS = 2048;
const WIDTH = 512;
const shape = [ROWS, WIDTH];
const relued = (draw: Random): Tensor => {
  const x = draw.normal(ROWS * WIDTH).map((value) => Math.max(value, 0));
  return fromData(x, shape);
};

const relu: Experiment = {
  name: "relu-gradient",
  question: `g where y > 0, else 0, over [${shape}]`,
  candidates: graphs((draw) => ({ g: normal(draw, ...shape), y: relued(draw) }), {
    "Where(Greater)": (p) => ({ d: [reluGradient(p, "g", "y", "where"), shape] }),
    "Mul(Sign)": (p) => ({ d: [reluGradient(p, "g", "y", "sign"), shape] }),
    "Mul(Cast(Greater))": (p) => ({ d: [reluGradient(p, "g", "y", "cast"), shape] }),
    "Where(Cast to bool)": (p) => ({
      d: [p.node("Where", [p.node("Cast", ["y"], { to: 9 }), "g", p.scalar(0)]), shape],
    }),
    "Where(Equal 0), swapped": (p) => ({
      d: [p.node("Where", [p.node("Equal", ["y", p.scalar(0)]), p.scalar(0), "g"]), shape],
    }),
    "Mul(Clip(y · 1e38, 0, 1))": (p) => ({
      d: [p.multiply("g", p.node("Clip", [p.multiply("y", 1e38), p.scalar(0), p.scalar(1)])), shape],
    }),
    "Mul(Ceil(Clip(y, 0, 1)))": (p) => ({
      d: [p.multiply("g", p.node("Ceil", [p.node("Clip", ["y", p.scalar(0), p.scalar(1)])])), shape],
    }),
  }),
};

const types: [string, (p: Pencil) => string][] = [
  ...[
    "Neg",
    "Abs",
    "Relu",
    "Sign",
    "Sqrt",
    "Reciprocal",
    "Exp",
    "Log",
    "Erf",
    "Tanh",
    "Sigmoid",
    "Softplus",
    "Ceil",
  ].map((type): [string, (p: Pencil) => string] => [type, (p) => p.node(type, ["x"])]),
  ["Gelu", (p) => p.node("Gelu", ["x"])],
  ["Add", (p) => p.add("x", "y")],
  ["Sub", (p) => p.subtract("x", "y")],
  ["Mul", (p) => p.multiply("x", "y")],
  ["Div", (p) => p.divide("x", "y")],
  ["Max", (p) => p.node("Max", ["x", "y"])],
  ["Pow 2", (p) => p.node("Pow", ["x", p.scalar(2)])],
  ["Mul by a scalar", (p) => p.multiply("x", 0.5)],
  ["Add a scalar", (p) => p.add("x", p.scalar(0.5))],
  ["Div by a scalar", (p) => p.divide("x", p.scalar(0.5))],
  ["Max with a scalar", (p) => p.node("Max", ["x", p.scalar(0.5)])],
  ["Add a row", (p) => p.add("x", "row")],
  ["Mul by a row", (p) => p.multiply("x", "row")],
  ["Mul by a column", (p) => p.multiply("x", "column")],
  ["Sub a column", (p) => p.subtract("x", "column")],
  ["Div by a column", (p) => p.divide("x", "column")],
  ["Sum of three", (p) => p.node("Sum", ["x", "y", "x"])],
  ["Clip", (p) => p.node("Clip", ["x", p.scalar(0), p.scalar(1)])],
  ["Where, tensor and scalar", (p) => p.node("Where", ["b", "x", p.scalar(0)])],
  ["Where, two tensors", (p) => p.node("Where", ["b", "x", "y"])],
  ["Greater, Cast to bool's number", (p) => p.node("Cast", [p.node("Greater", ["x", "y"])], { to: 1 })],
  ["Transpose", (p) => p.reshape(p.transpose("x", 1, 0), ROWS, WIDTH)],
  ["Expand of a column", (p) => p.node("Expand", ["column", p.integers(ROWS, WIDTH)])],
  [
    "Concat halves",
    (p) =>
      p.reshape(
        p.node("Concat", p.nodes("Split", ["x"], 2, { axis: 1, num_outputs: 2 }), { axis: 0 }),
        ROWS,
        WIDTH,
      ),
  ],
  ["LayerNormalization", (p) => p.node("LayerNormalization", ["x", "row", "row"], { axis: -1 })],
  ["Softmax", (p) => p.node("Softmax", ["x"], { axis: 1 })],
  ["LogSoftmax", (p) => p.node("LogSoftmax", ["x"], { axis: 1 })],
];

const kernels: Experiment = {
  name: "kernels",
  question: `one pass of each kind over [${shape}]`,
  candidates: graphs(
    (draw) => ({
      x: normal(draw, ...shape),
      y: normal(draw, ...shape),
      row: normal(draw, WIDTH),
      column: normal(draw, ROWS, 1),
      b: fromData(Uint8Array.from(draw.bernoulli(ROWS * WIDTH, 0.5)), shape),
    }),
    Object.fromEntries(
      types.map(([label, build], i): [string, (p: Pencil) => Results] => [
        label,
        (p) => ({ [`y${i}`]: [build(p), shape] }),
      ]),
    ),
  ),
};

const gelu: Experiment = {
  name: "gelu",
  question: `gelu (exact) of [${shape}] and its gradient`,
  candidates: graphs((draw) => ({ x: normal(draw, ...shape), g: normal(draw, ...shape) }), {
    "½(1 + erf) kept; density by Exp": (p) => {
      const normalPart = p.multiply(p.add(p.node("Erf", [p.multiply("x", Math.SQRT1_2)]), p.scalar(1)), 0.5);
      const density = p.node("Exp", [p.multiply(p.multiply("x", "x"), -0.5)]);
      const slope = p.add(normalPart, p.multiply(p.multiply("x", density), 1 / Math.sqrt(2 * Math.PI)));
      return { y: [p.multiply("x", normalPart), shape], d: [p.multiply("g", slope), shape] };
    },
    "the same; factors inside of the exponent": (p) => {
      const normalPart = p.add(
        p.multiply(p.node("Erf", [p.multiply("x", Math.SQRT1_2)]), 0.5),
        p.scalar(0.5),
      );
      const exponent = p.add(p.multiply(p.multiply("x", "x"), -0.5), p.scalar(-0.5 * Math.log(2 * Math.PI)));
      const slope = p.add(normalPart, p.multiply("x", p.node("Exp", [exponent])));
      return { y: [p.multiply("x", normalPart), shape], d: [p.multiply("g", slope), shape] };
    },
    "Gelu forward; Φ = y / x is not used, Erf again": (p) => {
      const y = p.node("Gelu", ["x"]);
      const normalPart = p.multiply(p.add(p.node("Erf", [p.multiply("x", Math.SQRT1_2)]), p.scalar(1)), 0.5);
      const density = p.node("Exp", [p.multiply(p.multiply("x", "x"), -0.5)]);
      const slope = p.add(normalPart, p.multiply(p.multiply("x", density), 1 / Math.sqrt(2 * Math.PI)));
      return { y: [y, shape], d: [p.multiply("g", slope), shape] };
    },
    "as the library composes it": (p) => {
      const half = p.multiply("x", 0.5);
      const erf = p.node("Erf", [p.multiply("x", Math.SQRT1_2)]);
      const one = p.add(erf, p.scalar(1));
      const z = p.multiply("x", Math.SQRT1_2);
      const gh = p.multiply("g", one);
      const ge = p.multiply("g", half);
      const erfSlope = p.multiply(p.node("Exp", [p.node("Neg", [p.multiply(z, z)])]), 2 / Math.sqrt(Math.PI));
      const d = p.add(p.multiply(gh, 0.5), p.multiply(p.multiply(ge, erfSlope), Math.SQRT1_2));
      return { y: [p.multiply(half, one), shape], d: [d, shape] };
    },
  }),
};

const layerNorm: Experiment = {
  name: "layer-norm",
  question: "layer normalization of [2048, 128] with its gradient, of input, gain and bias",
  candidates: graphs(
    (draw) => ({
      x: normal(draw, 2048, 128),
      g: normal(draw, 2048, 128),
      gain: normal(draw, 128),
      bias: normal(draw, 128),
    }),
    Object.fromEntries(
      (["LayerNormalization", "elementwise"] as const).flatMap((forward) =>
        (["ReduceSum", "Gemm"] as const).flatMap((sums) =>
          (["ReduceMean", "Gemm"] as const).map((means): [string, (p: Pencil) => Results] => [
            `${forward}; column sums by ${sums}; row means by ${means}`,
            (p) => {
              const n = 2048;
              const d = 128;
              const mean = (z: string) =>
                means === "ReduceMean"
                  ? p.node("ReduceMean", [z, p.integers(1)], { keepdims: 1 })
                  : p.gemm(z, p.constant(new Float32Array(d).fill(1 / d), [d, 1]));
              const total = (z: string) =>
                sums === "ReduceSum"
                  ? p.sum(z, [0])
                  : p.reshape(p.gemm(p.constant(new Float32Array(n).fill(1), [1, n]), z), d);
              let unit: string;
              let inverse: string;
              if (forward === "elementwise") {
                const centred = p.subtract("x", mean("x"));
                const variance = mean(p.multiply(centred, centred));
                inverse = p.node("Reciprocal", [p.node("Sqrt", [p.add(variance, p.scalar(1e-5))])]);
                unit = p.multiply(centred, inverse);
              } else {
                const ones = p.constant(new Float32Array(d).fill(1), [d]);
                [unit, , inverse] = p.nodes("LayerNormalization", ["x", ones], 3, { axis: -1 }) as [
                  string,
                  string,
                  string,
                ];
              }
              const scaled = p.multiply("g", "gain");
              const inner = p.subtract(
                p.subtract(scaled, mean(scaled)),
                p.multiply(unit, mean(p.multiply(scaled, unit))),
              );
              return {
                y: [p.add(p.multiply(unit, "gain"), "bias"), [n, d]],
                dx: [p.multiply(inner, inverse), [n, d]],
                dGain: [total(p.multiply("g", unit)), [d]],
                dBias: [total("g"), [d]],
              };
            },
          ]),
        ),
      ),
    ),
  ),
};

const normalization: Experiment = {
  name: "l2-normalize",
  question: "rows of [4096, 128] over their lengths, with the gradient",
  candidates: graphs(
    (draw) => ({ x: normal(draw, 4096, 128), g: normal(draw, 4096, 128) }),
    Object.fromEntries(
      (
        [
          "ReduceL2, Div",
          "√ReduceSum(x²), Div",
          "√ReduceSum(x²), Reciprocal, Mul",
          "LpNormalization, ReduceSum",
        ] as const
      ).map((label): [string, (p: Pencil) => Results] => [
        label,
        (p) => {
          const length =
            label === "ReduceL2, Div"
              ? p.node("ReduceL2", ["x", p.integers(1)], { keepdims: 1 })
              : p.node("Sqrt", [p.sum(p.multiply("x", "x"), [1], true)]);
          const inverse = label.includes("Reciprocal") ? p.node("Reciprocal", [length]) : "";
          const over = (z: string) => (inverse ? p.multiply(z, inverse) : p.divide(z, length));
          const unit = label.startsWith("Lp")
            ? p.node("LpNormalization", ["x"], { axis: 1, p: 2 })
            : over("x");
          const back = p.subtract("g", p.multiply(unit, p.sum(p.multiply("g", unit), [1], true)));
          return { unit: [unit, [4096, 128]], d: [over(back), [4096, 128]] };
        },
      ]),
    ),
  ),
};

const PARAMETERS = 3_840_000;
const several = [...Array(40)].map(() => 16_384);

const adamUpdate = (p: Pencil, name: string, way: string): [string, string, string] => {
  const gradient = `g${name}`;
  const [rate, floor] = [p.scalar(1e-3), p.scalar(1e-8)];
  if (way === "moments divided") {
    const mean = p.add(p.multiply(`m${name}`, 0.9), p.multiply(gradient, 0.1));
    const square = p.add(p.multiply(`v${name}`, 0.999), p.multiply(p.multiply(gradient, gradient), 0.001));
    const move = p.multiply(p.divide(mean, p.add(p.node("Sqrt", [square]), floor)), rate);
    return [p.subtract(`p${name}`, move), mean, square];
  }
  const mean = p.add(p.multiply(`m${name}`, 0.9), gradient);
  const square = p.add(p.multiply(`v${name}`, 0.999), p.multiply(gradient, gradient));
  const root = p.add(p.node("Sqrt", [square]), floor);
  if (way === "rate inside the root") {
    // size · M / (√V + ε) = M / (√V / size + ε / size): the scalar joins V's, one pass less with v kept scaled.
    return [p.subtract(`p${name}`, p.divide(mean, root)), mean, square];
  }
  return [p.subtract(`p${name}`, p.multiply(p.divide(mean, root), rate)), mean, square];
};

const adamWays = (name: string, lengths: readonly number[], labels: readonly string[]): Experiment => ({
  name: `adam-${name}`,
  question: `Adam's update of ${lengths.length} parameter(s) of ${lengths[0]} elements`,
  candidates: graphs(
    (draw) =>
      Object.fromEntries(
        lengths.flatMap((n, i) => [
          [`p${i}`, normal(draw, n)],
          [`m${i}`, normal(draw, n)],
          [`v${i}`, fromData(draw.uniform(n), [n])],
          [`g${i}`, normal(draw, n)],
        ]),
      ),
    Object.fromEntries(
      labels.map((label): [string, (p: Pencil) => Results] => [
        label,
        (p) => {
          if (label === "joined: Concat, update, Split") {
            const total = lengths.reduce((sum, n) => sum + n, 0);
            const join = (letter: string) =>
              p.node(
                "Concat",
                lengths.map((_, i) => letter + i),
                { axis: 0 },
              );
            const joined = Object.fromEntries(["p", "m", "v", "g"].map((letter) => [letter, join(letter)]));
            const mean = p.add(p.multiply(joined.m!, 0.9), joined.g!);
            const square = p.add(p.multiply(joined.v!, 0.999), p.multiply(joined.g!, joined.g!));
            const root = p.add(p.node("Sqrt", [square]), p.scalar(1e-8));
            const next = p.subtract(joined.p!, p.multiply(p.divide(mean, root), 1e-3));
            const parts = p.nodes("Split", [next, p.integers(...lengths)], lengths.length, { axis: 0 });
            return {
              ...Object.fromEntries(
                parts.map((part, i): [string, [string, number[]]] => [`np${i}`, [part, [lengths[i]!]]]),
              ),
              m: [mean, [total]],
              v: [square, [total]],
            };
          }
          return Object.fromEntries(
            lengths.flatMap((n, i): [string, [string, number[]]][] => {
              const [next, mean, square] = adamUpdate(p, String(i), label);
              return [
                [`np${i}`, [next, [n]]],
                [`nm${i}`, [mean, [n]]],
                [`nv${i}`, [square, [n]]],
              ];
            }),
          );
        },
      ]),
    ),
  ),
});

export const elementwise: Experiment[] = [
  relu,
  kernels,
  gelu,
  layerNorm,
  normalization,
  adamWays("large", [PARAMETERS], ["undivided moments", "moments divided", "rate inside the root"]),
  adamWays("small", several, ["undivided moments", "joined: Concat, update, Split"]),
];
