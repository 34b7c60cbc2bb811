import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate } from "../../runtime/index.ts";
import {
  abs,
  add,
  cast,
  ceil,
  clip,
  cos,
  divide,
  equal,
  erf,
  exp,
  expm1,
  floor,
  full,
  fullLike,
  gelu,
  grad,
  greater,
  greaterEqual,
  isNaN,
  leakyRelu,
  less,
  lessEqual,
  log,
  log1p,
  logicalAnd,
  logicalNot,
  logicalOr,
  logicalXor,
  logSigmoid,
  matmul,
  maximum,
  mean,
  minimum,
  multiply,
  negate,
  notEqual,
  onesLike,
  pow,
  reciprocal,
  relu,
  remainder,
  round,
  rsqrt,
  sigmoid,
  sign,
  silu,
  sin,
  softmax,
  softplus,
  sqrt,
  square,
  subtract,
  sum,
  type Tensor,
  tanh,
  tensor,
  transpose,
  values,
  where,
  zerosLike,
} from "../index.ts";
import type { DType } from "../tensor.ts";
import { map, type Plain, zip } from "./testing/arrays.ts";
import { checkErrors, checkRows, type Row, row, type Sample } from "./testing/rows.ts";
import {
  booleans,
  broadcastable,
  broadcastInputs,
  filled,
  single,
  type ValueOptions,
} from "./testing/samples.ts";

const positive = { low: 0.1, high: 3 };
const floatsAndInt: DType[] = ["float32", "float64", "int32"];

function unary(
  name: string,
  f: (x: Tensor) => Tensor,
  plain: (x: number) => number,
  { low, high, ...rest }: ValueOptions & Partial<Row<Sample>> = {},
) {
  return row({
    name,
    samples: single({ min: 0, low, high }),
    apply: ([x]) => f(x!),
    expected: ([x]) => map(x!, plain),
    ...rest,
  });
}

function binary(
  name: string,
  f: (a: Tensor, b: Tensor) => Tensor,
  plain: (a: number, b: number) => number,
  { low, high, ...rest }: ValueOptions & Partial<Row<Sample & { shape: number[] }>> = {},
) {
  return row({
    name,
    samples: broadcastInputs(2, { low, high }),
    apply: ([a, b]) => f(a!, b!),
    expected: (inputs, { shape }) => zip(shape, inputs, plain),
    ...rest,
  });
}

function logical(
  name: string,
  f: (a: Tensor, b: Tensor) => Tensor,
  plain: (a: boolean, b: boolean) => boolean,
) {
  return row({
    name,
    samples: broadcastable(2).chain(({ shape, shapes }) =>
      fc.tuple(...shapes.map(booleans)).map((inputs) => ({ inputs: inputs as Plain[], shape })),
    ),
    apply: ([a, b]) => f(a!, b!),
    expected: (inputs, { shape }) => zip(shape, inputs, (a, b) => Number(plain(a === 1, b === 1))),
    dtypes: ["float32"],
    derivatives: 0,
  });
}

/** The error function by Simpson's rule. */
function plainErf(x: number): number {
  const n = 2000;
  const h = x / n;
  let total = 1 + Math.exp(-x * x);
  for (let i = 1; i < n; i++) total += (i % 2 === 1 ? 4 : 2) * Math.exp(-((i * h) ** 2));
  return (2 / Math.sqrt(Math.PI)) * (h / 3) * total;
}
const plainSigmoid = (x: number) => 1 / (1 + Math.exp(-x));
const halfToEven = (x: number) => {
  const whole = Math.round(x);
  return Math.abs(x % 1) === 0.5 && whole % 2 !== 0 ? whole - 1 : whole;
};

