/** From expressions to one ONNX graph: each expression is written once, equal nodes share one output. */
import {
  type Attribute,
  allocate,
  type DType,
  describe,
  type GraphWriter,
  isInput,
  reachable,
  type Shape,
  sizeOf,
  type Tensor,
  type TypedArray,
} from "../tensor/tensor.ts";
import { bytesOf, type Initializer, type OnnxGraph, type OnnxNode } from "./onnx.ts";

// Constants up to this many elements are compared by value; larger ones by identity.
const SHARED_CONSTANT = 1024;

/**
 * The graph that computes `outputs` from `inputs`.
 *
 * @param inputs Tensors built by `input`; named input0, input1, … in this order.
 * @param outputs Any expressions of them; named output0, output1, …
 * @param options.sequential Whether the graph will only run on one thread. Default: false.
 * @throws Error if an expression depends on an input that is not listed.
 */
export function emitGraph(
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
  { sequential = false }: { sequential?: boolean } = {},
): OnnxGraph {
  const order = reachable(outputs);
  const uses = countUses(order, outputs);
  const nodes: OnnxNode[] = [];
  const initializers: Initializer[] = [];
  const names = new Map<Tensor, string>();
  const shared = new Map<string, string>();
  const byArray = new Map<TypedArray, string>();
  /** What was reshaped, by the name of the result. */
  const unshaped = new Map<string, string>();
  let counter = 0;

  inputs.forEach((tensor, i) => {
    names.set(tensor, `input${i}`);
  });

  const initializer = (type: DType | "int64", shape: Shape, bytes: Uint8Array): string => {
    const name = `c${counter++}`;
    initializers.push({ name, type, shape, bytes });
    return name;
  };
  const once = (key: string, make: () => string): string => {
    const known = shared.get(key);
    if (known !== undefined) return known;
    const name = make();
    shared.set(key, name);
    return name;
  };

  const writer: GraphWriter = {
    node(type, nodeInputs, attributes) {
      if (type !== "Reshape") return writer.nodeOutput(type, nodeInputs, attributes, 1, 0);
      // Only the last of several shapes counts.
      const [source, shape] = nodeInputs as [string, string];
      const origin = unshaped.get(source) ?? source;
      const name = writer.nodeOutput(type, [origin, shape], attributes, 1, 0);
      unshaped.set(name, origin);
      return name;
    },
    nodeOutput(type, nodeInputs, attributes = {}, count, index) {
      const key = `${type}(${nodeInputs.join()})${JSON.stringify(attributes)}`;
      const first = once(key, () => {
        const name = `t${counter++}`;
        const all = Array.from({ length: count }, (_, i) => (count === 1 ? name : `${name}_${i}`));
        nodes.push({
          type,
          inputs: nodeInputs,
          outputs: all,
          attributes: attributes as Record<string, Attribute>,
        });
        return name;
      });
      return count === 1 ? first : `${first}_${index}`;
    },
    constant(data, shape, dtype) {
      if (data.length > SHARED_CONSTANT) {
        const known = byArray.get(data);
        if (known !== undefined) return known;
        const name = initializer(dtype, shape, bytesOf(data));
        byArray.set(data, name);
        return name;
      }
      // Compared by bytes, since −0 and 0 print alike.
      return once(`${dtype}[${shape.join()}]${bytesOf(data).join()}`, () =>
        initializer(dtype, shape, bytesOf(data.slice())),
      );
    },
    scalar(value, dtype) {
      const data = allocate(dtype, 1);
      data[0] = value;
      return writer.constant(data, [], dtype);
    },
    integers: (list) =>
      once(`int64[${list.join()}]`, () =>
        initializer("int64", [list.length], bytesOf(BigInt64Array.from(list, (n) => BigInt(n)))),
      ),
    uses: (tensor) => uses.get(tensor) ?? 0,
    name: emit,
    sequential,
  };

  // Written on demand from the outputs, so that what an operation folds into itself is never written.
  function emit(tensor: Tensor): string {
    const stack: Tensor[] = [tensor];
    while (stack.length > 0) {
      const node = stack[stack.length - 1]!;
      if (names.has(node)) {
        stack.pop();
        continue;
      }
      if (isInput(node)) throw new Error(`${describe(node)} is an argument of another compiled function`);
      // Several of the engine's kernels go wrong where a result has no elements.
      if (sizeOf(node.shape) === 0) {
        stack.pop();
        names.set(node, writer.constant(allocate(node.dtype, 0), node.shape, node.dtype));
        continue;
      }
      const open = node.inputs.filter((source) => !names.has(source));
      if (open.length > 0) {
        stack.push(...open);
        continue;
      }
      stack.pop();
      names.set(
        node,
        node.operation.emit(
          writer,
          node.inputs.map((source) => names.get(source)!),
          node,
        ),
      );
    }
    return names.get(tensor)!;
  }

  // A result takes the name of its output; inputs, constants and results that are wanted twice are copied.
  const renamed = new Map<string, string>();
  const computed = outputs.map((tensor) => emit(tensor));
  const produced = new Set(nodes.flatMap((node) => node.outputs));
  const ports = outputs.map((tensor, i) => {
    const port = { name: `output${i}`, dtype: tensor.dtype, shape: tensor.shape };
    const source = computed[i]!;
    if (produced.has(source) && !renamed.has(source)) renamed.set(source, port.name);
    else nodes.push({ type: "Identity", inputs: [source], outputs: [port.name], attributes: {} });
    return port;
  });
  const rename = (name: string) => renamed.get(name) ?? name;
  return prune({
    nodes: nodes.map((node) => ({
      ...node,
      inputs: node.inputs.map(rename),
      outputs: node.outputs.map(rename),
    })),
    initializers,
    inputs: inputs.map((tensor, i) => ({ name: `input${i}`, dtype: tensor.dtype, shape: tensor.shape })),
    outputs: ports,
  });
}

function countUses(order: readonly Tensor[], outputs: readonly Tensor[]): Map<Tensor, number> {
  const uses = new Map<Tensor, number>();
  const use = (tensor: Tensor) => uses.set(tensor, (uses.get(tensor) ?? 0) + 1);
  for (const node of order) node.inputs.forEach(use);
  outputs.forEach(use);
  return uses;
}

/** Drops nodes and constants that no output needs (a product that was folded into a sum leaves some). */
function prune(graph: OnnxGraph): OnnxGraph {
  const needed = new Set(graph.outputs.map(({ name }) => name));
  const nodes = graph.nodes
    .toReversed()
    .filter((node) => {
      const used = node.outputs.some((name) => needed.has(name));
      if (used) for (const name of node.inputs) needed.add(name);
      return used;
    })
    .reverse();
  return { ...graph, nodes, initializers: graph.initializers.filter(({ name }) => needed.has(name)) };
}
