/**
 * Merging models: parameters of one architecture, combined weight by weight. All take and return trees
 * of concrete tensors. Works between models that are linearly connected: fine-tuned from one another, or
 * from a common start.
 */
import { fromData, type Tensor, values } from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { leaves, mapTree, zipTrees } from "../tree.ts";

export interface InterpolationOptions<P> {
  /** How much each weight matters to the old model, at least 0: a tree like the weights. Default: 1. */
  importanceOld?: P;
  /** Likewise for the new model. Default: 1. */
  importanceNew?: P;
}

/**
 * Weights between an old and a new model: α θ_old + (1 − α) θ_new. With importances F each weight has a
 * mean of its own, (α F_old θ_old + (1 − α) F_new θ_new) / (α F_old + (1 − α) F_new); where both of its
 * terms weigh nothing, it is the plain mean.
 *
 * α = 0 and 1 give the ends bit for bit. Statistics of batch normalisation are no weights: compute them
 * anew for the merged model.
 *
 * Source: Schumann et al., "Backward Compatibility During Data Updates by Weight Interpolation" (2023),
 * section 3 (BCWI and FisherBCWI).
 *
 * @param alpha Share of the old model, 0 to 1.
 * @throws RangeError for an α out of range, shapes that differ, and a negative importance.
 */
export function interpolateWeights<P>(
  old: P,
  updated: P,
  alpha: number,
  { importanceOld, importanceNew }: InterpolationOptions<P> = {},
): P {
  if (!(alpha >= 0 && alpha <= 1))
    throw new RangeError(`interpolateWeights: alpha is ${alpha}; expected 0 to 1`);
  const ones = (tree: P) => mapTree(tree, (x) => filled(x, () => 1));
  const combine = (a: Tensor, b: Tensor, fa: Tensor, fb: Tensor) => {
    for (const [name, x] of [
      ["the new weights", b],
      ["importanceOld", fa],
      ["importanceNew", fb],
    ] as const)
      if (x.shape.join() !== a.shape.join())
        throw new RangeError(
          `interpolateWeights: ${name} hold ${describe(x)} where the old weights hold ${describe(a)}`,
        );
    const [x, y, wx, wy]: ArrayLike<number>[] = [a, b, fa, fb].map(values);
    return filled(a, (i) => {
      if (!(wx[i] >= 0 && wy[i] >= 0))
        throw new RangeError(
          `interpolateWeights: importances ${wx[i]} and ${wy[i]} of element ${i}; expected at least 0`,
        );
      if (alpha === 0 || alpha === 1) return alpha === 1 ? x[i] : y[i];
      const [left, right] = [alpha * wx[i], (1 - alpha) * wy[i]];
      if (left === Number.POSITIVE_INFINITY) return x[i];
      // Written from the new weight on, so that equal weights stay as they are.
      return y[i] + (left + right > 0 ? left / (left + right) : alpha) * (x[i] - y[i]);
    });
  };
  return zipTrees([old, updated, importanceOld ?? ones(old), importanceNew ?? ones(old)], combine);
}

/**
 * A soup: the mean of several models' weights.
 *
 * Source: Wortsman et al., "Model soups" (2022), uniform soup.
 */
export function weightSoup<P>(models: readonly P[]): P {
  const [first, ...rest] = models;
  if (first === undefined) throw new RangeError("weightSoup: there is no model");
  return zipTrees([first, ...rest], (...tensors) => {
    const data = tensors.map(values);
    return filled(tensors[0], (i) => {
      let sum = 0;
      for (const model of data) sum += model[i];
      return sum / data.length;
    });
  });
}

/**
 * The largest α whose accuracy is not below that of the new model, α = 0. Choose it on development data.
 *
 * Source: Schumann et al. (2023), section 3.
 *
 * @param curve Accuracies at several α, with α = 0 among them.
 * @param options.tolerance How much accuracy may be given up. Default: 0.
 */
export function chooseAlpha(
  curve: readonly { alpha: number; accuracy: number }[],
  { tolerance = 0 }: { tolerance?: number } = {},
): number {
  const start = curve.find(({ alpha }) => alpha === 0);
  if (!start) throw new RangeError("chooseAlpha: the curve has no point at alpha = 0, the new model");
  if (!(tolerance >= 0)) throw new RangeError(`chooseAlpha: tolerance is ${tolerance}; expected at least 0`);
  const good = curve.filter(({ accuracy }) => accuracy >= start.accuracy - tolerance - 1e-12);
  return Math.max(...good.map(({ alpha }) => alpha));
}

/** Importances made comparable to an importance of 1: divided by their mean over all weights. */
export function normalizeImportance<P>(importance: P): P {
  let [sum, count] = [0, 0];
  for (const x of leaves(importance)) {
    for (const value of values(x)) sum += value;
    count += values(x).length;
  }
  const mean = sum / count;
  if (!(mean > 0 && mean < Number.POSITIVE_INFINITY))
    throw new RangeError(
      `normalizeImportance: the mean importance is ${mean}; expected a finite number above 0`,
    );
  return mapTree(importance, (x) => filled(x, (i) => values(x)[i] / mean));
}

function filled(like: Tensor, value: (i: number) => number): Tensor {
  const data = values(like).slice();
  for (let i = 0; i < data.length; i++) data[i] = value(i);
  return fromData(data, like.shape, like.dtype);
}
