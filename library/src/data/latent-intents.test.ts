import assert from "node:assert/strict";
import { test } from "node:test";
import { LATENT_FEATURES, latentIntentWorld } from "./index.ts";

test("latentIntentWorld: every intent has documents, one labelled, and its queries", () => {
  const world = latentIntentWorld(1, { topics: 8, intents: 5, trainQueries: 3 });
  assert.equal(world.labelled.length, 40);
  assert.deepEqual([world.train.count, world.development.count, world.test.count], [120, 40, 40]);
  assert.equal(world.documents.features.length, world.documents.count * LATENT_FEATURES);
  world.relevant.forEach((list, intent) => {
    assert.ok(list.length >= 1 && list.length <= 3);
    assert.equal(list[0], world.labelled[intent]);
    for (const document of list) assert.equal(world.documents.intents[document], intent);
  });
  assert.equal(world.relevant.flat().length, world.documents.count);
  assert.equal(world.topics[39], 7);
});

test("latentIntentWorld: the same seed gives the same world, another one another", () => {
  const options = { topics: 3, intents: 2 };
  assert.deepEqual(latentIntentWorld(5, options), latentIntentWorld(5, options));
  assert.notDeepEqual(
    latentIntentWorld(6, options).train.features,
    latentIntentWorld(5, options).train.features,
  );
  assert.throws(() => latentIntentWorld(1, { topics: 0 }), /topics is 0/);
});

test("latentIntentWorld: documents of an intent are closest, then those of its topic", () => {
  const { documents, topics } = latentIntentWorld(2);
  const { features, intents } = documents;
  const distance = (a: number, b: number) => {
    let sum = 0;
    for (let i = 0; i < LATENT_FEATURES; i++)
      sum += (features[a * LATENT_FEATURES + i]! - features[b * LATENT_FEATURES + i]!) ** 2;
    return Math.sqrt(sum);
  };
  const sums = { intent: [0, 0], topic: [0, 0], other: [0, 0] };
  for (let a = 0; a < 200; a++)
    for (let b = a + 1; b < 200; b++) {
      const [x, y] = [intents[a]!, intents[b]!];
      const kind = x === y ? "intent" : topics[x] === topics[y] ? "topic" : "other";
      sums[kind][0]! += distance(a, b);
      sums[kind][1]!++;
    }
  const mean = ([sum, count]: number[]) => sum! / count!;
  assert.ok(mean(sums.intent) < 0.6 * mean(sums.topic) && mean(sums.topic) < 0.8 * mean(sums.other));
});
