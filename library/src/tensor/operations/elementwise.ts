/** Operations that work element by element, with broadcasting where there are two operands. */
import {
  broadcastShapes,
  constantValue,
  type DType,
  describe,
  expression,
  fitsType,
  type GraphWriter,
  isFloat,
  isTensor,
  type Operation,
  sameShape,
  scalar,
  type Tensor,
  type TensorLike,
} from "../tensor.ts";
import { elementwise } from "./batch.ts";
import { emitMultiplication, emitSum } from "./matmul.ts";
import { sumTo } from "./reduce.ts";
import { broadcastTo, expandSource, joinPadded, reshape, reshapeSource } from "./shape.ts";
import { booleans, floats, numbers, requireType } from "./types.ts";

interface Unary {
  /** ONNX type, or how to write the operation as several nodes. */
  emit: string | ((graph: GraphWriter, x: string, dtype: DType) => string);
  /** Cotangent of x, given that of y = f(x). */
  vjp?: (cotangent: Tensor, x: Tensor, y: Tensor) => Tensor;
  /** Element types that the operation is defined for. Default: the float types. */
  accepts?: readonly DType[];
  /** Element type of the result. Default: that of x. */
  result?: DType;
}

function unary(name: string, { emit, vjp, accepts = floats, result }: Unary): (x: Tensor) => Tensor {
  const operation = {
    name,
    emit: (graph: GraphWriter, [x]: string[], node: Tensor) =>
      typeof emit === "string" ? graph.node(emit, [x!]) : emit(graph, x!, node.inputs[0]!.dtype),
    vjp: vjp && ((cotangent: Tensor, node: Tensor) => [vjp(cotangent, node.inputs[0]!, node)]),
    batch: elementwise,
  };
  return (x) => {
    requireType(name, accepts, x);
    return expression(operation, [x], x.shape, result ?? x.dtype);
  };
}

interface Binary {
  emit: string | ((graph: GraphWriter, inputs: string[], node: Tensor) => string);
  /** Cotangents of both operands, before they are summed over broadcast axes. */
  vjp?: (cotangent: Tensor, a: Tensor, b: Tensor, y: Tensor) => [Tensor | undefined, Tensor | undefined];
  /** Element types that the operation is defined for. Default: the float types and int32. */
  accepts?: readonly DType[];
  /** Element type of the result. Default: that of the operands. */
  result?: DType;
  /** A simpler expression for special operands, if there is one. */
  simplify?: (a: Tensor, b: Tensor) => Tensor | undefined;
}

function binary(name: string, { emit, vjp, accepts = numbers, result, simplify }: Binary) {
  const operation = {
    name,
    emit: (graph: GraphWriter, inputs: string[], node: Tensor) =>
      typeof emit === "string" ? graph.node(emit, inputs) : emit(graph, inputs, node),
    vjp:
      vjp &&
      ((cotangent: Tensor, node: Tensor) => {
        const [a, b] = node.inputs as [Tensor, Tensor];
        const [da, db] = vjp(cotangent, a, b, node);
        return [da && sumTo(da, a.shape), db && sumTo(db, b.shape)];
      }),
    batch: elementwise,
  };
  return (left: TensorLike, right: TensorLike): Tensor => {
    let [a, b] = operands(name, left, right);
    requireType(name, accepts, a, "an operand");
    const shape = broadcastShapes(name, a.shape, b.shape);
    const simple = simplify?.(a, b);
    if (simple && sameShape(simple.shape, shape)) return simple;
    // The operation broadcasts by itself, so an operand need not be expanded first.
    const narrowA = expandSource(a);
    if (narrowA && sameShape(broadcastShapes(name, narrowA.shape, b.shape), shape)) a = narrowA;
    const narrowB = expandSource(b);
    if (narrowB && sameShape(broadcastShapes(name, a.shape, narrowB.shape), shape)) b = narrowB;
    return expression(operation, [a, b], shape, result ?? a.dtype);
  };
}

