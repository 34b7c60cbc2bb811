/** What is folded into one node must stay right, and must not be folded where something else reads it. */
import assert from "node:assert/strict";
import { test } from "node:test";
import {
  add,
  compile,
  conv2d,
  evaluate,
  fromData,
  grad,
  matmul,
  multiply,
  pad,
  reshape,
  split,
  subtract,
  sum,
  type Tensor,
  tensor,
  toOnnx,
  transpose,
  values,
} from "../../index.ts";
import { random } from "../../random.ts";

const draw = random("fusion");
const matrix = (rows: number, columns: number) =>
  tensor(Float64Array.from(draw.normal(rows * columns)), { shape: [rows, columns] });
const text = (bytes: Uint8Array) => Buffer.from(bytes).toString("latin1");
const count = (bytes: Uint8Array, type: string) => text(bytes).split(type).length - 1;

function close(actual: ArrayLike<number>, expected: ArrayLike<number>) {
  assert.equal(actual.length, expected.length);
  Array.from(expected).forEach((value, i) => {
    assert.ok(Math.abs(actual[i]! - value) < 1e-12, `${i}: ${actual[i]} is not ${value}`);
  });
}

const product = (a: Tensor, b: Tensor) => {
  const [n, k] = a.shape as [number, number];
  const m = b.shape[1]!;
  return Array.from({ length: n * m }, (_, at) => {
    let total = 0;
    for (let i = 0; i < k; i++)
      total += values(a)[Math.floor(at / m) * k + i]! * values(b)[i * m + (at % m)]!;
    return total;
  });
};

test("sums and differences with scaled products are one Gemm with the right signs", async () => {
  const [a, b, c] = [matrix(3, 4), matrix(4, 5), matrix(3, 5)];
  const ab = product(a, b);
  const cases: [string, (a: Tensor, b: Tensor, c: Tensor) => Tensor, (p: number, c: number) => number][] = [
    ["p + c", (a, b, c) => add(matmul(a, b), c), (p, c) => p + c],
    ["c + p", (a, b, c) => add(c, matmul(a, b)), (p, c) => p + c],
    ["p - c", (a, b, c) => subtract(matmul(a, b), c), (p, c) => p - c],
    ["c - p", (a, b, c) => subtract(c, matmul(a, b)), (p, c) => c - p],
    ["c - 2p", (a, b, c) => subtract(c, multiply(matmul(a, b), 2)), (p, c) => c - 2 * p],
    ["0.5p - c", (a, b, c) => subtract(multiply(0.5, matmul(a, b)), c), (p, c) => 0.5 * p - c],
  ];
  for (const [name, f, expected] of cases) {
    const result = await compile(f)(a, b, c);
    close(
      values(result),
      ab.map((p, i) => expected(p, values(c)[i]!)),
    );
    const bytes = toOnnx(f, a, b, c);
    assert.equal(count(bytes, "Gemm"), 1, name);
    assert.equal(count(bytes, "Sub") + count(bytes, "Add") + count(bytes, "Mul"), 0, name);
  }
});

test("a factor that float32 cannot hold is not folded into a float64 product", async () => {
  const [a, b, c] = [matrix(2, 2), matrix(2, 2), matrix(2, 2)];
  const result = await compile((a: Tensor, b: Tensor, c: Tensor) => add(c, multiply(matmul(a, b), 0.1)))(
    a,
    b,
    c,
  );
  close(
    values(result),
    product(a, b).map((p, i) => values(c)[i]! + 0.1 * p),
  );
});

test("a product that is read twice is computed once and stays itself", async () => {
  const [a, b, c] = [matrix(3, 3), matrix(3, 3), matrix(3, 3)];
  const f = (a: Tensor, b: Tensor, c: Tensor) => {
    const p = matmul(a, b);
    return [p, add(p, c), multiply(p, 3)];
  };
  const [p, sum, triple] = (await compile(f)(a, b, c)) as [Tensor, Tensor, Tensor];
  const expected = product(a, b);
  close(values(p), expected);
  close(
    values(sum),
    expected.map((x, i) => x + values(c)[i]!),
  );
  close(
    values(triple),
    expected.map((x) => 3 * x),
  );
  assert.equal(count(toOnnx(f, a, b, c), "Gemm"), 1);
});

