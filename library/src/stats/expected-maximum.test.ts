import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { expectedMaximum } from "./index.ts";

test("expectedMaximum: values in closed form and of tables", () => {
  const known: [number, number][] = [
    [1, 0],
    [2, 1 / Math.sqrt(Math.PI)],
    [3, 1.5 / Math.sqrt(Math.PI)],
    [10, 1.53875273],
    [100, 2.50759364],
  ];
  for (const [k, value] of known) assert.ok(Math.abs(expectedMaximum(k) - value) < 1e-7, `${k}`);
  assert.ok(Math.abs(expectedMaximum(10, 3) - 3 * 1.53875273) < 1e-6);
  assert.equal(expectedMaximum(5, 0), 0);
});

test("expectedMaximum: the mean over draws", () => {
  const draw = random(1);
  const repeats = 20_000;
  let sum = 0;
  for (let i = 0; i < repeats; i++) sum += Math.max(...draw.normal(10));
  // The largest of ten has standard deviation 0.587.
  assert.ok(Math.abs(sum / repeats - expectedMaximum(10)) < (4 * 0.587) / Math.sqrt(repeats));
});

test("expectedMaximum: what cannot be is refused", () => {
  assert.throws(() => expectedMaximum(0), /k is 0/);
  assert.throws(() => expectedMaximum(2, -1), /deviation is -1/);
});
