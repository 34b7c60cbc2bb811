import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { subsampleKeepProbability, unigramProbabilities, unigramSampler } from "./unigram.ts";

const close = (actual: number, expected: number, tolerance = 1e-6) =>
  assert.ok(Math.abs(actual - expected) <= tolerance, `${actual} is not ${expected}`);

test("counts to the power 3/4", () => {
  const [often, seldom] = unigramProbabilities([9, 1]);
  close(often!, 0.83861);
  close(seldom!, 0.16139);
  assert.deepEqual([...unigramProbabilities([9, 0, 1], { power: 0 })], [0.5, 0, 0.5]);
  assert.throws(() => unigramProbabilities([0, 0]), /counts are all 0/);
  assert.throws(() => unigramProbabilities([1, -1]), /counts\[1\] is -1/);
  assert.throws(() => unigramProbabilities([1], { power: -1 }), /power is -1/);
});

test("the sampler draws them", () => {
  const drawn = unigramSampler([9, 1]).sample(random(3), 20_000);
  const share = drawn.filter((word) => word === 0).length / drawn.length;
  close(share, 0.83861, 4 * Math.sqrt((0.8386 * 0.1614) / 20_000));
});

test("subsampling: the paper's curve and the program's", () => {
  const paper = (frequency: number) => 1 - subsampleKeepProbability(frequency);
  close(paper(1e-2), 0.968377);
  close(paper(1e-3), 0.9);
  close(paper(1e-5), 0);
  close(paper(1e-7), 0);
  const program = (frequency: number) => subsampleKeepProbability(frequency, { variant: "program" });
  close(program(1e-2), 0.0326228);
  close(program(1e-3), 0.11);
  close(program(1e-5), 1);
  assert.throws(() => subsampleKeepProbability(0), /frequency is 0/);
  assert.throws(() => subsampleKeepProbability(0.5, { threshold: 0 }), /threshold is 0/);
  assert.throws(() => subsampleKeepProbability(0.5, { variant: "both" as never }), /variant is "both"/);
});
