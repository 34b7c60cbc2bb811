import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, grad, type Tensor, values } from "../index.ts";
import { hierarchicalSoftmax, negativeSampling } from "../losses/skip-gram.ts";
import { random } from "../random.ts";
import { huffmanTree } from "./huffman.ts";
import { learnPhrases, phraseScore } from "./phrases.ts";
import { skipGramStep, trainSkipGram } from "./skip-gram.ts";

const close = (actual: number, expected: number, tolerance: number) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("Huffman: known code lengths, and the expected one within a bit of the entropy", () => {
  const { paths, nodes } = huffmanTree([8, 4, 2, 1, 1]);
  assert.equal(nodes, 4);
  assert.deepEqual(
    paths.map((path) => path.length),
    [1, 2, 3, 4, 4],
  );
  const counts = random(1)
    .exponential(200)
    .map((x) => Math.exp(2 * x));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const tree = huffmanTree(counts);
  let [entropy, length, kraft] = [0, 0, 0];
  counts.forEach((count, word) => {
    entropy -= (count / total) * Math.log2(count / total);
    length += (count / total) * tree.paths[word]!.length;
    kraft += 2 ** -tree.paths[word]!.length;
    assert.equal(tree.paths[word]![0], tree.nodes - 1, "every path starts at the root");
  });
  assert.ok(length >= entropy && length <= entropy + 1);
  assert.equal(kraft, 1);
  assert.throws(() => huffmanTree([3]), /expected at least 2/);
});

test("phrases: the score, and growth over passes", () => {
  close(phraseScore(100, 200, 150), 0.00316667, 1e-8);
  const filler = Array.from({ length: 400 }, (_, i) => [`word${i}`, `other${i}`]);
  const sentences = [...filler, ...Array(20).fill(["new", "york", "times"]), ...Array(20).fill(["york"])];
  assert.deepEqual(learnPhrases(sentences, { thresholds: [10] }).at(-21), ["new_york", "times"]);
  assert.deepEqual(learnPhrases(sentences, { thresholds: [10, 10] }).at(-21), ["new_york_times"]);
  assert.deepEqual(learnPhrases(sentences, { thresholds: [1e6] }), sentences);
  assert.deepEqual(learnPhrases(sentences, { thresholds: [1], discount: 20 }), sentences);
});

const scratch = (width: number) => ({ gradient: new Float64Array(width), loss: 0, products: 0 });

test("a step is the gradient step of the same loss as a function of tensors", async () => {
  const [width, rate] = [4, 0.1];
  const draw = random("step");
  const [center, rows] = [draw.normal(width), draw.normal(3 * width)];
  const check = async (loss: (c: Tensor, r: Tensor) => Tensor, labels: number[]) => {
    const [input, output, step] = [center.slice(), rows.slice(), scratch(width)];
    const zeros = new Float32Array(3);
    skipGramStep(input, 0, output, Int32Array.of(0, 1, 2), Float32Array.from(labels), zeros, 3, rate, step);
    const params = { c: fromData(center, [1, width]), r: fromData(rows, [3, width]) };
    const [value, g] = await evaluate([
      loss(params.c, params.r),
      grad(({ c, r }: typeof params) => loss(c, r))(params),
    ] as const);
    close(step.loss, values(value)[0]!, 1e-5);
    for (let k = 0; k < width; k++) close(input[k]!, center[k]! - rate * values(g.c)[k]!, 1e-6);
    for (let k = 0; k < 3 * width; k++) close(output[k]!, rows[k]! - rate * values(g.r)[k]!, 1e-6);
  };
  const { reshape, slice } = await import("../index.ts");
  await check(
    (c, r) => negativeSampling(c, slice(r, [[0, 1]]), reshape(slice(r, [[1, 3]]), [1, 2, width])),
    [1, 0, 0],
  );
  const signs = fromData(Float32Array.of(1, -1, 1), [1, 3]);
  await check((c, r) => hierarchicalSoftmax(c, reshape(r, [1, 3, width]), signs), [1, 0, 1]);
});

/** Two topics of ten words each; sentences stay within one. */
function topics(): Int32Array[] {
  const draw = random("topics");
  return Array.from({ length: 600 }, (_, i) =>
    Int32Array.from({ length: 8 }, () => 10 * (i % 2) + draw.integer(0, 10)),
  );
}

for (const objective of ["negativeSampling", "noiseContrastiveEstimation", "hierarchicalSoftmax"] as const) {
  test(`${objective}: words of one topic come to lie together, and a run repeats`, async () => {
    const run = () =>
      trainSkipGram(topics(), {
        words: 20,
        random: random(5),
        objective,
        width: 8,
        epochs: 3,
        learningRate: 0.1,
        threshold: Infinity,
      });
    const { input, products } = await run();
    const cosine = (a: number, b: number) => {
      let [ab, aa, bb] = [0, 0, 0];
      for (let k = 0; k < 8; k++) {
        ab += input[8 * a + k]! * input[8 * b + k]!;
        aa += input[8 * a + k]! ** 2;
        bb += input[8 * b + k]! ** 2;
      }
      return ab / Math.sqrt(aa * bb);
    };
    let [within, between] = [0, 0];
    for (let a = 0; a < 10; a++)
      for (let b = 0; b < 10; b++) {
        if (a !== b) within += cosine(a, b) / 90;
        between += cosine(a, 10 + b) / 100;
      }
    assert.ok(within > between + 0.5, `${within}, ${between}`);
    assert.ok(products > 0);
    assert.deepEqual((await run()).input, input);
  });
}

test("subsampling takes less work, and wrong arguments are named", async () => {
  const options = { words: 20, random: random(5), width: 4 };
  const all = await trainSkipGram(topics(), { ...options, threshold: Infinity });
  const fewer = await trainSkipGram(topics(), { ...options, threshold: 0.01 });
  assert.ok(fewer.products < 0.5 * all.products);
  await assert.rejects(trainSkipGram([Int32Array.of(20)], options), /word 20; expected 0 to 19/);
  await assert.rejects(trainSkipGram(topics(), { ...options, width: 0 }), /width is 0/);
  await assert.rejects(trainSkipGram(topics(), { ...options, negatives: 0 }), /negatives is 0/);
  await assert.rejects(
    trainSkipGram(topics(), { ...options, objective: "sum" as never }),
    /objective is "sum"/,
  );
});
