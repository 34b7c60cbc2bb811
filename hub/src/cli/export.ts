/** `nearmiss export LOSS`: an objective of the library as an ONNX file, with its gradients if wanted. */
import { writeFileSync } from "node:fs";
import { fromData, type Tensor, toOnnx, valueAndGrad } from "nearmiss";
import * as losses from "nearmiss/losses";
import { CommandError, exitCodes } from "./exit.ts";
import { type Format, print, say } from "./output.ts";

export interface ExportOptions {
  /** For instance "32x64,int32:32". */
  inputs: string;
  gradients: boolean;
  /** JSON of the objective's options. */
  options: string;
  out?: string;
  format: Format;
}

interface Exported {
  file: string;
  bytes: number;
  inputs: { name: string; type: string; shape: readonly number[] }[];
  outputs: { name: string; value: string }[];
}

export function exportLoss(name: string, options: ExportOptions): void {
  const loss = objective(name);
  const inputs = options.inputs.split(",").map(readInput);
  const settings = readOptions(options.options);
  const differentiable = inputs.flatMap(({ dtype }, i) => (dtype === "float32" ? [i] : []));
  const value = (...args: Tensor[]) => loss(...args, settings);
  const withGradients = (...args: Tensor[]) => {
    const [result, gradients] = valueAndGrad((chosen: Tensor[]) =>
      value(...args.map((arg, i) => chosen[differentiable.indexOf(i)] ?? arg)),
    )(differentiable.map((i) => args[i]!));
    return [result, ...gradients];
  };
  const bytes = build(name, () =>
    toOnnx(options.gradients ? withGradients : value, ...inputs.map(({ example }) => example)),
  );
  const file = options.out ?? `${name}.onnx`;
  writeFileSync(file, bytes);
  const exported: Exported = {
    file,
    bytes: bytes.length,
    inputs: inputs.map(({ dtype, shape }, i) => ({ name: `input${i}`, type: dtype, shape })),
    outputs: [
      { name: "output0", value: name },
      ...(options.gradients
        ? differentiable.map((input, i) => ({ name: `output${i + 1}`, value: `gradient of input${input}` }))
        : []),
    ],
  };
  print(options.format, exported, toText);
  say("Any ONNX Runtime runs this file: standard operators only.");
}

type Objective = (...args: unknown[]) => Tensor;

function objective(name: string): Objective {
  const known = Object.entries(losses).filter(([, value]) => typeof value === "function");
  const found = known.find(([key]) => key === name);
  if (found) return found[1] as Objective;
  const names = known.map(([key]) => key).sort();
  throw new CommandError(
    exitCodes.notFound,
    `There is no objective "${name}". There are: ${names.join(", ")}.`,
  );
}

/** "32x64" is a float32 matrix, "int32:32" a vector of labels, "" a scalar. */
function readInput(text: string) {
  const match = /^\s*(?:(float32|int32|bool):)?(\d+(?:x\d+)*)?\s*$/.exec(text);
  if (!match) {
    throw new CommandError(
      exitCodes.wrongUsage,
      `--inputs: "${text}" is no shape; expected for instance 32x64 or int32:32, separated by commas`,
    );
  }
  const dtype = (match[1] ?? "float32") as "float32" | "int32" | "bool";
  const shape = match[2] ? match[2].split("x").map(Number) : [];
  const length = shape.reduce((product, n) => product * n, 1);
  if (length > 2 ** 26)
    throw new CommandError(exitCodes.wrongUsage, `--inputs: "${text}" has more than 2^26 elements`);
  const arrays = { float32: Float32Array, int32: Int32Array, bool: Uint8Array };
  return { dtype, shape, example: fromData(new arrays[dtype](length), shape, dtype) };
}

function readOptions(text: string): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === "object" && value !== null && !Array.isArray(value))
      return value as Record<string, unknown>;
  } catch {
    // Told below, as any other text that is no object.
  }
  throw new CommandError(
    exitCodes.wrongUsage,
    `--options: ${text} is no JSON object; expected for instance '{"temperature":0.1}'`,
  );
}

/** What the objective says of shapes that do not fit it is a matter of usage, not a failure. */
function build(name: string, make: () => Uint8Array): Uint8Array {
  try {
    return make();
  } catch (error) {
    throw new CommandError(
      exitCodes.wrongUsage,
      `${name} cannot be exported so: ${(error as Error).message}`,
    );
  }
}

function toText({ file, bytes, inputs, outputs }: Exported): string {
  return [
    `${file}: ${bytes} bytes`,
    ...inputs.map(({ name, type, shape }) => `  ${name}  ${type} [${shape.join(", ")}]`),
    ...outputs.map(({ name, value }) => `  ${name}  ${value}`),
  ].join("\n");
}
