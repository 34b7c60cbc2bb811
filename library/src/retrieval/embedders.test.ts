import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { cast, concat, expandDims, fromData, multiply, type Tensor, toOnnx } from "../index.ts";
import { mineHardNegatives } from "../negatives/index.ts";
import { random } from "../random.ts";
import { publishedTokenizer, words } from "../text/index.ts";
import {
  onnxEmbedder,
  publishedEmbedder,
  staticEmbedder,
  type Transformers,
  vectorEmbedder,
} from "./embedders.ts";
import { loadStaticEncoder, saveStaticEncoder, staticEncoderFiles, staticEncoderOf } from "./save.ts";
import { encodeTexts, fitStaticEncoder } from "./static-encoder.ts";
import { unitRows, type Vectors, vectors } from "./vectors.ts";

const corpus = [
  "Wings lift aircraft; wings bend in heat.",
  "Heat bends a wing of an aircraft, and lift falls.",
  "A library lends books to readers.",
  "Readers borrow books, and the library lends books again.",
  "Žlutý kůň pije vodu v řece.",
  "Vodu z řeky pije žlutý kůň.",
];
const encoder = fitStaticEncoder(corpus, { random: random(1), width: 4, maxShare: 1 });
const files = staticEncoderFiles(encoder);
const parsed = (name: string) => JSON.parse(new TextDecoder().decode(files[name]));
const tokenizer = await publishedTokenizer(parsed("tokenizer.json"));

/** [1, tokens] to [1, tokens, 2]: each token's number, and its mask. */
const fromTokens = (ids: Tensor, mask: Tensor) =>
  concat(
    [ids, mask].map((x) => expandDims(cast(x, "float32"), 2)),
    2,
  );

const close = (a: Vectors, b: Vectors, tolerance = 1e-5) => {
  assert.equal(a.count, b.count);
  assert.equal(a.width, b.width);
  a.data.forEach((value, i) => {
    assert.ok(Math.abs(value - b.data[i]!) <= tolerance, `${i}: ${value} against ${b.data[i]}`);
  });
};

test("a saved encoder is loaded as it was, and a broken folder is named", async () => {
  const folder = await mkdtemp(join(tmpdir(), "encoder-"));
  try {
    await saveStaticEncoder(folder, encoder);
    assert.deepEqual((await readdir(folder)).sort(), [
      "encoder.onnx",
      "encoder.safetensors",
      "tokenizer.json",
    ]);
    const loaded = await loadStaticEncoder(folder);
    assert.deepEqual(loaded, encoder);
    await writeFile(
      join(folder, "encoder.safetensors"),
      (await readFile(join(folder, "encoder.onnx"))).subarray(0, 50),
    );
    await assert.rejects(loadStaticEncoder(folder), /encoder\.safetensors: safetensors: the header claims/);
    await rm(join(folder, "tokenizer.json"));
    await assert.rejects(loadStaticEncoder(folder), /tokenizer\.json cannot be read/);
  } finally {
    await rm(folder, { recursive: true });
  }
  assert.throws(() => staticEncoderOf({}), /tokenizer\.json is absent/);
  const fewer = staticEncoderFiles({ terms: ["a"], width: 2, table: new Float32Array(2) });
  assert.throws(
    () => staticEncoderOf({ ...files, "tokenizer.json": fewer["tokenizer.json"]! }),
    /a row for each of the 1 terms/,
  );
});

test("the saved tokenizer splits texts as words does", () => {
  for (const text of [...corpus, "It's ﬁne: x² of “Curly’s” naïve CAFÉ, 3.5 mm; 東京 (Σς) don''t", ""]) {
    const known = words(text).map((word) => {
      const term = encoder.terms.indexOf(word);
      return term === -1 ? encoder.terms.length : term;
    });
    assert.deepEqual([...tokenizer.encode(text)], known, text);
  }
});

