import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, fromData, grad, item, multiply, slice, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import {
  adoreLoss,
  adversarialRetrieverLoss,
  lambdaMRR,
  pairwiseLogisticInBatch,
  pairwiseNLL,
  softmaxCrossEntropy,
  starLoss,
} from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance,
      `element ${i}: ${actual[i]} is not ${expected[i]}`,
    );
};
const double = (rows: number[] | number[][]) => tensor(rows as number[][], { dtype: "float64" });
const bools = (rows: number[][]) =>
  fromData(Uint8Array.from(rows.flat()), [rows.length, rows[0]!.length], "bool");
const numbers = async (x: Tensor) => [...values(await evaluate(x))];
const normal = (seed: string, ...shape: number[]) =>
  fromData(
    Float64Array.from(
      random(seed).normal(
        shape.reduce((a, b) => a * b, 1),
        0,
        1,
      ),
    ),
    shape,
  );

test("pairwiseNLL: values, and its slope in the negative is the logistic function of the difference", async () => {
  const none = { reduction: "none" } as const;
  close(await numbers(pairwiseNLL(double([1, 0, 0]), double([0, 0, 1]), none)), [
    0.313262,
    Math.LN2,
    1.313262,
  ]);
  const slope = grad((s: Tensor) => pairwiseNLL(double([1]), s))(double([0]));
  close(await numbers(slope), [0.268941]);
});

test("pairwiseNLL: k negatives a query are k pairs", async () => {
  const [positive, negative] = [double([1, -2]), normal("many", 2, 3)];
  const each = await numbers(pairwiseNLL(positive, negative, { reduction: "none" }));
  for (let k = 0; k < 3; k++) {
    const column = slice(negative, [null, k]);
    close(await numbers(pairwiseNLL(positive, column, { reduction: "none" })), [each[k]!, each[3 + k]!]);
  }
  close(
    [item(await evaluate(pairwiseNLL(positive, negative)))],
    [each.reduce((a, b) => a + b, 0) / 6],
    1e-12,
  );
});

test("starLoss without hard negatives is the in-batch pairwise loss; with one query only hard pairs are left", async () => {
  const [queries, positives, hard] = [
    normal("queries", 4, 3),
    normal("positives", 4, 3),
    normal("hard", 5, 3),
  ];
  const scores = double(
    await products(queries, positives), // [4, 4]
  );
  const inBatch = item(await evaluate(pairwiseLogisticInBatch(scores, { temperature: 1 })));
  close([item(await evaluate(starLoss(queries, positives)))], [inBatch], 1e-12);
  const allHard = bools(Array.from({ length: 4 }, () => [0, 0, 0, 0, 1, 1, 1, 1, 1]));
  close([item(await evaluate(starLoss(queries, positives, hard, { exclude: allHard })))], [inBatch], 1e-12);
  const one = (x: Tensor) => slice(x, [[0, 1]]);
  const [[own]] = await products(one(queries), one(positives));
  const [row] = await products(one(queries), hard);
  const alone = pairwiseNLL(double([own!]), double([row!]));
  close(
    [item(await evaluate(starLoss(one(queries), one(positives), hard)))],
    [item(await evaluate(alone))],
    1e-12,
  );
});

test("starLoss is one mean over all pairs, excluded ones left out", async () => {
  const [queries, positives, hard] = [
    normal("queries", 3, 2),
    normal("positives", 3, 2),
    normal("hard", 4, 2),
  ];
  const p = await products(queries, positives);
  const h = await products(queries, hard);
  const left = (i: number, j: number) => (i + j) % 3 === 0;
  let [total, pairs] = [0, 0];
  for (let i = 0; i < 3; i++)
    [...p[i]!, ...h[i]!].forEach((score, j) => {
      if (j === i || left(i, j)) return;
      total += Math.log1p(Math.exp((score - p[i]![i]!) / 0.5));
      pairs++;
    });
  const exclude = bools([0, 1, 2].map((i) => Array.from({ length: 7 }, (_, j) => Number(left(i, j)))));
  const loss = starLoss(queries, positives, hard, { exclude, temperature: 0.5 });
  close([item(await evaluate(loss))], [total / pairs], 1e-12);
  const nothing = bools(Array.from({ length: 3 }, () => Array(7).fill(1)));
  close([item(await evaluate(starLoss(queries, positives, hard, { exclude: nothing })))], [0]);
});