/** Both operands as tensors of one element type; a plain number takes the other's. */
function operands(name: string, left: TensorLike, right: TensorLike): [Tensor, Tensor] {
  const beside = (value: number, other: TensorLike): Tensor => {
    const dtype = isTensor(other) ? other.dtype : "float32";
    if (!fitsType(value, dtype)) {
      throw new TypeError(
        `${name}: the number ${value} stands beside ${describe(other as Tensor)}, which cannot hold it; ` +
          `cast the tensor to float32`,
      );
    }
    return scalar(value, dtype);
  };
  const a = isTensor(left) ? left : beside(left, right);
  const b = isTensor(right) ? right : beside(right, a);
  if (a.dtype !== b.dtype) {
    throw new TypeError(
      `${name}: operands are ${describe(a)} and ${describe(b)}; cast one so that types agree`,
    );
  }
  return [a, b];
}

const isConstant = (tensor: Tensor, value: number) => constantValue(tensor) === value;

/** a + b */
export const add = binary("add", {
  emit: (graph, inputs, node) => emitSum(graph, inputs, node, 1),
  vjp: (g) => [g, g],
  simplify: (a, b) =>
    isConstant(a, 0)
      ? b
      : isConstant(b, 0)
        ? a
        : (joinPadded(a, b) ?? joinPadded(b, a) ?? addToProduct(a, b) ?? addToProduct(b, a)),
});

/** (M reshaped) + bias as (M + bias) reshaped, where M is a matrix product: the sum can then join the product. */
function addToProduct(x: Tensor, bias: Tensor): Tensor | undefined {
  const product = reshapeSource(x);
  const fits =
    product?.operation.name === "matmul" &&
    product.shape.length === 2 &&
    bias.shape.length === 1 &&
    bias.shape[0] === product.shape[1] &&
    bias.shape[0] === x.shape.at(-1);
  return fits ? reshape(add(product, bias), x.shape) : undefined;
}

/** a − b */
export const subtract = binary("subtract", {
  emit: (graph, inputs, node) => emitSum(graph, inputs, node, -1),
  vjp: (g) => [g, negate(g)],
  simplify: (_a, b) => (isConstant(b, 0) ? _a : undefined),
});

/** a × b */
export const multiply = binary("multiply", {
  emit: emitMultiplication,
  vjp: (g, a, b) => [multiply(g, b), multiply(g, a)],
  simplify: (a, b) => (isConstant(a, 1) ? b : isConstant(b, 1) ? a : undefined),
});

/** Matrix and factor of a matrix whose rows are multiplied by one number each, else undefined. */
export function rowScaled(x: Tensor): { matrix: Tensor; factor: Tensor } | undefined {
  if (x.operation.name !== "multiply" || x.shape.length < 2 || !isFloat(x.dtype)) return undefined;
  const isFactor = (f: Tensor) =>
    f.shape.length === 0 || (f.shape.length === x.shape.length && f.shape.at(-1) === 1);
  const [a, b] = x.inputs as [Tensor, Tensor];
  if (isFactor(b) && sameShape(a.shape, x.shape)) return { matrix: a, factor: b };
  if (isFactor(a) && sameShape(b.shape, x.shape)) return { matrix: b, factor: a };
  return undefined;
}

/** a / b; integers are cut towards 0. */
export const divide = binary("divide", {
  emit: "Div",
  vjp: (g, _a, b, y) => {
    const quotient = divide(g, b);
    return [quotient, negate(multiply(quotient, y))];
  },
  simplify: (a, b) => (isConstant(b, 1) ? a : undefined),
});

/** The larger of a and b; at equality the gradient is shared equally. */
export const maximum = binary("maximum", { emit: "Max", vjp: (g, a, b) => shareByOrder(g, a, b) });

/** The smaller of a and b; at equality the gradient is shared equally. */
export const minimum = binary("minimum", { emit: "Min", vjp: (g, a, b) => shareByOrder(g, b, a) });

