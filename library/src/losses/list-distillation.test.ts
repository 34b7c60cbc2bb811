import assert from "node:assert/strict";
import { test } from "node:test";
import { add, evaluate, item, type Tensor, tensor, valueAndGrad, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { marginMSE, rankDistillation } from "./index.ts";

const double = (rows: number[] | number[][]) => tensor(rows, { dtype: "float64" });
const close = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const drawn = (seed: number, ...shape: number[]) =>
  tensor(Float64Array.from(random(seed).normal(shape.reduce((a, b) => a * b, 1))), { shape });
const valueOf = async (x: Tensor) => item(await evaluate(x));

test("marginMSE: closed form, for one negative and for several", async () => {
  const teacher = { positive: double([2, 2]), negative: double([0, 1]) };
  // Margins 1 and 0 against 2 and 1.
  close(await valueOf(marginMSE(double([1, 3]), double([0, 3]), teacher)), 1);
  const two = {
    positive: double([2]),
    negative: double([[0, 1]]),
  };
  const each = await evaluate(marginMSE(double([1]), double([[0, 3]]), two, { reduction: "none" }));
  assert.deepEqual(Array.from(values(each)), [1, 9]);
});

test("marginMSE: adding a number to both scores of student or teacher changes nothing", async () => {
  const [p, n] = [drawn(1, 3), drawn(2, 3, 2)];
  const teacher = { positive: drawn(3, 3), negative: drawn(4, 3, 2) };
  const plain = await valueOf(marginMSE(p, n, teacher));
  close(await valueOf(marginMSE(add(p, 5), add(n, 5), teacher)), plain);
  const raised = { positive: add(teacher.positive, -7), negative: add(teacher.negative, -7) };
  close(await valueOf(marginMSE(p, n, raised)), plain);
  close(await valueOf(marginMSE(p, n, { positive: p, negative: n })), 0);
});

/** The definition, written as loops over pairs. */
function reference(student: number[], teacher: number[]): number {
  const order = student.map((_, i) => i).sort((a, b) => student[b]! - student[a]! || a - b);
  const rank = student.map((_, i) => order.indexOf(i) + 1);
  let total = 0;
  for (const [i, t] of teacher.entries())
    for (const [j, other] of teacher.entries())
      if (t > other)
        total += Math.abs(1 / rank[i]! - 1 / rank[j]!) * Math.log1p(Math.exp(student[j]! - student[i]!));
  return total;
}

test("rankDistillation: the sum over pairs as loops, ties in order of the list", async () => {
  for (const [student, teacher] of [
    [
      [0.3, -1, 2, 0.5],
      [1, 0, 0.5, 0.5],
    ],
    [
      [1, 1, 1],
      [0, 2, 1],
    ],
    [[4], [1]],
  ] as const)
    close(
      await valueOf(rankDistillation(double([[...student]]), double([[...teacher]]))),
      reference([...student], [...teacher]),
    );
  // Ranks 1 and 2: half of log 2.
  close(await valueOf(rankDistillation(double([[0, 0]]), double([[1, 0]]))), Math.log(2) / 2);
});

test("rankDistillation: only the order of the teacher counts; equal teacher scores cost nothing", async () => {
  const student = drawn(5, 3, 4);
  const teacher = drawn(6, 3, 4);
  const stretched = tensor(
    values(teacher).map((x) => Math.exp(2 * x)),
    { shape: [3, 4] },
  );
  close(
    await valueOf(rankDistillation(student, stretched)),
    await valueOf(rankDistillation(student, teacher)),
  );
  const flat = tensor(new Float64Array(12), { shape: [3, 4] });
  close(await valueOf(rankDistillation(student, flat)), 0);
});

test("gradients against central differences; none flows into the teacher", async () => {
  for (const seed of [1, 2, 3]) {
    const margin = ([p, n, t, u]: Tensor[]) => marginMSE(p!, n!, { positive: t!, negative: u! });
    const rank = ([s, t]: Tensor[]) => rankDistillation(s!, t!);
    const scores = [drawn(seed, 3), drawn(seed + 10, 3, 2), drawn(seed + 20, 3), drawn(seed + 30, 3, 2)];
    const student = await checkGradient(
      (x: Tensor[]) => margin([...x, scores[2]!, scores[3]!]),
      scores.slice(0, 2),
    );
    assert.ok(student.error < 1e-6, `${student.error}`);
    const lists = [drawn(seed, 2, 4), drawn(seed + 10, 2, 4)];
    const list = await checkGradient((x: Tensor) => rank([x, lists[1]!]), lists[0]!);
    assert.ok(list.error < 1e-6, `${list.error}`);
    const [, margins] = await evaluate(valueAndGrad(margin)(scores));
    const [, ranked] = await evaluate(valueAndGrad(rank)(lists));
    for (const g of [margins[2]!, margins[3]!, ranked[1]!]) assert.ok(values(g).every((x) => x === 0));
  }
});

test("scores of 1e4 and lists of one document stay finite", async () => {
  const far = double([[1e4, -1e4, 0]]);
  const back = double([[-1e4, 1e4, 0]]);
  const [value, g] = await evaluate(valueAndGrad((x: Tensor) => rankDistillation(x, back))(far));
  assert.ok(Number.isFinite(item(value)) && values(g).every(Number.isFinite));
  close(await valueOf(rankDistillation(double([[3]]), double([[1]]))), 0);
});

test("errors name what is wrong", () => {
  const t = { positive: double([1]), negative: double([1]) };
  assert.throws(() => marginMSE(double([[1]]), double([1]), t), /positive is .*1, 1/);
  assert.throws(() => marginMSE(double([1, 2]), double([1]), t), /negative is .*expected \[2\] or \[2, k\]/);
  assert.throws(() => marginMSE(double([1, 2]), double([1, 2]), t), /teacher.positive is/);
  assert.throws(() => rankDistillation(double([1]), double([1])), /student is .*expected \[n, k\]/);
  assert.throws(() => rankDistillation(double([[1]]), double([[1, 2]])), /teacher is/);
});
