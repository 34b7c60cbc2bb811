import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, grad, item, softmax, subtract, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { softmaxCrossEntropy, uniformCrossEntropy } from "./index.ts";

const gaussian = (seed: number, n: number, classes: number): Tensor =>
  fromData(random(seed).normal(new Float64Array(n * classes), 0, 3), [n, classes]);

test("equal logits cost log C, any others more", async () => {
  const equal = item(await evaluate(uniformCrossEntropy(tensor([Array(10).fill(7)], { dtype: "float64" }))));
  assert.ok(Math.abs(equal - Math.LN10) < 1e-12);
  const each = values(await evaluate(uniformCrossEntropy(gaussian(1, 20, 10), { reduction: "none" })));
  assert.ok(each.every((loss) => loss > Math.log(10)));
});

test("it is the mean of the cross-entropies with each class as the label", async () => {
  const logits = gaussian(2, 4, 3);
  const each = await Promise.all(
    [0, 1, 2].map(async (label) =>
      item(await evaluate(softmaxCrossEntropy(logits, tensor(Int32Array.of(label, label, label, label))))),
    ),
  );
  const expected = each.reduce((a, b) => a + b) / 3;
  assert.ok(Math.abs(item(await evaluate(uniformCrossEntropy(logits))) - expected) < 1e-12);
});

test("the gradient is softmax − 1/C, and agrees with central differences", async () => {
  const logits = gaussian(3, 1, 5);
  const gradient = grad((f: Tensor) => uniformCrossEntropy(f))(logits);
  const difference = values(await evaluate(subtract(gradient, subtract(softmax(logits), 0.2))));
  assert.ok(difference.every((value) => Math.abs(value) < 1e-12));
  for (let seed = 0; seed < 10; seed++) {
    const { error } = await checkGradient(
      (f: Tensor) => uniformCrossEntropy(f, { reduction: seed % 2 ? "sum" : "mean" }),
      gaussian(seed, 1 + (seed % 3), 2 + (seed % 4)),
    );
    assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
  }
});

test("extreme logits stay finite in float32; misuse is named", async () => {
  const logits = tensor([[1e4, -1e4, 0]]);
  const [loss, gradient] = await evaluate([
    uniformCrossEntropy(logits),
    grad((f: Tensor) => uniformCrossEntropy(f))(logits),
  ] as const);
  assert.ok(Number.isFinite(item(loss)) && values(gradient).every(Number.isFinite));
  assert.throws(() => uniformCrossEntropy(tensor([1, 2])), /logits is .*expected \[n, classes\]/);
});
