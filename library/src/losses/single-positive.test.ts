import assert from "node:assert/strict";
import { test } from "node:test";
import { evaluate, grad, item, type Tensor, tensor, valueAndGrad, values } from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { assumeNegative, bceWithLogits, entropyMaximization } from "./index.ts";

const close = (actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance,
      `element ${i}: ${actual[i]} is not ${expected[i]}`,
    );
};
const double = (list: number[] | number[][]) => tensor(list, { dtype: "float64" });
const numbers = async (x: Tensor) => [...values(await evaluate(x))];
const sigma = (z: number) => 1 / (1 + Math.exp(-z));
const none = { reduction: "none" } as const;

test("entropyMaximization: an unknown label at z = 0 costs −α ln 2; a known one is log loss", async () => {
  const losses = entropyMaximization(double([[0, 0, 2]]), double([[0, 0, 1]]), { alpha: 0.3, ...none });
  close(await numbers(losses), [-0.3 * Math.LN2, -0.3 * Math.LN2, -Math.log(sigma(2))], 1e-12);
});

test("entropyMaximization: the gradient of an unknown label is α z p (1 − p), odd, with its peak at z = 1.5434", async () => {
  const slope = async (z: number[]) =>
    numbers(
      grad((x: Tensor) => entropyMaximization(x, double(z.map(() => 0)), { alpha: 0.5, reduction: "sum" }))(
        double(z),
      ),
    );
  const z = [-1.5434, -1, 0, 1, 1.5434, 3];
  close(
    await slope(z),
    z.map((v) => 0.5 * v * sigma(v) * (1 - sigma(v))),
    1e-12,
  );
  const [, minusOne, zero, one, peak] = await slope(z);
  close([minusOne!, zero!, one!, peak!], [-0.098306, 0, 0.098306, 0.5 * 0.223872]);
  const around = await slope([1.5334, 1.5534]);
  assert.ok(around.every((v) => v < peak!));
  close([sigma(1.5434)], [0.82396], 1e-5);
  // Assume negative always pushes down, with p.
  const down = grad((x: Tensor) => assumeNegative(x, double([0])))(double([1]));
  close(await numbers(down), [0.731059]);
});

test("entropyMaximization: with α = 0, only known labels count", async () => {
  const logits = double([
    [1, -2, 0.5],
    [3, 0, -1],
  ]);
  const observed = double([
    [0, 1, 0],
    [0, 0, 1],
  ]);
  const losses = entropyMaximization(logits, observed, { alpha: 0, ...none });
  close(await numbers(losses), [0, -Math.log(sigma(-2)), 0, 0, 0, -Math.log(sigma(-1))], 1e-12);
});

test("entropyMaximization: pseudo-labels are β times soft cross-entropy, in place of the entropy", async () => {
  const logits = double([1, -2, 0.5, 0.3]);
  const [chosen, targets] = [double([0, 1, 0, 1]), double([0, 0.1, 0, 0.4])];
  const options = { alpha: 0.2, beta: 0.4, pseudoLabels: { chosen, targets }, ...none };
  const found = await numbers(entropyMaximization(logits, double([1, 0, 0, 0]), options));
  const soft = await numbers(bceWithLogits(logits, targets, none));
  const plain = await numbers(entropyMaximization(logits, double([1, 0, 0, 0]), { alpha: 0.2, ...none }));
  close(found, [plain[0]!, 0.4 * soft[1]!, plain[2]!, 0.4 * soft[3]!], 1e-12);
  // A pseudo-label is a fixed point: where p = q its gradient is 0.
  const slope = grad((x: Tensor) =>
    entropyMaximization(x, double([0]), {
      pseudoLabels: { chosen: double([1]), targets: double([sigma(-1.3)]) },
    }),
  )(double([-1.3]));
  close(await numbers(slope), [0], 1e-12);
});

test("assumeNegative: binary cross-entropy on what was observed, with smoothed targets if wanted", async () => {
  const [logits, observed] = [double([1, -2, 0.5]), double([0, 1, 0])];
  close(
    await numbers(assumeNegative(logits, observed, none)),
    await numbers(bceWithLogits(logits, observed, none)),
  );
  close(
    await numbers(assumeNegative(logits, observed, { smoothing: 0.1, ...none })),
    await numbers(bceWithLogits(logits, double([0.05, 0.95, 0.05]), none)),
    1e-12,
  );
});

const observed = [1, 0, 0, 0, 1, 0];
const losses = (d: (list: number[]) => Tensor): Record<string, (x: Tensor) => Tensor> => ({
  assumeNegative: (x) => assumeNegative(x, d(observed)),
  smoothed: (x) => assumeNegative(x, d(observed), { smoothing: 0.2 }),
  entropy: (x) => entropyMaximization(x, d(observed), { alpha: 0.7 }),
  pseudo: (x) =>
    entropyMaximization(x, d(observed), {
      pseudoLabels: { chosen: d([0, 0, 1, 1, 0, 0]), targets: d([0, 0, 0.2, 0, 0, 0]) },
    }),
});

test("gradients agree with central differences", async () => {
  const cases = Object.entries(losses(double)).flatMap(([name, f]) =>
    [1, 2, 3, 4].map((seed) => ({
      name,
      f,
      params: tensor(random(`${name} ${seed}`).normal(new Float64Array(6), 0, 2)),
    })),
  );
  for (const [i, { error }] of (await checkGradients(cases)).entries())
    assert.ok(error < 1e-6, `${cases[i]!.name}: ${error}`);
});

test("extreme logits stay finite in float32, also without a known label and for one example", async () => {
  const single = (list: number[]) => tensor(Float32Array.from(list));
  const rows = [Array(6).fill(1e4), Array(6).fill(-1e4), Array(6).fill(0)];
  const cases = Object.values(losses(single)).flatMap((f) => rows.map((row) => valueAndGrad(f)(single(row))));
  cases.push(valueAndGrad((x: Tensor) => entropyMaximization(x, single([0])))(single([-1e4])));
  for (const [value, gradient] of await evaluate(cases))
    assert.ok([item(value), ...values(gradient)].every(Number.isFinite));
});

test("errors and reductions", async () => {
  const z = double([1, 2]);
  const s = double([1, 0]);
  assert.throws(() => assumeNegative(z, double([1])), /observed is .*as logits/);
  assert.throws(
    () => assumeNegative(z, s, { smoothing: 2 }),
    /smoothing is 2; expected a number from 0 to 1/,
  );
  assert.throws(() => entropyMaximization(z, double([1])), /observed is .*as logits/);
  assert.throws(() => entropyMaximization(z, s, { alpha: -1 }), /alpha is -1/);
  assert.throws(() => entropyMaximization(z, s, { beta: Number.NaN }), /beta is NaN/);
  const pseudoLabels = { chosen: double([1]), targets: s };
  assert.throws(() => entropyMaximization(z, s, { pseudoLabels }), /pseudoLabels.chosen is .*as logits/);
  assert.throws(() => entropyMaximization(z, s, { reduction: "median" as never }), /reduction: got "median"/);
  const [each, total, average] = await evaluate([
    entropyMaximization(z, s, none),
    entropyMaximization(z, s, { reduction: "sum" }),
    entropyMaximization(z, s),
  ] as const);
  const sum = values(each)[0]! + values(each)[1]!;
  close([item(total), item(average)], [sum, sum / 2], 1e-12);
});
