import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { evaluate, mean, tensor, values } from "../index.ts";
import { squaredError } from "../losses/index.ts";
import { random } from "../random.ts";
import { oneClassSplit, reconstructionScore } from "./anomaly.ts";

test("reconstructionScore: mean error of each row", () => {
  const rows = [0, 0, 1, 1];
  const reconstructions = [0.5, 0, 0, 0.5];
  assert.deepEqual([...reconstructionScore(rows, reconstructions, { width: 2 })], [0.125, 0.625]);
  assert.deepEqual([...reconstructionScore(rows, reconstructions, { width: 2, error: "l1" })], [0.25, 0.75]);
  assert.deepEqual([...reconstructionScore([], [], { width: 3 })], []);
});

test("reconstructionScore agrees with the loss", async () => {
  const [x, y] = ["x", "y"].map((name) => Float64Array.from(random(name).uniform(12)));
  const loss = squaredError(tensor(x!, { shape: [4, 3] }), tensor(y!, { shape: [4, 3] }), {
    reduction: "none",
  });
  const expected = values(await evaluate(mean(loss, { axis: 1 })));
  reconstructionScore(x!, y!, { width: 3 }).forEach((score, i) => {
    assert.ok(Math.abs(score - expected[i]!) < 1e-12);
  });
});

test("reconstructionScore: sizes that do not fit", () => {
  assert.throws(
    () => reconstructionScore([1, 2], [1], { width: 1 }),
    /reconstructions has 1 numbers; expected 2/,
  );
  assert.throws(
    () => reconstructionScore([1, 2], [1, 2], { width: 3 }),
    /width is 3; expected a divisor of 2/,
  );
  assert.throws(() => reconstructionScore([], [], { width: 1, error: "l0" as never }), /error is "l0"/);
});

test("oneClassSplit: disjoint parts with the counts asked for", () => {
  fc.assert(
    fc.property(
      fc.integer(),
      fc.double({ min: 0, max: 0.5, noNaN: true }),
      fc.integer({ min: 1, max: 20 }),
      (seed, contamination, train) => {
        const flags = Array.from({ length: 100 }, (_, i) => i % 3 === 0);
        const parts = oneClassSplit(flags, {
          train,
          evaluation: [
            { normal: 10, anomalous: 5 },
            { normal: 20, anomalous: 15 },
          ],
          contamination,
          random: random(seed),
        });
        const all = [...parts.train, ...parts.evaluation.flatMap(({ rows }) => [...rows])];
        assert.equal(new Set(all).size, train + 50);
        assert.equal([...parts.train].filter((i) => flags[i]).length, Math.round(train * contamination));
        for (const { rows, anomalous } of parts.evaluation)
          assert.deepEqual(
            [...anomalous],
            Array.from(rows, (i) => Number(flags[i])),
          );
      },
    ),
  );
});

test("oneClassSplit: contamination changes nothing but the share of anomalies in training", () => {
  const flags = Array.from({ length: 200 }, (_, i) => i % 2);
  const at = (contamination: number) =>
    oneClassSplit(flags, {
      train: 40,
      evaluation: [{ normal: 30, anomalous: 30 }],
      contamination,
      random: random(1),
    });
  const [clean, bad] = [at(0), at(0.25)];
  assert.deepEqual(bad.evaluation, clean.evaluation);
  assert.deepEqual(bad.train.subarray(0, 30), clean.train.subarray(0, 30));
  assert.ok([...bad.train.subarray(30)].every((i) => flags[i] === 1));
});

test("oneClassSplit: more rows than there are", () => {
  const options = { train: 2, evaluation: [{ normal: 1, anomalous: 2 }], random: random(1) };
  assert.throws(
    () => oneClassSplit([0, 0, 0, 1], options),
    /2 anomalous rows are asked for; there are 1 left/,
  );
  assert.throws(() => oneClassSplit([0, 0, 1, 1], options), /2 normal rows are asked for; there are 1 left/);
  assert.throws(() => oneClassSplit([0], { ...options, contamination: 1 }), /contamination is 1; expected/);
});
