/**
 * The logarithm of the gamma function and its derivatives.
 *
 * From 1/2 on they are Stirling's series, after the recurrence has moved small arguments to where the
 * series is exact to the last digits of float64; below 1/2 the reflection formula leads there. The
 * engine has no kernels for any of this. float32 is computed in float64 inside and rounded at the end.
 */
import { expression, type GraphWriter, type Operation, type Tensor } from "../tensor.ts";
import { elementwise } from "./batch.ts";
import {
  abs,
  cos,
  divide,
  less,
  log,
  multiply,
  reciprocal,
  round,
  sin,
  square,
  subtract,
  where,
} from "./elementwise.ts";
import { floats, requireType } from "./types.ts";

/** B₂, B₄, … */
const bernoulli = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
  -174611 / 330,
];

const factorial = (n: number): number => (n <= 1 ? 1 : n * factorial(n - 1));

/** Arithmetic on float64 nodes. */
const arithmetic = (graph: GraphWriter) => ({
  constant: (value: number) => graph.scalar(value, "float64"),
  plus: (a: string, b: string) => graph.node("Add", [a, b]),
  minus: (a: string, b: string) => graph.node("Sub", [a, b]),
  times: (a: string, b: string) => graph.node("Mul", [a, b]),
  over: (a: string, b: string) => graph.node("Div", [a, b]),
  power: (a: string, n: number) => (n === 1 ? a : graph.node("Pow", [a, graph.scalar(n, "float64")])),
  log: (a: string) => graph.node("Log", [a]),
});

/** Σ coefficients[k] · zᵏ by Horner's rule. */
function emitPolynomial(graph: GraphWriter, coefficients: readonly number[], z: string): string {
  const { constant, plus, times } = arithmetic(graph);
  return coefficients
    .slice(0, -1)
    .reduceRight((total, c) => plus(constant(c), times(z, total)), constant(coefficients.at(-1)!));
}

/** A function of float64 nodes as an operation for both float types. */
const inFloat64 =
  (emit: (graph: GraphWriter, x: string, node: Tensor) => string): Operation["emit"] =>
  (graph, [x], node) => {
    if (node.dtype === "float64") return emit(graph, x!, node);
    const wide = graph.node("Cast", [x!], { to: 11 });
    return graph.node("Cast", [emit(graph, wide, node)], { to: 1 });
  };

const LOG_GAMMA_SHIFT = 8;

/** log Γ(x) for x ≥ 1/2: log Γ(z) − log x(x + 1)…(z − 1), with z = x + 8 for x < 8. */
const logGammaOperation: Operation = {
  name: "lgamma",
  emit: inFloat64((graph, x) => {
    const { constant, plus, minus, times, over, power, log } = arithmetic(graph);
    const isSmall = graph.node("Less", [x, constant(LOG_GAMMA_SHIFT)]);
    const one = constant(1);
    let product = x;
    for (let k = 1; k < LOG_GAMMA_SHIFT; k++) product = times(product, plus(x, constant(k)));
    const z = graph.node("Where", [isSmall, plus(x, constant(LOG_GAMMA_SHIFT)), x]);
    // (z − ½)(log z − 1) + ½ (log 2π − 1) + Σ B₂ₖ / (2k (2k − 1) z²ᵏ⁻¹)
    const main = times(minus(z, constant(0.5)), minus(log(z), one));
    const coefficients = bernoulli.map((b, i) => b / ((2 * i + 2) * (2 * i + 1)));
    const series = over(emitPolynomial(graph, coefficients, power(over(one, z), 2)), z);
    const stirling = plus(main, plus(constant((Math.log(2 * Math.PI) - 1) / 2), series));
    return minus(stirling, log(graph.node("Where", [isSmall, product, one])));
  }),
  vjp: (g, node) => [multiply(g, polygammaFromHalf(node.inputs[0]!, 0))],
  batch: elementwise,
};

