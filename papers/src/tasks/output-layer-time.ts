/** How long a step of training an output layer on one example takes, by the number of classes. */
import { compile, expandDims, fromData, grad, matmul, multiply, subtract, type Tensor } from "nearmiss";
import { factoredSpherical, softmaxCrossEntropy, zScoreFunction } from "nearmiss/losses";
import { random } from "nearmiss/random";

const INPUTS = 32;

/** Microseconds: the fastest of a few rounds. */
async function fastest(rounds: number, repeats: number, step: (i: number) => unknown): Promise<number> {
  let best = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    for (let i = 0; i < repeats; i++) await step(i);
    best = Math.min(best, (1000 * (performance.now() - start)) / repeats);
  }
  return best;
}

/** Z-loss in the factored layer. */
export function factoredStepTime(classes: number): Promise<number> {
  const draw = random(classes);
  const weights = draw.normal(classes * INPUTS, 0, 0.1);
  const layer = factoredSpherical({
    weights,
    classes,
    loss: zScoreFunction({ a: 0.3, b: Math.sqrt(classes - 1) / 4 }),
    learningRate: 0.01,
  });
  const hidden = draw.normal(INPUTS);
  return fastest(5, 20, (i) => layer.step(hidden, i % classes));
}

/** Cross-entropy of the softmax in an ordinary layer. */
export function denseStepTime(classes: number): Promise<number> {
  const draw = random(classes);
  const hidden = fromData(draw.normal(INPUTS), [INPUTS]);
  const label = fromData(Int32Array.of(1), [1]);
  const step = compile(
    (weights: Tensor, h: Tensor, y: Tensor) => {
      const loss = (w: Tensor) => softmaxCrossEntropy(matmul(expandDims(h, 0), w), y);
      return { weights: subtract(weights, multiply(grad(loss)(weights), 0.01)) };
    },
    { threads: 1 },
  );
  let weights = fromData(draw.normal(classes * INPUTS, 0, 0.1), [INPUTS, classes]);
  return fastest(5, 5, async () => {
    weights = (await step(weights, hidden, label)).weights;
  });
}
