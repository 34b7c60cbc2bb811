import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { gradientCache } from "../fit.ts";
import { infoNCE } from "../losses/index.ts";
import { dropoutFrom, dropoutMasks, dropoutShapes, mlp, transformerEncoder } from "../nn/index.ts";
import { random } from "../random.ts";
import { compile } from "../runtime/index.ts";
import {
  concat,
  divide,
  exp,
  fromData,
  item,
  matmul,
  mean,
  multiply,
  scalar,
  type Tensor,
  transpose,
  valueAndGrad,
  values,
  zeros,
} from "../tensor/index.ts";
import { leaves, mapTree } from "../tree.ts";

const BATCH = 20;
const WIDTH = 6;
const rows = (seed: string, from: number, count: number) =>
  fromData(
    random(seed)
      .normal(BATCH * WIDTH)
      .slice(from * WIDTH, (from + count) * WIDTH),
    [count, WIDTH],
  );

interface Pair {
  queries: Tensor;
  documents: Tensor;
}

const pairs = (from: number, count: number): Pair => ({
  queries: rows("queries", from, count),
  documents: rows("documents", from, count),
});

/** The batch in chunks of one size, the last one perhaps smaller. */
const inChunks = <T>(size: number, part: (from: number, count: number) => T): T[] =>
  Array.from({ length: Math.ceil(BATCH / size) }, (_, i) => part(i * size, Math.min(size, BATCH - i * size)));

const sameLoss = ({ queries, documents }: Pair) => infoNCE(queries, documents);

const network = mlp([WIDTH, 8, 4]);
const towers = { query: network.init(random(1)), document: network.init(random(2)) };
const twoTowers = (p: typeof towers, { queries, documents }: Pair): Pair => ({
  queries: network.apply(p.query, queries),
  documents: network.apply(p.document, documents),
});
const oneTower = (p: typeof towers.query, { queries, documents }: Pair): Pair => ({
  queries: network.apply(p, queries),
  documents: network.apply(p, documents),
});

/** Largest difference between two trees, relative to the largest number of the second. */
function relativeError(actual: unknown, expected: unknown): number {
  const [a, b] = [actual, expected].map((tree) => leaves(tree).flatMap((x) => Array.from(values(x))));
  assert.equal(a!.length, b!.length);
  const scale = Math.max(...b!.map(Math.abs));
  return Math.max(...b!.map((value, i) => Math.abs(value - a![i]!))) / scale;
}

const full = <P>(
  encode: (p: P, x: Pair) => Pair,
  loss: (r: Pair, p: P) => Tensor,
  params: P,
): Promise<[Tensor, P]> =>
  compile(valueAndGrad((p: P, batch: Pair) => loss(encode(p, batch), p)))(params, pairs(0, BATCH));

for (const size of [1, 3, 8, BATCH])
  test(`gradientCache: chunks of ${size} give loss and gradient of the full batch`, async () => {
    const check = async <P>(params: P, encode: (p: P, x: Pair) => Pair) => {
      const cached = gradientCache({ encode, loss: sameLoss, threads: 1 });
      const { loss, gradients } = await cached(params, inChunks(size, pairs));
      const [value, expected] = await full(encode, sameLoss, params);
      assert.ok(Math.abs(item(loss) - item(value)) <= 1e-6 * item(value), `${item(loss)} ${item(value)}`);
      assert.ok(relativeError(gradients, expected) <= 1e-5, `${relativeError(gradients, expected)}`);
    };
    await check(towers, twoTowers);
    await check(towers.query, oneTower);
  });

test("gradientCache: in double precision the gradients agree to 1e-12, also when called again", async () => {
  const double = mapTree(towers, (x) => fromData(Float64Array.from(values(x)), x.shape));
  const part = (from: number, count: number): Pair =>
    mapTree(pairs(from, count), (x) => fromData(Float64Array.from(values(x)), x.shape));
  const cached = gradientCache({ encode: twoTowers, loss: sameLoss, threads: 1 });
  const whole = compile(valueAndGrad((p: typeof towers, batch: Pair) => sameLoss(twoTowers(p, batch))));
  const [, expected] = await whole(double, part(0, BATCH));
  const first = await cached(double, inChunks(8, part));
  const again = await cached(double, inChunks(8, part));
  assert.ok(relativeError(first.gradients, expected) <= 1e-12);
  assert.equal(relativeError(again.gradients, first.gradients), 0);
});

test("gradientCache: a learnt temperature gets its gradient, through loss and encoder together", async () => {
  const params = { towers, logScale: scalar(1.5) };
  type P = typeof params;
  const encode = (p: P, chunk: Pair) => {
    const { queries, documents } = twoTowers(p.towers, chunk);
    return { queries: multiply(queries, exp(p.logScale)), documents };
  };
  const loss = ({ queries, documents }: Pair, p: P) =>
    infoNCE(queries, multiply(documents, divide(p.logScale, 2)), { similarity: "dot", temperature: 1 });
  const { gradients } = await gradientCache({ encode, loss, threads: 1 })(params, inChunks(8, pairs));
  const [, expected] = await full(encode, loss, params);
  assert.notEqual(item(expected.logScale), 0);
  assert.ok(relativeError(gradients, expected) <= 1e-5);
  assert.ok(relativeError(gradients.logScale, expected.logScale) <= 1e-5);
});