checkRows([
  unary("negate", negate, (x) => -x, { dtypes: floatsAndInt }),
  unary("exp", exp, Math.exp),
  unary("log", log, Math.log, positive),
  unary("sqrt", sqrt, Math.sqrt, positive),
  unary("rsqrt", rsqrt, (x) => 1 / Math.sqrt(x), positive),
  unary("reciprocal", reciprocal, (x) => 1 / x, positive),
  unary("square", square, (x) => x * x, { dtypes: floatsAndInt }),
  unary("abs", abs, Math.abs, { dtypes: floatsAndInt }),
  unary("sign", sign, Math.sign, { dtypes: floatsAndInt, derivatives: 0 }),
  unary("floor", floor, Math.floor, { derivatives: 0 }),
  unary("ceil", ceil, Math.ceil, { derivatives: 0 }),
  unary("round", round, halfToEven, { derivatives: 0 }),
  unary("sin", sin, Math.sin),
  unary("cos", cos, Math.cos),
  unary("tanh", tanh, Math.tanh),
  unary("sigmoid", sigmoid, plainSigmoid),
  unary("relu", relu, (x) => Math.max(x, 0)),
  unary(
    "leakyRelu",
    (x) => leakyRelu(x, 0.2),
    (x) => (x > 0 ? x : 0.2 * x),
  ),
  unary("log1p", log1p, Math.log1p, { low: -0.9, high: 3 }),
  unary("expm1", expm1, Math.expm1),
  unary("softplus", softplus, (x) => Math.log1p(Math.exp(x)), { low: -6, high: 6 }),
  unary("logSigmoid", logSigmoid, (x) => Math.log(plainSigmoid(x)), { low: -6, high: 6 }),
  unary("erf", erf, plainErf, { low: -4, high: 4 }),
  unary("gelu", gelu, (x) => (x * (1 + plainErf(x / Math.SQRT2))) / 2, { low: -4, high: 4 }),
  unary("silu", silu, (x) => x * plainSigmoid(x)),
  unary(
    "clip",
    (x) => clip(x, -1, 1),
    (x) => Math.min(Math.max(x, -1), 1),
    { dtypes: floatsAndInt },
  ),
  unary("zerosLike", zerosLike, () => 0, { dtypes: floatsAndInt, derivatives: 0 }),
  unary("onesLike", onesLike, () => 1, { dtypes: floatsAndInt, derivatives: 0 }),
  unary(
    "fullLike",
    (x) => fullLike(x, 7),
    () => 7,
    { dtypes: floatsAndInt, derivatives: 0 },
  ),
  unary(
    "cast to float64 and back",
    (x) => cast(cast(x, "float64"), x.dtype),
    (x) => x,
  ),
  unary("cast to int32", (x) => cast(x, "int32"), Math.trunc, { derivatives: 0 }),
  unary(
    "cast to bool",
    (x) => cast(x, "bool"),
    (x) => Number(x !== 0),
    { dtypes: floatsAndInt, derivatives: 0 },
  ),
  unary(
    "isNaN",
    (x) => isNaN(sqrt(x)),
    (x) => Number(x < 0),
    { derivatives: 0 },
  ),
  binary("add", add, (a, b) => a + b, { dtypes: floatsAndInt }),
  binary("subtract", subtract, (a, b) => a - b, { dtypes: floatsAndInt }),
  binary("multiply", multiply, (a, b) => a * b, { dtypes: floatsAndInt }),
  binary("divide", divide, (a, b) => a / b, positive),
  binary("divide whole numbers", divide, (a, b) => Math.trunc(a / b), {
    low: 1,
    high: 9,
    dtypes: ["int32"],
    derivatives: 0,
  }),
  binary("maximum", maximum, Math.max, { dtypes: floatsAndInt }),
  binary("minimum", minimum, Math.min, { dtypes: floatsAndInt }),
  binary("pow", pow, (a, b) => a ** b, { ...positive, tolerance: { float32: 3e-5 } }),
  ...[-2, -1, -0.5, 0, 0.5, 1, 2, 3, 4].map((b) =>
    unary(
      `pow with exponent ${b}`,
      (x) => pow(x, b),
      (x) => x ** b,
      { ...positive, tolerance: { float32: 3e-5 } },
    ),
  ),
  binary("remainder of floats", remainder, (a, b) => a % b, { derivatives: 0 }),
  binary("remainder of whole numbers", remainder, (a, b) => a - b * Math.floor(a / b), {
    low: 1,
    high: 9,
    dtypes: ["int32"],
    derivatives: 0,
  }),
  ...(
    [
      ["equal", equal, (a: number, b: number) => a === b],
      ["notEqual", notEqual, (a: number, b: number) => a !== b],
      ["greater", greater, (a: number, b: number) => a > b],
      ["greaterEqual", greaterEqual, (a: number, b: number) => a >= b],
      ["less", less, (a: number, b: number) => a < b],
      ["lessEqual", lessEqual, (a: number, b: number) => a <= b],
    ] as const
  ).map(([name, f, plain]) =>
    binary(name, f, (a, b) => Number(plain(a, b)), {
      dtypes: floatsAndInt,
      derivatives: 0,
      low: -0.5,
      high: 0.5,
    }),
  ),
  logical("logicalAnd", logicalAnd, (a, b) => a && b),
  logical("logicalOr", logicalOr, (a, b) => a || b),
  logical("logicalXor", logicalXor, (a, b) => a !== b),
  logical("equal of bools", equal, (a, b) => a === b),
  logical(
    "logicalNot",
    (a, b) => logicalNot(logicalAnd(a, b)),
    (a, b) => !(a && b),
  ),
  row({
    name: "where",
    samples: broadcastable(3).chain(({ shape, shapes: [first, second, third] }) =>
      fc
        .tuple(booleans(first!), filled(second!), filled(third!, { number: 1 }))
        .map((inputs) => ({ inputs: inputs as Plain[], shape })),
    ),
    apply: ([condition, a, b]) => where(condition!, a!, b!),
    expected: (inputs, { shape }) => zip(shape, inputs, (condition, a, b) => (condition === 1 ? a : b)),
    dtypes: floatsAndInt,
  }),
  unary(
    "numbers as operands",
    (x) => add(1, multiply(subtract(2, x), divide(x, 4))),
    (x) => 1 + ((2 - x) * x) / 4,
  ),
  unary(
    "where with a number",
    (x) => where(greater(x, 0), x, -1),
    (x) => (x > 0 ? x : -1),
    { dtypes: floatsAndInt },
  ),
]);

