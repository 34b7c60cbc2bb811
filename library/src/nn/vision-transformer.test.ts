import assert from "node:assert/strict";
import { test } from "node:test";
import { compile, fromData, sum, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { normal, visionTransformer, zeroFill } from "./index.ts";

const options = { side: 6, patch: 2, width: 4, layers: 1, heads: 2, outputs: 3 };
const drawn = (name: string, n: number, width = 36) => fromData(random(name).normal(n * width), [n, width]);

/** A network whose head is not 0. */
function started(given: Parameters<typeof visionTransformer>[0]) {
  const network = visionTransformer(given);
  const params = network.init(random(1));
  return { network, params: { ...params, head: { weight: normal(1)(random(2), [4, 3]) } } };
}

test("outputs start at 0; rows do not act on one another", async () => {
  const network = visionTransformer(options);
  const run = compile(network.apply, { threads: 1 });
  const x = drawn("x", 2);
  assert.ok(values(await run(network.init(random(1)), x)).every((y) => y === 0));
  const { params } = started(options);
  const both = values(await run(params, x));
  const second = values(await run(params, fromData((values(x) as Float32Array).slice(36), [1, 36])));
  for (let i = 0; i < 3; i++) assert.ok(Math.abs(second[i]! - both[3 + i]!) < 1e-5);
});

test("without positions, patches may change places; pixels of different patches may not", async () => {
  const { network, params } = started({ ...options, positions: zeroFill });
  const run = compile(network.apply, { threads: 1 });
  const x = drawn("x", 1);
  const at = (row: number, column: number) => row * 6 + column;
  const changed = (change: (image: Float32Array) => void) => {
    const image = (values(x) as Float32Array).slice();
    change(image);
    return fromData(image, [1, 36]);
  };
  const swap = (image: Float32Array, a: number, b: number) => {
    [image[a], image[b]] = [image[b]!, image[a]!];
  };
  const plain = values(await run(params, x));
  const patches = changed((image) => {
    for (const [i, j] of [0, 1, 2, 3].map((k) => [k >> 1, k & 1]))
      swap(image, at(i!, j!), at(4 + i!, 2 + j!));
  });
  for (const [i, y] of values(await run(params, patches)).entries())
    assert.ok(Math.abs(y - plain[i]!) < 1e-5);
  const pixels = values(
    await run(
      params,
      changed((image) => swap(image, at(0, 1), at(0, 2))),
    ),
  );
  assert.ok(pixels.some((y, i) => Math.abs(y - plain[i]!) > 1e-3));
  const placed = started({ ...options, positions: normal(1) }).params;
  const [one, other] = [values(await run(placed, x)), values(await run(placed, patches))];
  assert.ok(other.some((y, i) => Math.abs(y - one[i]!) > 1e-3));
});

test("channels come first", async () => {
  const { network, params } = started({ ...options, side: 2, patch: 1, channels: 2, positions: zeroFill });
  const run = compile(network.apply, { threads: 1 });
  // Pixels [a, b] of both channels, in two orders of the places.
  const one = values(await run(params, fromData(Float32Array.of(1, 2, 3, 4, 5, 6, 7, 8), [1, 8])));
  const other = values(await run(params, fromData(Float32Array.of(4, 3, 2, 1, 8, 7, 6, 5), [1, 8])));
  for (const [i, y] of one.entries()) assert.ok(Math.abs(y - other[i]!) < 1e-5);
});

test("gradients agree with central differences", async () => {
  const { network, params } = started({ ...options, side: 2, patch: 1 });
  const x = fromData(new Float64Array(random("x").normal(4)), [1, 4]);
  const { error } = await checkGradient((p: typeof params) => sum(network.apply(p, x) as Tensor), params);
  assert.ok(error < 1e-5, `${error}`);
});

test("what does not fit is named", () => {
  assert.throws(() => visionTransformer({ ...options, patch: 4 }), /patch is 4/);
});
