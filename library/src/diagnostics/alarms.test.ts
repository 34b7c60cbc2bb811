import assert from "node:assert/strict";
import { test } from "node:test";
import { fit, trainingStep } from "../fit.ts";
import {
  add,
  compile,
  fromData,
  log,
  logSigmoid,
  matmul,
  mean,
  multiply,
  negate,
  relu,
  scalar,
  slice,
  square,
  subtract,
  sum,
  type Tensor,
  tensor,
} from "../index.ts";
import { infoNCE, l2Normalize, softmaxCrossEntropy } from "../losses/index.ts";
import { dense, mlp } from "../nn/index.ts";
import { adam, type Optimizer, sgd } from "../optim/index.ts";
import { random } from "../random.ts";
import { type Alarm, type AlarmOptions, alarms } from "./index.ts";

type Loss<P, B> = (params: P, batch: B) => Tensor | readonly [Tensor, Record<string, Tensor>];

/** Trains with everything watched; the alarms that it raised. An infinite loss ends it early. */
async function train<P, B, S>(run: {
  params: P;
  loss: Loss<P, B>;
  batch: (i: number) => B;
  optimizer: Optimizer<S>;
  steps?: number;
  options?: AlarmOptions;
}): Promise<Alarm[]> {
  const { params, loss, batch, optimizer, steps = 120, options } = run;
  const raised: Alarm[] = [];
  const step = trainingStep({ loss, optimizer, watchGradients: true, compile: { threads: 1 } });
  try {
    await fit({
      state: optimizer.init(params),
      step,
      batch,
      steps,
      alarms: alarms(options),
      onAlarm: (alarm) => raised.push(alarm),
    });
  } catch (error) {
    assert.match((error as Error).message, /the loss is/);
  }
  return raised;
}

const kinds = (raised: Alarm[]) => raised.map(({ kind, of }) => `${kind} ${of}`);
const adamFor = (learningRate = 3e-3) => adam({ learningRate });

/** Points around four centres in eight dimensions, and their numbers. */
function blobs(seed: number) {
  const root = random(seed).split("blobs");
  const centres = root.split("centres").normal(4 * 8);
  return (i: number) => {
    const draw = root.split(i);
    const labels = Int32Array.from({ length: 32 }, () => draw.integer(0, 4));
    const x = draw.normal(32 * 8);
    for (let k = 0; k < x.length; k++) x[k]! += 1.5 * centres[labels[k >> 3]! * 8 + (k & 7)]!;
    return { x: fromData(x, [32, 8]), labels: fromData(labels, [32]) };
  };
}

/** Two noisy views of points. */
function views(seed: number) {
  const root = random(seed).split("views");
  return (i: number) => {
    const draw = root.split(i);
    const x = draw.normal(32 * 8);
    const view = () =>
      fromData(
        x.map((value) => value + draw.normal(1)[0]! * 0.3),
        [32, 8],
      );
    return { first: view(), second: view() };
  };
}
type Views = ReturnType<ReturnType<typeof views>>;

const encoder = mlp([8, 32, 16]);
const encode = (params: ReturnType<typeof encoder.init>, x: Tensor) => l2Normalize(encoder.apply(params, x));

/** The preference loss −log σ(chosen − rejected) of two linear scores. */
const preference =
  (chosen: Tensor, rejected: Tensor) =>
  ({ w }: { w: Tensor }) => {
    const [a, b] = [matmul(chosen, w), matmul(rejected, w)];
    return [
      mean(negate(logSigmoid(subtract(a, b)))),
      { chosenLogProbability: subtract(mean(a), 5) },
    ] as const;
  };

const first = dense(8, 32);
const last = dense(32, 4);
const initClassifier = (seed: number) => ({
  first: first.init(random(seed).split("first")),
  last: last.init(random(seed).split("last")),
});
const classifierLoss = (
  params: ReturnType<typeof initClassifier>,
  { x, labels }: { x: Tensor; labels: Tensor },
) => {
  const hidden = relu(first.apply(params.first, x));
  return [softmaxCrossEntropy(last.apply(params.last, hidden), labels), { activations: hidden }] as const;
};

/** Sound training of four kinds; each takes a seed. */
const healthy: Record<string, (seed: number) => Promise<Alarm[]>> = {
  classification: (seed) =>
    train({ params: initClassifier(seed), loss: classifierLoss, batch: blobs(seed), optimizer: adamFor() }),
  contrast: (seed) =>
    train({
      params: encoder.init(random(seed)),
      loss: (params, batch: Views) => {
        const [a, b] = [encode(params, batch.first), encode(params, batch.second)];
        return [infoNCE(a, b, { temperature: 0.2 }), { embeddings: a }];
      },
      batch: views(seed),
      optimizer: adamFor(),
    }),
  "autoencoding with momentum": (seed) => {
    const network = mlp([8, 16, 3, 16, 8]);
    return train({
      params: network.init(random(seed)),
      loss: (params, { first }: Views) => mean(square(subtract(network.apply(params, first), first))),
      batch: views(seed),
      optimizer: sgd({ learningRate: 0.03, momentum: 0.9 }),
    });
  },
  preference: (seed) => {
    const draw = random(seed);
    const chosen = fromData(draw.normal(16 * 4, 0.5), [16, 4]);
    const rejected = fromData(draw.normal(16 * 4, -0.5), [16, 4]);
    return train({
      params: { w: fromData(draw.normal(4, 0, 0.1), [4, 1]) },
      loss: preference(chosen, rejected),
      batch: () => ({}),
      optimizer: adamFor(0.01),
    });
  },
};

