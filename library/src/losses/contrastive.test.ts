import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, grad, item, mean, multiply, sum, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient, slopeAlong } from "../testing.ts";
import {
  dcl,
  dclWeights,
  dclw,
  infoNCE,
  infoNCEOfScores,
  l2Normalize,
  negativeShares,
  npcMultiplier,
  ntXent,
} from "./index.ts";

const double = (rows: number[] | number[][]) => tensor(rows, { dtype: "float64" });
const close = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const views = (seed: number, n = 4, d = 3) => {
  const draw = random(seed);
  const one = () => tensor(Float64Array.from(draw.normal(n * d)), { shape: [n, d] });
  return { first: one(), second: one() };
};
const axes = double([
  [1, 0],
  [0, 1],
]);

test("dcl: orthonormal pairs and equal embeddings in closed form", async () => {
  close(item(await evaluate(dcl(axes, axes))), -10 + Math.log(2));
  const same = double(Array.from({ length: 4 }, () => [1, 2, 3]));
  close(item(await evaluate(dcl(same, same))), Math.log(6), 1e-9);
});

test("npcMultiplier: positive cosine 1, negatives 0", async () => {
  const q = values(await evaluate(npcMultiplier(axes, axes)));
  close(q[0]!, 9.07916e-5, 1e-9);
  const n = 256;
  const wide = double(
    Array.from({ length: n }, (_, i) => Array.from({ length: n }, (_, j) => Number(i === j))),
  );
  close(values(await evaluate(npcMultiplier(wide, wide)))[0]!, 0.02263, 1e-6);
});

test("the gradient of NT-Xent is that of dcl times the multiplier, anchor by anchor", async () => {
  const { first, second } = views(1);
  const q = values(await evaluate(npcMultiplier(first, second)));
  for (let anchor = 0; anchor < 8; anchor++) {
    const pickOne = double(Array.from({ length: 8 }, (_, i) => Number(i === anchor)));
    const of = (loss: typeof dcl) =>
      grad((v: typeof views extends (s: number) => infer R ? R : never) =>
        sum(multiply(loss(v.first, v.second, { reduction: "none" }), pickOne)),
      )({ first, second });
    const [a, b] = await evaluate([of(ntXent), of(dcl)] as const);
    for (const key of ["first", "second"] as const) {
      values(a[key]).forEach((g, i) => {
        close(g, q[anchor]! * values(b[key])[i]!, 1e-9);
      });
    }
  }
});

test("NT-Xent is never below dcl, and close to it with many negatives", async () => {
  const gap = async (n: number) => {
    const { first, second } = views(7, n, 8);
    const [a, b] = await evaluate([ntXent(first, second), dcl(first, second)] as const);
    assert.ok(item(a) >= item(b));
    return item(a) - item(b);
  };
  assert.ok((await gap(64)) < (await gap(4)));
});

test("dclw: weights of known cosines, mean 1; equal positives give dcl", async () => {
  const weights = values(await evaluate(dclWeights(double([1, 0]))));
  close(weights[0]!, 0.238406);
  close(weights[1]!, 1.761594);
  const { first } = views(3);
  const [plain, weighted] = await evaluate([dcl(first, first), dclw(first, first)] as const);
  close(item(plain), item(weighted), 1e-9);
  const { second } = views(3);
  const w = await evaluate(mean(dclWeights(double([0.3, -0.9, 0.99, 0.1]))));
  close(item(w), 1, 1e-12);
  const through = grad((x: Tensor) => dclw(x, second, { throughWeight: true }))(first);
  const detached = grad((x: Tensor) => dclw(x, second))(first);
  const [t, d] = await evaluate([through, detached] as const);
  assert.ok(values(t).some((g, i) => Math.abs(g - values(d)[i]!) > 1e-6));
});

test("infoNCE: excluded candidates and zero-weight rows change nothing; extra negatives raise the loss", async () => {
  const { first, second } = views(5);
  const base = infoNCE(first, second, { temperature: 0.1 });
  const more = infoNCE(first, second, { temperature: 0.1, negatives: first });
  const exclude = tensor(
    Array.from({ length: 4 }, () => [false, false, false, false, true, true, true, true]),
  );
  const back = infoNCE(first, second, { temperature: 0.1, negatives: first, exclude });
  const [a, b, c] = await evaluate([base, more, back] as const);
  assert.ok(item(b) > item(a));
  close(item(c), item(a), 1e-12);
});