/** ψ⁽ⁿ⁾(x) for x ≥ 1/2: ψ⁽ⁿ⁾(z) − (−1)ⁿ n! Σ_{k < shift} 1 / (x + k)ⁿ⁺¹. */
const polygammaOperation: Operation = {
  name: "polygamma",
  emit: inFloat64((graph, x, node) => {
    const n = node.attributes.order as number;
    const shift = 10 + 2 * n;
    const { constant, plus, minus, times, over, power, log } = arithmetic(graph);
    const one = constant(1);
    const isSmall = graph.node("Less", [x, constant(shift)]);
    let sum = over(one, power(x, n + 1));
    for (let k = 1; k < shift; k++) sum = plus(sum, over(one, power(plus(x, constant(k)), n + 1)));
    const z = graph.node("Where", [isSmall, plus(x, constant(shift)), x]);
    const inverse = over(one, z);
    const square = power(inverse, 2);
    // Σ B₂ₖ (2k + n − 1)! / (2k)! / z²ᵏ, without the factor 1 / zⁿ
    const series = times(
      square,
      emitPolynomial(
        graph,
        bernoulli.map((b, i) => (b * factorial(2 * i + 1 + n)) / factorial(2 * i + 2)),
        square,
      ),
    );
    const half = times(constant(factorial(n) / 2), inverse);
    const added = graph.node("Where", [isSmall, times(constant(factorial(n)), sum), constant(0)]);
    if (n === 0) return minus(minus(log(z), plus(half, series)), added);
    const main = times(plus(constant(factorial(n - 1)), plus(half, series)), power(inverse, n));
    return times(constant(n % 2 === 0 ? -1 : 1), plus(main, added));
  }),
  vjp: (g, node) => [multiply(g, polygammaFromHalf(node.inputs[0]!, (node.attributes.order as number) + 1))],
  batch: elementwise,
};

const logGammaFromHalf = (x: Tensor) => expression(logGammaOperation, [x], x.shape, x.dtype);
const polygammaFromHalf = (x: Tensor, order: number) =>
  expression(polygammaOperation, [x], x.shape, x.dtype, { order });

/** Where to reflect, the argument that is at least 1/2, and the angle π x without its whole turns. */
function reflect(name: string, x: Tensor) {
  requireType(name, floats, x);
  const isLeft = less(x, 0.5);
  return {
    isLeft,
    mirrored: where(isLeft, subtract(1, x), x),
    angle: multiply(where(isLeft, subtract(x, round(x)), 0.5), Math.PI),
  };
}

/**
 * log |Γ(x)|. +∞ at 0, −1, −2, ….
 *
 * The error in float64 is below 1e-14 · max(1, |log Γ|), in float32 that of rounding. Derivatives of
 * every order are the polygamma functions.
 */
export function lgamma(x: Tensor): Tensor {
  const { isLeft, mirrored, angle } = reflect("lgamma", x);
  const right = logGammaFromHalf(mirrored);
  return where(isLeft, subtract(subtract(Math.log(Math.PI), log(abs(sin(angle)))), right), right);
}

/** ψ(x) = d/dx log Γ(x), as exact as `lgamma`. Infinite at 0, −1, −2, …. */
export function digamma(x: Tensor): Tensor {
  const { isLeft, mirrored, angle } = reflect("digamma", x);
  const right = polygammaFromHalf(mirrored, 0);
  return where(isLeft, subtract(right, multiply(divide(cos(angle), sin(angle)), Math.PI)), right);
}

/** ψ′(x) = d²/dx² log Γ(x), as exact as `lgamma`. +∞ at 0, −1, −2, …. */
export function trigamma(x: Tensor): Tensor {
  const { isLeft, mirrored, angle } = reflect("trigamma", x);
  const right = polygammaFromHalf(mirrored, 1);
  return where(isLeft, subtract(multiply(reciprocal(square(sin(angle))), Math.PI ** 2), right), right);
}
