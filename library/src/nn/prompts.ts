/** Prompts for frozen image-text models: learnt context in front of words, and several prompts a class. */
import { l2Normalize } from "../losses/contrastive.ts";
import type { Random } from "../random.ts";
import {
  broadcastTo,
  concat,
  matmul,
  mean,
  multiply,
  type Tensor,
  transpose,
  values,
} from "../tensor/index.ts";
import { describe } from "../tensor/tensor.ts";
import { type Initializer, normal } from "./initializers.ts";
import { type Layer, requireCount } from "./layer.ts";

export interface PromptLearnerOptions {
  /** M, the number of learnt vectors. */
  length: number;
  /** Of a token's embedding. */
  width: number;
  /** Where the vectors start. Default: normal with deviation 0.02. */
  start?: Initializer;
}

/**
 * A soft prompt: M learnt vectors in front of the embeddings of words, the same for all prompts. Its only
 * parameter is the context [M, width]; `apply` takes words [n, L, width] to prompts [n, M + L, width], for a text
 * encoder that starts from embeddings.
 *
 * Source: Zhou et al., "Learning to Prompt for Vision-Language Models" (CoOp, 2022), section 3.2.
 */
export function promptLearner({ length, width, start = normal(0.02) }: PromptLearnerOptions): Layer<Tensor> {
  requireCount("promptLearner", "length", length);
  requireCount("promptLearner", "width", width);
  return {
    init: (random) => start(random, [length, width]),
    apply(context, words) {
      if (words.shape.length !== 3 || words.shape[2] !== width)
        throw new RangeError(`promptLearner: words are ${describe(words)}; expected [n, length, ${width}]`);
      return concat([broadcastTo(context, [words.shape[0]!, length, width]), words], 1);
    },
  };
}

/**
 * Class logits from several prompts a class: 1/(J τ) Σⱼ cos(x, t_cj). With J = 1 these are CoOp's logits.
 *
 * Source: Tian et al., "ArGue: Attribute-Guided Prompt Tuning for Vision-Language Models" (2023), section 3.2.
 *
 * @param images x, [n, d]
 * @param texts t, [classes, J, d]
 * @param options.temperature τ. Default: 0.01.
 * @returns [n, classes]
 * @throws RangeError for shapes that do not fit, a temperature that is not positive.
 */
export function attributeLogits(
  images: Tensor,
  texts: Tensor,
  { temperature = 0.01 }: { temperature?: number } = {},
): Tensor {
  if (!(temperature > 0))
    throw new RangeError(`attributeLogits: temperature is ${temperature}; expected a number above 0`);
  if (images.shape.length !== 2 || texts.shape.length !== 3 || images.shape[1] !== texts.shape[2])
    throw new RangeError(
      `attributeLogits: images are ${describe(images)} and texts ${describe(texts)}; expected [n, d] and [classes, J, d]`,
    );
  // The mean of cosines is the product with the mean of unit vectors.
  const prototypes = mean(l2Normalize(texts), { axis: 1 });
  return multiply(matmul(l2Normalize(images), transpose(prototypes)), 1 / temperature);
}

export interface SelectAttributesOptions {
  /** Concrete, [candidates, d]: features of one class's prompts, one for each attribute. */
  texts: Tensor;
  /** Concrete, [n, d]: what the attributes shall be close to, usually features of the class's images. */
  references: Tensor;
  /** How many attributes to keep, one of each cluster; at most the number of candidates. */
  clusters: number;
  /** Decides where the clusters start. */
  random: Random;
}

/**
 * Attributes that are relevant and not all alike: clusters the candidates by k-means on unit vectors and keeps, of
 * each cluster, the one with the highest mean cosine with the references.
 *
 * Source: Tian et al. (2023), section 3.3.
 *
 * @returns The numbers of the chosen candidates, rising.
 * @throws RangeError for shapes that do not fit, or more clusters than candidates.
 */
export function selectAttributes({ texts, references, clusters, random }: SelectAttributesOptions): number[] {
  const [candidates, width] = texts.shape as [number, number];
  if (texts.shape.length !== 2 || references.shape.length !== 2 || references.shape[1] !== width)
    throw new RangeError(
      `selectAttributes: texts are ${describe(texts)} and references ${describe(references)}; expected [candidates, d] and [n, d]`,
    );
  requireCount("selectAttributes", "clusters", clusters);
  if (clusters > candidates)
    throw new RangeError(
      `selectAttributes: clusters is ${clusters}; expected at most the ${candidates} candidates`,
    );
  const rows = unitRows(texts);
  const center = meanOf(unitRows(references));
  const assigned = cluster(rows, clusters, random);
  const best = new Map<number, number>();
  const relevance = rows.map((row) => dot(row, center));
  assigned.forEach((k, i) => {
    const known = best.get(k);
    if (known === undefined || relevance[i]! > relevance[known]!) best.set(k, i);
  });
  return [...best.values()].sort((a, b) => a - b);
}

/** Spherical k-means: the cluster of each row. Starts from rows that are far apart, so that none stays empty. */
function cluster(rows: Float64Array[], count: number, random: Random): number[] {
  const first = random.integer(0, rows.length);
  const seeds = [first];
  while (seeds.length < count) {
    // The row whose nearest seed is farthest; never one that was taken.
    const nearness = rows.map((row, i) =>
      seeds.includes(i) ? Number.POSITIVE_INFINITY : Math.max(...seeds.map((seed) => dot(row, rows[seed]!))),
    );
    seeds.push(nearness.indexOf(Math.min(...nearness)));
  }
  let centers = seeds.map((seed) => rows[seed]!);
  let assigned: number[] = [];
  for (let turn = 0; turn < 100; turn++) {
    const next = rows.map((row) => {
      const near = centers.map((center) => dot(row, center));
      return near.indexOf(Math.max(...near));
    });
    // A cluster that would lose its last row keeps its seed.
    for (const [k, seed] of seeds.entries()) if (!next.includes(k)) next[seed] = k;
    if (next.every((k, i) => k === assigned[i])) break;
    assigned = next;
    centers = centers.map((_, k) => unit(meanOf(rows.filter((_row, i) => assigned[i] === k))));
  }
  return assigned;
}

function unitRows(x: Tensor): Float64Array[] {
  const [count, width] = x.shape as [number, number];
  const data = Float64Array.from(values(x));
  return Array.from({ length: count }, (_, i) => unit(data.subarray(i * width, (i + 1) * width)));
}

function unit(row: Float64Array): Float64Array {
  const length = Math.sqrt(dot(row, row)) || 1;
  return row.map((value) => value / length);
}

function meanOf(rows: Float64Array[]): Float64Array {
  return rows[0]!.map((_, j) => rows.reduce((sum, row) => sum + row[j]!, 0) / rows.length);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let j = 0; j < a.length; j++) sum += a[j]! * b[j]!;
  return sum;
}
