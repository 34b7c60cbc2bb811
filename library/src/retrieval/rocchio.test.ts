import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { rocchioScores, rowDot, unitRows, vectors } from "./index.ts";

const rows = (seed: number, count: number) => vectors(random(seed).normal(count * 6), 6);
const none = vectors(new Float32Array(0), 6);
const close = (a: ArrayLike<number>, b: ArrayLike<number>) => {
  assert.equal(a.length, b.length);
  for (let i = 0; i < a.length; i++) assert.ok(Math.abs(a[i]! - b[i]!) < 1e-6, `${i}: ${a[i]} ${b[i]}`);
};

test("rocchioScores: by hand", () => {
  const candidates = vectors(Float32Array.of(2, 0, 0, 5, 3, 4, 0, 0), 2);
  const good = vectors(Float32Array.of(7, 0), 2);
  const bad = vectors(Float32Array.of(0, 1, 0, 9), 2);
  close(rocchioScores(candidates, good, bad), [1, -1, 0.6 - 0.8, 0]);
  close(rocchioScores(candidates, good, bad, { gamma: 0.5 }), [1, -0.5, 0.2, 0]);
});

test("rocchioScores: without bad examples, or with gamma 0, likeness to the mean of the good ones", () => {
  const [candidates, one] = [rows(1, 5), rows(2, 1)];
  const plain = Array.from({ length: 5 }, (_, i) => rowDot(unitRows(candidates), i, unitRows(one), 0));
  close(rocchioScores(candidates, one, none), plain);
  close(rocchioScores(candidates, one, rows(3, 4), { gamma: 0 }), plain);
  // Long rows weigh as much as short ones.
  const diagonal = vectors(Float32Array.of(7, 0, 0, 1), 2);
  const onAxes = rocchioScores(
    vectors(Float32Array.of(1, 0, 0, 1), 2),
    diagonal,
    vectors(new Float32Array(0), 2),
  );
  close(onAxes, [Math.SQRT1_2, Math.SQRT1_2]);
  // The mean of one row, twice, is that row.
  const twice = vectors(Float32Array.from([...one.data, ...one.data.map((x) => 9 * x)]), 6);
  close(rocchioScores(candidates, twice, none), plain);
});

test("rocchioScores: with gamma 1, swapping good and bad turns the ranking round", () => {
  const [candidates, good, bad] = [rows(1, 20), rows(2, 3), rows(3, 3)];
  const swapped = rocchioScores(candidates, bad, good);
  close(
    rocchioScores(candidates, good, bad),
    swapped.map((score) => -score),
  );
});

test("rocchioScores: what does not fit is refused", () => {
  assert.throws(() => rocchioScores(rows(1, 2), none, rows(1, 1)), /good has no row/);
  assert.throws(
    () => rocchioScores(rows(1, 2), rows(2, 1), vectors(new Float32Array(4), 4)),
    /bad has width 4/,
  );
  assert.throws(() => rocchioScores(rows(1, 2), rows(2, 1), none, { gamma: -1 }), /gamma is -1/);
});
