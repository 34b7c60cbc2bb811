import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, expandDims, fromData, grad, item, type Tensor, tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { contrast } from "./contrastive.ts";
import {
  candidateScores,
  complEx,
  distMult,
  hardDebiasedInfoNCE,
  linkLogisticLoss,
  rotatE,
  transE,
} from "./knowledge-graph.ts";

const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const one = (...scores: number[]) => tensor(Float64Array.from(scores));
const rows = (...scores: number[][]) => tensor(scores, { dtype: "float64" });
const normal = (seed: string, ...shape: number[]) =>
  fromData(random(seed).normal(new Float64Array(shape.reduce((a, b) => a * b))), shape);
const number = async (x: Tensor) => item(await evaluate(x));

test("scores in plain arithmetic", async () => {
  const [h, r, t] = [
    [1, -2, 0.5, 3],
    [0.3, 1, -1, 2],
    [2, 0, 1, -1],
  ] as const;
  const of = async (score: typeof transE) => number(score(one(...h), one(...r), one(...t)));
  close(await of(transE), -h.reduce((sum, x, i) => sum + Math.abs(x + r[i]! - t[i]!), 0));
  close(
    await of(distMult),
    h.reduce((sum, x, i) => sum + x * r[i]! * t[i]!, 0),
  );
  // Two complex numbers: (1 + 0.5i, -2 + 3i), (0.3 - i, 1 + 2i), (2 + i, 0 - i).
  const times = ([a, b]: number[], [c, d]: number[]) => [a! * c! - b! * d!, a! * d! + b! * c!];
  const complex = (x: readonly number[]) => [
    [x[0]!, x[2]!],
    [x[1]!, x[3]!],
  ];
  const [hc, rc, tc] = [complex(h), complex(r), complex(t)];
  const real = (i: number) => times(times(hc[i]!, rc[i]!), [tc[i]![0]!, -tc[i]![1]!])[0]!;
  close(await of(complEx), real(0) + real(1));
  const turned = (i: number) => {
    const length = Math.hypot(...rc[i]!);
    const [x, y] = times(
      hc[i]!,
      rc[i]!.map((part) => part / length),
    ) as [number, number];
    return Math.hypot(x - tc[i]![0]!, y - tc[i]![1]!);
  };
  close(await of(rotatE), -turned(0) - turned(1), 1e-6);
});

test("DistMult is symmetric, the others are not; rotations keep lengths", async () => {
  const [a, r, b] = [normal("a", 4), normal("r", 4), normal("b", 4)];
  for (const [score, same] of [
    [distMult, true],
    [transE, false],
    [complEx, false],
    [rotatE, false],
  ] as const) {
    const difference = Math.abs((await number(score(a, r, b))) - (await number(score(b, r, a))));
    assert.equal(difference < 1e-9, same);
  }
  assert.throws(() => complEx(one(1, 2, 3), one(1, 2, 3), one(1, 2, 3)), /complEx: got .*even d/);
});

test("scores of candidates are those of DistMult, one by one", async () => {
  const [h, r, c] = [normal("h", 2, 3), normal("r", 2, 3), normal("c", 2, 4, 3)];
  const { multiply } = await import("../index.ts");
  const [all, each] = await evaluate([
    candidateScores(multiply(h, r), c),
    distMult(expandDims(h, 1), expandDims(r, 1), c),
  ] as const);
  values(all).forEach((score, i) => {
    close(score, values(each)[i]!);
  });
});

test("logistic loss: plain arithmetic, and self-adversarial weights", async () => {
  const [s, n] = [0.5, [1, -2]];
  const softplus = (x: number) => Math.log1p(Math.exp(x));
  const args = [one(s), rows(n)] as const;
  close(
    await number(linkLogisticLoss(...args, { margin: 2 })),
    softplus(-2.5) + (softplus(3) + softplus(0)) / 2,
  );
  const w = Math.exp(2) / (Math.exp(2) + Math.exp(-4));
  close(
    await number(linkLogisticLoss(...args, { adversarialTemperature: 2 })),
    softplus(-0.5) + w * softplus(1) + (1 - w) * softplus(-2),
  );
  // The weights are constants: d/ds_i is w_i σ(s_i).
  const g = await evaluate(
    grad((x: Tensor) => linkLogisticLoss(args[0], x, { adversarialTemperature: 2 }))(args[1]),
  );
  close(values(g)[0]!, w / (1 + Math.exp(-1)));
});

const worked = { positive: one(1), negatives: rows([0.2, 0.2, 0.2, 0.2]), falseOnes: rows([0.5, 0.5]) };
const hasa = (options: Parameters<typeof hardDebiasedInfoNCE>[3], w = worked) =>
  hardDebiasedInfoNCE(w.positive, w.negatives, w.falseOnes, { margin: 0, ...options });

test("hard debiased InfoNCE: worked examples", async () => {
  close(await number(hasa({ prior: 0 })), 1.02866, 1e-5);
  close(await number(hasa({ prior: 0.1 })), 1.0033665, 1e-6);
  const clamped = (n: Tensor) => hasa({ prior: 0.9 }, { ...worked, negatives: n });
  const [loss, g] = await evaluate([clamped(worked.negatives), grad(clamped)(worked.negatives)] as const);
  assert.equal(item(loss), 0);
  assert.deepEqual([...values(g)], [0, 0, 0, 0]);
});

