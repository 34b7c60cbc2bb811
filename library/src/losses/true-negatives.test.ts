import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, fromData, grad, item, softmax, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import {
  correctedCrossEntropy,
  falseNegatives,
  similarityRegularizedCrossEntropy,
  synonymSetCrossEntropy,
  synonymTable,
  tokenCrossEntropy,
} from "./index.ts";

const numbers = async (x: Tensor) => Array.from(values(await evaluate(x)), (each) => Number(each) + 0); // no −0
const value = async (x: Tensor) => item(await evaluate(x));
const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const rows = (data: number[][], dtype: "float64" | "int32" = "float64") =>
  fromData(dtype === "int32" ? Int32Array.from(data.flat()) : Float64Array.from(data.flat()), [
    data.length,
    data[0]!.length,
  ]);
const maskOf = (data: number[][]) => fromData(Uint8Array.from(data.flat()), [data.length, data[0]!.length]);

// Tokens 0 and 1 are synonyms, as are 1 and 2; 3 has none.
const synonyms = synonymTable([[1], [0, 2], [1], []]);
const nothing = synonymTable([[], [], [], []]);
const tokens = rows(
  [
    [0, 1, 3],
    [2, 2, -100],
  ],
  "int32",
);
const mask = maskOf([
  [1, 1, 1],
  [1, 1, 0],
]);
/** The likeliest tokens are 1, 1, 0 and 1, 3, 1: those at the first place of each text are false negatives. */
const logits = fromData(
  // biome-ignore format: a row a place
  Float64Array.of(
    1, 2, 0, 0,
    0, 3, 1, 0,
    2, 0, 0, 1,
    0, 2, 1, 0,
    1, 0, 0, 2,
    0, 9, 0, 0,
  ),
  [2, 3, 4],
);
const logitsOf = (seed: number, scale = 2) =>
  fromData(random(seed).normal(new Float64Array(24), 0, scale), [2, 3, 4]);

test("a false negative is a likeliest token that is a synonym, not the token itself", async () => {
  assert.deepEqual(await numbers(falseNegatives(logits, tokens, mask, synonyms)), [1, 0, 0, 1, 0, 0]);
  assert.deepEqual(await numbers(falseNegatives(logits, tokens, mask, nothing)), [0, 0, 0, 0, 0, 0]);
});

test("hard correction: what is dropped has no loss, no gradient and no part in the mean", async () => {
  const each = await numbers(tokenCrossEntropy(logits, tokens, mask, { reduction: "none" }));
  const corrected = correctedCrossEntropy(logits, tokens, mask, synonyms, { reduction: "none" });
  const [a, b, c] = [each[1]!, each[2]!, each[4]!];
  assert.deepEqual(await numbers(corrected), [0, a, b, 0, c, 0]);
  close(await value(correctedCrossEntropy(logits, tokens, mask, synonyms)), (a + b + c) / 3);
  const gradient = await numbers(
    grad((x: Tensor) => correctedCrossEntropy(x, tokens, mask, synonyms, { reduction: "sum" }))(logits),
  );
  const plain = await numbers(
    grad((x: Tensor) => tokenCrossEntropy(x, tokens, mask, { reduction: "sum" }))(logits),
  );
  for (const place of [0, 1, 2, 3, 4, 5])
    assert.deepEqual(
      gradient.slice(4 * place, 4 * place + 4),
      place === 0 || place === 3 ? [0, 0, 0, 0] : plain.slice(4 * place, 4 * place + 4),
    );
});

test("values and gradients of the losses written out in PyTorch 1.13", async () => {
  const vectors = fromData(Float64Array.of(0.5, -1, 1.5, 0.25, -0.75, 1, 0, 2), [4, 2]);
  // The value, then the gradient at the first place of the second text, whose token 2 has the synonym 1.
  const expected: [(x: Tensor) => Tensor, number, number[]][] = [
    [(x) => correctedCrossEntropy(x, tokens, mask, synonyms), 1.3995403471, [0, 0, 0, 0]],
    [
      (x) => similarityRegularizedCrossEntropy(x, tokens, mask, vectors),
      2.0980714349,
      [0.036580129, 0.193750277, -0.215783885, -0.014546522],
    ],
    [
      (x) => synonymSetCrossEntropy(x, tokens, mask, synonyms),
      0.7393455769,
      [0.016518908, -0.024152579, -0.008885237, 0.016518908],
    ],
  ];
  for (const [loss, result, gradient] of expected) {
    close(await value(loss(logits)), result);
    (await numbers(grad(loss)(logits))).slice(12, 16).forEach((g, i) => {
      close(g, gradient[i]!);
    });
  }
});

test("an empty table leaves cross-entropy: losses and gradients are equal", async () => {
  for (const seed of [1, 2, 3]) {
    const x = logitsOf(seed);
    const plain = grad((p: Tensor) => tokenCrossEntropy(p, tokens, mask));
    for (const loss of [correctedCrossEntropy, synonymSetCrossEntropy]) {
      close(await value(loss(x, tokens, mask, nothing)), await value(tokenCrossEntropy(x, tokens, mask)));
      const gradient = await numbers(grad((p: Tensor) => loss(p, tokens, mask, nothing))(x));
      const expected = await numbers(plain(x));
      gradient.forEach((g, i) => {
        close(g, expected[i]!, 1e-12);
      });
    }
  }
});

