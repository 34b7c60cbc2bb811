import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, exp, item, sum, type Tensor, tensor, valueAndGrad, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import {
  denseIndex,
  documentVectors,
  type Gaussians,
  gaussianKL,
  gaussianScores,
  positiveVariance,
  queryVectors,
  vectors,
} from "./index.ts";

const double = (rows: number[] | number[][]) => tensor(rows, { dtype: "float64" });
const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const drawn = (seed: number, n: number, k = 4) => {
  const draw = random(seed);
  const part = (f: (x: number) => number) =>
    tensor(Float64Array.from(draw.normal(n * k), f), { shape: [n, k] });
  return { mean: part((x) => x), variance: part((x) => Math.exp(x)) };
};

/** The definition, for one query and one document. */
function divergence(p: Gaussians, i: number, q: Gaussians, j: number): number {
  const k = p.mean.shape[1]!;
  let total = 0;
  for (let c = 0; c < k; c++) {
    const [a, b] = [values(p.variance)[i * k + c]!, values(q.variance)[j * k + c]!];
    const apart = values(p.mean)[i * k + c]! - values(q.mean)[j * k + c]!;
    total += 0.5 * (Math.log(b / a) - 1 + a / b + apart ** 2 / b);
  }
  return total;
}

test("gaussianKL: closed form, 0 for equal ones, above 0 elsewhere", async () => {
  const standard = { mean: double([[0]]), variance: double([[1]]) };
  const other = { mean: double([[1]]), variance: double([[2]]) };
  close(values(await evaluate(gaussianKL(standard, other)))[0]!, 0.346574, 1e-6);
  const some = drawn(1, 5);
  for (const kl of values(await evaluate(gaussianKL(some, some)))) close(kl, 0);
  for (const kl of values(await evaluate(gaussianKL(some, drawn(2, 5))))) assert.ok(kl > 0);
});

test("gaussianScores and the inner product are the divergence, pair by pair", async () => {
  const [queries, documents] = [drawn(3, 3), drawn(4, 5)];
  const scores = values(await evaluate(gaussianScores(queries, documents)));
  const [q, d] = [
    values(await evaluate(queryVectors(queries))),
    values(await evaluate(documentVectors(documents))),
  ];
  for (let i = 0; i < 3; i++)
    for (let j = 0; j < 5; j++) {
      const kl = divergence(queries, i, documents, j);
      close(scores[i * 5 + j]!, -kl, 1e-10);
      let inner = 0;
      for (let c = 0; c < 9; c++) inner += q[i * 9 + c]! * d[j * 9 + c]!;
      let logs = 0;
      for (let c = 0; c < 4; c++) logs += Math.log(values(queries.variance)[i * 4 + c]!);
      close(-2 * kl, inner + 4 + logs, 1e-10);
    }
});

test("an index for inner products finds the documents of least divergence", async () => {
  const [queries, documents] = [drawn(5, 6), drawn(6, 40)];
  const single = (x: Tensor) => vectors(Float32Array.from(values(x)), 9);
  const index = denseIndex(single(await evaluate(documentVectors(documents))), {
    similarity: "dot",
    threads: 1,
  });
  const found = await index.search(single(await evaluate(queryVectors(queries))), 5);
  for (let i = 0; i < 6; i++) {
    const order = Array.from({ length: 40 }, (_, j) => j).sort(
      (a, b) => divergence(queries, i, documents, a) - divergence(queries, i, documents, b),
    );
    assert.deepEqual(Array.from(found.documents.subarray(i * 5, i * 5 + 5)), order.slice(0, 5));
  }
});

