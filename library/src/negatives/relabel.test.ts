import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { random } from "../random.ts";
import { cascadeQuality, type Judge, pruneSources, relabelHardNegatives, simulatedJudge } from "./index.ts";

/** Documents are numbers; those of a query's tens are relevant to it. */
const relevant = (query: number, document: number) => Math.floor(document / 10) === query;
const perfect: Judge<number, number> = (query, documents) =>
  documents.map((document) => relevant(query, document));
const no: Judge<number, number> = (_, documents) => documents.map(() => false);

const items = [
  { query: 1, positives: [10], negatives: [20, 11, 30, 12] },
  { query: 2, positives: [20], negatives: [10, 30] },
  { query: 3, positives: [30, 31], negatives: [33, 10] },
];

test("relabelHardNegatives: the three modes, with perfect judges", async () => {
  const repair = async (mode: "rlhn" | "hn-remove" | "remove") =>
    (await relabelHardNegatives(items, { cheap: perfect, strong: perfect, mode })).items;
  assert.deepEqual(await repair("rlhn"), [
    { query: 1, positives: [10, 11, 12], negatives: [20, 30] },
    { query: 2, positives: [20], negatives: [10, 30] },
    { query: 3, positives: [30, 31, 33], negatives: [10] },
  ]);
  assert.deepEqual(await repair("hn-remove"), [
    { query: 1, positives: [10], negatives: [20, 30] },
    { query: 2, positives: [20], negatives: [10, 30] },
    { query: 3, positives: [30, 31], negatives: [10] },
  ]);
  assert.deepEqual(await repair("remove"), [items[1]]);
});

test("relabelHardNegatives: no document is lost or made up, and what is kept is told", async () => {
  const document = fc.integer({ min: 0, max: 59 });
  await fc.assert(
    fc.asyncProperty(
      fc.array(
        fc.record(
          {
            query: fc.integer({ min: 0, max: 5 }),
            positives: fc.array(document, { maxLength: 2 }),
            negatives: fc.array(document, { maxLength: 6 }),
          },
          { noNullPrototype: true },
        ),
        { maxLength: 8 },
      ),
      fc.integer(),
      async (data, seed) => {
        const judge = (name: string) =>
          simulatedJudge({
            relevant,
            truePositiveRate: 0.7,
            falsePositiveRate: 0.3,
            random: random(seed).split(name),
          });
        const judges = () => ({ cheap: judge("cheap"), strong: judge("strong") });
        const { items: repaired, report } = await relabelHardNegatives(data, judges());
        assert.equal(repaired.length, data.length);
        repaired.forEach(({ positives, negatives }, i) => {
          const before = [...data[i]!.positives, ...data[i]!.negatives].sort((a, b) => a - b);
          assert.deepEqual(
            [...positives, ...negatives].sort((a, b) => a - b),
            before,
          );
          assert.equal(negatives.length, data[i]!.negatives.length - report.falseNegatives[i]!.length);
        });
        assert.ok(report.judged.strong <= report.judged.cheap);
        const removed = await relabelHardNegatives(data, { ...judges(), mode: "remove" });
        assert.deepEqual(
          removed.report.kept,
          report.falseNegatives.flatMap((found, i) => (found.length === 0 ? [i] : [])),
        );
        assert.deepEqual(
          removed.items,
          removed.report.kept.map((i) => data[i]),
        );
      },
    ),
    { numRuns: 50 },
  );
});

test("relabelHardNegatives: the strong judge sees flagged items whole, and no others", async () => {
  const seen: number[] = [];
  const strong: Judge<number, number> = (query, documents) => {
    seen.push(query);
    return documents.map((document) => document === 30);
  };
  const cheap: Judge<number, number> = (query, documents) => documents.map((_, i) => query === 1 && i === 0);
  const { report } = await relabelHardNegatives(items, { cheap, strong });
  assert.deepEqual(seen, [1]);
  assert.deepEqual(report.falseNegatives, [[2], [], []]);
  assert.deepEqual(report.judged, { cheap: 3, strong: 1 });
});