test("the same encoder as a function, as vectors, as an ONNX file and as a published model: same vectors, same negatives", async () => {
  // Known words only: the spelling of unknown ones is compared by the library's own encoder alone.
  const some = corpus.map((text) => text.split(/\s+/).filter((_, i) => i % 3 < 2));
  const texts = [...some.map((list) => list.join(" ")), "heat heat heat books wing", ""].map((text) =>
    words(text)
      .filter((word) => encoder.terms.includes(word))
      .join(" "),
  );
  const expected = encodeTexts(encoder, texts);
  // What a published model does: the same vectors, handed over as tensors.
  const transformers: Transformers = {
    pipeline: async (task, id) => {
      assert.deepEqual([task, id], ["feature-extraction", "someone/encoder"]);
      return (list) => {
        const { data, count, width } = encodeTexts(encoder, list);
        return { data, dims: [count, width] };
      };
    },
  };
  const embedders = {
    function: staticEmbedder(encoder),
    vectors: vectorEmbedder(texts, expected),
    onnx: await onnxEmbedder(files["encoder.onnx"]!, { tokenizer }),
    published: await publishedEmbedder("someone/encoder", { transformers, batchSize: 2 }),
  };
  const data = { queries: [texts[0]!, texts[2]!], positives: [[1], [3]], corpus: texts };
  const mined = await mineHardNegatives(data, embedders.function, { count: 2 });
  for (const [name, embed] of Object.entries(embedders)) {
    close(unitRows(await embed(texts)), unitRows(expected));
    const again = await mineHardNegatives(data, embed, { count: 2 });
    assert.deepEqual(
      again.map(({ documents }) => documents),
      mined.map(({ documents }) => documents),
      name,
    );
  }
});

test("an ONNX model that gives vectors of tokens: mean without padding, or the first; batches of any size", async () => {
  const bytes = toOnnx((x: Tensor) => multiply(x, 2), fromData(new Float32Array(4), [1, 4, 1]));
  await assert.rejects(onnxEmbedder(bytes, { tokenizer }), /no input of token numbers \[texts, tokens\]/);
  const flat = toOnnx(fromTokens, fromData(new Int32Array(4), [1, 4]), fromData(new Int32Array(4), [1, 4]));
  const letters = {
    size: 30,
    encode: (text: string) => Int32Array.from(text, (c) => c.charCodeAt(0) - 96),
    decode: () => "",
  };
  const mean = await onnxEmbedder(flat, { tokenizer: letters });
  close(await mean(["ab", "c", "abcdz"]), vectors(Float32Array.of(1.5, 1, 3, 1, 2.5, 1), 2));
  const first = await onnxEmbedder(flat, { tokenizer: letters, pooling: "first" });
  close(await first(["ba"]), vectors(Float32Array.of(2, 1), 2));
  await assert.rejects(
    onnxEmbedder(flat, { tokenizer: letters, mask: "attention" }),
    /mask is "attention"; expected one of "input0", "input1"/,
  );
  await assert.rejects(
    onnxEmbedder(flat, { tokenizer: letters, output: "x" }),
    /output is "x"; expected one of "output0"/,
  );
});

test("errors: a text without a vector, an absent package, wrong counts", async () => {
  const embed = vectorEmbedder(["a"], vectors(Float32Array.of(1, 2), 2));
  assert.throws(() => embed(["b"]), /no vector is known for "b"/);
  assert.throws(() => vectorEmbedder(["a", "b"], vectors(Float32Array.of(1, 2), 2)), /1 vectors for 2 texts/);
  await assert.rejects(publishedEmbedder("x/y"), /"x\/y" needs @huggingface\/transformers.*npm install/);
});

test("texts longer than the graph are cut, and it gives vectors of length 1", async () => {
  const embed = await onnxEmbedder(files["encoder.onnx"]!, { tokenizer });
  const [long, cut] = [`${"heat ".repeat(512)}books books`, "heat ".repeat(512)];
  const rows = await embed([long, cut]);
  close(vectors(rows.data.slice(0, 4), 4), vectors(rows.data.slice(4), 4));
  const length = rows.data.subarray(0, 4).reduce((sum, value) => sum + value * value, 0);
  assert.ok(Math.abs(length - 1) < 1e-5);
});