test("with one variance for all, the ranking is that of the distance of the means", async () => {
  const constant = (x: Gaussians) => ({
    mean: x.mean,
    variance: tensor(new Float64Array(values(x.mean).length).fill(0.7), { shape: x.mean.shape }),
  });
  const [queries, documents] = [constant(drawn(7, 2)), constant(drawn(8, 6))];
  for (const variant of ["trace", "product"] as const) {
    const scores = values(await evaluate(gaussianScores(queries, documents, { variant })));
    for (let i = 0; i < 2; i++)
      for (let j = 0; j < 6; j++) {
        let squares = 0;
        for (let c = 0; c < 4; c++)
          squares += (values(queries.mean)[i * 4 + c]! - values(documents.mean)[j * 4 + c]!) ** 2;
        // The product has one 1 where the sum has four.
        close(scores[i * 6 + j]!, -squares / 1.4 + (variant === "product" ? 1.5 : 0), 1e-9);
      }
  }
});

test("the product variant is its formula, and bounded where the ratio overflows", async () => {
  const [queries, documents] = [drawn(9, 2), drawn(10, 3)];
  const scores = values(await evaluate(gaussianScores(queries, documents, { variant: "product" })));
  for (let i = 0; i < 2; i++)
    for (let j = 0; j < 3; j++) {
      let [logRatio, distance] = [0, 0];
      for (let c = 0; c < 4; c++) {
        const b = values(documents.variance)[j * 4 + c]!;
        logRatio += Math.log(values(queries.variance)[i * 4 + c]! / b);
        distance += (values(queries.mean)[i * 4 + c]! - values(documents.mean)[j * 4 + c]!) ** 2 / b;
      }
      close(scores[i * 3 + j]!, -0.5 * (Math.exp(logRatio) - logRatio - 4 + distance), 1e-9);
    }
  const wide = { mean: double([[0, 0]]), variance: double([[1e8, 1e8]]) };
  const narrow = { mean: double([[0, 0]]), variance: double([[1e-4, 1e-4]]) };
  const f = (x: Gaussians) => sum(gaussianScores(x, narrow, { variant: "product" }));
  const [value, g] = await evaluate(valueAndGrad(f)(wide));
  assert.ok(Number.isFinite(item(value)) && values(g.variance).every(Number.isFinite));
});

test("positiveVariance: above 0, the identity for large inputs, slope 1/2 at 0", async () => {
  const x = double([[-1e4, 0, 50, 1e4]]);
  const [, slopes] = await evaluate(valueAndGrad((a: Tensor) => sum(positiveVariance(a)))(x));
  const v = values(await evaluate(positiveVariance(x)));
  close(v[0]!, 1e-4);
  close(v[1]!, Math.LN2 + 1e-4);
  close(v[2]!, 50.0001, 1e-6);
  close(v[3]!, 1e4 + 1e-4, 1e-6);
  close(values(slopes)[1]!, 0.5);
  const steep = values(await evaluate(positiveVariance(double([[0]]), { beta: 10, floor: 0 })));
  close(steep[0]!, Math.LN2 / 10);
});

test("gradients against central differences", async () => {
  for (const seed of [1, 2, 3])
    for (const variant of ["trace", "product"] as const) {
      const parts = [drawn(seed, 2, 3), drawn(seed + 10, 3, 3)];
      const logs = parts.map(({ mean, variance }) => ({
        mean,
        log: tensor(values(variance).map(Math.log), { shape: variance.shape }),
      }));
      const { error } = await checkGradient((p: typeof logs) => {
        const [q, d] = p.map(({ mean, log }) => ({ mean, variance: exp(log) }));
        return sum(exp(gaussianScores(q!, d!, { variant })));
      }, logs);
      assert.ok(error < 1e-5, `${error}`);
    }
});

test("errors name what is wrong", () => {
  const one = drawn(1, 2);
  assert.throws(() => gaussianKL(one, drawn(1, 3)), /q is/);
  assert.throws(() => gaussianScores(one, drawn(1, 2, 3)), /documents is .*expected \[m, 4\]/);
  assert.throws(() => queryVectors({ mean: one.mean, variance: drawn(1, 3).mean }), /queries has means/);
  assert.throws(() => gaussianScores(one, one, { variant: "sum" as "trace" }), /variant is "sum"/);
  assert.throws(() => positiveVariance(one.mean, { beta: 0 }), /beta is 0/);
  assert.throws(() => positiveVariance(one.mean, { floor: -1 }), /floor is -1/);
});