test("relabelHardNegatives: a judge that finds nothing changes nothing; a cheap judge alone decides", async () => {
  for (const mode of ["rlhn", "hn-remove", "remove"] as const) {
    assert.deepEqual((await relabelHardNegatives(items, { cheap: no, strong: perfect, mode })).items, items);
    assert.deepEqual((await relabelHardNegatives(items, { cheap: perfect, strong: no, mode })).items, items);
  }
  const { report } = await relabelHardNegatives(items, { cheap: perfect });
  assert.deepEqual(report.falseNegatives, [[1, 3], [], [0]]);
});

test("cascadeQuality: worked numbers, and what simulation gives", async () => {
  const cheap = { truePositiveRate: 0.9, falsePositiveRate: 0.2 };
  const strong = { truePositiveRate: 0.8, falsePositiveRate: 0.05 };
  const one = cascadeQuality({ baseRate: 0.2, cheap, strong });
  assert.ok(Math.abs(one.precision - 0.947) < 0.0005 && Math.abs(one.recall - 0.72) < 1e-12);
  const all = { truePositiveRate: 1, falsePositiveRate: 1 };
  const alone = cascadeQuality({ baseRate: 0.2, cheap: all, strong });
  assert.ok(Math.abs(alone.precision - 0.8) < 1e-12 && Math.abs(alone.recall - 0.8) < 1e-12);
  assert.equal(alone.escalated, 1);

  const expected = cascadeQuality({ baseRate: 0.2, cheap, strong, negatives: 4 });
  const draw = random(5);
  const truth = new Map<number, boolean>();
  const many = Array.from({ length: 20_000 }, (_, query) => {
    const negatives = [0, 1, 2, 3].map((i) => 4 * query + i);
    for (const document of negatives) truth.set(document, draw.next() < 0.2);
    return { query, positives: [], negatives };
  });
  const judge = (rates: typeof cheap, name: string) =>
    simulatedJudge({
      relevant: (_: number, document: number) => truth.get(document)!,
      ...rates,
      random: draw.split(name),
    });
  const { report } = await relabelHardNegatives(many, {
    cheap: judge(cheap, "cheap"),
    strong: judge(strong, "strong"),
  });
  const found = report.falseNegatives.flatMap((places, i) => places.map((place) => truth.get(4 * i + place)));
  const right = found.filter(Boolean).length;
  const wanted = [...truth.values()].filter(Boolean).length;
  assert.ok(Math.abs(right / found.length - expected.precision) < 0.01);
  assert.ok(Math.abs(right / wanted - expected.recall) < 0.01);
  assert.ok(Math.abs(report.judged.strong / many.length - expected.escalated) < 0.01);
});

test("pruneSources finds the harmful sources, the worst first, and stops", async () => {
  const worth: Record<string, number> = { a: 3, b: -2, c: 1, d: -5, e: 0 };
  let calls = 0;
  const { kept, dropped } = await pruneSources(Object.keys(worth), (sources) => {
    calls++;
    return sources.reduce((sum, source) => sum + worth[source]!, 0);
  });
  assert.deepEqual(kept, ["a", "c", "e"]);
  assert.deepEqual(dropped, [
    { source: "d", score: 2 },
    { source: "b", score: 4 },
  ]);
  assert.equal(calls, 1 + 5 + 4 + 3);
  assert.deepEqual((await pruneSources(["a"], () => -1)).kept, ["a"]);
});

test("relabelling: bad input is named", async () => {
  const options = { cheap: no, mode: "drop" as "remove" };
  await assert.rejects(relabelHardNegatives(items, options), /mode is "drop"/);
  await assert.rejects(
    relabelHardNegatives(items, { cheap: () => [true] }),
    /the cheap judge gave 1 answers; expected 4/,
  );
  const rates = { truePositiveRate: 0.9, falsePositiveRate: 1.2 };
  assert.throws(() => simulatedJudge({ relevant, ...rates, random: random(1) }), /falsePositiveRate is 1.2/);
  assert.throws(() => cascadeQuality({ baseRate: 0, cheap: rates, strong: rates }), /baseRate is 0/);
  await assert.rejects(
    pruneSources([], () => 0),
    /sources is empty/,
  );
});
