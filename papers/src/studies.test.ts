/** Every study runs at smoke scale, reports what it declares, and repeats bit for bit. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { loadStudy, readPaperFiles } from "./index.ts";
import { runStudy } from "./runner.ts";
import type { StudyEvent } from "./study.ts";

const runnable = readPaperFiles().flatMap(({ card, runnable }) => (runnable ? [card.slug] : []));

test("there are studies", () => assert.ok(runnable.length >= 3));

for (const slug of runnable) {
  test(`${slug} runs at smoke scale and repeats`, async () => {
    const study = await loadStudy(slug);
    const runOnce = async () => {
      const events: StudyEvent[] = [];
      const result = await runStudy({
        slug,
        study,
        scale: "smoke",
        seeds: 1,
        onEvent: (event) => events.push(event),
      });
      return { ...result, events };
    };
    const first = await runOnce();
    assert.equal(first.trials.length, Object.keys(study.arms).length);
    assert.deepEqual(
      first.verdicts.map(({ claim }) => claim),
      study.claims.map(({ id }) => id),
    );
    const curves = new Set(first.events.flatMap((event) => (event.type === "point" ? [event.curve] : [])));
    assert.deepEqual(curves, new Set(Object.keys(study.curves)), "every declared curve gets points");
    // How far the study is from the paper is told in words and numbers.
    assert.match(study.distance, /\d/);
    assert.ok(study.distance.split(/\s+/).length >= 10, study.distance);
    const again = await runOnce();
    const metrics = ({ trials }: typeof first) => trials.map(({ arm, metrics }) => [arm, metrics]);
    assert.deepEqual(metrics(again), metrics(first));
  });
}