/** Values of a function and of its gradient at some points, in one element type. */
async function at(f: (x: Tensor) => Tensor, points: readonly number[], dtype: DType = "float64") {
  const x = tensor([...points], { dtype });
  const [y, slope] = await evaluate([f(x), grad((z: Tensor) => sum(f(z)))(x)] as const);
  return { y: [...values(y)], slope: [...values(slope)] };
}

function assertRelative(actual: readonly number[], expected: readonly number[], tolerance: number) {
  assert.equal(actual.length, expected.length);
  expected.forEach((wanted, i) => {
    const got = actual[i]!;
    const fits = Object.is(got, wanted) || got === wanted || Math.abs(got / wanted - 1) <= tolerance;
    assert.ok(fits, `element ${i}: ${got} is not ${wanted}`);
  });
}

for (const [dtype, tolerance] of [
  ["float32", 1e-6],
  ["float64", 1e-14],
] as const) {
  const small = [1e-30, -1e-20, 1e-10, -1e-7, 1e-4, -1e-3, 0.01];
  const points = dtype === "float32" ? small.map(Math.fround) : small;

  test(`log1p and expm1 keep relative precision near 0 and their limits, in ${dtype}`, async () => {
    assertRelative((await at(log1p, points, dtype)).y, points.map(Math.log1p), tolerance);
    assertRelative((await at(expm1, points, dtype)).y, points.map(Math.expm1), tolerance);
    const edges = [Number.POSITIVE_INFINITY, 1e30, 0, -1, -2];
    assertRelative((await at(log1p, edges, dtype)).y, edges.map(Math.log1p), tolerance);
    const far = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, -80, -20, -1, 1, 20, 80];
    assertRelative((await at(expm1, far, dtype)).y, far.map(Math.expm1), 20 * tolerance);
    assertRelative((await at(expm1, [-20], dtype)).slope, [Math.exp(-20)], 3 * tolerance);
  });

  test(`softplus, sigmoid, tanh and erf at ±1e4 and infinities are finite and right, in ${dtype}`, async () => {
    const far = [1e4, -1e4, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    const check = async (f: (x: Tensor) => Tensor, y: number[], slope: number[]) => {
      const result = await at(f, far, dtype);
      const near = (a: number, b: number) => a === b || Math.abs(a - b) < 1e-7;
      assert.ok(
        result.y.every((v, i) => near(v, y[i]!)),
        `values ${result.y}, not ${y}`,
      );
      assert.ok(
        result.slope.every((v, i) => near(v, slope[i]!)),
        `slopes ${result.slope}, not ${slope}`,
      );
    };
    await check(softplus, [1e4, 0, Number.POSITIVE_INFINITY, 0], [1, 0, 1, 0]);
    await check(logSigmoid, [0, -1e4, 0, Number.NEGATIVE_INFINITY], [0, 1, 0, 1]);
    await check(sigmoid, [1, 0, 1, 0], [0, 0, 0, 0]);
    await check(tanh, [1, -1, 1, -1], [0, 0, 0, 0]);
    await check(erf, [1, -1, 1, -1], [0, 0, 0, 0]);
  });

  test(`exp and log at their limits, in ${dtype}`, async () => {
    const { y } = await at(exp, [Number.NEGATIVE_INFINITY, -1e4, 0, 1e4, Number.POSITIVE_INFINITY], dtype);
    assert.deepEqual(y, [0, 0, 1, Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY]);
    const logs = await at(log, [0, 1, Number.POSITIVE_INFINITY, -1], dtype);
    assert.deepEqual(logs.y, [Number.NEGATIVE_INFINITY, 0, Number.POSITIVE_INFINITY, Number.NaN]);
  });

  test(`pow at base 0: exponents 0, 1, 2 and above have finite gradients, in ${dtype}`, async () => {
    for (const [exponent, y, slope] of [
      [0, 1, 0],
      [1, 0, 1],
      [2, 0, 0],
      [3, 0, 0],
      [2.5, 0, 0],
    ] as const) {
      const asNumber = await at((x) => pow(x, exponent), [0], dtype);
      assert.deepEqual(asNumber, { y: [y], slope: [slope] }, `number ${exponent}`);
      const asTensor = await at((x) => pow(x, tensor([exponent], { dtype })), [0], dtype);
      assert.deepEqual(asTensor, { y: [y], slope: [slope] }, `tensor ${exponent}`);
      const ofExponent = await at((b) => pow(tensor([0], { dtype }), b), [exponent], dtype);
      assert.deepEqual(ofExponent.slope, [0]);
    }
    const negative = await at((x) => pow(x, 3), [-2], dtype);
    assert.deepEqual(negative, { y: [-8], slope: [12] });
  });
}

