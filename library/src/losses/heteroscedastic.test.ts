import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, exp, fromData, grad, item, multiply, type Tensor, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradient } from "../testing.ts";
import { gaussianNLL, laplaceNLL, studentTNLL } from "./index.ts";

const one = (x: number) => fromData(Float64Array.of(x), [1]);
const near = (actual: number, expected: number, tolerance = 1e-9) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);
const at = async (loss: (r: Tensor, s: Tensor) => Tensor, r: number, s: number) =>
  item(await evaluate(loss(one(r), one(s))));
const normal = (r: Tensor, s: Tensor) => gaussianNLL(multiply(r, 0), exp(multiply(s, 2)), r);

test("worked values, and the scale that fits a residual best", async () => {
  near(await at(laplaceNLL, 3, 0), 3 + Math.LN2);
  near(await at(laplaceNLL, -3, Math.log(3)), 1 + Math.log(6));
  near(await at(normal, 3, 0), 5.4189385, 1e-7);
  for (const [loss, r, best] of [
    [laplaceNLL, 3, Math.log(3)],
    [normal, 2, Math.log(2)],
    [studentTNLL, 2, Math.log(2)],
  ] as const)
    near(values(await evaluate(grad((s: Tensor) => loss(one(r), s))(one(best))))[0]!, 0, 1e-9);
});

test("they are densities: e^−loss has the integral 1", async () => {
  const grid = Float64Array.from({ length: 400_001 }, (_, i) => (i - 200_000) / 200);
  const r = fromData(grid, [grid.length]);
  const s = fromData(new Float64Array(grid.length).fill(0.3), [grid.length]);
  for (const loss of [laplaceNLL, studentTNLL]) {
    const density = Float64Array.from(
      values(await evaluate(exp(multiply(loss(r, s, { reduction: "none" }), -1)))),
    );
    near(density.reduce((a, b) => a + b, 0) / 200, 1, 1e-5);
  }
});

test("Student's t nears the normal one for many degrees of freedom, and Cauchy at one", async () => {
  const loss = (degreesOfFreedom: number) => (r: Tensor, s: Tensor) =>
    studentTNLL(r, s, { degreesOfFreedom });
  near(await at(loss(1e6), 1.3, 0.2), await at(normal, 1.3, 0.2), 1e-5);
  near(await at(loss(1), 1.3, 0), Math.log(Math.PI * (1 + 1.3 ** 2)), 1e-9);
});

test("gradients agree with central differences; extreme residuals and scales stay finite", async () => {
  for (const loss of [laplaceNLL, studentTNLL])
    for (let seed = 0; seed < 4; seed++) {
      const [r, s] = [0, 1].map((k) => fromData(random(seed).split(k).normal(new Float64Array(6)), [2, 3]));
      const { error } = await checkGradient(
        (p: Tensor[]) => loss(p[0]!, p[1]!, { reduction: seed % 2 ? "sum" : "mean" }),
        [r!, s!],
      );
      assert.ok(error < 1e-6, `${error}`);
      for (const [x, y] of [
        [1e4, -5],
        [-1e4, 3],
        [0, -5],
      ] as const) {
        const g = await evaluate(grad((p: Tensor[]) => loss(p[0]!, p[1]!))([one(x), one(y)]));
        assert.ok(g.every((each) => values(each).every(Number.isFinite)));
      }
    }
});

test("bad input is named", () => {
  assert.throws(() => laplaceNLL(one(1), fromData(Float64Array.of(1, 2), [2])), /laplaceNLL/);
  assert.throws(() => studentTNLL(one(1), one(1), { degreesOfFreedom: 0 }), /degreesOfFreedom is 0/);
});
