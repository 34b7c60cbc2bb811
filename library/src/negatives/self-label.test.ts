import assert from "node:assert/strict";
import { test } from "node:test";
import { contrastiveMargin } from "../losses/index.ts";
import { bestThresholdF1 } from "../metrics/index.ts";
import { random } from "../random.ts";
import { evaluate } from "../runtime/index.ts";
import { fromData, grad, item, type Tensor, tensor, values } from "../tensor/index.ts";
import { checkGradient } from "../testing.ts";
import { selfLabel } from "./index.ts";

const bool = (rows: number[][]) =>
  fromData(Uint8Array.from(rows.flat()), [rows.length, rows[0]!.length], "bool");
const numbers = async (x: Tensor) => Array.from(values(await evaluate(x)), Number);
const none = bool([
  [0, 0, 0],
  [0, 0, 0],
]);
const distances = tensor([
  [0.9, 0.2, 0.8],
  [0.1, 0.6, 0.74],
]);

test("sure pairs get labels, up to the cap", async () => {
  const unlabelled = { positives: none, negatives: none };
  const half = selfLabel(distances, unlabelled, { cap: 0.5 });
  assert.deepEqual(await numbers(half.positives), [0, 0, 0, 1, 0, 0]);
  assert.deepEqual(await numbers(half.negatives), [1, 0, 1, 0, 0, 0]);
  const all = selfLabel(distances, unlabelled, { cap: 5 });
  assert.deepEqual(await numbers(all.positives), [0, 1, 0, 1, 0, 0]);
  const no = selfLabel(distances, unlabelled);
  assert.deepEqual(await numbers(no.positives), [0, 0, 0, 0, 0, 0]);
  const higher = selfLabel(distances, unlabelled, { threshold: 0.4, high: 1.5, low: 0, cap: 5 });
  assert.deepEqual(await numbers(higher.negatives), [1, 0, 1, 0, 0, 1]);
  assert.deepEqual(await numbers(higher.positives), [0, 0, 0, 0, 0, 0]);
});

test("a known label stays, whatever the distance", async () => {
  const known = {
    positives: bool([
      [1, 0, 0],
      [0, 0, 0],
    ]),
    negatives: bool([
      [0, 1, 0],
      [1, 0, 0],
    ]),
  };
  const { positives, negatives } = selfLabel(distances, known, { cap: 5 });
  assert.deepEqual(await numbers(positives), [1, 0, 0, 0, 0, 0]);
  assert.deepEqual(await numbers(negatives), [0, 1, 1, 1, 0, 0]);
});

test("without sure pairs nothing is added, even where the cap allows it", async () => {
  const { positives, negatives } = selfLabel(
    tensor([[0.5, 0.5, 0.5]]),
    {
      positives: bool([[0, 0, 0]]),
      negatives: bool([[0, 0, 0]]),
    },
    { cap: 3 },
  );
  assert.deepEqual(await numbers(positives), [0, 0, 0]);
  assert.deepEqual(await numbers(negatives), [0, 0, 0]);
});

test("the paper's loss: ½ d² of the same word, ½ (1 − d)² of others", async () => {
  const at = tensor([[0.3, 0.3, 1.2]], { dtype: "float64" });
  const loss = (d: Tensor, same: number) =>
    contrastiveMargin(
      d,
      { positives: bool([[same, 0, 0]]), negatives: bool([[0, 1 - same, 1 - same]]) },
      { reduction: "none" },
    );
  const rounded = async (x: Tensor) => (await numbers(x)).map((value) => Math.round(value * 1e9) / 1e9);
  assert.deepEqual(await rounded(loss(at, 1)), [0.045, 0, 0]);
  assert.deepEqual(await rounded(loss(at, 0)), [0, 0.245, 0]);
});

test("the masks have no gradient, and the loss's agrees with central differences", async () => {
  for (let seed = 0; seed < 5; seed++) {
    const d = fromData(
      Float64Array.from(random(seed).uniform(12), (u) => 1.2 * u),
      [3, 4],
    );
    const pairs = {
      positives: bool([
        [1, 0, 0, 0],
        [0, 1, 0, 0],
        [0, 0, 1, 0],
      ]),
      negatives: bool([
        [0, 1, 0, 0],
        [0, 0, 1, 0],
        [0, 0, 0, 1],
      ]),
    };
    const loss = (x: Tensor) => contrastiveMargin(x, selfLabel(x, pairs, { cap: 0.4 }), { reduction: "sum" });
    const { error } = await checkGradient(loss, d);
    assert.ok(error < 1e-6, `seed ${seed}: ${error}`);
  }
  const huge = tensor([[1e4, 0, 1e4]]);
  const alone = { positives: bool([[1, 0, 0]]), negatives: bool([[0, 1, 0]]) };
  const loss = (x: Tensor) => contrastiveMargin(x, selfLabel(x, alone));
  assert.ok(Number.isFinite(item(await evaluate(loss(huge)))));
  assert.ok((await numbers(grad(loss)(huge))).every(Number.isFinite));
});

test("the F1 of distances that tell nothing is 2p / (1 + p)", () => {
  const same = [1, 0, 0, 1, 0];
  assert.ok(Math.abs(bestThresholdF1([0, 0, 0, 0, 0], same).f1 - (2 * 0.4) / 1.4) < 1e-12);
  assert.equal(bestThresholdF1([-0.1, -0.9, -0.8, -0.2, -1], same).f1, 1);
});

test("bad input is named", () => {
  const known = { positives: none, negatives: none };
  assert.throws(() => selfLabel(distances, known, { low: 2 }), /low 2, high 1.5/);
  assert.throws(() => selfLabel(distances, known, { threshold: 0 }), /threshold is 0/);
  assert.throws(() => selfLabel(tensor([1]), known), /distances is .*expected \[n, m\]/);
});
