import assert from "node:assert/strict";
import { test } from "node:test";
import { add, evaluate, grad, item, matmul, type Tensor, tensor, transpose, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { adaptiveMargins, gaussianCrossEntropy, softmaxCrossEntropy } from "./index.ts";

const double = (data: number[] | number[][] | number[][][]) => tensor(data as number[], { dtype: "float64" });
const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const number = async (x: Tensor) => item(await evaluate(x));

/** Weights, biases, means and positive definite covariances A Aᵀ of some classes. */
function problem(seed: number, classes = 4, width = 3) {
  const draw = random(seed).split("gaussian classifier");
  const normal = (shape: number[], deviation = 1) => {
    const size = shape.reduce((a, b) => a * b, 1);
    return tensor(draw.normal(new Float64Array(size), 0, deviation), { shape });
  };
  const roots = normal([classes, width, width], 0.6);
  return {
    weight: normal([classes, width]),
    bias: normal([classes]),
    means: normal([classes, width]),
    roots,
    covariances: matmul(roots, transpose(roots, [0, 2, 1])),
    diagonals: tensor(draw.uniform(new Float64Array(classes * width), 0.1, 2), { shape: [classes, width] }),
  };
}

test("gaussianCrossEntropy: a worked example in one dimension", async () => {
  const at = (varianceScale: number) =>
    evaluate(
      gaussianCrossEntropy(
        double([[1], [-1]]),
        double([0, 0]),
        double([[1], [-1]]),
        double([[0.25], [0.25]]),
        {
          varianceScale,
          reduction: "none",
        },
      ),
    );
  for (const [scale, expected] of [
    [0, 0.126928],
    [1, 0.201413],
    [2, 0.313262],
  ] as const)
    close(values(await at(scale))[0]!, expected, 1e-6);
  // E log(1 + e^(−2z)) for z ~ N(1, 0.25), by quadrature: below the bound, above the loss of the mean.
  let expected = 0;
  for (let x = -8; x < 8; x += 1e-3)
    expected +=
      1e-3 * Math.log1p(Math.exp(-2 * (1 + x / 2))) * (Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI));
  close(expected, 0.18266, 1e-4);
});

test("gaussianCrossEntropy lies above the expected cross-entropy of samples, by three standard errors", async () => {
  for (let seed = 0; seed < 5; seed++) {
    const { weight, bias, means, roots, covariances } = problem(seed);
    const [classes, width, count] = [4, 3, 4000];
    const draw = random(seed).split("samples");
    const A = values(roots);
    const mu = values(means);
    const rows = new Float64Array(classes * count * width);
    for (let i = 0; i < classes * count; i++) {
      const y = i % classes;
      const e = draw.normal(width);
      for (let a = 0; a < width; a++) {
        rows[i * width + a] = mu[y * width + a]!;
        for (let b = 0; b < width; b++) rows[i * width + a]! += A[(y * width + a) * width + b]! * e[b]!;
      }
    }
    const labels = tensor(Int32Array.from({ length: classes * count }, (_, i) => i % classes));
    const logits = add(matmul(tensor(rows, { shape: [classes * count, width] }), transpose(weight)), bias);
    const [each, bound] = await evaluate([
      softmaxCrossEntropy(logits, labels, { reduction: "none" }),
      gaussianCrossEntropy(weight, bias, means, covariances),
    ] as const);
    const losses = [...values(each)];
    const mean = losses.reduce((a, b) => a + b, 0) / losses.length;
    const deviation = Math.sqrt(losses.reduce((a, b) => a + (b - mean) ** 2, 0) / losses.length);
    assert.ok(
      item(bound) >= mean - (3 * deviation) / Math.sqrt(losses.length),
      `${item(bound)} below ${mean}`,
    );
  }
});

test("gaussianCrossEntropy: no variance is cross-entropy of the means; more variance is more loss", async () => {
  for (let seed = 0; seed < 5; seed++) {
    const { weight, bias, means, covariances } = problem(seed);
    const at = (varianceScale: number) =>
      number(gaussianCrossEntropy(weight, bias, means, covariances, { varianceScale }));
    const logits = add(matmul(means, transpose(weight)), bias);
    const plain = await number(softmaxCrossEntropy(logits, tensor(Int32Array.from([0, 1, 2, 3]))));
    close(await at(0), plain, 1e-12);
    const losses = [plain, await at(0.5), await at(1), await at(3)];
    for (let i = 1; i < losses.length; i++) assert.ok(losses[i]! >= losses[i - 1]!);
  }
});

