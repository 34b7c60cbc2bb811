import assert from "node:assert/strict";
import { test } from "node:test";
import type { HeldBack } from "./comparison.ts";
import { judge, recommended } from "./recommend.ts";
import { recommendationText } from "./recommendation-text.ts";

const candidate = (name: string, estimate: number, p: number) => ({
  name,
  difference: { estimate, low: estimate - 0.01, high: estimate + 0.01, p },
});

test("p-values are corrected together, so one in many is not enough", () => {
  const alone = judge([candidate("a", 0.1, 0.02)]);
  assert.equal(recommended(alone, "higher")?.name, "a");
  const many = judge([candidate("a", 0.1, 0.02), candidate("b", 0, 0.5), candidate("c", 0, 0.9)]);
  assert.ok(Math.abs(many[0].adjusted - 0.06) < 1e-12);
  assert.equal(recommended(many, "higher"), undefined);
});

test("the largest gain in the metric's direction wins; losses never do", () => {
  const judged = judge([candidate("a", 0.1, 1e-4), candidate("b", 0.2, 1e-3), candidate("c", -0.5, 1e-6)]);
  assert.equal(recommended(judged, "higher")?.name, "b");
  assert.equal(recommended(judged, "lower")?.name, "c");
  assert.equal(recommended(judge([candidate("c", -0.5, 1e-6)]), "higher"), undefined);
});

const metric = { name: "accuracy", label: "accuracy", better: "higher" } as const;
const held = (estimate: number, holds: HeldBack["holds"]): HeldBack => ({
  rows: 100,
  results: [],
  difference: { estimate, low: 0, high: 0 },
  holds,
});
const say = (candidates: ReturnType<typeof candidate>[], heldBack: HeldBack) => {
  const judged = judge(candidates).map((one) => ({
    ...one,
    difference: { ...one.difference, adjusted: one.adjusted },
  }));
  return recommendationText({
    best: recommended(judge(candidates), "higher"),
    judged,
    heldBack,
    metric,
    baseline: "base",
  });
};

test("the text says what holds, what could be chance, and what does not hold", () => {
  const good = [candidate("a", 0.1, 1e-5)];
  assert.match(
    say(good, held(0.08, "yes")),
    /^Use a: its accuracy is 0\.1 higher .* below 0\.001\. On the rows held back it holds: 0\.08 higher/,
  );
  assert.match(say(good, held(0.01, "unclear")), /0\.01 higher, but these rows alone could not tell/);
  assert.match(say(good, held(-0.04, "no")), /does not hold: 0\.04 lower\. Trust the recommendation little/);
  assert.match(
    say([candidate("a", 0.01, 0.3)], held(0, undefined)),
    /^Keep base\. The largest gain .* could be chance \(corrected p 0\.3\)/,
  );
  assert.match(
    say([candidate("a", -0.2, 0.001)], held(0, undefined)),
    /^Keep base\. No other objective did better/,
  );
  assert.match(say([], held(0, undefined)), /^Only base was trained/);
});
