import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, evaluate } from "../runtime/index.ts";
import { checkGradients, innerProduct, slopeAlong } from "../testing.ts";
import {
  add,
  customGradient,
  divide,
  exp,
  fromData,
  gather,
  grad,
  hessianVectorProduct,
  jvp,
  logSumExp,
  matmul,
  multiply,
  norm,
  round,
  sigmoid,
  sin,
  softmax,
  square,
  stopGradient,
  straightThrough,
  sum,
  type Tensor,
  tanh,
  tensor,
  valueAndGrad,
  values,
  vjp,
} from "./index.ts";
import { checkErrors } from "./operations/testing/rows.ts";

const double = (list: number[] | number[][]) => tensor(list, { dtype: "float64" });
const wave = (shape: number[], phase: number) =>
  fromData(
    Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => Math.sin(phase + 1.7 * i)),
    shape,
  );
const numbers = async (x: Tensor) => [...values(await evaluate(x))];
const close = (a: readonly number[], b: readonly number[], tolerance = 1e-9) => {
  assert.equal(a.length, b.length);
  a.forEach((v, i) => {
    assert.ok(Math.abs(v - b[i]!) <= tolerance * Math.max(1, Math.abs(b[i]!)), `${i}: ${v}, not ${b[i]}`);
  });
};

/** A small network with a tree of parameters, the test object of this file. */
interface Network {
  layers: { weight: Tensor; bias: Tensor }[];
  scale: Tensor;
}
const network: Network = {
  layers: [
    { weight: wave([3, 4], 0.3), bias: wave([4], 1.1) },
    { weight: wave([4, 2], 2.3), bias: wave([2], 0.1) },
  ],
  scale: double([1.5]),
};
const direction: Network = {
  layers: [
    { weight: wave([3, 4], 4.3), bias: wave([4], 5.1) },
    { weight: wave([4, 2], 6.3), bias: wave([2], 7.1) },
  ],
  scale: double([-0.7]),
};
const x = wave([5, 3], 0.9);
const outputs = (params: Network) => {
  const [first, second] = params.layers as [Network["layers"][0], Network["layers"][0]];
  const hidden = tanh(add(matmul(x, first.weight), first.bias));
  const logits = multiply(add(matmul(hidden, second.weight), second.bias), params.scale);
  return { logits, shares: softmax(logits) };
};
const loss = (params: Network) => sum(logSumExp(outputs(params).logits, { axis: 1 }));

test("gradients of a network, of its slope and of its slope's slope agree with central differences", async () => {
  const slope = slopeAlong(loss, direction);
  const curvature = slopeAlong(slope, direction);
  const checks = await checkGradients(
    [loss, slope, curvature].map((f) => ({ f: f as (p: Network) => Tensor, params: network })),
  );
  for (const { error } of checks) assert.ok(error < 1e-7, `${error}`);
});

test("a fifth derivative is exact", async () => {
  let f = (z: Tensor) => sin(z);
  for (let order = 0; order < 5; order++) {
    const before = f;
    f = (z: Tensor) => grad((w: Tensor) => before(w))(z);
  }
  close(await numbers(f(tensor(0.4, { dtype: "float64" }))), [Math.cos(0.4)], 1e-14);
});

test("jvp agrees with differences and with vjp: ⟨c, Jv⟩ = ⟨Jᵀc, v⟩", async () => {
  const [result, tangent] = jvp(outputs, network, direction);
  const [, pull] = vjp(outputs, network);
  const cotangents = { logits: wave([5, 2], 3.1), shares: wave([5, 2], 8.8) };
  const [forward, backward, moved] = await evaluate([
    innerProduct(cotangents, tangent),
    innerProduct(pull(cotangents), direction),
    [result, tangent],
  ] as const);
  close([...values(forward)], [...values(backward)]);
  const at = compile((params: Network) => outputs(params));
  const step = 1e-6;
  const shifted = async (by: number) => {
    const move = (a: Tensor, b: Tensor) => add(a, multiply(b, by));
    const params: Network = {
      layers: network.layers.map((layer, i) => ({
        weight: move(layer.weight, direction.layers[i]!.weight),
        bias: move(layer.bias, direction.layers[i]!.bias),
      })),
      scale: move(network.scale, direction.scale),
    };
    return at(await evaluate(params));
  };
  const [above, below] = [await shifted(step), await shifted(-step)];
  for (const key of ["logits", "shares"] as const) {
    const differences = [...values(above[key])].map((v, i) => (v - values(below[key])[i]!) / (2 * step));
    close([...values(moved[1][key])], differences, 1e-7);
  }
  const alone = await evaluate(outputs(network));
  close([...values(moved[0].logits)], [...values(alone.logits)], 1e-14);
});

