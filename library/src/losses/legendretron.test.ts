import assert from "node:assert/strict";
import { test } from "node:test";
import {
  compile,
  evaluate,
  fromData,
  grad,
  logSoftmax,
  mapTree,
  mean,
  multiply,
  negate,
  pick,
  sum,
  type Tensor,
  tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { convexGradient, icnn, legendreLink, logSoftmaxPlus, standardizeLink } from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(Math.abs(actual[i]! - expected[i]!) <= tolerance, `${i}: ${actual[i]} is not ${expected[i]}`);
};
const double = (rows: number[][]) => tensor(rows, { dtype: "float64" });
const read = async (x: Tensor) => [...values(await evaluate(x))] as number[];

/** Parameters spread out and in float64: whatever they are, the guarantees hold. */
const spread = <P>(params: P, seed: string): P => {
  const draw = random(seed);
  return mapTree(params, (x) =>
    fromData(
      Float64Array.from(values(x), (v) => v + draw.normal(1)[0]!),
      x.shape,
    ),
  );
};

test("softmax with a reference class: worked examples, and the softmax of one more score 0", async () => {
  close(await read(logSoftmaxPlus(double([[0, 0]]))), Array(3).fill(-Math.log(3)), 1e-12);
  close(await read(logSoftmaxPlus(double([[-1000, -1000]]))), [-1000, -1000, 0], 1e-9);
  close(await read(logSoftmaxPlus(double([[1e4, -1e4]]))), [0, -2e4, -1e4], 1e-9);
  const a = [0.3, -1.2, 2];
  close(await read(logSoftmaxPlus(double([a]))), await read(logSoftmax(double([[...a, 0]]))), 1e-12);
});

test("the network is convex: midpoints lie below chords for any weights", async () => {
  const network = icnn(3, { hidden: 6, depth: 3 });
  for (const seed of ["a", "b"]) {
    const params = spread(network.init(random(seed)), seed);
    const draw = random(`pairs ${seed}`);
    const n = 500;
    const [x, y] = [draw.normal(new Float64Array(3 * n), 0, 3), draw.normal(new Float64Array(3 * n), 0, 3)];
    const at = (rows: Float64Array) => read(network.apply(params, fromData(rows, [n, 3])));
    const [fx, fy, middle] = [await at(x), await at(y), await at(x.map((v, i) => (v + y[i]!) / 2))];
    assert.equal(middle.length, n);
    middle.forEach((value, i) => {
      assert.ok(value <= (fx[i]! + fy[i]!) / 2 + 1e-9);
    });
  }
});

test("the map is strictly monotone, its Jacobian symmetric", async () => {
  const map = convexGradient(3, { hidden: 4, depth: 3 });
  const params = spread(map.init(random(1)), "map");
  const draw = random("monotone");
  const n = 200;
  const [x, y] = [draw.normal(new Float64Array(3 * n), 0, 2), draw.normal(new Float64Array(3 * n), 0, 2)];
  const at = (rows: Float64Array, count = n) => read(map.apply(params, fromData(rows, [count, 3])));
  const [vx, vy] = [await at(x), await at(y)];
  for (let i = 0; i < n; i++) {
    let product = 0;
    for (let j = 3 * i; j < 3 * i + 3; j++) product += (vx[j]! - vy[j]!) * (x[j]! - y[j]!);
    assert.ok(product > 0);
  }
  const point = [0.3, -0.5, 1.1];
  const jacobian = await Promise.all(
    [0, 1, 2].map(async (j) => {
      const moved = (by: number) =>
        at(
          Float64Array.from(point, (v, k) => (k === j ? v + by : v)),
          1,
        );
      const [above, below] = [await moved(1e-5), await moved(-1e-5)];
      return above.map((value, k) => (value - below[k]!) / 2e-5);
    }),
  );
  for (const [j, k] of [
    [0, 1],
    [0, 2],
    [1, 2],
  ] as const)
    close([jacobian[j]![k]!], [jacobian[k]![j]!], 1e-7);
});

