import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, grad, item, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { hungarianSetLoss, matchSlots, softmaxCrossEntropy } from "./index.ts";

const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("matchSlots weighs classes against boxes", () => {
  // Slot 0 lies on the object but has the wrong class; slot 1 the other way round.
  const boxes = [0, 0, 1, 1, 0.1, 0.1, 1.1, 1.1];
  const probabilities = [0.9, 0.1, 0, 0.2, 0.8, 0];
  assert.deepEqual([...matchSlots(probabilities, boxes, [1], [0, 0, 1, 1])], [0]);
  assert.deepEqual([...matchSlots(probabilities, boxes, [1], [0, 0, 1, 1], { boxWeight: 1 })], [1]);
  // Both objects want slot 0; the one that loses less gives way.
  assert.deepEqual([...matchSlots(probabilities, boxes, [0, 1], [0, 0, 1, 1, 0, 0, 1, 1])], [0, 1]);
  assert.deepEqual([...matchSlots(probabilities, boxes, [], [])], []);
  assert.throws(
    () => matchSlots(probabilities, boxes, [0, 1, 1], Array(12).fill(0)),
    /no more labels than slots/,
  );
  assert.throws(() => matchSlots([1], [0, 0, 1], [], []), /those of as many slots/);
});

/** Two pictures of three slots and two classes; the second picture is empty. */
const labels = fromData(Int32Array.of(1, 2, 0, 2, 2, 2), [2, 3]);
const draw = random("set detection");
const double = (shape: number[], spread = 1) =>
  fromData(
    Float64Array.from(
      draw.normal(
        shape.reduce((a, b) => a * b, 1),
        0,
        spread,
      ),
    ),
    shape,
  );

test("hungarianSetLoss: a worked example, and cross-entropy where all slots weigh the same", async () => {
  const logits = double([2, 3, 3]);
  const boxes = double([2, 3, 4]);
  const targets = { labels, boxes: double([2, 3, 4]) };
  const flat = fromData(values(logits), [6, 3]);
  const each = values(
    await evaluate(softmaxCrossEntropy(flat, fromData(values(labels), [6]), { reduction: "none" })),
  );
  const weights = [1, 0.1, 1, 0.1, 0.1, 0.1];
  const total = weights.reduce((a, b) => a + b);
  const entropy = weights.reduce((sum, w, i) => sum + (w * each[i]!) / total, 0);
  const [b, t] = [values(boxes), values(targets.boxes)];
  let distance = 0;
  for (const slot of [0, 2])
    for (let d = 0; d < 4; d++) distance += Math.abs(b[slot * 4 + d]! - t[slot * 4 + d]!) / 2;
  close(item(await evaluate(hungarianSetLoss(logits, boxes, targets))), entropy + 5 * distance);
  const plain = hungarianSetLoss(logits, boxes, targets, { backgroundWeight: 1, boxWeight: 0 });
  close(item(await evaluate(plain)), Array.from(each).reduce((a, x) => a + x, 0) / 6);
});

test("hungarianSetLoss: gradient agrees with central differences; boxes of empty slots have none", async () => {
  for (let seed = 0; seed < 4; seed++) {
    const targets = { labels, boxes: double([2, 3, 4]) };
    const params = { logits: double([2, 3, 3], 2), boxes: double([2, 3, 4]) };
    const { error, gradients } = await checkGradient(
      (p: typeof params) => hungarianSetLoss(p.logits, p.boxes, targets),
      params,
    );
    assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    const boxGradient = gradients[1]!;
    assert.ok([...boxGradient.subarray(4, 8), ...boxGradient.subarray(12)].every((g) => g === 0));
  }
});

test("hungarianSetLoss: nothing but background, and extreme logits, stay finite", async () => {
  const logits = tensor([[[1e4, -1e4, 0]], [[-1e4, 1e4, 1e4]]]);
  const boxes = tensor([[[0, 0, 1, 1]], [[0, 0, 1, 1]]]);
  for (const label of [0, 2]) {
    const targets = { labels: fromData(Int32Array.of(label, label), [2, 1]), boxes };
    const loss = (x: Tensor) => hungarianSetLoss(x, boxes, targets);
    const [value, gradient] = await evaluate([loss(logits), grad(loss)(logits)] as const);
    assert.ok(Number.isFinite(item(value)) && values(gradient).every(Number.isFinite));
  }
});

test("hungarianSetLoss refuses what does not fit", () => {
  const [logits, boxes] = [double([2, 3, 3]), double([2, 3, 4])];
  assert.throws(
    () => hungarianSetLoss(logits, boxes, { labels, boxes: double([2, 2, 4]) }),
    /targets.boxes is/,
  );
  assert.throws(
    () => hungarianSetLoss(double([2, 3]), boxes, { labels, boxes }),
    /logits is .*expected \[B, K/,
  );
  assert.throws(
    () => hungarianSetLoss(logits, boxes, { labels, boxes }, { backgroundWeight: -1 }),
    /backgroundWeight is -1/,
  );
});