test("gradientCache: dropout is that of the full batch if the masks are, and another if they are not", async () => {
  const model = transformerEncoder({ layers: 1, width: 4, heads: 2 });
  const params = model.init(random(3));
  const length = 3;
  const rate = 0.1;
  interface Dropped {
    x: Tensor;
    masks: Tensor[];
  }
  const encode = (p: typeof params, { x, masks }: Dropped) =>
    mean(model.apply(p, x, { dropout: dropoutFrom(masks, rate) }), { axis: 1 });
  const loss = (all: Tensor) => infoNCE(all, multiply(all, all));
  const chunk = (name: string) => (from: number, count: number) => {
    const x = fromData(
      random("texts")
        .split(from)
        .normal(count * length * 4),
      [count, length, 4],
    );
    const shapes = dropoutShapes((dropout) => model.apply(params, x, { dropout }));
    return { x, masks: dropoutMasks(random(name).split(from), shapes, rate) };
  };
  const cached = gradientCache({ encode, loss, threads: 1 });
  const chunks = inChunks(8, chunk("masks"));
  const whole = {
    x: joined(chunks.map(({ x }) => x)),
    masks: chunks[0]!.masks.map((_, i) => joined(chunks.map(({ masks }) => masks[i]!))),
  };
  const [, expected] = await compile(valueAndGrad((p: typeof params, all: Dropped) => loss(encode(p, all))))(
    params,
    whole,
  );
  const { gradients } = await cached(params, chunks);
  assert.ok(relativeError(gradients, expected) <= 1e-5, `${relativeError(gradients, expected)}`);
  const other = await cached(params, inChunks(8, chunk("others")));
  assert.ok(relativeError(other.gradients, expected) > 0.01);
});

/** Concrete tensors one after the other. */
function joined(parts: Tensor[]): Tensor {
  const all = parts.flatMap((part) => Array.from(values(part)));
  const shape = [
    all.length / parts[0]!.shape.slice(1).reduce((a, b) => a * b, 1),
    ...parts[0]!.shape.slice(1),
  ];
  return fromData(parts[0]!.dtype === "bool" ? Uint8Array.from(all) : Float32Array.from(all), shape);
}

test("accumulating the gradients of chunks is another objective: log c in place of log B", async () => {
  const encode = (p: Tensor, x: Tensor) => matmul(x, p);
  const loss = (all: Tensor) => infoNCE(all, all);
  const nothing = zeros([WIDTH, 4]);
  const cached = gradientCache({ encode, loss, threads: 1 });
  const one = (count: number) => fromData(random(4).normal(count * WIDTH), [count, WIDTH]);
  const zero = fromData(new Float32Array(WIDTH * 4), nothing.shape);
  const lossOf = async (chunks: Tensor[]) => item((await cached(zero, chunks)).loss);
  assert.ok(Math.abs((await lossOf([one(4), one(4), one(4)])) - Math.log(12)) < 1e-6);
  assert.ok(Math.abs((await lossOf([one(4)])) - Math.log(4)) < 1e-6);

  const gradientOf = gradientCache({ encode: twoTowers, loss: sameLoss, threads: 1 });
  const [, expected] = await full(twoTowers, sameLoss, towers);
  const parts = [];
  for (const chunk of inChunks(5, pairs)) parts.push((await gradientOf(towers, [chunk])).gradients);
  const sums = parts.map((part) => leaves(part).map((x) => values(x)));
  const accumulated = mapTree(towers, (x, i) =>
    fromData(
      values(x).map((_, at) => sums.reduce((sum, part) => sum + part[i]![at]! / sums.length, 0)),
      x.shape,
    ),
  );
  assert.ok(relativeError(accumulated, expected) > 0.1);
});

test("gradientCache: each chunk is encoded twice and carried back once", async () => {
  // Every size of chunk is traced once for each of the two passes, and not again.
  let traced = 0;
  const encode = (p: typeof towers, chunk: Pair) => {
    traced++;
    return twoTowers(p, chunk);
  };
  const cached = gradientCache({ encode, loss: sameLoss, threads: 1 });
  await cached(towers, inChunks(8, pairs));
  assert.equal(traced, 4);
  await cached(towers, inChunks(8, pairs));
  assert.equal(traced, 4);
});

test("gradientCache: what is wrong is named", async () => {
  const cached = gradientCache({ encode: twoTowers, loss: sameLoss, threads: 1 });
  await assert.rejects(cached(towers, []), /chunks is empty/);
  const noAxis = gradientCache({
    encode: (p: typeof towers, chunk: Pair) => mean(twoTowers(p, chunk).queries),
    loss: (x: Tensor) => mean(x),
    threads: 1,
  });
  await assert.rejects(
    noAxis(towers, inChunks(10, pairs)),
    /chunk 0 is encoded as constant \[\] float32; expected \[n\]/,
  );
  const uneven = gradientCache({
    encode: (p: typeof towers, chunk: Pair) => {
      const { queries, documents } = twoTowers(p, chunk);
      return { queries, documents: concat([documents, documents]) };
    },
    loss: ({ queries, documents }: Pair) => mean(matmul(queries, transpose(documents))),
    threads: 1,
  });
  await assert.rejects(
    uneven(towers, inChunks(10, pairs)),
    /chunk 0 is encoded as constant \[20, 4\] float32; expected \[10, 4\]/,
  );
});

test("gradientCache: a batch of 512 takes a fraction of the full batch's memory", async () => {
  const script = fileURLToPath(new URL("./testing/gradient-memory.ts", import.meta.url));
  const grown = async (way: string) =>
    Number((await promisify(execFile)(process.execPath, [script, way, "512"])).stdout);
  const [whole, cached] = [await grown("full"), await grown("cached")];
  // Measured: 48 MB against 10 MB, of which the texts, the scores and the heap's garbage are most.
  assert.ok(whole > 2 * cached, `${whole} ${cached}`);
});
