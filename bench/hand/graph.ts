/**
 * A pencil for ONNX graphs written by hand: names in, names out, no derivation, no rewriting. What
 * onnxruntime-node does with these graphs is the mark that the library's own graphs are held against.
 */

import { bytesOf, encodeModel, type OnnxGraph } from "../../library/src/runtime/onnx.ts";
import {
  type Attribute,
  allocate,
  type DType,
  type Shape,
  type TypedArray,
} from "../../library/src/tensor/tensor.ts";

type Attributes = Record<string, Attribute>;

export interface Pencil {
  graph: OnnxGraph;
  input(name: string, shape: Shape, dtype?: DType): string;
  output(name: string, from: string, shape: Shape, dtype?: DType): void;
  constant(data: TypedArray, shape: Shape, dtype?: DType): string;
  scalar(value: number): string;
  integers(...list: number[]): string;
  /** A node with one output. */
  node(type: string, inputs: string[], attributes?: Attributes): string;
  /** A node with several outputs. */
  nodes(type: string, inputs: string[], outputs: number, attributes?: Attributes): string[];
  add(a: string, b: string): string;
  subtract(a: string, b: string): string;
  multiply(a: string, b: string | number): string;
  divide(a: string, b: string): string;
  /** a b + c, of matrices; `transA`, `transB`, `alpha` and `beta` as in ONNX. */
  gemm(a: string, b: string, options?: GemmOptions): string;
  sum(x: string, axes: number[], keepDims?: boolean): string;
  reshape(x: string, ...shape: number[]): string;
  transpose(x: string, ...axes: number[]): string;
  bytes(): Uint8Array;
}

export interface GemmOptions {
  transA?: boolean;
  transB?: boolean;
  c?: string;
  alpha?: number;
  beta?: number;
}

/** @param options.identities Whether outputs are written as Identity nodes. Default: false. */
export function pencil({ identities = false } = {}): Pencil {
  const graph: OnnxGraph = { nodes: [], initializers: [], inputs: [], outputs: [] };
  let counter = 0;
  const renamed = new Map<string, string>();
  const initializer = (type: DType | "int64", shape: Shape, data: TypedArray | BigInt64Array) => {
    const name = `c${counter++}`;
    graph.initializers.push({ name, type, shape, bytes: bytesOf(data) });
    return name;
  };
  const nodes = (type: string, inputs: string[], count: number, attributes: Attributes = {}) => {
    const outputs = Array.from({ length: count }, () => `t${counter++}`);
    graph.nodes.push({ type, inputs, outputs, attributes });
    return outputs;
  };
  const node = (type: string, inputs: string[], attributes?: Attributes) =>
    nodes(type, inputs, 1, attributes)[0]!;
  const scalar = (value: number) => {
    const data = allocate("float32", 1);
    data[0] = value;
    return initializer("float32", [], data);
  };
  const integers = (...list: number[]) =>
    initializer(
      "int64",
      [list.length],
      BigInt64Array.from(list, (n) => BigInt(n)),
    );
  return {
    graph,
    node,
    nodes,
    scalar,
    integers,
    input(name, shape, dtype = "float32") {
      graph.inputs.push({ name, dtype, shape });
      return name;
    },
    output(name, from, shape, dtype = "float32") {
      graph.outputs.push({ name, dtype, shape });
      // The node that makes the value takes the output's name, and who reads the value reads the output. An
      // Identity node would be copied by the engine wherever the value has other readers.
      const maker = identities ? undefined : graph.nodes.find(({ outputs }) => outputs.includes(from));
      if (!maker || renamed.has(from)) {
        graph.nodes.push({ type: "Identity", inputs: [from], outputs: [name], attributes: {} });
        return;
      }
      renamed.set(from, name);
    },
    constant: (data, shape, dtype = "float32") => initializer(dtype, shape, data),
    add: (a, b) => node("Add", [a, b]),
    subtract: (a, b) => node("Sub", [a, b]),
    multiply: (a, b) => node("Mul", [a, typeof b === "number" ? scalar(b) : b]),
    divide: (a, b) => node("Div", [a, b]),
    gemm: (a, b, { transA = false, transB = false, c, alpha = 1, beta = 1 } = {}) =>
      node("Gemm", c === undefined ? [a, b] : [a, b, c], {
        transA: transA ? 1 : 0,
        transB: transB ? 1 : 0,
        alpha: { float: alpha },
        beta: { float: beta },
      }),
    sum: (x, axes, keepDims = false) =>
      node("ReduceSum", [x, integers(...axes)], { keepdims: keepDims ? 1 : 0 }),
    reshape: (x, ...shape) => node("Reshape", [x, integers(...shape)]),
    transpose: (x, ...axes) => node("Transpose", [x], { perm: axes }),
    bytes: () => {
      const rename = (list: string[]) => list.map((name) => renamed.get(name) ?? name);
      const nodes = graph.nodes.map((n) => ({ ...n, inputs: rename(n.inputs), outputs: rename(n.outputs) }));
      return encodeModel({ ...graph, nodes });
    },
  };
}
