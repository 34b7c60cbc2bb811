import assert from "node:assert/strict";
import { test } from "node:test";
import {
  evaluate,
  fromData,
  grad,
  item,
  matmul,
  multiply,
  sum,
  type Tensor,
  tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { huffmanTree } from "../text/huffman.ts";
import { hierarchicalSoftmax, negativeSampling, noiseContrastiveEstimation } from "./skip-gram.ts";

const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const double = (seed: string, ...shape: number[]) =>
  fromData(random(seed).normal(new Float64Array(shape.reduce((a, b) => a * b, 1))), shape);
const zeros = (...shape: number[]) => fromData(new Float64Array(shape.reduce((a, b) => a * b, 1)), shape);
const logNoise = {
  positiveLogNoise: tensor(Float64Array.of(-1, -2, -3)),
  negativeLogNoise: double("noise", 3, 4),
};

test("zero vectors: k + 1 decisions of ln 2", async () => {
  close(
    item(await evaluate(negativeSampling(zeros(2, 3), zeros(2, 3), zeros(2, 5, 3)))),
    6 * Math.LN2,
    1e-12,
  );
});

test("a worked example in plain arithmetic; NCE without noise is negative sampling", async () => {
  const [c, p, n] = [double("c", 3, 2), double("p", 3, 2), double("n", 3, 4, 2)];
  const dot = (x: Tensor, i: number, y: Tensor, j: number) =>
    values(x)[2 * i]! * values(y)[2 * j]! + values(x)[2 * i + 1]! * values(y)[2 * j + 1]!;
  const expected = [0, 1, 2].map((i) => {
    let loss = Math.log1p(Math.exp(-dot(c, i, p, i)));
    for (let k = 0; k < 4; k++) loss += Math.log1p(Math.exp(dot(c, i, n, 4 * i + k)));
    return loss;
  });
  const none = { positiveLogNoise: zeros(3), negativeLogNoise: zeros(3, 4) };
  const [each, total, nce] = await evaluate([
    negativeSampling(c, p, n, { reduction: "none" }),
    negativeSampling(c, p, n, { reduction: "sum" }),
    noiseContrastiveEstimation(c, p, n, none),
  ] as const);
  for (const [i, loss] of expected.entries()) close(values(each)[i]!, loss);
  close(item(total), expected[0]! + expected[1]! + expected[2]!);
  close(item(nce), item(total) / 3);
});

/** Joint probabilities of four words and their contexts, and noise. */
const joint = [
  [0.1, 0.05, 0.02, 0.08],
  [0.05, 0.12, 0.03, 0.04],
  [0.02, 0.03, 0.15, 0.06],
  [0.08, 0.04, 0.06, 0.07],
];
const noise = [0.4, 0.3, 0.2, 0.1];
const marginal = joint.map((row) => row.reduce((a, b) => a + b));

/** The expected loss over all (word, context, negative), as a function of the matrix of scores [4, 4]. */
function expectedLoss(scores: Tensor, nce: boolean): Tensor {
  const triples: [number, number, number][] = [];
  for (let w = 0; w < 4; w++) for (let c = 0; c < 4; c++) for (let n = 0; n < 4; n++) triples.push([w, c, n]);
  const oneHot = (rows: number[], ...shape: number[]) => {
    const data = new Float64Array(rows.length * 4);
    for (const [i, row] of rows.entries()) data[4 * i + row] = 1;
    return fromData(data, shape);
  };
  const size = triples.length;
  // One-hot output vectors: the scores themselves are the centres' vectors.
  const centers = matmul(
    oneHot(
      triples.map(([w]) => w),
      size,
      4,
    ),
    scores,
  );
  const positives = oneHot(
    triples.map(([, c]) => c),
    size,
    4,
  );
  const negatives = oneHot(
    triples.map(([, , n]) => n),
    size,
    1,
    4,
  );
  const options = {
    positiveLogNoise: tensor(Float64Array.from(triples, ([, c]) => Math.log(noise[c]!))),
    negativeLogNoise: fromData(
      Float64Array.from(triples, ([, , n]) => Math.log(noise[n]!)),
      [size, 1],
    ),
    reduction: "none" as const,
  };
  const losses = nce
    ? noiseContrastiveEstimation(centers, positives, negatives, options)
    : negativeSampling(centers, positives, negatives, options);
  return sum(multiply(losses, tensor(Float64Array.from(triples, ([w, c, n]) => joint[w]![c]! * noise[n]!))));
}

test("the optimum of negative sampling is shifted PMI, that of NCE the log-probability", async () => {
  const optimum = (offset: (c: number) => number) =>
    fromData(
      Float64Array.from(joint.flatMap((row, w) => row.map((p, c) => Math.log(p / marginal[w]!) - offset(c)))),
      [4, 4],
    );
  const sizes = async (scores: Tensor, nce: boolean) =>
    Math.max(...values(await evaluate(grad((x: Tensor) => expectedLoss(x, nce))(scores))).map(Math.abs));
  const shifted = optimum((c) => Math.log(noise[c]!));
  const normalised = optimum(() => 0);
  assert.ok((await sizes(shifted, false)) < 1e-12);
  assert.ok((await sizes(normalised, true)) < 1e-12);
  assert.ok((await sizes(normalised, false)) > 1e-3);
  assert.ok((await sizes(shifted, true)) > 1e-3);
});

/** Paths of all words of a tree as tensors, padded. */
function pathTensors(counts: number[], output: Tensor) {
  const { paths, signs } = huffmanTree(counts);
  const [words, width] = [counts.length, output.shape[1]!];
  const length = Math.max(...paths.map((path) => path.length));
  const nodes = new Float64Array(words * length * width);
  const turns = new Float64Array(words * length);
  paths.forEach((path, word) => {
    path.forEach((node, j) => {
      nodes.set(values(output).subarray(node * width, (node + 1) * width), (word * length + j) * width);
      turns[word * length + j] = signs[word]![j]!;
    });
  });
  return { nodes: fromData(nodes, [words, length, width]), signs: fromData(turns, [words, length]) };
}

test("hierarchical softmax: the probabilities of all words sum to 1", async () => {
  for (const counts of [
    [1, 1],
    [8, 4, 2, 1, 1],
    [3, 3, 3, 2, 9, 1, 40],
  ]) {
    const { nodes, signs } = pathTensors(counts, double("nodes", counts.length - 1, 3));
    const center = [0.3, -1.2, 2];
    const centers = fromData(Float64Array.from(counts.flatMap(() => center)), [counts.length, 3]);
    const each = await evaluate(hierarchicalSoftmax(centers, nodes, signs, { reduction: "none" }));
    const total = Array.from(values(each)).reduce((sum, loss) => sum + Math.exp(-loss), 0);
    close(total, 1, 1e-12);
  }
});

const signs = fromData(Float64Array.of(1, -1, 1, 0, -1, 0, 0, 0, 1, 1, -1, 1), [3, 4]);
const losses: Record<string, (c: Tensor, p: Tensor, n: Tensor) => Tensor> = {
  negativeSampling: (c, p, n) => negativeSampling(c, p, n),
  noiseContrastiveEstimation: (c, p, n) => noiseContrastiveEstimation(c, p, n, logNoise),
  hierarchicalSoftmax: (c, _, n) => hierarchicalSoftmax(c, n, signs),
};

for (const [name, loss] of Object.entries(losses)) {
  test(`${name}: gradient agrees with central differences`, async () => {
    for (let seed = 0; seed < 4; seed++) {
      const params = {
        c: double(`c${seed}`, 3, 2),
        p: double(`p${seed}`, 3, 2),
        n: double(`n${seed}`, 3, 4, 2),
      };
      const { error } = await checkGradient(({ c, p, n }: typeof params) => loss(c, p, n), params);
      assert.ok(error < 1e-6, `${error}`);
    }
  });

  test(`${name}: extreme vectors stay finite`, async () => {
    const one = (value: number, ...shape: number[]) =>
      fromData(new Float64Array(shape.reduce((a, b) => a * b, 1)).fill(value), shape);
    for (const [a, b] of [
      [1e4, 1],
      [-1e4, 1],
      [0, 0],
    ] as const) {
      const rest = [one(b, 3, 2), one(-b, 3, 4, 2)] as const;
      const f = (c: Tensor) => loss(c, ...rest);
      const [value, g] = await evaluate([f(one(a, 3, 2)), grad(f)(one(a, 3, 2))] as const);
      assert.ok(Number.isFinite(item(value)) && values(g).every(Number.isFinite), `${a}`);
    }
  });
}

test("wrong shapes are named", () => {
  const [c, p, n] = [zeros(3, 2), zeros(3, 2), zeros(3, 4, 2)];
  assert.throws(() => negativeSampling(zeros(3), p, n), /centers is .*expected \[n, d\]/);
  assert.throws(() => negativeSampling(c, zeros(2, 2), n), /positives is .*expected \[3,2\]/);
  assert.throws(() => negativeSampling(c, p, zeros(3, 2)), /negatives is .*expected \[3, k, 2\]/);
  assert.throws(() => hierarchicalSoftmax(c, n, zeros(3, 3)), /signs is .*expected \[3,4\]/);
  assert.throws(
    () => noiseContrastiveEstimation(c, p, n, { ...logNoise, positiveLogNoise: zeros(2) }),
    /positiveLogNoise is .*expected \[3\]/,
  );
});
