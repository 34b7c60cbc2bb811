/**
 * A trained model as a folder: `model.safetensors` (the weights), `model.json` (what the columns and outputs mean),
 * and `model.onnx` (encoded row in, prediction out, for any ONNX runtime).
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { add, fromData, multiply, type Tensor, toOnnx } from "nearmiss";
import { encodeFeatures, type FeatureEncoder, type Table } from "nearmiss/data";
import { loadSafetensors, saveSafetensors } from "nearmiss/nn";
import { random } from "nearmiss/random";
import { z } from "zod";
import type { Model } from "./compare.ts";
import { linkNames, links } from "./links.ts";
import { objectives } from "./objectives.ts";
import type { Target } from "./target.ts";
import { hidden, network, type Parameters, trainer } from "./train.ts";

const columnEncoding = z.discriminatedUnion("kind", [
  z.object({
    name: z.string(),
    kind: z.enum(["number", "date"]),
    mean: z.number(),
    deviation: z.number(),
    missing: z.boolean(),
  }),
  z.object({
    name: z.string(),
    kind: z.literal("category"),
    categories: z.array(z.string()),
    other: z.boolean(),
    missing: z.boolean(),
  }),
  z.object({ name: z.string(), kind: z.literal("text"), buckets: z.int().positive() }),
]);

const description = z
  .object({
    format: z.literal("nearmiss-model"),
    version: z.literal(1),
    task: z.enum(["classification", "regression"]),
    target: z.string(),
    /** In the order of the outputs. */
    classes: z.array(z.string()).min(2).optional(),
    /** What turns outputs into numbers of the target: output · deviation + mean. */
    scale: z.object({ mean: z.number(), deviation: z.number() }).optional(),
    objective: z.string(),
    learningRate: z.number(),
    /** How outputs become probabilities. */
    link: z.enum(linkNames),
    /** Widths of the hidden layers. */
    hidden: z.array(z.int().positive()),
    encoder: z.object({ columns: z.array(columnEncoding), width: z.int().nonnegative() }),
    onnx: z.object({ input: z.string(), output: z.string(), shape: z.array(z.int()), meaning: z.string() }),
    /** A text that meant "no value" in training, beside the usual ones. */
    missing: z.string().optional(),
    versions: z.record(z.string(), z.string()),
  })
  .refine(({ task, classes, scale }) => (task === "classification" ? classes : scale), {
    error: "classes or scale is absent",
  });

export type ModelDescription = z.infer<typeof description>;

export interface LoadedModel extends ModelDescription {
  params: Parameters;
}

/** Writes a model's files into a folder, which is made where there is none. */
export function saveModel(
  folder: string,
  { objective, learningRate, params, encoding }: Model,
  target: Target,
  { missing, versions }: Pick<ModelDescription, "missing" | "versions">,
): void {
  const { encoder, scale } = encoding;
  const { link } = objectives[objective];
  const outputs = target.task === "classification" ? target.classes.length : 1;
  const content: ModelDescription = {
    format: "nearmiss-model",
    version: 1,
    task: target.task,
    target: target.name,
    ...(target.task === "classification" ? { classes: target.classes } : {}),
    ...(scale ? { scale } : {}),
    objective,
    learningRate,
    link,
    hidden,
    encoder,
    onnx: {
      input: "input0",
      output: "output0",
      shape: [1, encoder.width],
      meaning: scale
        ? "one encoded row to the number"
        : "one encoded row to the probabilities of the classes",
    },
    ...(missing === undefined ? {} : { missing }),
    versions,
  };
  const { apply } = network(encoder.width, outputs);
  const answer = (x: Tensor) => {
    const out = links[link](apply(params, x));
    return scale ? add(multiply(out, scale.deviation), scale.mean) : out;
  };
  const example = fromData(new Float32Array(encoder.width), [1, encoder.width]);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "model.json"), `${JSON.stringify(content, null, 2)}\n`);
  writeFileSync(join(folder, "model.safetensors"), saveSafetensors(params, { format: "nearmiss-model" }));
  writeFileSync(join(folder, "model.onnx"), toOnnx(answer, example));
}

/**
 * Reads a model.
 *
 * @throws RangeError for a folder without a model, or with one that is broken
 */
export function loadModel(folder: string): LoadedModel {
  const file = join(folder, "model.json");
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new RangeError(`${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
  const checked = description.safeParse(content);
  if (!checked.success)
    throw new RangeError(`${file} is no model of nearmiss: ${z.prettifyError(checked.error)}`);
  const model = checked.data;
  const outputs = model.classes?.length ?? 1;
  const like = network(model.encoder.width, outputs, model.hidden).init(random(0));
  const weights = join(folder, "model.safetensors");
  try {
    return { ...model, params: loadSafetensors(copied(readFileSync(weights)), like) };
  } catch (error) {
    throw new RangeError(`${weights} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Out of Node's pool of buffers, whose parts are not copied by `slice` as those of other arrays are. */
const copied = (bytes: Buffer) => new Uint8Array(bytes);

/**
 * Predicts a table's rows: probabilities [rows, classes], or numbers [rows] in the target's units.
 *
 * @throws RangeError naming the columns that the table lacks
 */
export async function predictRows(model: LoadedModel, table: Table): Promise<Float32Array> {
  const absent = model.encoder.columns
    .map(({ name }) => name)
    .filter((name) => !table.columns.some((column) => column.name === name));
  if (absent.length > 0) {
    const list = absent.map((name) => `"${name}"`).join(", ");
    throw new RangeError(
      `the model needs ${absent.length === 1 ? "column" : "columns"} ${list}, which the rows lack`,
    );
  }
  const { task, classes, encoder, params, link, scale, hidden: between } = model;
  const { predict } = trainer({
    task,
    width: encoder.width,
    outputs: classes?.length ?? 1,
    facts: { counts: [] },
    between,
  });
  const outputs = await inBlocks(encoder, table, (x) => predict(params, link, x));
  return scale ? outputs.map((value) => value * scale.deviation + scale.mean) : outputs;
}

/** Encoded rows can take a thousand times the memory of the table's: they are encoded some at a time. */
async function inBlocks(
  encoder: FeatureEncoder,
  table: Table,
  work: (x: Float32Array) => Promise<Float32Array>,
): Promise<Float32Array> {
  const size = 4096;
  const parts: Float32Array[] = [];
  for (let start = 0; start < table.rows; start += size) {
    const rows = Int32Array.from({ length: Math.min(size, table.rows - start) }, (_, i) => start + i);
    parts.push(await work(encodeFeatures(encoder, table, rows)));
  }
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