const products = async (a: Tensor, b: Tensor): Promise<number[][]> => {
  const [n, d] = a.shape as [number, number];
  const [x, y] = (await evaluate([a, b] as const)).map((rows) => Array.from(values(rows))) as [
    number[],
    number[],
  ];
  return Array.from({ length: n }, (_, i) =>
    Array.from({ length: b.shape[0]! }, (_, j) => {
      let sum = 0;
      for (let k = 0; k < d; k++) sum += x[i * d + k]! * y[j * d + k]!;
      return sum;
    }),
  );
};

/** lambdaMRR of one list, from its definition. */
function lambdaByHand(scores: number[], relevant: number[], cut = scores.length): number {
  const gain = (at: number) => (at < cut ? 1 / (at + 1) : 0);
  let [total, pairs] = [0, 0];
  for (let i = 0; i < scores.length; i++)
    for (let j = 0; j < scores.length; j++) {
      if (!relevant[i] || relevant[j]) continue;
      total += Math.log1p(Math.exp(scores[j]! - scores[i]!)) * Math.abs(gain(i) - gain(j));
      pairs++;
    }
  return pairs ? total / pairs : 0;
}

test("lambdaMRR: weights of pairs of ranks", async () => {
  // At equal scores each pair costs ln 2 times its weight.
  const weight = async (length: number, positive: number, negative: number, cut?: number) => {
    const marks = (at: number[]) => [Array.from({ length }, (_, i) => Number(at.includes(i + 1)))];
    const loss = lambdaMRR(double([Array(length).fill(0)]), bools(marks([positive])), {
      include: bools(marks([positive, negative])),
      ...(cut && { cut }),
    });
    return item(await evaluate(loss)) / Math.LN2;
  };
  close(
    [
      await weight(2, 1, 2),
      await weight(200, 1, 200),
      await weight(200, 3, 200),
      await weight(250, 1, 250, 200),
      await weight(300, 250, 300, 200),
    ],
    [0.5, 0.995, 0.328333, 1, 0],
  );
  close([item(await evaluate(lambdaMRR(double([[0, 0]]), bools([[0, 1]]))))], [0.5 * Math.LN2]);
});

test("lambdaMRR agrees with its definition, and ends at 0 for lists without pairs and with wide margins", async () => {
  const draw = random("lambda");
  const lists = Array.from({ length: 8 }, () => [...draw.normal(6)]);
  const relevant = lists.map((_, i) => [...draw.bernoulli(6, i / 7)]);
  for (const cut of [undefined, 3]) {
    const each = lambdaMRR(double(lists), bools(relevant), { reduction: "none", ...(cut && { cut }) });
    close(
      await numbers(each),
      lists.map((scores, i) => lambdaByHand(scores, relevant[i]!, cut)),
      1e-7,
    );
  }
  const apart = [[60, 0, -60]];
  assert.ok(item(await evaluate(lambdaMRR(double(apart), bools([[1, 0, 0]])))) < 1e-20);
});