test("broadcast operands: a bias row, a column, a scalar; a product that is itself broadcast", async () => {
  const [a, b] = [matrix(3, 2), matrix(2, 4)];
  const ab = product(a, b);
  const row = matrix(1, 4);
  const column = matrix(3, 1);
  const one = tensor(2.5, { dtype: "float64" });
  const [r, c, s] = await evaluate([
    add(matmul(a, b), row),
    subtract(column, matmul(a, b)),
    add(one, matmul(a, b)),
  ]);
  close(
    values(r!),
    ab.map((p, i) => p + values(row)[i % 4]!),
  );
  close(
    values(c!),
    ab.map((p, i) => values(column)[Math.floor(i / 4)]! - p),
  );
  close(
    values(s!),
    ab.map((p) => p + 2.5),
  );
  const wide = matrix(3, 4);
  const single = matmul(matrix(1, 2), matrix(2, 4));
  const [w, again] = await evaluate([add(wide, single), single]);
  close(
    values(w!),
    [...values(wide)].map((x, i) => x + values(again!)[i % 4]!),
  );
});

test("row factors move past products without changing them", async () => {
  const [p, f, b] = [matrix(6, 6), matrix(6, 1), matrix(6, 2)];
  const scaled = multiply(p, f);
  const expected = tensor(
    Float64Array.from(values(p), (x, i) => x * values(f)[Math.floor(i / 6)]!),
    { shape: [6, 6] },
  );
  const turned = tensor(
    Float64Array.from({ length: 36 }, (_, i) => values(expected)[(i % 6) * 6 + Math.floor(i / 6)]!),
    {
      shape: [6, 6],
    },
  );
  const [direct, transposed] = await evaluate([matmul(scaled, b), matmul(transpose(scaled), b)]);
  close(values(direct!), product(expected, b));
  close(values(transposed!), product(turned, b));
});

test("the gradient of a split is one concatenation", async () => {
  const x = matrix(2, 6);
  const weights = matrix(2, 6);
  const f = (x: Tensor) => {
    const [a, b, c] = split(x, [1, 2, 3], 1) as [Tensor, Tensor, Tensor];
    const [wa, wb, wc] = split(weights, [1, 2, 3], 1) as [Tensor, Tensor, Tensor];
    return add(add(sum(multiply(a, wa)), sum(multiply(b, wb))), sum(multiply(c, wc)));
  };
  close(values(await evaluate(grad(f)(x))), values(weights));
  const bytes = toOnnx(grad(f), x);
  assert.equal(count(bytes, "Pad"), 0);
  assert.equal(count(bytes, "Concat"), 1);
});

test("padded tensors that overlap, leave a gap or are padded with ones are added as they are", async () => {
  const ones = tensor(Float64Array.of(1, 1, 1));
  const cases: [Tensor, Tensor, number[]][] = [
    [pad(ones, [[0, 2]]), pad(ones, [[2, 0]]), [1, 1, 2, 1, 1]],
    [pad(ones, [[0, 4]]), pad(ones, [[4, 0]]), [1, 1, 1, 0, 1, 1, 1]],
    [pad(ones, [[0, 3]], 1), pad(ones, [[3, 0]]), [1, 1, 1, 2, 2, 2]],
    [pad(ones, [[3, 1]]), pad(ones, [[0, 4]]), [1, 1, 1, 1, 1, 1, 0]],
  ];
  for (const [a, b, expected] of cases) close(values(await evaluate(add(a, b))), expected);
});

test("a bias after a reshaped product joins it", async () => {
  const [x, w, bias] = [matrix(6, 2), matrix(2, 4), tensor(Float64Array.from(draw.normal(4)))];
  const f = (x: Tensor) => add(matmul(reshape(x, [2, 3, 2]), w), bias);
  close(
    values(await evaluate(f(x))),
    product(x, w).map((p, i) => p + values(bias)[i % 4]!),
  );
  assert.equal(count(toOnnx(f, x), "Add"), 0);
});

