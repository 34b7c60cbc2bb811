import assert from "node:assert/strict";
import { test } from "node:test";
import {
  cardCandidates,
  cardFalseNegativeRate,
  cardQuality,
  documentsOf,
  encodeCards,
  hiddenCards,
  labelledOf,
  relevantOf,
  trainBags,
} from "./hidden-cards.ts";

const sizes = { train: 200, development: 20, test: 40 };
const cards = hiddenCards(1, sizes);
const options = { cards, seed: 1, learningRate: 1e-2 };

test("every entry has a query and two cards, and parts share none", () => {
  assert.equal(cards.queries.length, 260);
  assert.equal(cards.documents.length, 520);
  assert.deepEqual(documentsOf(cards, "test"), [440, 520]);
  assert.deepEqual(relevantOf(7), [labelledOf(7), 15]);
  assert.equal(new Set(cards.queries).size, 260);
});

test("training finds the training cards, repeats bit for bit, and begins where it is told to", async () => {
  const start = await trainBags({ ...options, steps: 0 });
  const rows = await trainBags({ ...options, steps: 40 });
  assert.deepEqual(await trainBags({ ...options, steps: 40 }), rows);
  const quality = await cardQuality(rows, cards, "train");
  assert.ok(quality["nDCG@10"] > 0.2 + (await cardQuality(start, cards, "train"))["nDCG@10"]);
  assert.equal(await trainBags({ ...options, from: rows, steps: 0 }), rows);
});

test("candidates are training cards, best first, without the labelled one", async () => {
  const rows = await trainBags({ ...options, steps: 40 });
  const { of, positiveScores } = await cardCandidates(encodeCards(rows, cards), cards, 10);
  assert.equal(positiveScores.length, 200);
  for (let query = 0; query < 200; query++) {
    const hits = of(query);
    assert.equal(hits.length, 10);
    assert.ok(hits.every(({ document }) => document < 400 && document !== labelledOf(query)));
    assert.ok(hits.every(({ score }, i) => i === 0 || score <= hits[i - 1]!.score));
  }
  assert.equal(
    cardFalseNegativeRate([
      { query: 3, documents: [7, 8] },
      { query: 4, documents: [1, 2] },
    ]),
    0.25,
  );
});

test("hard negatives, numbers of their own and chosen batches reach the loss", async () => {
  const seen: number[][] = [];
  await trainBags({
    ...options,
    steps: 2,
    batches: (step) => [step, step + 1, step + 2],
    negatives: (query) => [query + 10, query + 11],
    extra: (query, negatives) => [query, ...Array.from(negatives)],
    loss: ({ queries, positives, negatives, extra }) => {
      seen.push([...queries.shape], [...positives.shape], [...negatives!.shape], [...extra!.shape]);
      return queries;
    },
  }).catch(() => {});
  assert.deepEqual(seen.slice(0, 4), [
    [3, 64],
    [3, 64],
    [3, 2, 64],
    [3, 3],
  ]);
});
