import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { evaluate, fromData, grad, item, type Tensor, values } from "nearmiss";
import { infoNCE } from "nearmiss/losses";
import { random } from "nearmiss/random";

const main = join(import.meta.dirname, "main.ts");
const folder = mkdtempSync(join(tmpdir(), "nearmiss-export-"));
after(() => rmSync(folder, { recursive: true }));

const nearmiss = (...args: string[]) =>
  spawnSync(process.execPath, [main, "export", ...args], { encoding: "utf8" });

test("an exported objective gives the library's loss and gradients in the engine alone", async () => {
  const file = join(folder, "loss.onnx");
  const text = execFileSync(
    process.execPath,
    [
      main,
      "export",
      "infoNCE",
      "--inputs",
      "6x4,6x4",
      "--gradients",
      "--options",
      '{"temperature":0.2}',
      "--out",
      file,
      "--format",
      "json",
    ],
    { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] },
  );
  const described = JSON.parse(text);
  assert.deepEqual(described.inputs[1], { name: "input1", type: "float32", shape: [6, 4] });
  const draw = random("export");
  const [a, b] = [fromData(draw.normal(24), [6, 4]), fromData(draw.normal(24), [6, 4])];
  const loss = (pair: Tensor[]) => infoNCE(pair[0]!, pair[1]!, { temperature: 0.2 });
  const [expected, [da, db]] = await evaluate([loss([a, b]), grad(loss)([a, b])] as const);

  const require = createRequire(new URL("../../../library/package.json", import.meta.url));
  const ort = require("onnxruntime-node") as typeof import("onnxruntime-common");
  const session = await ort.InferenceSession.create(readFileSync(file));
  const feed = (x: Tensor) => new ort.Tensor("float32", values(x) as Float32Array, [...x.shape]);
  const results = await session.run({ input0: feed(a), input1: feed(b) });
  assert.ok(Math.abs(Number(results.output0!.data[0]) - item(expected)) < 1e-6);
  for (const [name, gradient] of [
    ["output1", da],
    ["output2", db],
  ] as const) {
    values(gradient!).forEach((g, i) => {
      assert.ok(Math.abs(g - Number(results[name]!.data[i])) < 1e-6);
    });
  }
});

test("wrong names, shapes and options are told, with their exit codes", () => {
  const unknown = nearmiss("infoNSE", "--inputs", "3x4");
  assert.equal(unknown.status, 3);
  assert.match(unknown.stderr, /no objective "infoNSE".*infoNCE/);
  const unfit = nearmiss("infoNCE", "--inputs", "3x4,5x4");
  assert.equal(unfit.status, 2);
  assert.match(unfit.stderr, /\[3, 4\].*\[5, 4\]/);
  assert.match(nearmiss("infoNCE", "--inputs", "abc").stderr, /"abc" is no shape/);
  assert.match(nearmiss("infoNCE", "--inputs", "3x4,3x4", "--options", "[1]").stderr, /is no JSON object/);
  assert.equal(nearmiss("infoNCE").status, 2);
});
