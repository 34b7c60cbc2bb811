import assert from "node:assert/strict";
import { test } from "node:test";
import { random } from "../random.ts";
import { type Vectors, vectors } from "../retrieval/index.ts";
import { type TwoConditionOptions, twoConditionNegatives } from "./index.ts";

/** Unit vectors in the plane, by degrees. */
const plane = (...degrees: number[]) =>
  vectors(
    Float32Array.from(
      degrees.flatMap((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]),
    ),
    2,
  );

const mine = async (documents: Vectors, options: TwoConditionOptions = {}) =>
  (await twoConditionNegatives(plane(0), documents, [0], { threads: 1, count: 9, ...options }))[0]!;

// The positive at 40°, then A, B, C and E.
const world = plane(40, 22, 30, -25, 60);

test("twoConditionNegatives: a worked example in the plane", async () => {
  const found = await mine(world);
  assert.deepEqual(found.documents, [3]);
  assert.deepEqual([found.accepted, found.fallback], [1, false]);
  assert.ok(Math.abs(1 - found.scores[0]! - 0.0937) < 5e-5);
  // The first condition alone lets the near copies in, the second alone nothing more, none all but the positive.
  assert.deepEqual((await mine(world, { conditions: ["query"] })).documents, [1, 3, 2]);
  assert.deepEqual((await mine(world, { conditions: ["positive"] })).documents, [3]);
  assert.deepEqual((await mine(world, { conditions: [] })).documents, [1, 3, 2, 4]);
  assert.deepEqual((await mine(world, { conditions: [], count: 2 })).documents, [1, 3]);
});

test("twoConditionNegatives: a positive that ranks first leaves the fallback or nothing", async () => {
  const behind = plane(10, -30, 60);
  const found = await mine(behind);
  assert.deepEqual(found.documents, [1]);
  assert.deepEqual([found.accepted, found.fallback], [0, true]);
  const none = await mine(behind, { fallback: false });
  assert.deepEqual([none.documents, none.accepted, none.fallback], [[], 0, false]);
  assert.deepEqual((await mine(behind, { conditions: ["query"] })).documents, []);
  // Only near copies of the positive are left.
  const copies = await mine(plane(10, 12, 60));
  assert.deepEqual([copies.documents, copies.fallback], [[], false]);
});

test("twoConditionNegatives agrees with the definition on all pairs", async () => {
  const draw = random(5);
  const [queries, documents] = [vectors(draw.normal(60), 4), vectors(draw.normal(160), 4)];
  const positives = Array.from({ length: 15 }, () => draw.integer(0, 40));
  const row = ({ data, width }: Vectors, i: number) => [...data.subarray(i * width, (i + 1) * width)];
  const distance = (a: number[], b: number[]) =>
    1 - a.reduce((sum, x, i) => sum + x * b[i]!, 0) / Math.hypot(...a) / Math.hypot(...b);
  const mined = await twoConditionNegatives(queries, documents, positives, {
    count: 40,
    fallback: false,
    threads: 1,
  });
  for (const { query, documents: found } of mined) {
    const [q, p] = [row(queries, query), row(documents, positives[query]!)];
    const fit = Array.from({ length: 40 }, (_, i) => i).filter((i) => {
      const d = row(documents, i);
      return i !== positives[query] && distance(q, d) < distance(q, p) && distance(q, d) < distance(p, d);
    });
    assert.deepEqual(
      found.toSorted((a, b) => a - b),
      fit,
    );
  }
  assert.ok(mined.some(({ accepted }) => accepted > 1));
});

test("twoConditionNegatives: one negative with the fallback is that of the second condition alone", async () => {
  const draw = random(6);
  const [queries, documents] = [vectors(draw.normal(120), 4), vectors(draw.normal(160), 4)];
  const positives = Array.from({ length: 30 }, () => draw.integer(0, 40));
  const chosen = async (conditions?: readonly ("query" | "positive")[]) =>
    (
      await twoConditionNegatives(queries, documents, positives, {
        threads: 1,
        ...(conditions && { conditions }),
      })
    ).map((one) => one.documents);
  assert.deepEqual(await chosen(), await chosen(["positive"]));
});

test("twoConditionNegatives: what does not fit is refused by name", async () => {
  await assert.rejects(twoConditionNegatives(plane(0), world, [0, 1]), /2 positives for 1 queries/);
  await assert.rejects(
    twoConditionNegatives(plane(0), world, [7]),
    /positive of query 0 is 7; expected 0 to 4/,
  );
  await assert.rejects(mine(world, { count: 0 }), /count is 0/);
  await assert.rejects(mine(world, { candidates: 0.5 }), /candidates is 0.5/);
});