test("standardised, hidden sums have mean 0 and variance 1 on the given scores, and outputs variance 1", async () => {
  const link = legendreLink(4, { hidden: 4, depth: 3, blocks: 2 });
  const scores = tensor(random(7).normal(300), { shape: [100, 3] });
  const params = await standardizeLink(link.init(random(8)), scores);
  const { network } = params[0]!;
  const potentials = await read(icnn(3, { hidden: 4, depth: 3 }).apply(network, scores));
  const centre = potentials.reduce((a, b) => a + b) / 100;
  close([potentials.reduce((t, x) => t + (x - centre) ** 2, 0) / 100], [1], 1e-3);
  // A second time there is nothing left to do.
  const again = await standardizeLink(params, scores);
  for (const [i, layer] of network.inner.entries()) {
    close(values(again[0]!.network.inner[i]!.shift), values(layer.shift), 1e-4);
    close(values(again[0]!.network.inner[i]!.logScale), values(layer.logScale), 1e-4);
  }
  const shares = (await read(link.apply(params, scores))).slice(0, 4).map(Math.exp);
  close([shares.reduce((a, b) => a + b)], [1], 1e-5);
});

test("without the network the link is multinomial logistic regression", async () => {
  const link = legendreLink(4, { hidden: 4, depth: 2 });
  const params = link.init(random(2));
  params[0]!.mix = tensor(-1e3);
  const z = tensor([[0.2, -1, 3]]);
  close(await read(link.apply(params, z)), await read(logSoftmaxPlus(z)), 1e-5);
});

test("the loss is proper: free scores lead to the labels' distribution", async () => {
  const link = legendreLink(3, { hidden: 4, depth: 3 });
  const params = spread(link.init(random(3)), "proper");
  const q = [0.5, 0.3, 0.2];
  const shares = double([q]);
  const risk = (z: Tensor) => negate(sum(multiply(link.apply(params, z), shares)));
  const gradient = compile((z: Tensor) => grad(risk)(z), { threads: 1 });
  let z = Float64Array.of(0, 0);
  for (let i = 0; i < 3000; i++) {
    const g = values(await gradient(fromData(z, [1, 2])));
    z = z.map((value, j) => value - 0.05 * g[j]!);
  }
  close((await read(link.apply(params, fromData(z, [1, 2])))).map(Math.exp), q, 1e-3);
});

test("gradients of the parameters, through the gradient of the network, agree with central differences", async () => {
  for (const blocks of [1, 2]) {
    const link = legendreLink(3, { hidden: 4, depth: 3, blocks });
    const params = link.init(random(4 + blocks));
    const z = double([
      [0.3, -0.2],
      [1, 2],
    ]);
    const labels = tensor(Int32Array.of(0, 2));
    const { error } = await checkGradient(
      (p: typeof params) => negate(mean(pick(link.apply(p, z), labels))),
      params,
    );
    assert.ok(error < 1e-5, `${error}`);
  }
});

test("extreme scores stay finite; errors name the argument", async () => {
  const link = legendreLink(3);
  const params = link.init(random(5));
  const z = tensor([
    [1e4, -1e4],
    [-1e4, -1e4],
    [0, 0],
  ]);
  const loss = (p: typeof params) => negate(mean(pick(link.apply(p, z), tensor(Int32Array.of(0, 1, 2)))));
  const gradients = await evaluate(grad(loss)(params));
  mapTree(gradients, (g) => {
    assert.ok(values(g).every(Number.isFinite));
    return g;
  });
  assert.throws(() => icnn(2, { hidden: 3 }), /hidden is 3; expected an even number/);
  assert.throws(() => legendreLink(1), /classes is 1; expected .* at least 2/);
  assert.throws(() => legendreLink(3, { blocks: 0 }), /blocks is 0/);
  assert.throws(() => logSoftmaxPlus(tensor([1, 2])), /scores is .*expected \[n, classes − 1\]/);
});
