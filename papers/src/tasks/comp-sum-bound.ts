/** Excess 0/1 and comp-sum risks of models on known distributions, exactly. */
import type { Random } from "nearmiss/random";
import { logSum } from "nearmiss/stats";

/** Conditional label probabilities and a model's scores at one input, [classes] each. */
interface Point {
  p: Float64Array;
  scores: Float64Array;
}

export interface Excess {
  /** Excess 0/1 risk over its least value. */
  zeroOne: number;
  /** Excess comp-sum risk over its least value. */
  surrogate: number;
}

/**
 * A random model on `points` equally likely inputs. `hard` ones are wrong at every input by a hair,
 * between two classes that share all probability: what an excess 0/1 risk costs least.
 */
export function randomModel(draw: Random, points: number, classes: number, hard: boolean): Point[] {
  const beta = draw.next();
  const noise = 4 * draw.next();
  const peak = 4 * draw.next();
  return Array.from({ length: points }, (): Point => {
    const [right, wrong] = draw.sample(classes, 2);
    const p = new Float64Array(classes);
    const scores = draw.normal(new Float64Array(classes), 0, noise);
    if (hard) {
      p[right!] = (1 + beta) / 2;
      p[wrong!] = (1 - beta) / 2;
      scores.fill(-60);
      scores[right!] = 0;
      scores[wrong!] = 1e-6;
    } else {
      const weights = draw.exponential(new Float64Array(classes)).map((x) => x ** peak);
      const total = weights.reduce((a, b) => a + b);
      for (let y = 0; y < classes; y++) p[y] = weights[y]! / total;
    }
    return { p, scores };
  });
}

/** Excess risks of a model, averaged over its inputs; each input's least risk is in closed form. */
export function excessRisks(model: readonly Point[], tau: number): Excess {
  let [zeroOne, surrogate] = [0, 0];
  for (const { p, scores } of model) {
    const likeliest = Math.max(...p);
    zeroOne += likeliest - p[scores.indexOf(Math.max(...scores))]!;
    // The least risk is at s ∝ p^{1/(2−τ)}; at τ = 2 all on the likeliest class.
    const best = p.map((x) => (tau === 2 ? (x === likeliest ? 0 : -Infinity) : Math.log(x) / (2 - tau)));
    surrogate += risk(p, scores, tau) - risk(p, best, tau);
  }
  return { zeroOne: zeroOne / model.length, surrogate: surrogate / model.length };
}

/** Σ_y p_y ℓ_τ(y) for the softmax of the scores. */
function risk(p: Float64Array, scores: Float64Array, tau: number): number {
  const logTotal = logSum(scores);
  let total = 0;
  for (let y = 0; y < p.length; y++) {
    if (p[y] === 0) continue;
    const logS = scores[y]! - logTotal;
    total += p[y]! * (tau === 1 ? -logS : Math.expm1((tau - 1) * logS) / (1 - tau));
  }
  return total;
}