test("Hessian vector products are symmetric, linear and the slope's gradient", async () => {
  const other: Network = {
    layers: network.layers.map(({ weight, bias }, i) => ({
      weight: wave([...weight.shape], 11 + i),
      bias: wave([...bias.shape], 13 + i),
    })),
    scale: double([0.3]),
  };
  const alongFirst = hessianVectorProduct(loss, network, direction);
  const alongOther = hessianVectorProduct(loss, network, other);
  const [left, right, mine, slope] = await evaluate([
    innerProduct(alongFirst, other),
    innerProduct(alongOther, direction),
    alongFirst,
    grad(slopeAlong(loss, direction))(network),
  ] as const);
  close([...values(left)], [...values(right)]);
  close([...values(mine.layers[0]!.weight)], [...values(slope.layers[0]!.weight)]);
  close([...values(mine.scale)], [...values(slope.scale)]);
  assert.ok(Math.abs(values(left)[0]!) > 1e-3);
});

test("the product of a quadratic form with its Hessian is in closed form", async () => {
  const a = double([
    [2, 1],
    [1, 3],
  ]);
  const f = (z: Tensor) => multiply(matmul(z, matmul(a, z)), 0.5);
  close(await numbers(hessianVectorProduct(f, double([5, -4]), double([1, 2]))), [4, 7], 1e-14);
});

test("valueAndGrad keeps auxiliary results and gives zeros for what the loss does not read", async () => {
  const f = (p: { used: Tensor; unused: Tensor; counts: Tensor }) =>
    [sum(square(p.used)), { seen: multiply(p.used, 10) }] as const;
  const [[value, auxiliary], gradients] = await evaluate(
    valueAndGrad(f)({
      used: double([1, 2]),
      unused: double([[7]]),
      counts: tensor([3, 4], { dtype: "int32" }),
    }),
  );
  assert.equal(values(value)[0], 5);
  assert.deepEqual([...values(auxiliary.seen)], [10, 20]);
  assert.deepEqual([...values(gradients.used)], [2, 4]);
  assert.deepEqual([...values(gradients.unused)], [0]);
  assert.deepEqual([gradients.counts.dtype, [...values(gradients.counts)]], ["int32", [0, 0]]);
});

test("an argument that occurs twice gets the gradient of each occurrence apart", async () => {
  const shared = double([3]);
  const f = (p: { a: Tensor; b: Tensor }) => sum(multiply(square(p.a), p.b));
  const { a, b } = await evaluate(grad(f)({ a: shared, b: shared }));
  assert.deepEqual([values(a)[0], values(b)[0]], [18, 9]);
});

test("a gradient within a function that is differentiated sees outer variables as such", async () => {
  const outer = (a: Tensor) => sum(multiply(grad((b: Tensor) => sum(multiply(square(b), a)))(a), a));
  // d/db b²a at b = a is 2a²; times a: 2a³, with derivative 6a².
  assert.deepEqual(await numbers(grad(outer)(double([2]))), [24]);
});

test("no gradient flows through stopGradient, and its value stays", async () => {
  const f = (z: Tensor) => sum(multiply(stopGradient(square(z)), z));
  assert.deepEqual(await numbers(f(double([3]))), [27]);
  assert.deepEqual(await numbers(grad(f)(double([3]))), [9]);
  assert.deepEqual(await numbers(grad((z: Tensor) => sum(stopGradient(z)))(double([3]))), [0]);
});