function shareByOrder(g: Tensor, larger: Tensor, smaller: Tensor): [Tensor, Tensor] {
  const half = multiply(g, 0.5);
  const tie = equal(larger, smaller);
  return [
    where(greater(larger, smaller), g, where(tie, half, 0)),
    where(greater(smaller, larger), g, where(tie, half, 0)),
  ];
}

/**
 * a to the power b. The gradient of b is 0 where a ≤ 0, where the power is not differentiable in b
 * (or is not a real number). That of a is exactly 0 where b is 0.
 */
export const pow = binary("pow", {
  emit: "Pow",
  vjp: (g, a, b, y) => {
    const exponent = constantValue(b);
    if (exponent !== undefined) return [multiply(g, multiply(pow(a, exponent - 1), exponent)), undefined];
    const isZero = equal(b, 0);
    const da = where(isZero, 0, multiply(b, pow(where(isZero, 1, a), subtract(b, 1))));
    const positive = greater(a, 0);
    return [multiply(g, da), multiply(g, where(positive, multiply(y, log(where(positive, a, 1))), 0))];
  },
  accepts: floats,
  simplify: (a, b) => {
    const exponent = constantValue(b);
    return exponent === 0
      ? onesLike(a)
      : exponent === 1
        ? a
        : exponent === 2
          ? multiply(a, a)
          : exponent === -1
            ? reciprocal(a)
            : undefined;
  },
});

/** The remainder of a / b with the sign of b (integers) or of a (floats). No gradient. */
export const remainder = binary("remainder", {
  emit: (graph, inputs, node) => graph.node("Mod", inputs, { fmod: isFloat(node.dtype) ? 1 : 0 }),
});

/** a = b, element by element, as bool. */
export const equal = binary("equal", { emit: "Equal", accepts: [...numbers, "bool"], result: "bool" });
/** a > b, as bool. */
export const greater = binary("greater", { emit: "Greater", result: "bool" });
/** a ≥ b, as bool. */
export const greaterEqual = binary("greaterEqual", { emit: "GreaterOrEqual", result: "bool" });
/** a < b, as bool. */
export const less = binary("less", { emit: "Less", result: "bool" });
/** a ≤ b, as bool. */
export const lessEqual = binary("lessEqual", { emit: "LessOrEqual", result: "bool" });
export const logicalAnd = binary("logicalAnd", { emit: "And", accepts: booleans });
export const logicalOr = binary("logicalOr", { emit: "Or", accepts: booleans });
export const logicalXor = binary("logicalXor", { emit: "Xor", accepts: booleans });
export const logicalNot = unary("logicalNot", { emit: "Not", accepts: booleans });
/** a ≠ b, as bool. */
export const notEqual = (a: TensorLike, b: TensorLike): Tensor => logicalNot(equal(a, b));

const whereOperation = {
  name: "where",
  emit: (graph: GraphWriter, inputs: string[]) => graph.node("Where", inputs),
  // Selecting, unlike multiplying with a mask, keeps an infinite cotangent of the branch not taken
  // from turning into NaN.
  vjp: (g: Tensor, node: Tensor) => {
    const [condition, a, b] = node.inputs as [Tensor, Tensor, Tensor];
    return [undefined, sumTo(where(condition, g, 0), a.shape), sumTo(where(condition, 0, g), b.shape)];
  },
  batch: elementwise,
};

/**
 * a where the condition holds, b elsewhere; all three broadcast.
 *
 * The gradient of the branch not taken is exactly 0 at this operation. If that branch's own
 * derivative is infinite there (log at 0), guard its argument as well: `log(where(ok, x, 1))`.
 */
export function where(condition: Tensor, a: TensorLike, b: TensorLike): Tensor {
  if (condition.dtype !== "bool") {
    throw new TypeError(`where: condition is ${describe(condition)}; expected bool, as comparisons give`);
  }
  const [left, right] = operands("where", a, b);
  const shape = broadcastShapes("where", condition.shape, broadcastShapes("where", left.shape, right.shape));
  return expression(whereOperation, [condition, left, right], shape, left.dtype);
}

