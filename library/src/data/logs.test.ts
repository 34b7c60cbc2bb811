import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { logSessions, logWindows, oversampleMinority } from "./index.ts";

test("logSessions: a message belongs to every session that it names, once", () => {
  const sessions = logSessions(["open a1", "open a2", "copy a1 to a2", "idle", "a1 is a1"], /a\d/g);
  assert.deepEqual(
    [...sessions],
    [
      ["a1", [0, 2, 4]],
      ["a2", [1, 2]],
    ],
  );
  assert.throws(() => logSessions([], /a/), /flag g/);
});

test("logWindows: the last window may be shorter, and windows may overlap", () => {
  assert.deepEqual(logWindows(5, { size: 2 }), [
    [0, 2],
    [2, 4],
    [4, 5],
  ]);
  assert.deepEqual(logWindows(4, { size: 3, step: 2 }), [
    [0, 3],
    [2, 4],
  ]);
  assert.deepEqual(logWindows(0), []);
  assert.equal(logWindows(250).length, 3);
  assert.throws(() => logWindows(3, { size: 0 }), /size is 0/);
});

test("oversampleMinority: 100 of 9,100 become 3,857, a share of 0.3", () => {
  const labels = Int32Array.from({ length: 9100 }, (_, i) => Number(i % 91 === 0));
  const indices = oversampleMinority(labels, { random: random(1) });
  const minority = Array.from(indices).filter((i) => labels[i] === 1);
  assert.equal(minority.length, 3857);
  assert.equal(indices.length, 9000 + 3857);
  assert.ok(Math.abs(minority.length / indices.length - 0.3) < 1e-4);
});

test("oversampleMinority: every example is there, and those of the rarer class about equally often", () =>
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(0, 0, 0, 1), { minLength: 2, maxLength: 60 }),
      fc.double({ min: 0, max: 0.9, noNaN: true }),
      (labels, share) => {
        fc.pre(labels.includes(0) && labels.includes(1));
        const indices = oversampleMinority(labels, { share, random: random(2) });
        const counts = labels.map(() => 0);
        for (const i of indices) counts[i]!++;
        assert.ok(Math.min(...counts) >= 1);
        const ones = counts.filter((_, i) => labels[i] === 1);
        const zeros = counts.filter((_, i) => labels[i] === 0);
        const [rarer, larger] = ones.length < zeros.length ? [ones, zeros] : [zeros, ones];
        assert.ok(Math.max(...rarer) - Math.min(...rarer) <= 1);
        if (rarer.length < larger.length) assert.ok(larger.every((count) => count === 1));
      },
    ),
  ));

test("oversampleMinority: what cannot be is refused", () => {
  assert.throws(() => oversampleMinority([0, 0], { random: random(1) }), /no example/);
  assert.throws(() => oversampleMinority([0, 2], { random: random(1) }), /labels\[1\] is 2/);
  assert.throws(() => oversampleMinority([0, 1], { share: 1, random: random(1) }), /share is 1/);
});
