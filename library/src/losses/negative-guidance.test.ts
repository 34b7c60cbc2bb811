import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, grad, item, stopGradient, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { absoluteError, negativeGuidance } from "./index.ts";

const drawn = (name: string, n = 6) => fromData(random(name).normal(new Float64Array(n)), [n]);

test("a worked example, and its parts", async () => {
  const [a, b, y] = [
    [1, 2],
    [1.5, 0],
    [0, 4],
  ].map((x) => fromData(Float64Array.from(x), [2])) as [Tensor, Tensor, Tensor];
  const each = values(await evaluate(negativeGuidance(a, b, y, { reduction: "none" })));
  assert.deepEqual([...each], [1 + 0.5, 2 + 2]);
  assert.equal(item(await evaluate(negativeGuidance(a, b, y, { weight: 0.1 }))), (1.05 + 2.2) / 2);
  const alone = item(await evaluate(absoluteError(a, y)));
  assert.equal(item(await evaluate(negativeGuidance(a, b, y, { weight: 0 }))), alone);
  assert.equal(item(await evaluate(negativeGuidance(a, a, y))), alone);
});

test("the outputs are guided by the targets alone, the negative's outputs by the outputs", async () => {
  const params = { a: drawn("a"), b: drawn("b") };
  const y = drawn("y");
  const gradients = await evaluate(grad(({ a, b }: typeof params) => negativeGuidance(a, b, y))(params));
  const [a, b] = [values(params.a), values(params.b)];
  for (let i = 0; i < 6; i++) {
    assert.equal(values(gradients.a)[i], Math.sign(a[i]! - values(y)[i]!) / 6);
    assert.equal(values(gradients.b)[i], Math.sign(b[i]! - a[i]!) / 6);
  }
});

test("gradients agree with central differences", async () => {
  for (const seed of [1, 2, 3]) {
    const [a, y] = [drawn(`a${seed}`), drawn(`y${seed}`)];
    const options = { weight: seed, reduction: "sum" } as const;
    const { error } = await checkGradient(
      (b: Tensor) => negativeGuidance(a, b, y, options),
      drawn(`b${seed}`),
    );
    assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    const whole = await checkGradient(
      (x: Tensor) => negativeGuidance(x, stopGradient(a), y, { weight: 0 }),
      drawn(`x${seed}`),
    );
    assert.ok(whole.error < 1e-6);
  }
});

test("extreme outputs stay finite, and what does not fit is named", async () => {
  const big = fromData(Float32Array.of(1e4, -1e4), [2]);
  const none = fromData(new Float32Array(2), [2]);
  const gradient = await evaluate(grad((b: Tensor) => negativeGuidance(big, b, none))(big));
  assert.ok(values(gradient).every(Number.isFinite));
  assert.throws(() => negativeGuidance(big, fromData(new Float32Array(3), [3]), none), /negativeGuidance/);
  assert.throws(() => negativeGuidance(big, big, none, { weight: -1 }), /weight is -1/);
});
