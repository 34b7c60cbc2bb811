import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, fromData, grad, negate, oneHot, reshape, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { meanReverseSquare, softUnlikelihood, unlikelihood } from "./index.ts";
import { logOneMinusSoftmax } from "./log-one-minus-softmax.ts";

const double = (xs: ArrayLike<number>, shape: number[]) => fromData(Float64Array.from(xs), shape);
const bool = (flags: number[], shape: number[]) => fromData(Uint8Array.from(flags), shape);
const logs = (...ps: number[]) => double(ps.map(Math.log), [1, 1, ps.length]);
const one = bool([1], [1, 1]);
const numbers = async (x: Tensor) => Array.from(values(await evaluate(x)), Number);
const number = async (x: Tensor) => (await numbers(x))[0]!;
const close = (a: number, b: number, tolerance = 1e-12) =>
  assert.ok(Math.abs(a - b) <= tolerance, `${a} and ${b}`);

const normal = (seed: number, shape: number[], scale = 1) =>
  fromData(random(seed).normal(new Float64Array(shape.reduce((x, y) => x * y, 1)), 0, scale), shape);

test("it is the teacher's mean of -log(1 - p)", async () => {
  const teacher = logs(0.7, 0.2, 0.1);
  close(await number(softUnlikelihood(logs(0.5, 0.3, 0.2), teacher, one)), 0.578852, 5e-7);
  const flat = [0.7, 0.2, 0.1].map((p) => p ** 0.5);
  const sum = flat.reduce((a, b) => a + b, 0);
  close(
    await number(softUnlikelihood(logs(0.5, 0.3, 0.2), teacher, one, { temperature: 2 })),
    -[0.5, 0.3, 0.2].reduce((total, p, k) => total + (flat[k]! / sum) * Math.log(1 - p), 0),
  );
});

test("a certain teacher makes it the unlikelihood of its token", async () => {
  for (const seed of [1, 2, 3]) {
    const student = normal(seed, [2, 3, 5], 3);
    const tokens = fromData(Int32Array.of(0, 4, 2, 1, 3, 3), [2, 3]);
    const certain = oneHot(tokens, 5, "float64");
    const mask = bool([1, 1, 1, 1, 1, 1], [2, 3]);
    const found = await numbers(unlikelihood(student, certain, mask, { reduction: "none" }));
    const other = await numbers(negate(logOneMinusSoftmax(reshape(student, [6, 5]), reshape(tokens, [6]))));
    found.forEach((x, i) => {
      close(x, other[i]!, 1e-6);
    });
    const soft = await numbers(
      softUnlikelihood(
        student,
        double(
          (await numbers(certain)).map((x) => 1e3 * x),
          [2, 3, 5],
        ),
        mask,
        {
          reduction: "none",
        },
      ),
    );
    soft.forEach((x, i) => {
      close(x, other[i]!, 1e-6);
    });
  }
});

test("it is 0 where the student gives nothing to what the teacher says", async () => {
  const student = double([0, 0, -1e4], [1, 1, 3]);
  assert.equal(await number(unlikelihood(student, double([0, 0, 1], [1, 1, 3]), one)), 0);
  assert.ok((await number(unlikelihood(student, double([1, 0, 0], [1, 1, 3]), one))) > 0.6);
});

test("a certain student is pushed with full force, and the mask keeps places out", async () => {
  // With p near 1 the gradient on its logit is w p: nothing vanishes.
  for (const size of [5, 50, 1e4]) {
    const student = double([size, 0, 0, size, 0, 0], [1, 2, 3]);
    const weights = double([1, 0, 0, 1, 0, 0], [1, 2, 3]);
    const f = (x: Tensor) => unlikelihood(x, weights, bool([1, 0], [1, 2]));
    const gradient = await numbers(grad(f)(student));
    close(gradient[0]!, Math.exp(size) === Infinity ? 1 : 1 / (1 + 2 * Math.exp(-size)), 1e-9);
    assert.deepEqual(gradient.slice(3), [0, 0, 0]);
    assert.ok(Number.isFinite(await number(f(student))));
  }
});