const losses = {
  ntXent,
  dcl,
  "dclw through its weight": (a: Tensor, b: Tensor) => dclw(a, b, { throughWeight: true }),
  infoNCE: (a: Tensor, b: Tensor) => infoNCE(a, b, { temperature: 0.2 }),
  "infoNCE of dot products": (a: Tensor, b: Tensor) => infoNCE(a, b, { temperature: 1, similarity: "dot" }),
};
for (const [name, loss] of Object.entries(losses)) {
  test(`${name}: gradient agrees with central differences`, async () => {
    for (let seed = 0; seed < 20; seed++) {
      const { error } = await checkGradient((v) => loss(v.first, v.second), views(seed, 2 + (seed % 3), 3));
      assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
    }
  });

  test(`${name}: zero vectors, duplicates, huge values and a batch of one stay finite`, async () => {
    const cases = [
      [
        [
          [0, 0],
          [0, 0],
        ],
        [
          [0, 0],
          [1, 1],
        ],
      ],
      [
        [
          [1, 1],
          [1, 1],
        ],
        [
          [1, 1],
          [1, 1],
        ],
      ],
      [
        [
          [1e4, -1e4],
          [3, 4],
        ],
        [
          [-1e4, 1e4],
          [1e4, 1e4],
        ],
      ],
      [[[1, 2]], [[2, 1]]],
    ] as [number[][], number[][]][];
    for (const [a, b] of cases) {
      const both = { first: tensor(a), second: tensor(b) };
      const value = loss(both.first, both.second);
      const gradient = grad((v: typeof both) => loss(v.first, v.second))(both);
      const [l, g] = await evaluate([value, gradient] as const);
      assert.ok(Number.isFinite(item(l)), `${JSON.stringify([a, b])}: ${item(l)}`);
      assert.ok([...values(g.first), ...values(g.second)].every(Number.isFinite), JSON.stringify([a, b]));
    }
  });
}

test("dclw detached: the gradient is that of fixed weights", async () => {
  const { first, second } = views(11);
  const { gradients } = await checkGradient((v) => dclw(v.first, v.second, { throughWeight: true }), {
    first,
    second,
  });
  assert.ok(gradients.flatMap((g) => [...g]).every(Number.isFinite));
});

test("bad arguments are named", () => {
  const { first, second } = views(1);
  assert.throws(() => ntXent(first, tensor([[1, 2]], { dtype: "float64" })), /expected two of one shape/);
  assert.throws(() => dcl(first, second, { temperature: 0 }), /temperature is 0/);
});

test("l2Normalize: first and second derivative agree with central differences; a zero row has a finite one", async () => {
  const x = double([
    [3, -1, 2],
    [0.1, 0.2, -0.4],
  ]);
  const weights = double([
    [1, 2, 3],
    [-1, 0.5, 2],
  ]);
  const f = (rows: Tensor) => sum(multiply(weights, l2Normalize(rows)));
  assert.ok((await checkGradient(f, x)).error < 1e-8);
  assert.ok((await checkGradient(slopeAlong(f, weights), x)).error < 1e-8);
  const zero = values(
    await evaluate(
      grad(f)(
        double([
          [0, 0, 0],
          [1, 0, 0],
        ]),
      ),
    ),
  );
  assert.deepEqual([...zero.slice(0, 3)], [1, 2, 3]);
});

/** Four anchors and positives, three shared negatives and two of each anchor's own, in float64. */
function sources(seed: number) {
  const draw = random(seed);
  const make = (...shape: number[]) =>
    tensor(Float64Array.from(draw.normal(shape.reduce((a, b) => a * b))), { shape });
  return { a: make(4, 3), p: make(4, 3), shared: make(3, 3), own: make(4, 2, 3) };
}
const at = async (x: Tensor) => [...values(await evaluate(x))];

test("infoNCE: own negatives are the shared ones where all anchors own the same", async () => {
  const { a, p, shared } = sources(1);
  const rows = values(shared);
  const own = tensor(Float64Array.from([0, 1, 2, 3].flatMap(() => [...rows])), { shape: [4, 3, 3] });
  for (const which of ["both", "explicit"] as const) {
    const options = { sources: which, reduction: "none" } as const;
    const one = await at(infoNCE(a, p, { ...options, negatives: shared }));
    (await at(infoNCE(a, p, { ...options, negatives: own }))).forEach((loss, i) => {
      close(loss, one[i]!, 1e-9);
    });
  }
});

test("infoNCE: explicit negatives alone are untouched by other rows; in-batch ones ignore the given", async () => {
  const { a, p, own } = sources(2);
  const options = { negatives: own, sources: "explicit", reduction: "none" } as const;
  const before = await at(infoNCE(a, p, options));
  const other = tensor(
    Float64Array.from(values(p), (x, i) => (i < 3 ? x : x + 1)),
    { shape: [4, 3] },
  );
  close((await at(infoNCE(a, other, options)))[0]!, before[0]!, 1e-12);
  const inBatch = { sources: "in-batch", negatives: own, reduction: "none" } as const;
  assert.deepEqual(await at(infoNCE(a, p, inBatch)), await at(infoNCE(a, p, { reduction: "none" })));
});

