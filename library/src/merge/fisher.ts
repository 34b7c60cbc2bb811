import { compile } from "../runtime/index.ts";
import { fromData, mean, perExampleGrad, square, type Tensor, values } from "../tensor/index.ts";
import { leaves, mapTree, zipTrees } from "../tree.ts";

/**
 * The diagonal of the empirical Fisher information: the mean over examples of each parameter's squared
 * gradient of an example's loss. With cross-entropy it says how much the likelihood of the labels
 * depends on each weight.
 *
 * Source: Kirkpatrick et al. (2017), "Overcoming catastrophic forgetting". The exact information takes
 * labels drawn from the model; observed labels, or those that the model predicts, are common stand-ins.
 *
 * @param loss As for training: parameters and a batch to a scalar. It is given one example at a time.
 * @param batches Of concrete tensors with the examples along the first axis; memory is that of one
 *   gradient for each example of a batch.
 * @returns A tree like the parameters, none below 0.
 */
export async function fisherDiagonal<P, Batch>(
  loss: (params: P, batch: Batch) => Tensor,
  params: P,
  batches: readonly Batch[],
): Promise<P> {
  if (batches.length === 0) throw new RangeError("fisherDiagonal: there is no batch");
  const gradients = perExampleGrad(loss);
  const squares = compile(
    (p: P, batch: Batch) => mapTree(gradients(p, batch), (g) => mean(square(g), { axis: 0 })),
    { threads: 1 },
  );
  const parts = await Promise.all(batches.map((batch) => squares(params, batch)));
  const sizes = batches.map((batch) => leaves(batch)[0].shape[0]);
  const total = sizes.reduce((sum, size) => sum + size, 0);
  return zipTrees(parts as [P, ...P[]], (...tensors) => {
    const out = new Float64Array(values(tensors[0]).length);
    tensors.forEach((x, part) => {
      values(x).forEach((value, i) => {
        out[i] += (value * sizes[part]) / total;
      });
    });
    const data = values(tensors[0]).slice();
    data.set(out);
    return fromData(data, tensors[0].shape, tensors[0].dtype);
  });
}