test("the reverse square is 1 with no gradient where both agree, and e^-1 at a distance of 1", async () => {
  const a = normal(1, [2, 3]);
  close(await number(meanReverseSquare(a, a)), 1);
  const b = double(await numbers(a), [2, 3]);
  assert.ok((await numbers(grad((x: Tensor) => meanReverseSquare(x, b))(a))).every((g) => Math.abs(g) === 0));
  const far = double(
    (await numbers(a)).map((x) => x + 1),
    [2, 3],
  );
  close(await number(meanReverseSquare(a, far)), 0.36787944117144233);
  const mask = bool([1, 0, 0, 0, 0, 0], [2, 3]);
  const mixed = double([...(await numbers(far)).slice(0, 1), ...(await numbers(a)).slice(1)], [2, 3]);
  close(await number(meanReverseSquare(a, mixed, { mask })), Math.exp(-1));
  close(await number(meanReverseSquare(a, mixed, { mask, reduction: "sum" })), Math.exp(-1));
  close(await number(meanReverseSquare(a, mixed)), (Math.exp(-1) + 5) / 6);
  assert.equal(await number(meanReverseSquare(a, far, { mask: bool([0, 0, 0, 0, 0, 0], [2, 3]) })), 0);
});

test("gradients agree with differences, and none flows into the teacher", async () => {
  const mask = bool([1, 1, 0, 1], [2, 2]);
  const cases = [1, 2, 3].flatMap((seed) => [
    {
      f: (x: Tensor) => softUnlikelihood(x, normal(seed + 9, [2, 2, 4]), mask),
      params: normal(seed, [2, 2, 4]),
    },
    {
      f: (x: Tensor) => meanReverseSquare(x, normal(seed + 9, [2, 2])),
      params: normal(seed, [2, 2]),
    },
  ]);
  for (const { error } of await checkGradients(cases)) assert.ok(error <= 1e-4, String(error));
  const student = normal(1, [2, 2, 4]);
  const toTeacher = grad((x: Tensor) => softUnlikelihood(student, x, mask))(student);
  assert.ok((await numbers(toTeacher)).every((g) => g === 0));
});

test("extreme logits give finite losses and gradients", async () => {
  const mask = bool([1, 1], [1, 2]);
  for (const student of [normal(1, [1, 2, 4], 1e4), double(new Float64Array(8), [1, 2, 4])])
    for (const teacher of [student, normal(2, [1, 2, 4], 1e4)]) {
      const f = (x: Tensor) => softUnlikelihood(x, teacher, mask);
      for (const each of [await numbers(f(student)), await numbers(grad(f)(student))])
        assert.ok(each.every(Number.isFinite), String(each));
    }
  assert.equal(await number(softUnlikelihood(logs(0.5, 0.5), logs(0.5, 0.5), bool([0], [1, 1]))), 0);
});

test("misuse is named", () => {
  const x = normal(1, [1, 1, 3]);
  assert.throws(
    () => unlikelihood(normal(1, [2, 3]), x, one),
    /logits is .*; expected \[n, length, vocabulary\]/,
  );
  assert.throws(() => unlikelihood(x, normal(1, [1, 1, 4]), one), /weights is .*; expected \[1, 1, 3\]/);
  assert.throws(() => softUnlikelihood(x, normal(1, [1, 1, 4]), one), /teacher is .*; expected \[1, 1, 3\]/);
  assert.throws(() => softUnlikelihood(x, x, one, { temperature: 0 }), /temperature is 0/);
  assert.throws(() => meanReverseSquare(x, normal(1, [3])), /b is .*; expected \[1, 1, 3\]/);
  assert.throws(() => meanReverseSquare(x, x, { mask: one }), /mask is .*; expected \[1, 1, 3\]/);
});
