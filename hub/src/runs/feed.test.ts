import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import fc from "fast-check";
import type { RunEvent } from "../types.ts";
import { createFeed } from "./feed.ts";

const point = (id: number): RunEvent => ({ id, type: "point", arm: "a", seed: 1, curve: "c", x: id, y: 0 });
const progress = { id: 0, type: "progress" as const, arm: "a", seed: 1, fraction: 0.5, overall: 0.5 };
const end = (id: number): RunEvent => ({ id, type: "end", status: "done" });

/** A run whose events are stored here, and a feed on it. */
function setUp({ patience = 60_000, live = true } = {}) {
  const stored: RunEvent[] = [];
  const ended: string[] = [];
  let reads = 0;
  const feed = createFeed({
    read: async (_, after) => {
      reads++;
      return stored.filter((event) => event.id > after);
    },
    underWay: async (id) => (id === "run" ? live : undefined),
    beforeEnd: async (id) => {
      await wait(5);
      ended.push(id);
    },
    patience,
  });
  return { feed, stored, ended, reads: () => reads };
}

const collect = async (events: AsyncIterable<RunEvent>) => {
  const all: RunEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
};

const ids = (events: RunEvent[]) => events.map((event) => event.id);

describe("following a run", () => {
  test("tells what is stored, then what notices bring, without asking the database again", async () => {
    const { feed, stored, reads } = setUp();
    stored.push(point(1), point(2));
    const following = collect(feed.follow("run", 1));
    await wait(5);
    feed.notice({ type: "events", run: "another", events: [point(3), end(4)], end: true });
    feed.notice({ type: "events", run: "run", events: [point(3)], end: false });
    await wait(5);
    feed.notice({ type: "events", run: "run", events: [end(4)], end: true });
    assert.deepEqual(ids(await following), [2, 3, 4]);
    assert.equal(reads(), 1);
  });

  test("asks the database where notices leave a gap, come twice, or bring no events", async () => {
    const { feed, stored } = setUp();
    const following = collect(feed.follow("run", 0));
    await wait(5);
    stored.push(point(1), point(2), point(3), point(4));
    feed.notice({ type: "events", run: "run", events: [point(3)], end: false });
    feed.notice({ type: "events", run: "run", events: [point(3)], end: false });
    await wait(5);
    stored.push(end(5));
    feed.notice({ type: "events", run: "run", end: true });
    assert.deepEqual(ids(await following), [1, 2, 3, 4, 5]);
  });

  test("goes on where no notice comes at all, and where the connection for them was away", async () => {
    const patient = setUp({ patience: 20 });
    const following = collect(patient.feed.follow("run", 0));
    await wait(5);
    patient.stored.push(point(1), end(2));
    assert.deepEqual(ids(await following), [1, 2]);

    const { feed, stored } = setUp();
    const again = collect(feed.follow("run", 0));
    await wait(5);
    stored.push(point(1), end(2));
    feed.gap();
    assert.deepEqual(ids(await again), [1, 2]);
  });

  test("outlives a database that goes and comes back, but not one that stays away", async () => {
    const setUpFailing = (failures: number, live = true) => {
      const stored = [point(1), end(2)];
      let left = failures;
      return createFeed({
        read: async (_, after) => {
          if (left-- > 0) throw new Error("terminating connection");
          return stored.filter((event) => event.id > after);
        },
        underWay: async () => live,
        beforeEnd: async () => {},
        patience: 1,
      });
    };
    assert.deepEqual(ids(await collect(setUpFailing(5).follow("run", 0))), [1, 2]);
    await assert.rejects(collect(setUpFailing(Infinity).follow("run", 0)), /terminating connection/);
    await assert.rejects(collect(setUpFailing(1, false).follow("run", 0)), /terminating connection/);
    // Who no longer listens is not kept waiting.
    const controller = new AbortController();
    const following = collect(setUpFailing(Infinity).follow("run", 0, controller.signal));
    await wait(5);
    controller.abort();
    assert.deepEqual(await following, []);
  });

  test("tells progress under the number of the last event, and none before the first", async () => {
    const { feed } = setUp();
    const following = collect(feed.follow("run", 0));
    await wait(5);
    feed.notice({ type: "progress", run: "run", event: { ...progress, id: 9 } });
    feed.notice({ type: "events", run: "run", events: [point(1)], end: false });
    feed.notice({ type: "progress", run: "run", event: { ...progress, id: 9 } });
    feed.notice({ type: "events", run: "run", events: [end(2)], end: true });
    assert.deepEqual(
      (await following).map(({ id, type }) => [id, type]),
      [
        [1, "point"],
        [1, "progress"],
        [2, "end"],
      ],
    );
  });

  test("tells the end of a live run when all else is done, that of an old one at once", async () => {
    const live = setUp();
    live.stored.push(point(1), end(2));
    const seen: string[] = [];
    for await (const event of live.feed.follow("run", 0)) seen.push(`${event.type} ${live.ended.length}`);
    assert.deepEqual(seen, ["point 0", "end 1"]);
    const old = setUp({ live: false });
    old.stored.push(point(1), end(2));
    assert.deepEqual(ids(await collect(old.feed.follow("run", 0))), [1, 2]);
    assert.deepEqual(await collect(old.feed.follow("run", 2)), []);
    assert.deepEqual(old.ended, []);
  });

  test("ends with the reader's patience, and tells nothing of an unknown run", async () => {
    const { feed } = setUp();
    const controller = new AbortController();
    const following = collect(feed.follow("run", 0, controller.signal));
    await wait(5);
    controller.abort();
    assert.deepEqual(await following, []);
    assert.deepEqual(await collect(feed.follow("nothing", 0)), []);
  });

  test("tells every event once and in order, whatever becomes of the notices", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            size: fc.integer({ min: 1, max: 4 }),
            fate: fc.constantFrom("comes", "twice", "bare", "lost", "late"),
          }),
        ),
        fc.integer({ min: 0, max: 5 }),
        async (batches, after) => {
          const { feed, stored } = setUp({ patience: 10 });
          const controller = new AbortController();
          const following = collect(feed.follow("run", after, controller.signal));
          const late: (() => void)[] = [];
          for (const { size, fate } of batches) {
            const events = Array.from({ length: size }, (_, index) => point(stored.length + 1 + index));
            stored.push(...events);
            const tell = (told?: RunEvent[]) =>
              feed.notice({ type: "events", run: "run", events: told, end: false });
            if (fate === "comes" || fate === "twice") tell(events);
            if (fate === "twice") tell(events);
            if (fate === "bare") tell();
            if (fate === "late") late.push(() => tell(events));
            await wait(0);
          }
          stored.push(end(stored.length + 1));
          for (const tell of late) tell();
          const expected = ids(stored).filter((id) => id > after);
          // Who has had the end already would wait for more; the hub does not let it come so far.
          if (expected.length === 0) controller.abort();
          assert.deepEqual(ids(await following), expected);
        },
      ),
      { numRuns: 60 },
    ));
});
