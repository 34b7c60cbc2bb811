import { sameLength } from "./check.ts";
import { ranks } from "./ranks.ts";

/** Pearson's correlation of paired values, -1 to 1; NaN where one side is constant. */
export function pearson(a: ArrayLike<number>, b: ArrayLike<number>): number {
  sameLength("pearson", "the two lists", a, b);
  const meanOf = (xs: ArrayLike<number>) => Array.from(xs).reduce((sum, x) => sum + x, 0) / xs.length;
  const [meanA, meanB] = [meanOf(a), meanOf(b)];
  let [ab, aa, bb] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    ab += (a[i] - meanA) * (b[i] - meanB);
    aa += (a[i] - meanA) ** 2;
    bb += (b[i] - meanB) ** 2;
  }
  return ab / Math.sqrt(aa * bb);
}

/** Spearman's rank correlation: Pearson's of the ranks, ties sharing their mean rank. */
export function spearman(a: ArrayLike<number>, b: ArrayLike<number>): number {
  sameLength("spearman", "the two lists", a, b);
  return pearson(ranks(a), ranks(b));
}