test("what is added to the channels of a convolution becomes its bias, unless the bare result is read too", async () => {
  const f32 = (...shape: number[]) =>
    fromData(draw.normal(shape.reduce((a, b) => a * b, 1)) as Float32Array, shape);
  const [x, weight] = [f32(2, 3, 5, 4), f32(6, 3, 3, 3)];
  const plain = await evaluate(conv2d(x, weight));
  const [, filters, rows, columns] = plain.shape as [number, number, number, number];
  const expected = (bias: Tensor, at: (n: number, c: number, place: number) => number) =>
    Array.from(values(plain), (value, i) => {
      const place = i % (rows * columns);
      const c = Math.floor(i / (rows * columns)) % filters;
      return value + values(bias)[at(Math.floor(i / (rows * columns * filters)), c, place)]!;
    });
  const near = (actual: Tensor, wanted: number[]) =>
    wanted.forEach((value, i) => {
      assert.ok(Math.abs(values(actual)[i]! - value) < 1e-5, `${i}: ${values(actual)[i]} is not ${value}`);
    });
  const cases: [string, Tensor, boolean, (n: number, c: number, place: number) => number][] = [
    ["channels", f32(filters, 1, 1), true, (_, c) => c],
    ["channels of rank 4", f32(1, filters, 1, 1), true, (_, c) => c],
    ["columns", f32(columns), false, (_n, _c, place) => place % columns],
    ["each example's channels", f32(2, filters, 1, 1), false, (n, c) => n * filters + c],
    ["one number", f32(1, 1, 1), false, () => 0],
  ];
  for (const [name, bias, folded, at] of cases) {
    const wanted = expected(bias, at);
    near(await compile((x: Tensor, w: Tensor, b: Tensor) => add(conv2d(x, w), b))(x, weight, bias), wanted);
    near(await compile((x: Tensor, w: Tensor, b: Tensor) => add(b, conv2d(x, w)))(x, weight, bias), wanted);
    const bytes = toOnnx((x: Tensor, w: Tensor, b: Tensor) => add(conv2d(x, w), b), x, weight, bias);
    assert.equal(count(bytes, "Add"), folded ? 0 : 1, name);
  }
  const both = compile((x: Tensor, w: Tensor, b: Tensor) => {
    const bare = conv2d(x, w);
    return { bare, biased: add(bare, b), less: subtract(conv2d(x, multiply(w, 2)), b) };
  });
  const [, bias] = cases[0]!;
  const result = await both(x, weight, bias);
  near(result.bare, [...values(plain)]);
  near(
    result.biased,
    expected(bias, (_, c) => c),
  );
  near(
    result.less,
    expected(bias, (_, c) => c).map((value, i) => 3 * values(plain)[i]! - value),
  );
});

test("a step along a sum over leading axes is one product with the right sign, unless the sum is read twice", async () => {
  const [x, c] = [matrix(12, 9), matrix(1, 9)];
  const flat = reshape(c, [9]);
  const total = (column: number) =>
    Array.from({ length: 12 }, (_, row) => values(x)[row * 9 + column]!).reduce((a, b) => a + b, 0);
  const total3 = (x: Tensor) => reshape(sum(reshape(x, [3, 4, 9]), { axis: [0, 1] }), [9]);
  const cases: [string, (x: Tensor, c: Tensor) => Tensor, Tensor, (total: number, c: number) => number][] = [
    ["c - 0.5t", (x, c) => subtract(c, multiply(sum(x, { axis: 0 }), 0.5)), flat, (t, c) => c - 0.5 * t],
    ["c + t", (x, c) => add(c, sum(x, { axis: 0 })), flat, (t, c) => c + t],
    [
      "c + 2t kept",
      (x, c) => add(c, multiply(2, sum(x, { axis: 0, keepDims: true }))),
      c,
      (t, c) => c + 2 * t,
    ],
    [
      "c - 4t over two axes",
      (x, c) => subtract(c, multiply(multiply(total3(x), 2), 2)),
      flat,
      (t, c) => c - 4 * t,
    ],
  ];
  for (const [name, f, c, expected] of cases) {
    const result = await compile(f)(x, c);
    assert.deepEqual(result.shape, c.shape, name);
    close(
      values(result),
      Array.from(values(c), (value, column) => expected(total(column), value)),
    );
    const bytes = toOnnx(f, x, c);
    assert.equal(count(bytes, "Gemm"), 1, name);
    assert.equal(count(bytes, "Sub") + count(bytes, "Add") + count(bytes, "Mul"), 0, name);
  }
  // 0.1 is no float32, and t − c is not folded; neither is a sum along rows, nor one that is read twice.
  const others: [(x: Tensor, c: Tensor) => Tensor, (total: number, c: number) => number][] = [
    [(x, c) => add(c, multiply(sum(x, { axis: 0 }), 0.1)), (t, c) => c + 0.1 * t],
    [(x, c) => subtract(sum(x, { axis: 0 }), c), (t, c) => t - c],
    [(x, c) => add(c, sum(transpose(x), { axis: 1 })), (t, c) => c + t],
    [
      (x, c) => {
        const t = sum(x, { axis: 0 });
        return add(add(c, t), multiply(t, t));
      },
      (t, c) => c + t + t * t,
    ],
  ];
  for (const [f, expected] of others)
    close(
      values(await compile(f)(x, flat)),
      Array.from(values(flat), (value, column) => expected(total(column), value)),
    );
});

test("of several shapes in a row only the last is written, whoever wrote them", async () => {
  const x = matrix(8, 12);
  // The sum's own shape, and then another.
  const f = (x: Tensor) =>
    multiply(reshape(sum(reshape(x, [8, 3, 4]), { axis: 0, keepDims: true }), [12]), 3);
  assert.equal(count(toOnnx(f, x), "Reshape"), 2);
  close(
    values(await compile(f)(x)),
    Array.from(
      { length: 12 },
      (_, i) => 3 * Array.from({ length: 8 }, (_, row) => values(x)[row * 12 + i]!).reduce((a, b) => a + b),
    ),
  );
});
