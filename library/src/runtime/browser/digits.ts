/** The training that Node and a browser must agree on: 50 steps of the digits classifier. */
import { compile, fromData, item, type Tensor, valueAndGrad } from "../../index.ts";
import { softmaxCrossEntropy } from "../../losses/index.ts";
import { mlp } from "../../nn/index.ts";
import { adam } from "../../optim/index.ts";
import { random } from "../../random.ts";

const BATCH = 64;

/**
 * @param images [n, 784] with n ≥ 64 @param labels [n]
 * @returns The loss of each step.
 */
export async function trainDigits(
  images: Float32Array,
  labels: Int32Array,
  options: { device?: string; threads?: number } = {},
): Promise<number[]> {
  const network = mlp([784, 128, 10]);
  const optimizer = adam({ learningRate: 1e-3 });
  const step = compile((state: ReturnType<typeof start>, batch: { x: Tensor; y: Tensor }) => {
    const [loss, gradients] = valueAndGrad((params: typeof state.params) =>
      softmaxCrossEntropy(network.apply(params, batch.x), batch.y),
    )(state.params);
    return { state: optimizer.update(state, gradients), loss };
  }, options);
  const start = () => optimizer.init(network.init(random(1)));
  let state = start();
  const losses: number[] = [];
  for (let i = 0; i < 50; i++) {
    const first = (i * BATCH) % (labels.length - BATCH + 1);
    const result = await step(state, {
      x: fromData(images.slice(first * 784, (first + BATCH) * 784), [BATCH, 784]),
      y: fromData(labels.slice(first, first + BATCH), [BATCH]),
    });
    state = result.state;
    losses.push(item(result.loss));
  }
  return losses;
}