test("customGradient replaces the gradient, to every order", async () => {
  const f = customGradient(
    (a: Tensor, b: Tensor) => multiply(a, b),
    (g, y, a) => [multiply(g, square(a)), multiply(g, y)],
  );
  const [a, b] = [double([3]), double([5])];
  const at = (p: { a: Tensor; b: Tensor }) => sum(f(p.a, p.b));
  const first = await evaluate(grad(at)({ a, b }));
  assert.deepEqual([values(first.a)[0], values(first.b)[0]], [9, 15]);
  // The declared derivative by a is a²; what is differentiated again is that.
  const second = await evaluate(grad((p: { a: Tensor; b: Tensor }) => sum(grad(at)(p).a))({ a, b }));
  assert.deepEqual([values(second.a)[0], values(second.b)[0]], [6, 0]);
  const none = customGradient(
    (z: Tensor) => exp(z),
    () => [undefined],
  );
  assert.deepEqual(await numbers(grad((z: Tensor) => sum(none(z)))(double([1]))), [0]);
});

test("straightThrough has the value of the one and the gradient of the other", async () => {
  const f = (z: Tensor) => sum(multiply(straightThrough(round(z), sigmoid(z)), double([1, 10])));
  const z = double([0.7, -1.2]);
  assert.deepEqual(await numbers(f(z)), [1 - 10]);
  const slopes = [0.7, -1.2].map((v) => Math.exp(-v) / (1 + Math.exp(-v)) ** 2);
  close(await numbers(grad(f)(z)), [slopes[0]!, 10 * slopes[1]!]);
});

test("the same numbers, up to rounding, on 1 thread and on 2", async () => {
  const big = (shape: number[], phase: number) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return fromData(
      Float32Array.from({ length: size }, (_, i) => Math.sin(phase + 1.7 * i)),
      shape,
    );
  };
  const params = { table: big([500, 64], 0.1), weight: big([64, 300], 0.2), head: big([300], 0.4) };
  const indices = tensor(Int32Array.from({ length: 2000 }, (_, i) => (i * i) % 211));
  const step = (p: typeof params, i: Tensor) =>
    valueAndGrad((q: typeof params) => {
      const rows = gather(q.table, i);
      const hidden = tanh(divide(matmul(rows, q.weight), 8));
      return add(logSumExp(matmul(hidden, q.head)), sum(norm(rows, { axis: 1 })));
    })(p);
  const [one, two] = await Promise.all([1, 2].map((threads) => compile(step, { threads })(params, indices)));
  const [valueA, gradientsA] = one!;
  const [valueB, gradientsB] = two!;
  close([...values(valueA)], [...values(valueB)], 1e-5);
  for (const key of ["table", "weight", "head"] as const) {
    close([...values(gradientsA[key])], [...values(gradientsB[key])], 1e-4);
  }
});

checkErrors([
  [
    "the gradient of a vector",
    () => grad((z: Tensor) => square(z))(double([1, 2])),
    /^valueAndGrad: the function returned .*\[2\] float64; expected a float scalar/,
  ],
  [
    "the gradient of a whole number",
    () => grad((z: Tensor) => sum(z))(tensor([1], { dtype: "int32" })),
    /^valueAndGrad: .*int32; expected a float scalar/,
  ],
  [
    "a straight-through pair of two shapes",
    () => straightThrough(double([1, 2]), double([1])),
    /^straightThrough: .*\[2\].*\[1\]/,
  ],
  [
    "too few cotangents",
    () => vjp((z: Tensor) => ({ a: z, b: exp(z) }), double([1]))[1]({ a: double([1]) } as never),
    /^trees: tree 1 has no tensor at root.b/,
  ],
  [
    "a cotangent of another shape",
    () => vjp((z: Tensor) => exp(z), double([1]))[1](double([1, 2])),
    /^vjp: cotangent .*\[2\].*\[1\]/,
  ],
  [
    "tangents of another form",
    () => jvp((z: Tensor) => exp(z), double([1]), double([1, 2])),
    /^jvp: tangent .*\[2\].*\[1\]/,
  ],
]);

test("a custom gradient of the wrong shape or type is named when it is used", () => {
  for (const [wrong, message] of [
    [double([1, 2]), /^customGradient: its gradient .*\[2\] float64 does not fit .*\[1\] float64/],
    [tensor([1]), /^customGradient: its gradient .*float32 does not fit .*float64/],
  ] as const) {
    const f = customGradient(
      (z: Tensor) => exp(z),
      () => [wrong],
    );
    assert.throws(
      () => grad((z: Tensor) => sum(f(z)))(double([1])),
      (error: Error) => message.test(error.message),
    );
  }
});
