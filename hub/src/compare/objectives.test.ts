import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, item, type Tensor, valueAndGrad, values } from "nearmiss";
import { random } from "nearmiss/random";
import { links } from "./links.ts";
import { baselines, fittingObjectives, objectives } from "./objectives.ts";

const n = 24;

test("every objective has a finite loss, and its gradient lowers it", async () => {
  for (const [name, { task, loss, binary }] of Object.entries(objectives)) {
    const classes = task === "regression" ? 1 : binary ? 2 : 3;
    const stream = random(name);
    const shape = task === "regression" ? [n] : [n, classes];
    const outputs = fromData(stream.normal(n * classes), shape);
    const truth =
      task === "regression"
        ? fromData(stream.normal(n), [n])
        : fromData(
            Int32Array.from({ length: n }, (_, i) => i % classes),
            [n],
          );
    const facts = { counts: [10, 8, 6].slice(0, classes) };
    const at = (x: Tensor) => loss(x, truth, facts);
    const [before, gradient] = await evaluate(valueAndGrad(at)(outputs));
    assert.equal(before.shape.length, 0, name);
    const slope = values(gradient) as Float32Array;
    const length = Math.hypot(...slope);
    assert.ok(
      Number.isFinite(item(before)) && length > 0,
      `${name}: loss ${item(before)}, gradient ${length}`,
    );
    const moved = fromData(
      (values(outputs) as Float32Array).map((value, i) => value - (0.01 * slope[i]) / length),
      shape,
    );
    assert.ok(item(await evaluate(at(moved))) < item(before), name);
  }
});

test("baselines come first, and objectives for two classes are for two classes", () => {
  assert.equal(fittingObjectives("classification", 2)[0], baselines.classification);
  assert.equal(fittingObjectives("regression")[0], baselines.regression);
  assert.ok(fittingObjectives("classification", 2).includes("anyLoss"));
  assert.ok(!fittingObjectives("classification", 3).includes("anyLoss"));
  assert.ok(!fittingObjectives("regression").includes("softmaxCrossEntropy"));
});

test("outputs become probabilities, whatever they are", async () => {
  const outputs = fromData(Float32Array.of(-50, 3, 0.2, 0, 0, 0, -1, -1, -1, 100, -100, 5), [4, 3]);
  for (const name of ["softmax", "sparsemax", "sigmoids", "share"] as const) {
    const p = values(await evaluate(links[name](outputs))) as Float32Array;
    for (let row = 0; row < 4; row++) {
      const part = p.slice(row * 3, row * 3 + 3);
      assert.ok(
        part.every((value) => value >= 0 && value <= 1),
        name,
      );
      assert.ok(Math.abs(part[0] + part[1] + part[2] - 1) < 1e-6, name);
    }
  }
  const shares = values(await evaluate(links.share(fromData(Float32Array.of(0.2, 0.6, 0.2), [1, 3]))));
  assert.ok(Math.abs(Number(shares[1]) - 0.6) < 1e-6);
});