/** −x */
export const negate = unary("negate", { emit: "Neg", vjp: (g) => negate(g), accepts: numbers });
/** eˣ */
export const exp = unary("exp", { emit: "Exp", vjp: (g, _x, y) => multiply(g, y) });
/** Natural logarithm. */
export const log = unary("log", { emit: "Log", vjp: (g, x) => divide(g, x) });
/** log x of a sum of exponentials: where all are 0, so are their slopes, and this one's is taken as 1 instead of 1/0. */
export const logOfSum = unary("log", { emit: "Log", vjp: (g, x) => divide(g, where(equal(x, 0), 1, x)) });
/** √x */
export const sqrt = unary("sqrt", { emit: "Sqrt", vjp: (g, _x, y) => divide(multiply(g, 0.5), y) });
/** 1 / x */
export const reciprocal = unary("reciprocal", {
  emit: "Reciprocal",
  vjp: (g, _x, y) => negate(multiply(g, multiply(y, y))),
});
/** 1 / √x */
export const rsqrt = (x: Tensor): Tensor => reciprocal(sqrt(x));
/** x² */
export const square = (x: Tensor): Tensor => multiply(x, x);
/** |x|; the gradient at 0 is 0. */
export const abs = unary("abs", { emit: "Abs", vjp: (g, x) => multiply(g, sign(x)), accepts: numbers });
/** −1, 0 or 1. Its gradient is 0 everywhere. */
export const sign = unary("sign", { emit: "Sign", accepts: numbers });
export const floor = unary("floor", { emit: "Floor" });
export const ceil = unary("ceil", { emit: "Ceil" });
/** The nearest whole number, halves to the even one. */
export const round = unary("round", { emit: "Round" });
export const sin = unary("sin", { emit: "Sin", vjp: (g, x) => multiply(g, cos(x)) });
export const cos = unary("cos", { emit: "Cos", vjp: (g, x) => negate(multiply(g, sin(x))) });
export const tanh = unary("tanh", {
  emit: "Tanh",
  vjp: (g, _x, y) => multiply(g, subtract(1, multiply(y, y))),
});
/** 1 / (1 + e⁻ˣ) */
export const sigmoid = unary("sigmoid", {
  emit: (graph, x, dtype) => {
    if (dtype === "float32") return graph.node("Sigmoid", [x]);
    // In float64 the engine would fuse x · Sigmoid(x) into a node that it has a float32 kernel for only.
    const decay = graph.node("Exp", [graph.node("Neg", [x])]);
    return graph.node("Reciprocal", [graph.node("Add", [decay, graph.scalar(1, dtype)])]);
  },
  vjp: (g, _x, y) => multiply(g, multiply(y, subtract(1, y))),
});
/** max(x, 0); the gradient at 0 is 0. */
export const relu = unary("relu", {
  // In float64 the engine fails to fuse Clip(Relu(x)).
  emit: (graph, x, dtype) =>
    dtype === "float32" ? graph.node("Relu", [x]) : graph.node("Max", [x, graph.scalar(0, dtype)]),
  vjp: (g, _x, y) => where(greater(y, 0), g, 0),
});
export const isNaN = unary("isNaN", { emit: "IsNaN", result: "bool" });

/** log(u) · v / (v' − 1) with u = 1 + x, v = min(x, 1) and v' = 1 + v: the factor mends what rounding u lost. */
function emitLog1p(graph: GraphWriter, x: string, dtype: DType): string {
  const one = graph.scalar(1, dtype);
  const u = graph.node("Add", [x, one]);
  const tiny = graph.node("Equal", [u, one]);
  // Beyond 1 nothing needs mending, and at infinity the quotient would not be a number.
  const v = graph.node("Min", [x, one]);
  const rounded = graph.node("Sub", [graph.node("Add", [v, one]), one]);
  const factor = graph.node("Div", [v, graph.node("Where", [tiny, one, rounded])]);
  return graph.node("Where", [tiny, x, graph.node("Mul", [graph.node("Log", [u]), factor])]);
}