test("hard debiased InfoNCE: without prior and margin and with uniform weights it is InfoNCE", async () => {
  const [positive, negatives, falseOnes] = [normal("p", 3), normal("n", 3, 5), normal("f", 3, 2)];
  const { concat } = await import("../index.ts");
  const [a, b, c] = await evaluate([
    hardDebiasedInfoNCE(positive, negatives, falseOnes, { prior: 0, margin: 0, hardness: "uniform" }),
    contrast(positive, concat([expandDims(positive, 1), negatives], 1)),
    hardDebiasedInfoNCE(positive, negatives, falseOnes, { prior: 1e-9, margin: 0, hardness: "uniform" }),
  ] as const);
  close(item(a), item(b));
  close(item(c), item(b), 1e-6);
});

test("hard debiased InfoNCE: falls as the prior or the false negatives' scores grow", async () => {
  const base = await number(hasa({ prior: 0.1 }));
  assert.ok((await number(hasa({ prior: 0.2 }))) < base);
  assert.ok((await number(hasa({ prior: 0.1 }, { ...worked, falseOnes: rows([0.6, 0.7]) }))) < base);
});

test("hard debiased InfoNCE: known ones get no weight; hardness by scores is harder", async () => {
  const [positive, falseOnes] = [one(0.4), rows([0.1, 0.2])];
  const negatives = rows([0.3, 2, -1]);
  const known = fromData(Uint8Array.of(0, 1, 0), [1, 3], "bool");
  const options = { prior: 0.05, scale: 3 };
  for (const hardness of ["uniform", "scores"] as const) {
    const [masked, without] = await evaluate([
      hardDebiasedInfoNCE(positive, negatives, falseOnes, { ...options, known, hardness }),
      hardDebiasedInfoNCE(positive, rows([0.3, -1]), falseOnes, { ...options, hardness }),
    ] as const);
    close(item(masked), item(without));
  }
  const all = fromData(Uint8Array.of(1, 1, 1), [1, 3], "bool");
  for (const prior of [0, 0.05])
    assert.equal(await number(hardDebiasedInfoNCE(positive, negatives, falseOnes, { prior, known: all })), 0);
  const by = (hardness: "uniform" | "normalized" | "scores") =>
    number(hardDebiasedInfoNCE(positive, negatives, falseOnes, { ...options, hardness }));
  assert.ok((await by("uniform")) < (await by("normalized")));
  assert.ok((await by("normalized")) < (await by("scores")));
});

const losses: Record<string, (p: Tensor, n: Tensor, f: Tensor) => Tensor> = {
  linkLogisticLoss: (p, n) => linkLogisticLoss(p, n, { margin: 1 }),
  hardDebiasedInfoNCE: (p, n, f) => hardDebiasedInfoNCE(p, n, f, { prior: 0.1, hardness: "uniform" }),
};
for (const [name, loss] of Object.entries(losses)) {
  test(`${name}: gradient agrees with central differences`, async () => {
    for (let seed = 0; seed < 5; seed++) {
      const params = {
        p: normal(`p${seed}`, 3),
        n: normal(`n${seed}`, 3, 4),
        f: normal(`f${seed}`, 3, 2),
      };
      const { error } = await checkGradient(({ p, n, f }: typeof params) => loss(p, n, f), params);
      assert.ok(error < 1e-6, `${error}`);
    }
  });
  test(`${name}: extreme scores stay finite`, async () => {
    for (const [p, n, f] of [
      [1e4, -1e4, 0],
      [-1e4, 1e4, 1e4],
      [0, 0, 0],
      [1, -1e4, 1e4],
    ] as const) {
      const params = { p: tensor([p]), n: tensor([[n, -n]]), f: tensor([[f, f]]) };
      const f32 = ({ p, n, f }: typeof params) => loss(p, n, f);
      const [value, g] = await evaluate([f32(params), grad(f32)(params)] as const);
      assert.ok(Number.isFinite(item(value)), `${p}, ${n}, ${f}`);
      for (const x of [g.p, g.n, g.f]) assert.ok(values(x).every(Number.isFinite), `${p}, ${n}, ${f}`);
    }
  });
}

for (const [name, score] of Object.entries({ transE, distMult, complEx, rotatE })) {
  test(`${name}: gradient agrees with central differences, also where everything is 0`, async () => {
    for (let seed = 0; seed < 3; seed++) {
      const params = {
        h: normal(`h${seed}`, 2, 4),
        r: normal(`r${seed}`, 2, 4),
        t: normal(`t${seed}`, 2, 4),
      };
      const { sum } = await import("../index.ts");
      const { error } = await checkGradient(({ h, r, t }: typeof params) => sum(score(h, r, t)), params);
      assert.ok(error < 1e-5, `${error}`);
    }
    const zero = tensor(new Float32Array(4));
    const g = await evaluate(grad((h: Tensor) => score(h, one32, zero))(zero));
    assert.ok(values(g).every(Number.isFinite));
  });
}
const one32 = tensor(Float32Array.of(1, 1, 1, 1));

test("wrong arguments are named", () => {
  const [p, n, f] = [one(1), rows([1, 2]), rows([1])];
  assert.throws(() => linkLogisticLoss(n, n), /positive is .*expected \[n\]/);
  assert.throws(() => linkLogisticLoss(p, n, { adversarialTemperature: -1 }), /adversarialTemperature is -1/);
  assert.throws(() => hardDebiasedInfoNCE(p, n, rows([1], [2])), /falseNegatives is .*expected \[1, f\]/);
  assert.throws(() => hardDebiasedInfoNCE(p, n, f, { prior: 1 }), /prior is 1/);
  assert.throws(() => hardDebiasedInfoNCE(p, n, f, { scale: 0 }), /scale is 0/);
  assert.throws(() => hardDebiasedInfoNCE(p, n, f, { known: rows([1]) }), /known is .*expected \[1, 2\]/);
  assert.throws(() => hardDebiasedInfoNCE(p, n, f, { hardness: "soft" as never }), /hardness is "soft"/);
});