test("adoreLoss is lambdaMRR of the retrieved list, with positives that were not found at its end", async () => {
  const [queries, documents] = [normal("queries", 4, 3), normal("corpus", 9, 3)];
  const scores = await products(queries, documents);
  const order = scores.map((row) => row.map((_, d) => d).sort((a, b) => row[b]! - row[a]!));
  // Two that stand on rank 2, one on rank 7 of which a depth of 5 knows nothing, and one query of two positives.
  const positives = [
    [order[0]![1]!, -1],
    [order[1]![6]!, -1],
    [order[2]![8]!, order[2]![7]!],
    [order[3]![0]!, order[3]![8]!],
  ];
  const expected = order.map((list, i) => {
    const top = list.slice(0, 5);
    const known = positives[i]!.filter((d) => d >= 0);
    const all = known.some((d) => top.includes(d)) ? top : [...top, ...known];
    return lambdaByHand(
      all.map((d) => scores[i]![d]! / 0.5),
      all.map((d) => Number(known.includes(d))),
    );
  });
  const marks = tensor(Int32Array.from(positives.flat()), { shape: [4, 2] });
  const options = { depth: 5, temperature: 0.5, reduction: "none" } as const;
  close(await numbers(adoreLoss(queries, documents, marks, options)), expected, 1e-7);
  // No gradient reaches the documents.
  const g = grad((d: Tensor) => adoreLoss(queries, d, marks, { depth: 5 }))(documents);
  assert.ok((await numbers(g)).every((x) => x === 0));
  assert.throws(() => adoreLoss(queries, documents, normal("p", 4, 1)), /positives is .*int32 \[4, p\]/);
});

test("adversarialRetrieverLoss: value and gradient of a worked example", async () => {
  // Rewards log ½, −0.1 and −1.2 are what these scores of the ranker give.
  const behind = (reward: number) => Math.log(Math.exp(-reward) - 1);
  const ranker = double([[0, behind(-0.1), behind(-1.2)]]);
  const loss = (logits: Tensor) => adversarialRetrieverLoss(logits, ranker, { weight: 1 });
  close([item(await evaluate(loss(double([[1, 0, -1]]))))], [3.31242], 1e-5);
  close(await numbers(grad(loss)(double([[1, 0, -1]]))), [0.63278, 0.38778, -1.02056], 1e-5);
});

test("adversarialRetrieverLoss: a ranker that is never fooled leaves ln 2 times the cross-entropy", async () => {
  const logits = normal("retriever", 3, 5);
  const sure = double(Array.from({ length: 3 }, () => [100, 0, 0, 0, 0]));
  const first = tensor(Int32Array.of(0, 0, 0));
  const g = await numbers(grad((x: Tensor) => adversarialRetrieverLoss(x, sure, { weight: 1 }))(logits));
  const expected = await numbers(grad((x: Tensor) => softmaxCrossEntropy(x, first))(logits));
  close(
    g,
    expected.map((x) => x * Math.LN2),
    1e-9,
  );
  const without = { weight: 1, includePositive: false };
  close([item(await evaluate(adversarialRetrieverLoss(logits, sure, without)))], [0], 1e-9);
});

test("adversarialRetrieverLoss: distillation alone is least, the ranker's entropy, where both agree", async () => {
  const ranker = normal("ranker", 2, 4);
  const distill = (x: Tensor) => adversarialRetrieverLoss(x, ranker, { weight: 0, reduction: "none" });
  const rows = [0, 1].map((i) => [...values(ranker)].slice(4 * i, 4 * i + 4));
  const entropies = rows.map((row) => {
    const e = row.map(Math.exp);
    const z = e.reduce((a, b) => a + b, 0);
    return -e.reduce((sum, x) => sum + (x / z) * Math.log(x / z), 0);
  });
  close(await numbers(distill(ranker)), entropies, 1e-9);
  const other = await numbers(distill(normal("another", 2, 4)));
  assert.ok(other.every((x, i) => x > entropies[i]!));
  // No gradient reaches the ranker.
  const g = grad((t: Tensor) => adversarialRetrieverLoss(normal("another", 2, 4), t))(ranker);
  assert.ok((await numbers(g)).every((x) => x === 0));
});

