import assert from "node:assert/strict";
import { test } from "node:test";
import { taskStream } from "./index.ts";

const labels = [0, 1, 2, 3, 0, 1, 2, 3];

test("taskStream: each task holds the examples of its classes, in the order of the classes", () => {
  const stream = taskStream(labels, { order: [2, 0, 3, 1], sizes: [1, 2, 1] });
  assert.equal(stream.length, 3);
  const tasks = [0, 1, 2].map((t) => stream.open(t));
  assert.deepEqual(
    tasks.map(({ classes }) => classes),
    [[2], [0, 3], [1]],
  );
  assert.deepEqual(
    tasks.map(({ indices }) => [...indices]),
    [
      [2, 6],
      [0, 3, 4, 7],
      [1, 5],
    ],
  );
});

test("taskStream: the examples of a task are gone once a later one has begun", () => {
  const stream = taskStream(labels, { order: [0, 1, 2, 3], sizes: [2, 2] });
  stream.open(0);
  assert.deepEqual(stream.open(0).classes, [0, 1]);
  stream.open(1);
  assert.throws(() => stream.open(0), /task 0 is over, task 1 has begun/);
  assert.throws(() => stream.open(2), /task 2 is none of the 2 tasks/);
});

test("taskStream: sizes cut all classes, each of which comes once", () => {
  assert.throws(() => taskStream(labels, { order: [0, 1, 2], sizes: [2] }), /do not cut 3 classes/);
  assert.throws(() => taskStream(labels, { order: [0, 1, 1], sizes: [3] }), /holds a class twice/);
});
