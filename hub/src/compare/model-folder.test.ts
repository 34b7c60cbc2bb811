import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { test } from "node:test";
import { encodeFeatures, parseCsv } from "nearmiss/data";
import { scratchFolder } from "../runs/testing.ts";
import { compareObjectives } from "./compare.ts";
import { metricOf } from "./metrics.ts";
import { loadModel, predictRows, saveModel } from "./model-folder.ts";
import { prepare } from "./prepare.ts";
import { numbersText, twoClasses } from "./testing.ts";

const folder = join(scratchFolder(), "model");
const ort = createRequire(new URL("../../../library/package.json", import.meta.url))(
  "onnxruntime-node",
) as typeof import("onnxruntime-common");

async function trained(table: Parameters<typeof prepare>[0], target: string, objective: string) {
  const prepared = prepare(table, { target, maxRows: 10_000 });
  const { model } = await compareObjectives(prepared, {
    objectives: [objective],
    metric: metricOf(objective === "squaredError" ? "mae" : "accuracy"),
    why: "asked for",
    seeds: 1,
  });
  saveModel(folder, model!, prepared.target, { versions: {} });
  return loadModel(folder);
}

test("a saved model predicts classes as its ONNX file does, for new rows with gaps and unknown words", async () => {
  const model = await trained(twoClasses(200, 0.4), "kind", "softmaxCrossEntropy");
  const fresh = parseCsv("color,x,note,noise\nred,3,seen at noon,0\nmauve,-2,,\n,,unheard words,1\n", {
    types: { color: "text", note: "text" },
  });
  const probabilities = await predictRows(model, fresh);
  assert.equal(probabilities.length, 6);
  assert.deepEqual(model.classes, ["rare", "usual"]);
  assert.ok(probabilities[0] > 0.5 && probabilities[3] > 0.5);
  const session = await ort.InferenceSession.create(readFileSync(join(folder, "model.onnx")));
  const { width } = model.encoder;
  const encoded = encodeFeatures(model.encoder, fresh);
  for (let row = 0; row < 3; row++) {
    const input = new ort.Tensor("float32", encoded.slice(row * width, (row + 1) * width), model.onnx.shape);
    const { output0 } = await session.run({ [model.onnx.input]: input });
    for (let k = 0; k < 2; k++)
      assert.ok(Math.abs(Number(output0.data[k]) - probabilities[row * 2 + k]) < 1e-5);
  }
});

test("a saved model of numbers predicts in the target's units, in ONNX too", async () => {
  const model = await trained(parseCsv(numbersText(300)), "y", "squaredError");
  const fresh = parseCsv("a,b\n1,0\n0,1\n");
  const [high, low] = await predictRows(model, fresh);
  assert.ok(Math.abs(high - 103) < 1.5 && Math.abs(low - 98) < 1.5, `${high} ${low}`);
  const session = await ort.InferenceSession.create(readFileSync(join(folder, "model.onnx")));
  const input = new ort.Tensor("float32", encodeFeatures(model.encoder, fresh, [0]), model.onnx.shape);
  assert.ok(Math.abs(Number((await session.run({ input0: input })).output0.data[0]) - high) < 1e-3);
});

test("missing columns are named, an empty table gives nothing", async () => {
  const model = loadModel(folder);
  await assert.rejects(
    predictRows(model, parseCsv("a,c\n1,2\n")),
    /the model needs column "b", which the rows lack/,
  );
  assert.equal((await predictRows(model, parseCsv("a,b\n"))).length, 0);
});

test("a broken or foreign folder is told", () => {
  assert.throws(() => loadModel("/nowhere"), /\/nowhere\/model\.json cannot be read/);
  const file = join(folder, "model.json");
  const content = JSON.parse(readFileSync(file, "utf8"));
  writeFileSync(file, JSON.stringify({ ...content, link: "magic" }));
  assert.throws(() => loadModel(folder), /is no model of nearmiss: .*link/s);
  const { scale, ...rest } = content;
  writeFileSync(file, JSON.stringify(rest));
  assert.throws(() => loadModel(folder), /classes or scale is absent/);
  writeFileSync(file, JSON.stringify({ ...content, hidden: [8] }));
  assert.throws(() => loadModel(folder), /model\.safetensors cannot be read: .*loadSafetensors/);
  assert.ok(scale);
});
