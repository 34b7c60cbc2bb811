import assert from "node:assert/strict";
import { test } from "node:test";
import {
  add,
  evaluate,
  grad,
  item,
  negate,
  pick,
  softmax,
  square,
  type Tensor,
  tensor,
  values,
} from "../index.ts";
import { random } from "../random.ts";
import { checkGradients } from "../testing.ts";
import { lossReweighted, softmaxCrossEntropy } from "./index.ts";

const double = (list: number[] | number[][]) => tensor(list as number[], { dtype: "float64" });
const close = (actual: ArrayLike<number>, expected: number[], tolerance = 1e-6) => {
  assert.equal(actual.length, expected.length);
  expected.forEach((value, i) => {
    assert.ok(Math.abs(actual[i]! - value) <= tolerance, `element ${i}: ${actual[i]} is not ${value}`);
  });
};
/** The weights themselves: forget losses of 1. */
const weights = async (losses: number[], options: Parameters<typeof lossReweighted>[2] = {}) =>
  values(
    await evaluate(
      lossReweighted(double(losses.map(() => 1)), double(losses), { ...options, reduction: "none" }),
    ),
  );

test("weights of a worked example", async () => {
  const losses = [0.1, 0.5, 2];
  close(await weights(losses, { normalize: "none" }), [0.904837, 0.606531, 0.135335]);
  close(await weights(losses), [1.648452, 1.104991, 0.246557]);
  close(await weights(losses, { temperature: 0.5 }), [2.038459, 0.915939, 0.045602]);
  close(await weights(losses, { temperature: 10 }), [1.076137, 1.033941, 0.889922]);
});

test("equal losses and a high temperature give the plain objective; a constant changes nothing", async () => {
  const draw = random("unlearning");
  const losses = [...draw.uniform(6, 0, 4)];
  const forget = double([...draw.normal(6)]);
  const plain = item(await evaluate(lossReweighted(forget, double(losses.map(() => 0.7)))));
  close([plain], [[...values(forget)].reduce((sum, x) => sum + x, 0) / 6], 1e-12);
  close([item(await evaluate(lossReweighted(forget, double(losses), { temperature: 1e9 })))], [plain], 1e-8);
  const shifted = losses.map((loss) => loss + 3);
  close(await weights(shifted), [...(await weights(losses))], 1e-12);
  // Their mean is 1, whatever the temperature.
  for (const temperature of [0.01, 0.3, 5])
    close([[...(await weights(losses, { temperature }))].reduce((sum, w) => sum + w, 0) / 6], [1], 1e-12);
});

test("no gradient flows through the weights", async () => {
  const gradient = grad((x: Tensor) => lossReweighted(double([1, 2, 3]), square(x)));
  close(values(await evaluate(gradient(double([0.1, 0.5, 2])))), [0, 0, 0], 0);
});

test("dynamic ascent: the gradient is that of weights held fixed", async () => {
  const cases = Array.from({ length: 20 }, (_, seed) => {
    const draw = random("ascent").split(seed);
    const [n, classes] = [1 + (seed % 4), 3];
    const logits = tensor(draw.normal(new Float64Array(n * classes), 0, 2), { shape: [n, classes] });
    const labels = tensor(Int32Array.from({ length: n }, () => draw.integer(0, classes)));
    // Losses as they are at the point of the check, so that differences see fixed weights too.
    const fixed = softmaxCrossEntropy(logits, labels, { reduction: "none" });
    const options = { temperature: 0.3 + 0.2 * seed, normalize: seed % 2 ? "mean" : "none" } as const;
    return { logits, labels, fixed, options };
  });
  const checks = await checkGradients(
    await Promise.all(
      cases.map(async ({ logits, labels, fixed, options }) => {
        const known = await evaluate(fixed);
        return {
          f: (x: Tensor) =>
            lossReweighted(negate(softmaxCrossEntropy(x, labels, { reduction: "none" })), known, options),
          params: logits,
        };
      }),
    ),
  );
  checks.forEach(({ error }, i) => {
    assert.ok(error < 1e-6, `case ${i}: ${error}`);
  });
  for (const [i, { logits, labels, options }] of cases.slice(0, 6).entries()) {
    const dynamic = grad((x: Tensor) => {
      const losses = softmaxCrossEntropy(x, labels, { reduction: "none" });
      return lossReweighted(negate(losses), losses, options);
    });
    close(values(await evaluate(dynamic(logits))), [...checks[i]!.gradients[0]!], 1e-9);
  }
});

test("the raw weight of temperature 1 is the probability of the true label", async () => {
  const logits = double([
    [2, -1, 0.5],
    [0, 3, 1],
  ]);
  const labels = tensor(Int32Array.from([0, 2]));
  const losses = softmaxCrossEntropy(logits, labels, { reduction: "none" });
  const [w, p] = await evaluate([
    lossReweighted(double([1, 1]), losses, { normalize: "none", reduction: "none" }),
    pick(softmax(logits), labels),
  ] as const);
  close(values(w), [...values(p)], 1e-12);
});

test("extreme losses stay finite in float32, also all at once and alone", async () => {
  for (const list of [[1e4, 0, -1e4], [1e4, 1e4, 1e4], [1e30], [-1e4, -1e4]])
    for (const normalize of ["mean", "none"] as const) {
      const losses = tensor(list);
      const [value, gradient] = await evaluate([
        lossReweighted(negate(losses), losses, { normalize }),
        grad((x: Tensor) => lossReweighted(add(x, 0), losses, { normalize }))(losses),
      ] as const);
      assert.ok(Number.isFinite(item(value)), `${list}: ${item(value)}`);
      assert.ok(values(gradient).every(Number.isFinite));
    }
});

test("errors name the argument, its value and what is expected", () => {
  const x = double([1, 2]);
  assert.throws(() => lossReweighted(x, double([1])), /expected two of \[n\]/);
  assert.throws(
    () => lossReweighted(x, x, { temperature: 0 }),
    /temperature is 0; expected a number above 0/,
  );
  assert.throws(() => lossReweighted(x, x, { normalize: "sum" as never }), /normalize is "sum"/);
});
