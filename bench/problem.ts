/**
 * The numbers that every contestant starts from: initial parameters and batches, as one file of raw
 * values beside a list of names, types and shapes, so that programs in any language read the same bits.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromData, isTensor, type Tensor, values } from "../library/src/tensor/index.ts";

/** Parameters and batches are trees of tensors; a batch is one step's data. */
export interface Problem {
  parameters: unknown;
  batches: unknown[];
}

/** Where a tensor stands in the file. Names are paths in the tree, such as `parameters.0.weight`. */
interface Entry {
  name: string;
  dtype: "float32" | "int32";
  shape: readonly number[];
  /** In bytes. */
  offset: number;
}

/** The tensors of a tree, by the path that leads to each. */
export function flatten(tree: unknown, path = ""): Map<string, Tensor> {
  if (isTensor(tree)) return new Map([[path, tree]]);
  if (typeof tree !== "object" || tree === null) {
    throw new TypeError(`problem: ${path} is ${typeof tree}; expected tensors, arrays and objects`);
  }
  return new Map(
    Object.entries(tree).flatMap(([key, branch]) => [
      ...flatten(branch, path === "" ? key : `${path}.${key}`),
    ]),
  );
}

/** The tree that `flatten` took apart; keys that are numbers make arrays. */
export function unflatten(tensors: ReadonlyMap<string, Tensor>): unknown {
  const [first] = tensors.keys();
  if (first === "") return tensors.get("");
  const branches = new Map<string, Map<string, Tensor>>();
  for (const [path, tensor] of tensors) {
    const [key, ...rest] = path.split(".") as [string, ...string[]];
    if (!branches.has(key)) branches.set(key, new Map());
    branches.get(key)!.set(rest.join("."), tensor);
  }
  const entries = [...branches].map(([key, branch]): [string, unknown] => [key, unflatten(branch)]);
  const isList = entries.every(([key], i) => key === String(i));
  return isList ? entries.map(([, branch]) => branch) : Object.fromEntries(entries);
}

/** Writes `problem.json` and `problem.bin` into an existing folder. */
export function writeProblem(folder: string, problem: Problem): void {
  const entries: Entry[] = [];
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, tensor] of flatten(problem)) {
    if (tensor.dtype !== "float32" && tensor.dtype !== "int32") {
      throw new TypeError(`problem: ${name} is ${tensor.dtype}; expected float32 or int32`);
    }
    const data = values(tensor);
    entries.push({ name, dtype: tensor.dtype, shape: tensor.shape, offset });
    parts.push(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
    offset += data.byteLength;
  }
  writeFileSync(join(folder, "problem.json"), JSON.stringify(entries));
  writeFileSync(join(folder, "problem.bin"), Buffer.concat(parts));
}

/** Reads what `writeProblem` wrote. */
export function readProblem(folder: string): Problem {
  const entries = JSON.parse(readFileSync(join(folder, "problem.json"), "utf8")) as Entry[];
  const bytes = Uint8Array.from(readFileSync(join(folder, "problem.bin"))).buffer;
  const tensors = entries.map(({ name, dtype, shape, offset }): [string, Tensor] => {
    const length = shape.reduce((product, n) => product * n, 1);
    const data =
      dtype === "float32" ? new Float32Array(bytes, offset, length) : new Int32Array(bytes, offset, length);
    return [name, fromData(data, shape)];
  });
  // A tree without tensors leaves no trace in the list.
  return { parameters: [], ...(unflatten(new Map(tensors)) as Partial<Problem>) } as Problem;
}