test("equal operands share the gradient of maximum and minimum", async () => {
  const x = tensor([1, 2, 3], { dtype: "float64" });
  const y = tensor([1, 5, 0], { dtype: "float64" });
  for (const [f, expected] of [
    [maximum, [0.5, 0, 1]],
    [minimum, [0.5, 1, 0]],
  ] as const) {
    const slope = await evaluate(grad((z: Tensor) => sum(f(z, y)))(x));
    assert.deepEqual([...values(slope)], expected);
  }
});

test("kinks: the gradients of abs, relu and clip are as documented there", async () => {
  assert.deepEqual((await at(abs, [0])).slope, [0]);
  assert.deepEqual((await at(relu, [0])).slope, [0]);
  assert.deepEqual((await at((x) => clip(x, -1, 1), [-1, 1, 1.5])).slope, [1, 1, 0]);
});

test("where keeps an infinite derivative of the branch not taken out of the gradient", async () => {
  const guarded = (x: Tensor) => where(greater(x, 0), log(where(greater(x, 0), x, 1)), 0);
  assert.deepEqual(await at(guarded, [0, 2]), { y: [0, Math.log(2)], slope: [0, 0.5] });
});

test("round takes halves to the even neighbour", async () => {
  const { y } = await at(round, [-2.5, -1.5, -0.5, 0.5, 1.5, 2.5]);
  assert.deepEqual(y.map(Math.abs), [2, 2, 0, 0, 2, 2]);
});

test("a constant 0 is not confused with −0", async () => {
  const [a, b] = await evaluate([
    divide(1, add(tensor([0]), tensor([0]))),
    divide(tensor([1]), tensor([-0])),
  ] as const);
  assert.equal(values(a)[0], Number.POSITIVE_INFINITY);
  assert.equal(values(b)[0], Number.NEGATIVE_INFINITY);
});