test("infoNCE: weights of 1 change nothing, 0 leaves out, 2 counts twice", async () => {
  const { a, p, shared } = sources(3);
  const ones = (n: number, m: number, change: (i: number, j: number) => number = () => 1) =>
    tensor(
      Float64Array.from({ length: n * m }, (_, k) => change(Math.floor(k / m), k % m)),
      { shape: [n, m] },
    );
  const plain = await at(infoNCE(a, p, { negatives: shared, reduction: "none" }));
  const same = await at(infoNCE(a, p, { negatives: shared, weights: ones(4, 7), reduction: "none" }));
  plain.forEach((loss, i) => {
    close(same[i]!, loss, 1e-12);
  });
  const none = ones(4, 7, (_, j) => Number(j < 4));
  const without = await at(infoNCE(a, p, { negatives: shared, weights: none, reduction: "none" }));
  (await at(infoNCE(a, p, { reduction: "none" }))).forEach((loss, i) => {
    close(without[i]!, loss, 1e-9);
  });
  const twice = ones(4, 7, (_, j) => (j === 4 ? 2 : 1));
  const doubled = await at(infoNCE(a, p, { negatives: shared, weights: twice, reduction: "none" }));
  const repeated = tensor(Float64Array.of(...values(shared), ...values(shared).slice(0, 3)), {
    shape: [4, 3],
  });
  (await at(infoNCE(a, p, { negatives: repeated, reduction: "none" }))).forEach((loss, i) => {
    close(doubled[i]!, loss, 1e-9);
  });
});

test("infoNCE: gradients with own negatives, weights and exclusions agree with central differences", async () => {
  const { a, p, own } = sources(4);
  const weights = tensor(
    Float64Array.from({ length: 24 }, (_, i) => (i % 5) / 2),
    { shape: [4, 6] },
  );
  const exclude = tensor(
    Array.from({ length: 4 }, (_, i) => Array.from({ length: 6 }, (_, j) => i === 1 && j > 2)),
  );
  for (const options of [{}, { weights }, { exclude }, { weights, exclude }]) {
    const f = (x: { a: Tensor; p: Tensor; own: Tensor }) =>
      infoNCE(x.a, x.p, { negatives: x.own, temperature: 0.3, ...options });
    assert.ok((await checkGradient(f, { a, p, own })).error < 1e-7);
  }
});

test("negativeShares sum to 1 and are the gradient's; an anchor without negatives has none", async () => {
  const { a, p, own } = sources(5);
  const shares = await at(negativeShares(a, p, { negatives: own, temperature: 0.3 }));
  for (let i = 0; i < 4; i++) {
    const row = shares.slice(i * 6, (i + 1) * 6);
    close(
      row.reduce((x, y) => x + y),
      1,
      1e-12,
    );
    assert.equal(row[i], 0);
  }
  // The derivative by each score is the softmax; without the positive it is proportional to the shares.
  const scores = double([[0.5, 0.1, 0.4, -0.3]]);
  const slope = [
    ...values(await evaluate(grad((s: Tensor) => infoNCEOfScores(s, { temperature: 1 }))(scores))),
  ];
  const negative = slope.slice(1);
  const total = negative.reduce((x, y) => x + y);
  const unit = double([[1, 0]]);
  const others = tensor(Float64Array.from([0.1, 0.4, -0.3].flatMap((x) => [x, 0])), { shape: [3, 2] });
  const options = { negatives: others, similarity: "dot", temperature: 1 } as const;
  const found = await at(negativeShares(unit, double([[0.5, 0]]), options));
  found.slice(1).forEach((share, i) => {
    close(share, negative[i]! / total, 1e-9);
  });
  assert.deepEqual(await at(negativeShares(unit, unit)), [0]);
});

test("infoNCE: negatives, weights and sources that do not fit are refused", () => {
  const { a, p, own, shared } = sources(6);
  assert.throws(() => infoNCE(a, p, { sources: "explicit" }), /there are no negatives/);
  assert.throws(() => infoNCE(a, p, { sources: "queue" as never }), /sources is "queue"/);
  assert.throws(() => infoNCE(a, p, { negatives: double([[1, 2]]) }), /expected \[m, 3\] or \[4, k, 3\]/);
  assert.throws(() => infoNCE(a, p, { negatives: shared, weights: double([[1, 2]]) }), /expected \[4, 7\]/);
  const bool = tensor([[true]]);
  assert.throws(() => infoNCE(a, p, { negatives: own, exclude: bool }), /exclude is .* expected \[4, 6\]/);
});
