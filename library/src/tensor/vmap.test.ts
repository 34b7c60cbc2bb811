import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate } from "../runtime/index.ts";
import { checkGradient } from "../testing.ts";
import {
  add,
  concat,
  conv2d,
  customGradient,
  exp,
  fromData,
  gather,
  grad,
  logSoftmax,
  matmul,
  maxPool2d,
  mean,
  multiply,
  negate,
  perExampleGrad,
  pick,
  relu,
  reshape,
  slice,
  softmax,
  square,
  stack,
  stopGradient,
  straightThrough,
  sum,
  type Tensor,
  tanh,
  tensor,
  transpose,
  values,
  vmap,
} from "./index.ts";
import { checkErrors } from "./operations/testing/rows.ts";

const wave = (shape: number[], phase: number) =>
  fromData(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(phase + 1.7 * i * i)),
    shape,
  );
const close = (a: Tensor, b: Tensor, tolerance = 1e-12) => {
  assert.deepEqual([...a.shape], [...b.shape]);
  values(a).forEach((v, i) => {
    assert.ok(Math.abs(v - values(b)[i]!) <= tolerance, `${i}: ${v}, not ${values(b)[i]}`);
  });
};

const crossEntropy = (logits: Tensor, labels: Tensor) => mean(negate(pick(logSoftmax(logits), labels)));

interface Network {
  kernel: Tensor;
  table: Tensor;
  head: Tensor;
}
const network: Network = {
  kernel: wave([3, 1, 3, 3], 0.1),
  table: wave([4, 6], 0.2),
  head: wave([18, 4], 0.3),
};
const images = wave([5, 1, 6, 5], 0.4);
const words = tensor(Int32Array.of(0, 3, 3, 1, 2));
const labels = tensor(Int32Array.of(0, 1, 2, 3, 0));
const loss = (p: Network, x: Tensor, word: Tensor, label: Tensor) => {
  const features = reshape(maxPool2d(relu(conv2d(x, p.kernel))), [-1, 6]);
  const meaning = gather(p.table, word);
  const joined = concat([features, meaning, multiply(features, meaning)], 1);
  return crossEntropy(matmul(tanh(joined), p.head), label);
};

test("per-example gradients are those of the examples alone, and their mean is that of the batch", async () => {
  const all = perExampleGrad(loss)(network, images, words, labels);
  const single = Array.from({ length: 5 }, (_, i) => {
    const one = (x: Tensor) => slice(x, [[i, i + 1]]);
    return grad(loss)(network, one(images), one(words), one(labels));
  });
  const whole = grad(loss)(network, images, words, labels);
  const [got, alone, together] = await evaluate([all, single, whole] as const);
  for (const key of ["kernel", "table", "head"] as const) {
    assert.deepEqual([...got[key].shape], [5, ...network[key].shape]);
    const size = values(network[key]).length;
    alone.forEach((gradients, i) => {
      values(gradients[key]).forEach((v, j) => {
        assert.ok(Math.abs(v - values(got[key])[i * size + j]!) < 1e-12, `${key}, example ${i}, ${j}`);
      });
    });
    const average = await evaluate(mean(got[key], { axis: 0 }));
    close(average, together[key]);
  }
});

test("gradients flow through vmap, into batches and into what is shared", async () => {
  const point = { x: wave([4, 3], 0.5), weight: wave([3, 2], 0.6) };
  const { error } = await checkGradient(
    (p: typeof point) => sum(square(vmap((x: Tensor) => softmax(matmul(x, p.weight)))(p.x))),
    point,
  );
  assert.ok(error < 1e-8, `${error}`);
});

test("vmap within vmap: all pairs", async () => {
  const [a, b] = [wave([3, 4], 0.1), wave([2, 4], 0.2)];
  const pairs = vmap((x: Tensor) => vmap((y: Tensor) => sum(multiply(x, exp(y))))(b))(a);
  const [got, wanted] = await evaluate([pairs, matmul(a, transpose(exp(b)))] as const);
  close(got, wanted);
});

test("a custom gradient stays in force for batches, shared arguments collect it", async () => {
  const odd = customGradient(
    (x: Tensor, scale: Tensor) => multiply(x, scale),
    (g, y, x, scale) => [multiply(g, add(scale, 10)), sum(multiply(g, add(y, square(x))))],
  );
  const [x, scale] = [wave([4, 3], 0.3), tensor(2, { dtype: "float64" })];
  const weights = wave([4, 3], 0.9);
  const total = (apply: (x: Tensor, scale: Tensor) => Tensor) => (p: { x: Tensor; scale: Tensor }) =>
    sum(multiply(apply(p.x, p.scale), weights));
  const together = grad(total((all, s) => vmap((one: Tensor) => odd(one, s))(all)))({ x, scale });
  const apart = grad(total((all, s) => stack(Array.from({ length: 4 }, (_, i) => odd(slice(all, [i]), s)))))({
    x,
    scale,
  });
  const [got, wanted] = await evaluate([together, apart] as const);
  close(got.x, wanted.x);
  close(got.scale, wanted.scale);
});

test("stopGradient and straight-through pairs in batches", async () => {
  const f = (x: Tensor) => add(multiply(stopGradient(x), x), straightThrough(square(x), x));
  const x = wave([3, 2], 0.2);
  const [got, wanted] = await evaluate([
    grad((z: Tensor) => sum(vmap(f)(z)))(x),
    grad((z: Tensor) => sum(f(z)))(x),
  ] as const);
  close(got, wanted);
});

test("trees of results; what does not depend on the example is repeated", async () => {
  const { twice, constant } = await evaluate(
    vmap((p: { x: Tensor }) => ({ twice: multiply(p.x, 2), constant: tensor([7]) }))({
      x: tensor([1, 2, 3]),
    }),
  );
  assert.deepEqual([...values(twice)], [2, 4, 6]);
  assert.deepEqual(
    [[...constant.shape], [...values(constant)]],
    [
      [3, 1],
      [7, 7, 7],
    ],
  );
});

checkErrors([
  [
    "batches of two lengths",
    () => vmap((a: Tensor, b: Tensor) => add(a, b))(tensor([1, 2]), tensor([1])),
    /^vmap: .*\[1\].* and .*\[2\].* leading axis of the same length/,
  ],
  ["a scalar as batch", () => vmap((a: Tensor) => a)(tensor(1)), /^vmap: .*leading axis/],
  ["no batch at all", () => vmap(() => tensor(1))(), /^vmap: the arguments hold no tensor/],
]);