test("adaptiveMargins: 0 on the diagonal, at least 0 elsewhere; full and diagonal covariances agree", async () => {
  const { weight, covariances, diagonals } = problem(7);
  const full = Array.from({ length: 4 }, (_, y) =>
    [0, 1, 2].map((a) => [0, 1, 2].map((b) => (a === b ? values(diagonals)[y * 3 + a]! : 0))),
  );
  const [margins, slim, wide, scaled] = await evaluate([
    adaptiveMargins(weight, covariances),
    adaptiveMargins(weight, diagonals),
    adaptiveMargins(weight, double(full)),
    adaptiveMargins(weight, diagonals, double([1, 1, 2, 3])),
  ] as const);
  for (let y = 0; y < 4; y++) {
    for (let j = 0; j < 4; j++) {
      const at = y * 4 + j;
      if (y === j) assert.equal(values(margins)[at], 0);
      else assert.ok(values(margins)[at]! > 0);
      close(values(slim)[at]!, values(wide)[at]!, 1e-12);
      close(values(scaled)[at]!, values(slim)[at]! * [1, 1, 2, 3][y]!, 1e-12);
    }
  }
  const W = values(weight);
  let by = 0;
  for (let k = 0; k < 3; k++) by += (values(diagonals)[k]! * (W[3 + k]! - W[k]!) ** 2) / 2;
  close(values(slim)[1]!, by, 1e-12);
});

test("gaussianCrossEntropy: one vector added to all weights, or a number to all biases, changes nothing", async () => {
  const { weight, bias, means, covariances } = problem(3);
  const moved = gaussianCrossEntropy(add(weight, double([1, -2, 0.5])), add(bias, 4), means, covariances);
  close(await number(moved), await number(gaussianCrossEntropy(weight, bias, means, covariances)), 1e-10);
});

test("gaussianCrossEntropy: a bias of −1e9 leaves a class out of the others' losses", async () => {
  const { weight, bias, means, covariances } = problem(5, 3);
  const two = (x: Tensor, ...shape: number[]) =>
    tensor(
      values(x).slice(
        0,
        shape.reduce((a, b) => a * b, 1),
      ) as Float64Array,
      { shape },
    );
  const [without, masked] = await evaluate([
    gaussianCrossEntropy(
      two(weight, 2, 3),
      two(bias, 2),
      two(means, 2, 3),
      two(await evaluate(covariances), 2, 3, 3),
      { reduction: "none" },
    ),
    gaussianCrossEntropy(weight, add(bias, double([0, 0, -1e9])), means, covariances, { reduction: "none" }),
  ] as const);
  for (const y of [0, 1]) close(values(masked)[y]!, values(without)[y]!, 1e-9);
});

test("gradients agree with central differences", async () => {
  const cases = [0, 1, 2, 3].map((seed) => {
    const { weight, bias, means, covariances, diagonals } = problem(seed, 2 + seed);
    const varianceScale = seed % 2 ? 2 : tensor(Float64Array.from({ length: 2 + seed }, (_, k) => k + 0.5));
    return {
      f: (p: { weight: Tensor; bias: Tensor; means: Tensor }) =>
        gaussianCrossEntropy(p.weight, p.bias, p.means, seed % 2 ? covariances : diagonals, {
          varianceScale,
        }),
      params: { weight, bias, means },
    };
  });
  for (const { error } of await checkGradients(cases)) assert.ok(error < 1e-6, `${error}`);
});

test("extreme weights, one class and zero variances stay finite in float32", async () => {
  for (const scale of [0, 1e4]) {
    const weight = tensor([
      [scale, -scale],
      [-scale, scale],
    ]);
    const f = (w: Tensor) =>
      gaussianCrossEntropy(
        w,
        tensor([0, 0]),
        tensor([
          [1, 2],
          [3, 4],
        ]),
        tensor([
          [1, 0],
          [0, 1],
        ]),
      );
    const [value, g] = await evaluate([f(weight), grad(f)(weight)] as const);
    assert.ok(Number.isFinite(item(value)) && values(g).every(Number.isFinite));
  }
  close(await number(gaussianCrossEntropy(double([[2]]), double([1]), double([[3]]), double([[1]]))), 0);
});

test("errors name the argument", () => {
  const { weight, bias, means, covariances } = problem(1);
  const bad = (change: () => Tensor, message: RegExp) => assert.throws(change, message);
  bad(() => gaussianCrossEntropy(weight, means, means, covariances), /bias is .*expected \[4\]/);
  bad(() => gaussianCrossEntropy(weight, bias, bias, covariances), /means is .*expected \[4, 3\]/);
  bad(() => adaptiveMargins(weight, bias), /covariances is .*expected \[4, 3, 3\] or \[4, 3\]/);
  bad(() => adaptiveMargins(weight, covariances, -1), /varianceScale is -1/);
  bad(() => adaptiveMargins(weight, covariances, means), /varianceScale is .*a number or \[4\]/);
});
