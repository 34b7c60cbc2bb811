import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { compile } from "../runtime/index.ts";
import { fromData, item, type Tensor, valueAndGrad, values } from "../tensor/index.ts";
import { checkGradients } from "../testing.ts";
import { infoNCE, type SoftLabelOptions, softLabelInfoNCE } from "./index.ts";

const [n, k, d] = [4, 3, 5];

function batch(seed: number) {
  const draw = random(seed);
  const tensor = (...shape: number[]) =>
    fromData(draw.normal(new Float64Array(shape.reduce((a, b) => a * b))), shape, "float64");
  return {
    queries: tensor(n, d),
    positives: tensor(n, d),
    negatives: tensor(n, k, d),
    teacher: tensor(n, 1 + k),
  };
}
type Batch = ReturnType<typeof batch>;

const lossOf = (options: SoftLabelOptions) =>
  compile((b: Batch) => softLabelInfoNCE(b.queries, b.positives, b.negatives, b.teacher, options), {
    threads: 1,
  });
const all = async (b: Batch, options: SoftLabelOptions) => [
  ...values(await lossOf({ ...options, reduction: "none" })(b)),
];

/** Cosines of each query with its own candidates. */
function cosines({ queries, positives, negatives }: Batch): number[][] {
  const [q, p, m] = [queries, positives, negatives].map((x) => values(x) as Float64Array);
  const row = (x: Float64Array, i: number) => x.subarray(i * d, (i + 1) * d);
  const cosine = (a: Float64Array, b: Float64Array) =>
    a.reduce((sum, x, i) => sum + x * b[i]!, 0) / Math.hypot(...a) / Math.hypot(...b);
  return Array.from({ length: n }, (_, i) => [
    cosine(row(q!, i), row(p!, i)),
    ...Array.from({ length: k }, (_, j) => cosine(row(q!, i), row(m!, i * k + j))),
  ]);
}

const softmax = (x: number[]) => {
  const e = x.map((v) => Math.exp(v - Math.max(...x)));
  const total = e.reduce((a, b) => a + b);
  return e.map((v) => v / total);
};

const close = (a: number, b: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)), `${a} is not ${b}`);

test("softLabelInfoNCE is the mix of InfoNCE and the divergence from the teacher, computed by hand", async () => {
  const b = batch(1);
  const [temperature, teacherTemperature, weight] = [0.3, 0.7, 0.4];
  const got = await all(b, { temperature, teacherTemperature, weight });
  const hard = values(
    await compile(
      (x: Batch) =>
        infoNCE(x.queries, x.positives, { temperature, negatives: flat(b.negatives), reduction: "none" }),
      { threads: 1 },
    )(b),
  );
  const teacher = values(b.teacher) as Float64Array;
  for (const [i, row] of cosines(b).entries()) {
    const s = softmax(row.map((c) => c / temperature));
    const t = softmax(
      [...teacher.subarray(i * (k + 1), (i + 1) * (k + 1))].map((x) => x / teacherTemperature),
    );
    const divergence = t.reduce((sum, p, j) => sum + p * Math.log(p / s[j]!), 0);
    close(got[i]!, (1 - weight) * hard[i]! + weight * divergence);
  }
});

const flat = (x: Tensor) => fromData(values(x) as Float64Array, [n * k, d], "float64");

test("softLabelInfoNCE: weight 0 is InfoNCE, bit for bit", async () => {
  const b = batch(2);
  const hard = compile(
    (x: Batch, negatives: Tensor) =>
      infoNCE(x.queries, x.positives, { temperature: 0.02, negatives, reduction: "none" }),
    { threads: 1 },
  );
  assert.deepEqual(await all(b, { weight: 0 }), [...values(await hard(b, flat(b.negatives)))]);
});

test("softLabelInfoNCE: a teacher that agrees up to a constant costs nothing, a certain one is InfoNCE", async () => {
  const b = batch(3);
  const agrees = Float64Array.from(cosines(b).flatMap((row, i) => row.map((c) => 2 * c + i)));
  const teacher = fromData(agrees, [n, 1 + k], "float64");
  for (const loss of await all({ ...b, teacher }, { weight: 1, temperature: 0.1, teacherTemperature: 0.2 }))
    close(loss, 0, 1e-12);
  const certain = Float64Array.from({ length: n * (1 + k) }, (_, at) => (at % (1 + k) === 0 ? 1e4 : 0));
  const own = await all(
    { ...b, teacher: fromData(certain, [n, 1 + k], "float64") },
    { weight: 1, temperature: 0.1 },
  );
  const explicit = compile(
    (x: Batch) =>
      infoNCE(x.queries, x.positives, {
        temperature: 0.1,
        negatives: x.negatives,
        sources: "explicit",
        reduction: "none",
      }),
    { threads: 1 },
  );
  for (const [i, loss] of [...values(await explicit(b))].entries()) close(own[i]!, loss);
});

test("softLabelInfoNCE: gradients, and none for the teacher", async () => {
  const cases = [4, 5, 6].flatMap((seed) =>
    [0.5, 1].map((weight) => {
      const { teacher, ...params } = batch(seed);
      return {
        f: (p: typeof params) =>
          softLabelInfoNCE(p.queries, p.positives, p.negatives, teacher, { weight, temperature: 0.3 }),
        params,
      };
    }),
  );
  for (const { error } of await checkGradients(cases)) assert.ok(error <= 1e-4, `${error}`);
  const b = batch(4);
  const gradient = compile(
    valueAndGrad((teacher: Tensor) => softLabelInfoNCE(b.queries, b.positives, b.negatives, teacher)),
    { threads: 1 },
  );
  assert.ok(values((await gradient(b.teacher))[1]).every((g) => g === 0));
});

test("softLabelInfoNCE: extreme scores, zero vectors and a batch of one stay finite", async () => {
  const zero = (...shape: number[]) => fromData(new Float32Array(shape.reduce((a, x) => a * x)), shape);
  const huge = fromData(Float32Array.of(1e4, -1e4, 1e4), [1, 3]);
  const step = compile(
    valueAndGrad((p: { q: Tensor; p: Tensor; m: Tensor }) => softLabelInfoNCE(p.q, p.p, p.m, huge)),
    { threads: 1 },
  );
  for (const scale of [0, 1e4]) {
    const fill = (x: Tensor) =>
      fromData(
        (values(x) as Float32Array).map((_, i) => scale * (i % 3)),
        x.shape,
      );
    const [value, gradients] = await step({
      q: fill(zero(1, 4)),
      p: fill(zero(1, 4)),
      m: fill(zero(1, 2, 4)),
    });
    assert.ok(Number.isFinite(item(value)));
    for (const g of Object.values(gradients)) assert.ok(values(g).every(Number.isFinite));
  }
});

test("softLabelInfoNCE: what does not fit is refused by name", () => {
  const b = batch(1);
  const loss = (options: SoftLabelOptions, teacher = b.teacher) =>
    softLabelInfoNCE(b.queries, b.positives, b.negatives, teacher, options);
  assert.throws(() => loss({ weight: 2 }), /weight is 2; expected 0 to 1/);
  assert.throws(() => loss({ teacherTemperature: 0 }), /teacherTemperature is 0/);
  assert.throws(() => loss({}, b.queries), /teacherScores is .*expected \[4, 4\]/);
  assert.throws(() => softLabelInfoNCE(b.queries, b.positives, b.queries, b.teacher), /negatives is/);
});