// What the engine fuses, it has float32 kernels for only, and does not always look at the type first.
test("compositions that the engine fuses give the same numbers in both float types", async () => {
  const rowMean = (x: Tensor) => mean(x, { axis: -1, keepDims: true });
  const patterns: Record<string, (x: Tensor) => Tensor> = {
    relu6: (x) => clip(relu(x), 0, 6),
    clips: (x) => clip(clip(x, -1, 0.5), 0, 2),
    silu,
    "sigmoid approximation of gelu": (x) => multiply(x, sigmoid(multiply(x, 1.702))),
    "tanh approximation of gelu": (x) =>
      multiply(multiply(x, 0.5), add(tanh(multiply(add(x, multiply(pow(x, 3), 0.044715)), 0.8)), 1)),
    gelu: (x) => gelu(add(x, 0.3)),
    mish: (x) => multiply(x, tanh(softplus(x))),
    "hard swish": (x) => multiply(x, clip(add(divide(x, 6), 0.5), 0, 1)),
    "layer normalisation": (x) => {
      const centred = subtract(x, rowMean(x));
      return divide(centred, sqrt(add(rowMean(pow(centred, 2)), 1e-5)));
    },
    "division by the root mean square": (x) => divide(x, sqrt(add(rowMean(square(x)), 1e-5))),
    "softmax of a scaled product": (x) => softmax(add(multiply(matmul(x, transpose(x)), 0.3), 1)),
    "not where": (x) => where(logicalNot(greater(x, 0)), x, multiply(x, 2)),
  };
  const data = Float32Array.from({ length: 16 }, (_, i) => 2 * Math.sin(i * i));
  for (const [name, f] of Object.entries(patterns)) {
    const both = (x: Tensor) => [f(x), grad((z: Tensor) => sum(multiply(f(z), f(z))))(x)] as const;
    const x = tensor(data, { shape: [4, 4] });
    const alone = await Promise.all([evaluate(f(x)), evaluate(f(cast(x, "float64")))]);
    const together = await Promise.all([evaluate(both(x)), evaluate(both(cast(x, "float64")))]);
    for (const [narrow, wide] of [
      alone,
      [together[0][0], together[1][0]],
      [together[0][1], together[1][1]],
    ]) {
      values(narrow!).forEach((v, i) => {
        assert.ok(Math.abs(v - values(wide!)[i]!) < 1e-4, `${name}: ${v}, not ${values(wide!)[i]}`);
      });
    }
  }
});

const float = tensor([1, 2, 3]);
const ints = tensor([1, 2, 3], { dtype: "int32" });
const bools = tensor([true, false, true]);
checkErrors([
  [
    "shapes that do not broadcast",
    () => add(float, tensor([1, 2])),
    /^add: shapes \[3\] and \[2\] do not broadcast.*3 and 2/,
  ],
  ["mixed types", () => multiply(float, ints), /^multiply: operands are .*float32 and .*int32; cast/],
  ["a fraction beside integers", () => multiply(ints, 0.5), /^multiply: the number 0.5 .*int32.*cast/],
  ["a comparison of integers with a fraction", () => greater(ints, 0.5), /^greater: the number 0.5/],
  ["exp of integers", () => exp(ints), /^exp: .*int32.*expected float32, float64/],
  ["and of floats", () => logicalAnd(float, float), /^logicalAnd: .*float32.*expected bool/],
  ["sum of bools", () => add(bools, bools), /^add: .*bool.*expected float32, float64, int32/],
  ["where with a float condition", () => where(float, 1, 2), /^where: condition is .*expected bool/],
  [
    "where with shapes that do not fit",
    () => where(bools, float, tensor([1, 2])),
    /^where: shapes \[3\] and \[2\]/,
  ],
  ["clip with crossed borders", () => clip(float, 2, 1), /^clip: low 2 must not exceed high 1/],
  ["clip of integers at a fraction", () => clip(ints, 0.5, 1), /^clip: .*int32.*0.5/],
  ["a constant that its type cannot hold", () => full([2], 0.5, "int32"), /0.5 is no int32 value/],
  [
    "nested values that their type cannot hold",
    () => tensor([1, 2.5], { dtype: "int32" }),
    /2.5 at position 1 is no int32/,
  ],
]);