/** log(1 + x), exact for small x. */
export const log1p = unary("log1p", { emit: emitLog1p, vjp: (g, x) => divide(g, add(x, 1)) });

/** eˣ − 1, exact for small x: tanh(x / 2) · (eˣ + 1). */
export const expm1 = unary("expm1", {
  emit: (graph, x, dtype) => {
    const half = graph.node("Tanh", [graph.node("Mul", [x, graph.scalar(0.5, dtype)])]);
    return graph.node("Mul", [half, graph.node("Add", [graph.node("Exp", [x]), graph.scalar(1, dtype)])]);
  },
  vjp: (g, x) => multiply(g, exp(x)),
});

/**
 * log(1 + eˣ) without overflow: max(x, 0) + log(1 + e^−|x|). In float32 its absolute error is about
 * 1e-7, so that values far below 0 round to 0; in float64 the logarithm is exact there too.
 */
export const softplus = unary("softplus", {
  emit: (graph, x, dtype) => {
    // The engine's own Softplus takes several times as long as this.
    const decay = graph.node("Exp", [graph.node("Neg", [graph.node("Abs", [x])])]);
    const rest =
      dtype === "float32"
        ? graph.node("Log", [graph.node("Add", [decay, graph.scalar(1, dtype)])])
        : emitLog1p(graph, decay, dtype);
    return graph.node("Add", [graph.node("Relu", [x]), rest]);
  },
  vjp: (g, x) => multiply(g, sigmoid(x)),
});

/** log σ(x) = −softplus(−x) */
export const logSigmoid = (x: Tensor): Tensor => negate(softplus(negate(x)));

// Numerical Recipes' Chebyshev fit of erfc (relative error below 1.2e-7) is too coarse for float64
// gradient checks, so float64 sums the series of erf near 0 and the continued fraction far from it.
const SERIES_TERMS = 42;
const FRACTION_DEPTH = 34;
const SERIES_LIMIT = 2.5;

function emitErfFloat64(graph: GraphWriter, x: string): string {
  const constant = (value: number) => graph.scalar(value, "float64");
  const times = (a: string, b: string) => graph.node("Mul", [a, b]);
  const plus = (a: string, b: string) => graph.node("Add", [a, b]);
  const size = graph.node("Abs", [x]);
  const near = graph.node("Min", [size, constant(SERIES_LIMIT)]);
  const far = graph.node("Max", [size, constant(SERIES_LIMIT)]);
  const gaussian = (z: string) => graph.node("Exp", [graph.node("Neg", [times(z, z)])]);
  // erf(z) = 2/√π · e^(−z²) · Σ 2ⁿ z^(2n+1) / (2n+1)!!, all terms positive; by Horner's rule.
  const twice = times(constant(2), times(near, near));
  let series = constant(1);
  for (let n = SERIES_TERMS; n >= 1; n--) {
    series = plus(constant(1), times(times(twice, constant(1 / (2 * n + 1))), series));
  }
  const inner = times(times(constant(2 / Math.sqrt(Math.PI)), times(near, gaussian(near))), series);
  // erfc(z) = e^(−z²)/√π · 1/(z + (1/2)/(z + 1/(z + (3/2)/(z + …))))
  let fraction = far;
  for (let n = FRACTION_DEPTH; n >= 1; n--) {
    fraction = plus(far, graph.node("Div", [constant(n / 2), fraction]));
  }
  const tail = graph.node("Div", [times(constant(1 / Math.sqrt(Math.PI)), gaussian(far)), fraction]);
  const outer = graph.node("Sub", [constant(1), tail]);
  const isNear = graph.node("Less", [size, constant(SERIES_LIMIT)]);
  return times(graph.node("Sign", [x]), graph.node("Where", [isNear, inner, outer]));
}

