/** `nearmiss predict MODEL DATA`: predictions of a saved model for new rows. */
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { featureTypes } from "nearmiss/data";
import { argMax } from "nearmiss/metrics";
import { csvLine } from "../compare/csv-line.ts";
import { type LoadedModel, loadModel, predictRows } from "../compare/model-folder.ts";
import { isJsonLines } from "../compare/rows.ts";
import { readTable } from "./compare.ts";
import { CommandError, exitCodes } from "./exit.ts";
import { type Format, print } from "./output.ts";

export interface PredictOptions {
  header: boolean;
  out?: string;
  format: Format;
}

interface Prediction {
  prediction: string | number;
  /** Of each class. */
  probabilities?: Record<string, number>;
}

export async function predict(
  folder: string,
  file: string,
  { header, out, format }: PredictOptions,
): Promise<void> {
  if (out !== undefined && existsSync(out))
    throw new CommandError(exitCodes.wrongUsage, `--out: ${out} exists already; expected a new file.`);
  const model = fromFile(() =>
    loadModel(existsSync(join(folder, "model.json")) ? folder : join(folder, "model")),
  );
  const types = featureTypes(model.encoder);
  const table = await readTable(file, { header, types, missing: model.missing });
  const predictions = described(model, await predictRows(model, table).catch(badRows(file)));
  const { target, task, classes, objective } = model;
  const answer = { target, task, ...(classes ? { classes } : {}), objective, rows: table.rows, predictions };
  const text = isJsonLines(out ?? file) ? jsonLines(predictions) : csv(model, predictions);
  if (out === undefined) {
    if (format === "json") print(format, answer, () => "");
    else process.stdout.write(text);
    return;
  }
  writeFileSync(out, text, { flag: "wx" });
  print(format, { file: out, rows: table.rows }, () => `${out}: ${table.rows} predictions of "${target}"`);
}

function described({ classes }: LoadedModel, outputs: Float32Array): Prediction[] {
  if (!classes) return Array.from(outputs, (value) => ({ prediction: value }));
  return Array.from(outputs.length === 0 ? [] : argMax(outputs, classes.length), (best, row) => ({
    prediction: classes[best],
    probabilities: Object.fromEntries(classes.map((name, k) => [name, outputs[row * classes.length + k]])),
  }));
}

function csv({ classes = [] }: LoadedModel, predictions: readonly Prediction[]): string {
  const head = csvLine(["prediction", ...classes.map((name) => `probability of ${name}`)]);
  const lines = predictions.map(({ prediction, probabilities = {} }) =>
    csvLine([String(prediction), ...classes.map((name) => String(probabilities[name]))]),
  );
  return [head, ...lines].join("");
}

const jsonLines = (predictions: readonly Prediction[]) =>
  predictions.map((prediction) => `${JSON.stringify(prediction)}\n`).join("");

function fromFile<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw new CommandError(exitCodes.badFile, (error as Error).message);
  }
}

const badRows = (file: string) => (error: Error) => {
  throw new CommandError(exitCodes.badFile, `${file}: ${error.message}`);
};
