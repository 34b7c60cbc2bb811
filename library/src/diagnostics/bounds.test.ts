import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { compSumBound, compSumTransform } from "./index.ts";

const taus = [0, 0.5, 1, 1.5, 2];
const close = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

/** Conditional comp-sum risk of probabilities s where the labels have probabilities p. */
const risk = (p: ArrayLike<number>, s: ArrayLike<number>, tau: number) => {
  let total = 0;
  for (let y = 0; y < p.length; y++)
    total += p[y]! * (tau === 1 ? -Math.log(s[y]!) : (s[y]! ** (tau - 1) - 1) / (1 - tau));
  return total;
};
const normalized = (x: ArrayLike<number>) => {
  const total = Array.from(x).reduce((a, b) => a + b, 0);
  return Array.from(x, (value) => value / total);
};
/** Its minimum: s ∝ p^{1/(2−τ)}, and for τ = 2 all on the likeliest class. */
const leastRisk = (p: number[], tau: number) =>
  tau === 2 ? 1 - Math.max(...p) : risk(p, normalized(p.map((x) => x ** (1 / (2 - tau)))), tau);

test("values at two classes", () => {
  const expected = {
    0.2: [0.0202041, 0.0190342, 0.0201355, 0.0280069, 0.1],
    0.6: [0.2, 0.186963, 0.192745, 0.235029, 0.3],
  };
  for (const [beta, row] of Object.entries(expected))
    for (const [i, value] of row.entries()) close(compSumTransform(Number(beta), taus[i]!, 2), value);
});

test("at two classes T is the price of a tie, the cheapest wrong decision", () => {
  for (const tau of [0, 0.5, 1, 1.5, 1.9])
    for (const beta of [0.05, 0.3, 0.8]) {
      const p = [(1 + beta) / 2, (1 - beta) / 2];
      close(compSumTransform(beta, tau, 2), risk(p, [0.5, 0.5], tau) - leastRisk(p, tau), 1e-12);
    }
});

test("no random conditional and scores break the bound; for τ ≤ 1 two live classes of many reach it", () => {
  const draw = random("bounds");
  for (const classes of [2, 3, 5])
    for (const tau of taus) {
      for (let i = 0; i < 500; i++) {
        const p = normalized(draw.exponential(classes));
        const s = normalized(Array.from(draw.normal(classes, 0, 2), Math.exp));
        const regret = Math.max(...p) - p[s.indexOf(Math.max(...s))]!;
        const excess = risk(p, s, tau) - leastRisk(p, tau);
        assert.ok(excess >= compSumTransform(regret, tau, classes) - 1e-12);
        assert.ok(regret <= compSumBound(Math.max(0, excess), tau, classes) + 1e-12);
      }
      if (tau > 1) continue;
      const beta = 0.4;
      const rest = Array(classes - 2).fill(0);
      const tied = [...[0.5, 0.5], ...Array(classes - 2).fill(1e-300)];
      const p = [(1 + beta) / 2, (1 - beta) / 2, ...rest];
      const least = leastRisk(p.slice(0, 2), tau);
      close(risk(p.slice(0, 2), tied.slice(0, 2), tau) - least, compSumTransform(beta, tau, classes), 1e-12);
    }
});

test("the bound inverts the transform, rises, and is continuous in τ at 1", () => {
  for (const tau of taus)
    for (const beta of [0, 0.01, 0.5, 0.99])
      close(compSumBound(compSumTransform(beta, tau, 4), tau, 4), beta, 1e-6);
  for (const tau of taus) assert.equal(compSumBound(100, tau, 4), 1);
  close(compSumTransform(0.7, 1 - 1e-6, 3), compSumTransform(0.7, 1, 3), 1e-5);
  close(compSumTransform(0.7, 1 + 1e-6, 3), compSumTransform(0.7, 1, 3), 1e-5);
});

test("errors", () => {
  assert.throws(() => compSumTransform(1.5, 1, 2), /beta is 1.5; expected .* from 0 to 1/);
  assert.throws(() => compSumTransform(0.5, 3, 2), /tau is 3/);
  assert.throws(() => compSumBound(-1, 1, 2), /excess is -1/);
  assert.throws(() => compSumBound(1, 1, 1), /classes is 1; expected .* at least 2/);
});
