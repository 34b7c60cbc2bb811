/**
 * The verdict machine from end to end, through `runStudy`: a method that is its own baseline is hardly
 * ever supported, a planted effect is found as often as the power calculation says, and a classifier
 * of shuffled labels is not supported. Everything is seeded, so each test gives one answer for good.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { softmaxCrossEntropy } from "nearmiss/losses";
import { accuracy, argMax } from "nearmiss/metrics";
import { random } from "nearmiss/random";
import { power } from "nearmiss/stats";
import { runStudy } from "./runner.ts";
import { type Decision, defineStudy, type Study } from "./study.ts";
import { digits, type Task, trainClassifier } from "./tasks/classification.ts";

const seeds = 5;

/** A study of one claim: `method` has a higher accuracy than `baseline`. */
const compare = (run: Study["run"]): Study =>
  defineStudy({
    arms: { method: "the method", baseline: "what it is compared with" },
    scales: { smoke: { seeds }, default: { seeds }, full: { seeds } },
    metrics: { accuracy: "share of right answers" },
    curves: {},
    claims: [
      {
        id: "better",
        statement: "The method is more accurate.",
        rule: "Supports if the paired 95 % interval lies above 0, contradicts if below, else inconclusive.",
        comparisons: [{ metric: "accuracy", method: "method", baseline: "baseline", better: "higher" }],
      },
    ],
    distance: "There is no paper.",
    run,
  });

const decisionOf = async (study: Study): Promise<Decision> =>
  (await runStudy({ slug: "simulated", study, scale: "smoke" })).verdicts[0]!.decision;

/** How often each decision comes out of independent experiments. */
async function count(experiments: number, studyOf: (experiment: number) => Study) {
  const counts: Record<Decision, number> = { supports: 0, contradicts: 0, inconclusive: 0 };
  for (let experiment = 0; experiment < experiments; experiment++)
    counts[await decisionOf(studyOf(experiment))]++;
  return counts;
}

/** Standard error of a share over independent experiments. */
const standardError = (share: number, experiments: number) => Math.sqrt((share * (1 - share)) / experiments);

/**
 * Test accuracy of a perceptron, trained by one pass over 40 noisy points of the plane: the seed
 * decides the points, which all arms share, and the stream decides their order.
 */
function perceptron(experiment: number, seed: number, stream: string): number {
  const root = random(`perceptron ${experiment}`).split(seed);
  const points = 240;
  const x = root.split("x").normal(new Float64Array(3 * points));
  const label = (i: number) => (x[3 * i]! + x[3 * i + 1]! + x[3 * i + 2]! > 0 ? 1 : -1);
  const weights = [0, 0];
  const score = (i: number) => weights[0]! * x[3 * i]! + weights[1]! * x[3 * i + 1]!;
  for (const i of root.split(stream).permutation(40)) {
    if (score(i) * label(i) > 0) continue;
    weights[0]! += label(i) * x[3 * i]!;
    weights[1]! += label(i) * x[3 * i + 1]!;
  }
  let right = 0;
  for (let i = 40; i < points; i++) right += Number(score(i) * label(i) > 0);
  return right / 200;
}

describe("a baseline against itself", () => {
  test("is supported in at most 5 % of 200 comparisons, sampling error aside, and so is the contrary", async () => {
    const experiments = 200;
    const counts = await count(experiments, (experiment) =>
      compare(async ({ arm, seed }) => ({ accuracy: perceptron(experiment, seed, arm) })),
    );
    const most = experiments * (0.05 + 2 * standardError(0.05, experiments));
    assert.ok(counts.supports <= most, `${counts.supports} of ${experiments} supported`);
    assert.ok(counts.contradicts <= most, `${counts.contradicts} of ${experiments} contradicted`);
    // A machine that never decides would pass the above; one that is right errs in one of 40 each way.
    assert.ok(counts.supports + counts.contradicts > 0, "nothing was ever decided");
  });

  test("with equal streams is never decided", async () => {
    const same = compare(async ({ seed }) => ({ accuracy: perceptron(0, seed, "same") }));
    assert.equal(await decisionOf(same), "inconclusive");
  });
});

describe("a planted effect", () => {
  const experiments = 300;

  // Noise of deviation 1 in each arm makes the paired difference deviate by √2; what the seed adds to
  // both arms, three times as much, must not count.
  for (const effect of [1, 2.5, 4]) {
    const promised = power(seeds, { effect, deviation: Math.SQRT2 });
    test(`of ${effect} is found in ${(100 * promised).toFixed(0)} % of experiments, as promised`, async () => {
      const counts = await count(experiments, (experiment) =>
        compare(async ({ arm, seed }) => {
          const root = random(`planted ${effect} ${experiment}`).split(seed);
          const normal = (name: string) => root.split(name).normal(new Float64Array(1))[0]!;
          return { accuracy: 3 * normal("shared") + normal(arm) + (arm === "method" ? effect : 0) };
        }),
      );
      const found = (counts.supports + counts.contradicts) / experiments;
      const tolerance = 3 * standardError(promised, experiments);
      assert.ok(Math.abs(found - promised) < tolerance, `found ${found}, promised ${promised}`);
      assert.ok(counts.contradicts < 0.025 * experiments, `${counts.contradicts} contradicted`);
    });
  }
});

describe("a classifier against guessing", () => {
  /** The same digits with labels dealt out anew, in training and in test. */
  const shuffled = (task: Task, seed: number): Task => {
    const root = random(seed).split("shuffle");
    const deal = (part: "train" | "test") => {
      const { x, labels } = task[part];
      const order = root.split(part).permutation(labels.length);
      return { x, labels: Int32Array.from(order, (i) => labels[i]!) };
    };
    return { ...task, train: deal("train"), test: deal("test") };
  };

  const classifier = (prepare: (task: Task, seed: number) => Task) =>
    compare(async ({ arm, seed, signal }) => {
      const task = prepare(digits({ train: 200, validation: 10, test: 200, seed }), seed);
      const { x, labels } = task.test;
      if (arm === "baseline") {
        const generator = random(seed).split("guess");
        const guesses = labels.map(() => generator.integer(0, task.classes));
        return { accuracy: accuracy(guesses, labels) };
      }
      const settings = { learningRate: 1e-3, epochs: 2, batchSize: 50, seed, signal };
      const predict = await trainClassifier({ task, loss: softmaxCrossEntropy, ...settings });
      return { accuracy: accuracy(argMax(await predict(x), task.classes), labels) };
    });

  test("is supported", async () => assert.equal(await decisionOf(classifier((task) => task)), "supports"));

  test("is not supported once the labels are shuffled", async () =>
    assert.equal(await decisionOf(classifier(shuffled)), "inconclusive"));
});