test("where every token is corrected, or none is asked for, loss and gradient are 0", async () => {
  const one = rows([[0]], "int32");
  const x = fromData(Float64Array.of(0, 5, 0, 0), [1, 1, 4]);
  for (const kept of [maskOf([[1]]), maskOf([[0]])]) {
    const loss = (p: Tensor) => correctedCrossEntropy(p, one, kept, synonyms);
    assert.equal(await value(loss(x)), 0);
    assert.deepEqual(await numbers(grad(loss)(x)), [0, 0, 0, 0]);
  }
});

test("the similarity term is 0 for the same direction, 1 across, 2 for the opposite and without vectors 1", async () => {
  const vectors = rows([
    [2, 0],
    [3, 0],
    [0, 1],
    [-1, 0],
  ]);
  const sure = (token: number) =>
    fromData(
      Float64Array.from({ length: 4 }, (_, i) => (i === token ? 1e4 : 0)),
      [1, 1, 4],
    );
  const [gold, kept] = [rows([[0]], "int32"), maskOf([[1]])];
  const term = async (x: Tensor, embeddings = vectors) =>
    (await value(similarityRegularizedCrossEntropy(x, gold, kept, embeddings))) -
    (await value(tokenCrossEntropy(x, gold, kept)));
  close(await term(sure(0)), 0);
  close(await term(sure(1)), 0);
  close(await term(sure(2)), 1);
  close(await term(sure(3)), 2);
  close(
    await term(
      sure(1),
      rows([
        [0, 0],
        [0, 0],
        [0, 0],
        [0, 0],
      ]),
    ),
    1,
  );
  // Probabilities of a half each: the expected vector is (1, 1/2) against (2, 0).
  const halves = fromData(Float64Array.of(50, 0, 50, 0), [1, 1, 4]);
  close(await term(halves), 1 - 1 / Math.sqrt(1.25));
});

test("with weight 0 it is cross-entropy, and no gradient flows into the vectors", async () => {
  const vectors = fromData(random(5).normal(new Float64Array(12)), [4, 3]);
  const x = logitsOf(4);
  close(
    await value(similarityRegularizedCrossEntropy(x, tokens, mask, vectors, { weight: 0 })),
    await value(tokenCrossEntropy(x, tokens, mask)),
  );
  const gradient = await numbers(
    grad((e: Tensor) => similarityRegularizedCrossEntropy(x, tokens, mask, e))(vectors),
  );
  assert.ok(gradient.every((g) => g === 0));
});

test("the loss of the set is at most that of the token, and −log of the set's probability", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
      const x = logitsOf(seed);
      const [set, token, p] = await Promise.all(
        [
          synonymSetCrossEntropy(x, tokens, mask, synonyms, { reduction: "none" }),
          tokenCrossEntropy(x, tokens, mask, { reduction: "none" }),
          softmax(x),
        ].map(numbers),
      );
      set!.forEach((each, i) => {
        assert.ok(each <= token![i]! + 1e-12);
      });
      // Place 1 holds token 1, with synonyms 0 and 2; place 2 holds token 3, without any.
      close(set![1]!, -Math.log(p![4]! + p![5]! + p![6]!));
      close(set![2]!, token![2]!);
      assert.equal(set![5], 0);
    }),
    { numRuns: 10 },
  );
});

test("gradients are those of central differences", async () => {
  const vectors = fromData(random(6).normal(new Float64Array(12)), [4, 3]);
  const losses = [
    (x: Tensor) => correctedCrossEntropy(x, tokens, mask, synonyms),
    (x: Tensor) => similarityRegularizedCrossEntropy(x, tokens, mask, vectors, { weight: 3 }),
    (x: Tensor) => synonymSetCrossEntropy(x, tokens, mask, synonyms),
  ];
  const checks = await checkGradients(
    losses.flatMap((f) => [1, 2, 3, 4].map((seed) => ({ f, params: logitsOf(seed) }))),
  );
  for (const { error } of checks) assert.ok(error <= 1e-6, `${error}`);
});

test("extreme logits give no NaN", async () => {
  const vectors = fromData(random(7).normal(new Float64Array(12)), [4, 3]);
  const x = fromData(
    Float64Array.from({ length: 24 }, (_, i) => (i % 3 === 0 ? 1e4 : i % 3 === 1 ? -1e4 : 0)),
    [2, 3, 4],
  );
  for (const loss of [
    (p: Tensor) => correctedCrossEntropy(p, tokens, mask, synonyms),
    (p: Tensor) => similarityRegularizedCrossEntropy(p, tokens, mask, vectors),
    (p: Tensor) => synonymSetCrossEntropy(p, tokens, mask, synonyms),
  ]) {
    assert.ok(Number.isFinite(await value(loss(x))));
    assert.ok((await numbers(grad(loss)(x))).every(Number.isFinite));
  }
});

test("bad input is named", () => {
  assert.throws(() => synonymTable([[1], [1]]), /lists\[1\] holds 1; expected another token/);
  assert.throws(() => synonymTable([[2], []]), /lists\[0\] holds 2/);
  assert.throws(() => synonymTable([[1, 1], []]), /lists\[0\] holds 1 twice/);
  assert.throws(() => correctedCrossEntropy(logits, tokens, mask, synonymTable([[], []])), /synonyms is/);
  assert.throws(
    () => similarityRegularizedCrossEntropy(logits, tokens, mask, rows([[1, 2]])),
    /embeddings is/,
  );
  assert.throws(
    () => similarityRegularizedCrossEntropy(logits, tokens, mask, logitsOf(1), { weight: -1 }),
    /embeddings is|weight is -1/,
  );
});