for (const [name, run] of Object.entries(healthy)) {
  test(`sound training raises nothing: ${name}, five seeds`, async () => {
    for (let seed = 0; seed < 5; seed++) assert.deepEqual(kinds(await run(seed)), [], `seed ${seed}`);
  });
}

test("fault: a logarithm of what becomes negative", async () => {
  const raised = await train({
    params: { w: tensor([1]) },
    loss: ({ w }) => sum(log(w)),
    batch: () => ({}),
    optimizer: sgd({ learningRate: 0.3 }),
  });
  assert.ok(kinds(raised).includes("not-finite loss"), String(kinds(raised)));
  assert.match(raised[0]!.message, /^step \d+: /);
});

test("fault: an infinite gradient under a finite loss, told once", () => {
  const watcher = alarms();
  const seen = watcher.observe({
    step: 1,
    loss: 1,
    watched: { gradientNorm: scalar(Number.POSITIVE_INFINITY) },
  });
  assert.deepEqual(kinds(seen), ["not-finite gradientNorm"]);
  assert.deepEqual(watcher.observe({ step: 2, loss: 1, watched: { gradientNorm: scalar(Number.NaN) } }), []);
});

test("fault: a step size at which gradients explode, noticed before anything is infinite", async () => {
  const network = mlp([8, 16, 16, 8], (x) => x);
  const raised = await train({
    params: network.init(random(1)),
    loss: (params, { first }: Views) => mean(square(subtract(network.apply(params, first), first))),
    batch: views(1),
    optimizer: sgd({ learningRate: 3 }),
  });
  assert.equal(kinds(raised)[0], "exploding gradientNorm");
  assert.ok(Number.isFinite(raised[0]!.value));
});

test("fault: a late explosion after a calm start", () => {
  const watcher = alarms();
  const norm = (step: number) => (step < 60 ? 1 / step : 300);
  const raised = Array.from({ length: 80 }, (_, i) =>
    watcher.observe({ step: i + 1, loss: 1, watched: { gradientNorm: scalar(norm(i + 1)) } }),
  ).flat();
  assert.deepEqual(
    raised.map(({ kind, step }) => [kind, step]),
    [["exploding", 60]],
  );
});

test("fault: a margin loss that everything satisfies", async () => {
  const raised = await train({
    params: encoder.init(random(1)),
    loss: (params, { first, second }: Views) => {
      const apart = square(subtract(encode(params, first), encode(params, second)));
      return mean(relu(subtract(sum(apart, { axis: 1 }), 4.1)));
    },
    batch: views(1),
    optimizer: adamFor(),
    steps: 10,
  });
  assert.deepEqual(
    raised.map(({ kind, step }) => [kind, step]),
    [["zero-loss", 5]],
  );
});

test("fault: positives without negatives, so that all embeddings become one", async () => {
  const raised = await train({
    params: encoder.init(random(1)),
    loss: (params, { first, second }: Views) => {
      const [a, b] = [encoder.apply(params, first), encoder.apply(params, second)];
      // What does not shrink lengths but directions: everything is drawn to one point.
      const embeddings = l2Normalize(add(a, multiply(b, 0)));
      const target = l2Normalize(slice(b, [[0, 1]]));
      return [mean(square(subtract(embeddings, target))), { embeddings }];
    },
    batch: views(1),
    optimizer: adamFor(0.03),
    steps: 300,
  });
  assert.deepEqual(kinds(raised), ["collapse embeddings"]);
});

test("fault: embeddings that lose most of their dimensions", () => {
  const watcher = alarms();
  const draw = random(3);
  const embeddings = (used: number) =>
    fromData(
      draw.normal(64 * 32).map((value, i) => (i % 32 < used ? value : 0)),
      [64, 32],
    );
  const raised = Array.from({ length: 100 }, (_, i) =>
    watcher.observe({ step: i + 1, loss: 1, watched: { embeddings: embeddings(i < 50 ? 32 : 2) } }),
  ).flat();
  // Looked at every 10 steps, raised at the third bad look.
  assert.deepEqual(
    raised.map(({ kind, step }) => [kind, step]),
    [["collapse", 80]],
  );
  assert.match(raised[0]!.message, /effective rank .* of 32/);
});

test("fault: biases that close most relus for good", async () => {
  const params = initClassifier(1);
  const raised = await train({
    params: {
      ...params,
      first: {
        ...params.first,
        bias: fromData(
          new Float32Array(32).map((_, i) => (i < 20 ? -50 : 0)),
          [32],
        ),
      },
    },
    loss: classifierLoss,
    batch: blobs(1),
    optimizer: adamFor(),
  });
  assert.deepEqual(kinds(raised), ["dead-units activations"]);
  assert.equal(raised[0]!.step, 30);
  assert.match(raised[0]!.message, /2\d of 32 units/);
});

test("fault: a preference that is learnt by making both answers unlikely", async () => {
  const draw = random(5);
  const chosen = draw.normal(16 * 4, 0.5, 0.2);
  // Rejected answers point the same way, only further: the margin grows as both fall.
  const rejected = chosen.map((value) => 2 * value);
  const raised = await train({
    params: { w: fromData(new Float32Array(4), [4, 1]) },
    loss: preference(fromData(chosen, [16, 4]), fromData(rejected, [16, 4])),
    batch: () => ({}),
    optimizer: adamFor(0.02),
  });
  assert.deepEqual(kinds(raised), ["chosen-falling chosenLogProbability"]);
});

test("a tensor of any other name is checked for NaN", async () => {
  const f = compile((x: Tensor) => log(x));
  const watched = { scores: await f(tensor([1, -1])) };
  assert.deepEqual(kinds(alarms().observe({ step: 1, loss: 0, watched })), ["not-finite scores"]);
});
