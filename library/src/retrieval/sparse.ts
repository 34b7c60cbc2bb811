/**
 * Learned sparse retrieval: a text as weights of terms, most of them exactly 0, searched through an inverted index.
 */
import { abs, expandDims, log1p, max, mean, relu, square, sum, type Tensor, where } from "../tensor/index.ts";
import { describe, sameShape } from "../tensor/tensor.ts";
import type { Ranked } from "./dense-index.ts";
import type { Vectors } from "./vectors.ts";

export interface SpladePoolOptions {
  /** bool [n, length]: which positions hold a token. Default: all. */
  present?: Tensor;
  /** "max" over positions (default), as from SPLADE v2 on, or "sum", as in the first SPLADE. */
  pool?: "max" | "sum";
}

/**
 * Term weights of a text: r_j = max_i log(1 + relu(w_ij)).
 *
 * Source: Formal et al., "SPLADE v2: Sparse lexical and expansion model for information retrieval" (2021), equation 6.
 *
 * @param logits w, [n, length, terms]
 * @returns [n, terms], 0 or greater; a text without tokens has zeros.
 */
export function spladePool(logits: Tensor, { present, pool = "max" }: SpladePoolOptions = {}): Tensor {
  if (logits.shape.length !== 3)
    throw new RangeError(`spladePool: logits is ${describe(logits)}; expected [n, length, terms]`);
  if (present && (present.dtype !== "bool" || !sameShape(present.shape, logits.shape.slice(0, 2))))
    throw new RangeError(
      `spladePool: present is ${describe(present)}; expected bool [${logits.shape.slice(0, 2)}]`,
    );
  if (pool !== "max" && pool !== "sum")
    throw new RangeError(`spladePool: pool is ${JSON.stringify(pool)}; expected "max" or "sum"`);
  const seen = present ? where(expandDims(present, 2), logits, 0) : logits;
  // The weight rises with the logit, so that the largest logit has the largest weight.
  if (pool === "max") return log1p(relu(max(seen, { axis: 1 })));
  return sum(log1p(relu(seen)), { axis: 1 });
}

/**
 * The FLOPS regulariser: Σ_j (mean_n |r_nj|)², a smooth stand-in for the products that a search takes. It presses
 * most on terms that many texts use, so that the postings of an index are of like length.
 *
 * Source: Paria et al., "Minimizing FLOPs to learn efficient sparse representations" (2020), equation 4.
 *
 * @param weights r, [n, terms]
 * @returns A scalar.
 */
export function flopsLoss(weights: Tensor): Tensor {
  if (weights.shape.length !== 2)
    throw new RangeError(`flopsLoss: weights is ${describe(weights)}; expected [n, terms]`);
  return sum(square(mean(abs(weights), { axis: 0 })));
}

/**
 * A weight that rises with the square of the step, λ min(1, (t/T)²): a regulariser at full weight from the start
 * would press all terms to 0, from which they never return.
 *
 * Source: Paria et al. (2020), section 4.
 *
 * @param steps T, above 0
 */
export function quadraticRamp(step: number, { weight, steps }: { weight: number; steps: number }): number {
  if (!(steps > 0)) throw new RangeError(`quadraticRamp: steps is ${steps}; expected a number above 0`);
  return weight * Math.min(1, Math.max(0, step) / steps) ** 2;
}

/**
 * The expected number of products in scoring one document for one query: Σ_j p_j q_j, with the shares p and q of
 * queries and documents in which term j is not 0.
 *
 * Source: Formal et al., "SPLADE v2" (2021), section 4, as the measure FLOPS.
 *
 * @throws RangeError where queries and documents are not of one width
 */
export function expectedProducts(queries: Vectors, documents: Vectors): number {
  requireWidth("expectedProducts", queries, documents.width);
  const [p, q] = [activeShares(queries), activeShares(documents)];
  return p.reduce((total, share, term) => total + share * q[term]!, 0);
}

function activeShares({ data, count, width }: Vectors): Float64Array {
  const shares = new Float64Array(width);
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) shares[i % width]! += 1 / count;
  return shares;
}

export interface SparseIndex {
  /** Number of documents. */
  size: number;
  /** Weights that are not 0, over all documents. */
  postings: number;
  /** The `limit` best documents for each query, fewer where there are fewer; ties in the order of documents. */
  search(queries: Vectors, limit?: number): Ranked;
}

/**
 * An inverted index over term weights, for exact search by inner product. A query costs as many products as the postings
 * of its terms are long.
 *
 * @param documents [count, terms]; zeros take no space in the index.
 * @throws RangeError where there are no documents
 */
export function sparseIndex(documents: Vectors): SparseIndex {
  const { data, count: size, width } = documents;
  if (size === 0) throw new RangeError("sparseIndex: there are no documents");
  const offsets = new Uint32Array(width + 1);
  for (let i = 0; i < data.length; i++) if (data[i] !== 0) offsets[(i % width) + 1]! += 1;
  for (let term = 0; term < width; term++) offsets[term + 1]! += offsets[term]!;
  const postings = offsets[width]!;
  const [found, weights] = [new Uint32Array(postings), new Float32Array(postings)];
  const next = offsets.slice();
  for (let i = 0; i < data.length; i++) {
    if (data[i] === 0) continue;
    const at = next[i % width]!++;
    found[at] = Math.floor(i / width);
    weights[at] = data[i]!;
  }
  return {
    size,
    postings,
    search(queries, limit = 10) {
      requireWidth("search", queries, width);
      const best = Math.min(limit, size);
      const ranked = {
        documents: new Int32Array(queries.count * best),
        scores: new Float32Array(queries.count * best),
        width: best,
      };
      const scores = new Float64Array(size);
      for (let query = 0; query < queries.count; query++) {
        scores.fill(0);
        for (let term = 0; term < width; term++) {
          const weight = queries.data[query * width + term]!;
          if (weight === 0) continue;
          for (let at = offsets[term]!; at < offsets[term + 1]!; at++)
            scores[found[at]!]! += weight * weights[at]!;
        }
        const order = Array.from(scores.keys()).sort((a, b) => scores[b]! - scores[a]! || a - b);
        for (let rank = 0; rank < best; rank++) {
          ranked.documents[query * best + rank] = order[rank]!;
          ranked.scores[query * best + rank] = scores[order[rank]!]!;
        }
      }
      return ranked;
    },
  };
}

function requireWidth(name: string, queries: Vectors, width: number): void {
  if (queries.width !== width)
    throw new RangeError(`${name}: queries have width ${queries.width}; expected ${width}, the documents'`);
}
