import { input, type Tensor } from "../tensor/tensor.ts";
import { leaves, mapTree } from "../tree.ts";

/**
 * The most bytes that the values between inputs and results of a function take at one time, if each is computed in
 * the order written and dropped after its last use. Inputs are not counted, results are, and nothing is computed.
 * An engine may need less, by fusing operations, or more, by its choice of order and by what it keeps in reserve; how the
 * number grows with a batch is what it is for.
 *
 * @param fn As for `compile`: from trees of tensors to a tree of tensors, for instance a loss with its gradients.
 * @param example Arguments of the shapes that are asked about.
 */
export function peakMemory<Arguments extends unknown[]>(
  fn: (...args: Arguments) => unknown,
  ...example: Arguments
): number {
  const results = leaves(fn(...mapTree(example, (x) => input(x.shape, x.dtype))));
  const nodes = reached(results);
  const lastUse = new Map<Tensor, number>();
  nodes.forEach((node, turn) => {
    for (const source of node.inputs) lastUse.set(storage(source), turn);
  });
  for (const result of results) lastUse.set(storage(result), nodes.length);
  const dropped = nodes.map((): Tensor[] => []);
  for (const [node, turn] of lastUse) dropped[turn]?.push(node);
  let held = 0;
  let peak = 0;
  nodes.forEach((node, turn) => {
    if (storage(node) === node) held += bytes(node);
    peak = Math.max(peak, held);
    for (const old of dropped[turn]!) held -= bytes(old);
  });
  return peak;
}

/** Results that are another name or shape for their first input's numbers. */
const aliases = new Set(["variable", "customGradient", "stopGradient", "reshape"]);

const storage = (x: Tensor): Tensor => (aliases.has(x.operation.name) ? storage(x.inputs[0]!) : x);

const widths = { float32: 4, float64: 8, int32: 4, bool: 1 };

/** Bytes of a computed tensor; inputs and constants, which nothing leads to, count 0. */
const bytes = (x: Tensor): number =>
  x.inputs.length === 0 ? 0 : x.shape.reduce((size, length) => size * length, widths[x.dtype]);

/** What the results are computed from, in the order in which it was written. */
function reached(results: readonly Tensor[]): Tensor[] {
  const found = new Set(results);
  for (const node of found) for (const source of node.inputs) found.add(source);
  return [...found].sort((a, b) => a.id - b.id);
}