test("gradients agree with central differences", async () => {
  for (const seed of [1, 2, 3]) {
    const list = normal(`list ${seed}`, 2, 5);
    const vectors = {
      q: normal(`q ${seed}`, 3, 4),
      p: normal(`p ${seed}`, 3, 4),
      h: normal(`h ${seed}`, 2, 4),
    };
    const relevant = bools([
      [0, 1, 0, 0, 1],
      [0, 0, 0, 0, 0],
    ]);
    const exclude = bools([
      [0, 0, 1, 0, 1],
      [0, 0, 0, 0, 0],
      [0, 0, 0, 1, 1],
    ]);
    const checks = await checkGradients([
      {
        f: ({ s, n }: { s: Tensor; n: Tensor }) => pairwiseNLL(s, n),
        params: { s: normal("s", 2), n: list },
      },
      {
        f: ({ q, p, h }: typeof vectors) => starLoss(q, p, h, { exclude, temperature: 0.5 }),
        params: vectors,
      },
      {
        f: (q: Tensor) =>
          adoreLoss(q, normal("corpus", 6, 4), tensor(Int32Array.of(0, 1, 2), { shape: [3, 1] }), {
            depth: 3,
          }),
        params: vectors.q,
      },
      { f: (x: Tensor) => lambdaMRR(x, relevant, { cut: 4, reduction: "sum" }), params: list },
      { f: (x: Tensor) => adversarialRetrieverLoss(x, normal("t", 2, 5)), params: list },
    ]);
    for (const [i, { error }] of checks.entries()) assert.ok(error < 1e-6, `function ${i}: ${error}`);
  }
});

test("extreme scores stay finite, in value and gradient", async () => {
  const far = tensor([
    [1e4, -1e4, 0],
    [-1e4, 1e4, 1e4],
  ]);
  const relevant = bools([
    [0, 1, 0],
    [1, 0, 0],
  ]);
  const losses: ((x: Tensor) => Tensor)[] = [
    (x) => pairwiseNLL(slice(x, [null, 0]), x),
    (x) => starLoss(x, multiply(x, -1)),
    (x) => lambdaMRR(x, relevant),
    (x) => adversarialRetrieverLoss(x, multiply(far, -1)),
  ];
  for (const loss of losses)
    for (const x of [far, multiply(far, 0)]) {
      const [value, g] = await evaluate([loss(x), grad(loss)(x)] as const);
      assert.ok(Number.isFinite(item(value)));
      assert.ok(values(g).every(Number.isFinite));
    }
});

test("pairwiseNLL depends on differences alone and falls as the positive rises", async () => {
  const score = fc.double({ min: -30, max: 30, noNaN: true });
  const loss = async (positive: number, negative: number) =>
    item(await evaluate(pairwiseNLL(double([positive]), double([negative]))));
  await fc.assert(
    fc.asyncProperty(score, score, score, async (positive, negative, shift) => {
      const value = await loss(positive, negative);
      close([await loss(positive + shift, negative + shift)], [value], 1e-9);
      assert.ok((await loss(positive + 1, negative)) < value);
    }),
    { numRuns: 15 },
  );
});

test("errors name the argument", () => {
  const x = normal("x", 2, 3);
  assert.throws(() => pairwiseNLL(x, x), /pairwiseNLL: positive is .*expected \[n\]/);
  assert.throws(() => pairwiseNLL(double([1, 2, 3]), x), /negative is .*expected \[3\] or \[3, k\]/);
  assert.throws(() => starLoss(x, normal("y", 3, 3)), /starLoss: queries .* positives/);
  assert.throws(() => starLoss(x, x, normal("y", 3, 2)), /starLoss: hard is .*\[m, 3\]/);
  assert.throws(() => starLoss(x, x, x, { exclude: bools([[1, 0]]) }), /exclude is .*bool \[2, 4\]/);
  assert.throws(() => starLoss(x, x, x, { temperature: 0 }), /temperature is 0/);
  assert.throws(() => lambdaMRR(x, x), /lambdaMRR: relevant is .*bool \[2, 3\]/);
  assert.throws(
    () =>
      lambdaMRR(
        x,
        bools([
          [1, 0, 0],
          [0, 0, 1],
        ]),
        { cut: 0 },
      ),
    /cut is 0/,
  );
  assert.throws(() => adversarialRetrieverLoss(x, normal("y", 2, 4)), /ranker is/);
  assert.throws(
    () => adversarialRetrieverLoss(x, x, { weight: 2 }),
    /weight is 2; expected a number from 0 to 1/,
  );
});
