/** How far a classifier has gone towards neural collapse: classes as points, at equal angles, along their weights. */
import { svd } from "../linalg/index.ts";
import { classGaussians } from "../stats/index.ts";
import { fromData, values } from "../tensor/index.ts";

export interface NeuralCollapse {
  /** NC1: spread within classes against that between them, tr(Σ_W Σ_B⁺) / C. 0 where all examples of a class coincide. */
  variability: number;
  /** NC2: mean distance of the cosines between centred class means from −1 / (C − 1), their value at equal angles. */
  equiangularity: number;
  /** NC3: distance of the centred class means from the weights, both scaled to norm 1: 0 where they are one. */
  duality: number;
  /** Euclidean norms of the weights' rows. A head that collapses loses them. */
  norms: number[];
}

/**
 * Measures neural collapse (Papyan, Han and Donoho 2020) of the features before a linear head.
 *
 * @param features [n, d] row by row
 * @param labels [n], 0 to C − 1; each class has an example.
 * @param weight [C, d] row by row: what each class's logit multiplies the features with.
 */
export function neuralCollapse(
  features: ArrayLike<number>,
  labels: ArrayLike<number>,
  weight: ArrayLike<number>,
): NeuralCollapse {
  const d = features.length / labels.length;
  const classes = weight.length / d;
  if (!(Number.isInteger(d) && Number.isInteger(classes) && classes >= 2)) {
    throw new RangeError(
      `neuralCollapse: ${features.length} features and ${weight.length} weights do not fit ${labels.length} labels`,
    );
  }
  const { counts, means, covariances } = classGaussians(features, labels, classes);
  const empty = counts.indexOf(0);
  if (empty >= 0) throw new RangeError(`neuralCollapse: class ${empty} has no example`);

  const centred = Float64Array.from(means);
  for (let k = 0; k < d; k++) {
    let centre = 0;
    for (let y = 0; y < classes; y++) centre += means[y * d + k]! / classes;
    for (let y = 0; y < classes; y++) centred[y * d + k]! -= centre;
  }
  // Σ_B = Mᵀ M / C for the centred means M = U S Vᵀ, so its pseudo-inverse is C V S⁻² Vᵀ.
  const decomposition = svd(fromData(centred, [classes, d]));
  const [singular, v] = [values(decomposition.values), values(decomposition.v)];
  const V = (a: number, r: number) => v[a * singular.length + r]!;
  let variability = 0;
  for (const [r, s] of singular.entries()) {
    if (s <= singular[0]! * 1e-10) continue;
    let within = 0;
    for (let y = 0; y < classes; y++) {
      const share = (counts[y]! - 1) / labels.length;
      for (let a = 0; a < d; a++)
        for (let b = 0; b < d; b++) within += share * V(a, r) * covariances[(y * d + a) * d + b]! * V(b, r);
    }
    variability += within / s ** 2;
  }

  const norms = rowNorms(weight, classes, d);
  const meanNorms = rowNorms(centred, classes, d);
  let [angles, distance] = [0, 0];
  const [total, meanTotal] = [Math.hypot(...norms), Math.hypot(...meanNorms)];
  for (let y = 0; y < classes; y++) {
    for (let j = 0; j < y; j++) {
      let product = 0;
      for (let k = 0; k < d; k++) product += centred[y * d + k]! * centred[j * d + k]!;
      // A class mean in the centre has no direction: its cosines count as 0.
      const cosine = product / (meanNorms[y]! * meanNorms[j]! || 1);
      angles += Math.abs(cosine + 1 / (classes - 1));
    }
    for (let k = 0; k < d; k++)
      distance += (weight[y * d + k]! / total - centred[y * d + k]! / meanTotal) ** 2;
  }
  const pairs = (classes * (classes - 1)) / 2;
  return { variability, equiangularity: angles / pairs, duality: Math.sqrt(distance), norms };
}

function rowNorms(matrix: ArrayLike<number>, rows: number, columns: number): number[] {
  return Array.from({ length: rows }, (_, y) => {
    let squares = 0;
    for (let k = 0; k < columns; k++) squares += matrix[y * columns + k]! ** 2;
    return Math.sqrt(squares);
  });
}
