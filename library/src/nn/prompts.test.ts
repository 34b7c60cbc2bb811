import assert from "node:assert/strict";
import { test } from "node:test";
import {
  concat,
  evaluate,
  flip,
  fromData,
  gather,
  grad,
  matmul,
  multiply,
  reshape,
  sum,
  type Tensor,
  tensor,
  transpose,
  values,
} from "../index.ts";
import { l2Normalize } from "../losses/index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { attributeLogits, promptLearner, selectAttributes } from "./index.ts";
import { assertClose } from "./testing.ts";

const gaussian = (seed: number, shape: number[]): Tensor =>
  fromData(random(seed).normal(new Float64Array(shape.reduce((a, b) => a * b, 1))), shape);

test("one prompt a class: cosines over the temperature", async () => {
  const [images, texts] = [gaussian(1, [3, 4]), gaussian(2, [5, 1, 4])];
  const cosines = matmul(l2Normalize(images), transpose(l2Normalize(reshape(texts, [5, 4]))));
  const logits = attributeLogits(images, texts, { temperature: 0.1 });
  assertClose(await evaluate(logits), values(await evaluate(multiply(cosines, 10))), 1e-10);
});

test("several prompts: the mean of their logits; order and repetition do not matter", async () => {
  const [images, texts] = [gaussian(3, [3, 4]), gaussian(4, [5, 3, 4])];
  const logits = values(await evaluate(attributeLogits(images, texts)));
  const each = await Promise.all(
    [0, 1, 2].map(async (j) =>
      values(await evaluate(attributeLogits(images, gather(texts, tensor(Int32Array.of(j)), { axis: 1 })))),
    ),
  );
  assertClose(
    logits,
    Array.from(logits, (_, i) => (each[0]![i]! + each[1]![i]! + each[2]![i]!) / 3),
    1e-10,
  );
  assertClose(await evaluate(attributeLogits(images, flip(texts, 1))), logits, 1e-10);
  assertClose(await evaluate(attributeLogits(images, concat([texts, texts], 1))), logits, 1e-10);
});

test("gradients by images and texts; zero vectors and large ones stay finite", async () => {
  for (let seed = 0; seed < 5; seed++) {
    const weights = gaussian(seed, [2, 3]);
    const { error } = await checkGradient(
      ({ x, t }: { x: Tensor; t: Tensor }) =>
        sum(multiply(attributeLogits(x, t, { temperature: 0.5 }), weights)),
      { x: gaussian(seed + 10, [2, 4]), t: gaussian(seed + 20, [3, 2, 4]) },
    );
    assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
  }
  const texts = tensor([[[0, 0]], [[1e4, -1e4]]]);
  const gradient = grad((t: Tensor) => sum(attributeLogits(tensor([[1, 2]]), t)))(texts);
  const [logits, g] = await evaluate([attributeLogits(tensor([[1, 2]]), texts), gradient] as const);
  assert.ok([...values(logits), ...values(g)].every(Number.isFinite));
});

test("a learnt prompt stands before the words, and alone gets the gradient", async () => {
  const learner = promptLearner({ length: 2, width: 3 });
  const context = learner.init(random(1));
  assert.deepEqual(context.shape, [2, 3]);
  const words = tensor([[[1, 2, 3]], [[4, 5, 6]]]);
  const prompts = await evaluate(learner.apply(context, words));
  assert.deepEqual(prompts.shape, [2, 3, 3]);
  const v = [...values(context)];
  assertClose(prompts, [...v, 1, 2, 3, ...v, 4, 5, 6], 1e-7);
  // Both prompts hold the context: its gradient is their number.
  const gradient = await evaluate(grad((c: Tensor) => sum(learner.apply(c, words)))(context));
  assertClose(gradient, Array(6).fill(2), 1e-7);
});

test("attributes: one of each cluster, the closest to the references", () => {
  const direction = (degrees: number) => [
    Math.cos((degrees * Math.PI) / 180),
    Math.sin((degrees * Math.PI) / 180),
  ];
  // Two bundles, around 0° and around 90°; the reference lies at 40°.
  const texts = tensor([0, 5, 10, 80, 90, 85].map(direction), { dtype: "float64" });
  const references = tensor([direction(39), direction(41)], { dtype: "float64" });
  for (let seed = 0; seed < 10; seed++) {
    const select = (clusters: number) =>
      selectAttributes({ texts, references, clusters, random: random(seed) });
    assert.deepEqual(select(2), [2, 3]);
    assert.deepEqual(select(1), [2]);
    assert.deepEqual(select(6), [0, 1, 2, 3, 4, 5]);
  }
  // Equal candidates are still as many as asked for.
  const same = tensor([direction(3), direction(3), direction(3)]);
  assert.equal(selectAttributes({ texts: same, references: same, clusters: 2, random: random(1) }).length, 2);
});

test("misuse is named", () => {
  const [x, t] = [gaussian(1, [2, 3]), gaussian(2, [4, 2, 3])];
  assert.throws(() => attributeLogits(x, t, { temperature: 0 }), /temperature is 0/);
  assert.throws(
    () => attributeLogits(x, gaussian(1, [4, 2, 5])),
    /texts .*expected \[n, d\] and \[classes, J, d\]/,
  );
  assert.throws(() => promptLearner({ length: 0, width: 3 }), /length is 0/);
  assert.throws(() => promptLearner({ length: 1, width: 3 }).apply(gaussian(1, [1, 3]), x), /words are/);
  const options = { texts: x, references: x, random: random(1) };
  assert.throws(() => selectAttributes({ ...options, clusters: 3 }), /clusters is 3; expected at most the 2/);
  assert.throws(() => selectAttributes({ ...options, references: t, clusters: 1 }), /references .*expected/);
});