/** The error function. float64, for which the engine has no kernel, is exact to about 1e-15. */
export const erf = unary("erf", {
  emit: (graph, x, dtype) => (dtype === "float64" ? emitErfFloat64(graph, x) : graph.node("Erf", [x])),
  vjp: (g, x) => multiply(g, multiply(exp(negate(multiply(x, x))), 2 / Math.sqrt(Math.PI))),
});

/** x where positive, slope · x elsewhere. */
export function leakyRelu(x: Tensor, slope = 0.01): Tensor {
  return where(greater(x, 0), x, multiply(x, slope));
}

/** x Φ(x) of x and Φ(x), which the slope Φ(x) + x φ(x) reads too. */
const geluOperation: Operation = {
  name: "gelu",
  emit: (graph, inputs) => graph.node("Mul", inputs),
  vjp: (g, { inputs }) => {
    const [x, below] = inputs as [Tensor, Tensor];
    const density = exp(multiply(multiply(x, x), -0.5));
    const slope = add(below, multiply(multiply(x, density), 1 / Math.sqrt(2 * Math.PI)));
    return [multiply(g, slope), undefined];
  },
  batch: elementwise,
};

/** x Φ(x) with the normal distribution function Φ: the exact form, not the tanh approximation. */
export function gelu(x: Tensor): Tensor {
  requireType("gelu", floats, x);
  const below = multiply(add(erf(multiply(x, Math.SQRT1_2)), 1), 0.5);
  return expression(geluOperation, [x, below], x.shape, x.dtype);
}

/** x σ(x), also called swish. */
export const silu = (x: Tensor): Tensor => multiply(x, sigmoid(x));

/**
 * x kept within [low, high]. The gradient is 1 inside and on the borders, 0 outside.
 *
 * @throws RangeError if low > high.
 */
export function clip(x: Tensor, low: number, high: number): Tensor {
  if (!(low <= high)) throw new RangeError(`clip: low ${low} must not exceed high ${high}`);
  requireType("clip", numbers, x);
  for (const border of [low, high]) {
    if (!fitsType(border, x.dtype))
      throw new TypeError(`clip: ${describe(x)} cannot hold the border ${border}`);
  }
  return expression(clipOperation, [x], x.shape, x.dtype, { low, high });
}

const clipOperation = {
  name: "clip",
  emit: (graph: GraphWriter, [x]: string[], node: Tensor) => {
    const { low, high } = node.attributes as { low: number; high: number };
    return graph.node("Clip", [x!, graph.scalar(low, node.dtype), graph.scalar(high, node.dtype)]);
  },
  vjp: (g: Tensor, node: Tensor) => {
    const { low, high } = node.attributes as { low: number; high: number };
    const x = node.inputs[0]!;
    return [where(logicalAnd(greaterEqual(x, low), lessEqual(x, high)), g, 0)];
  },
  batch: elementwise,
};

const onnxTypes = { float32: 1, float64: 11, int32: 6, bool: 9 } as const;

const castOperation = {
  name: "cast",
  emit: (graph: GraphWriter, [x]: string[], node: Tensor) =>
    graph.node("Cast", [x!], { to: onnxTypes[node.dtype] }),
  vjp: (g: Tensor, node: Tensor) => {
    const from = node.inputs[0]!.dtype;
    return [isFloat(from) ? cast(g, from) : undefined];
  },
  batch: elementwise,
};

/** The same values as another element type; gradients flow between the float types only. */
export function cast(x: Tensor, dtype: DType): Tensor {
  return x.dtype === dtype ? x : expression(castOperation, [x], x.shape, dtype);
}

/** A tensor of one value everywhere. */
export function full(shape: readonly number[], value: number, dtype: DType = "float32"): Tensor {
  return broadcastTo(scalar(value, dtype), shape);
}

/** A tensor of one value everywhere, with the shape and element type of x. */
export const fullLike = (x: Tensor, value: number): Tensor => full(x.shape, value, x.dtype);
export const zerosLike = (x: Tensor): Tensor => full(x.shape, 0, x.dtype);
export const onesLike = (x: Tensor): Tensor => full(x.shape, 1, x.dtype);
