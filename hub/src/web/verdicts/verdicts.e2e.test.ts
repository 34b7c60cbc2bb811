/** The verdicts page in a real browser, over runs that were really made. */
import assert from "node:assert/strict";
import { before, describe, test } from "node:test";
import { setTimeout as wait } from "node:timers/promises";
import { testPapers } from "../../runs/testing.ts";
import type { RunRecord } from "../../types.ts";
import type { PaperVerdicts } from "../../verdicts/verdicts.ts";
import { getJson, overflow, skip, useSite, violations } from "../testing.ts";

describe("the verdicts page", { skip, timeout: 120_000 }, () => {
  const site = useSite({ papers: testPapers() });

  test("before any run it says that nothing is decided", async () => {
    const { page, complaints } = await site.open();
    await page.goto(`${site.address}/verdicts`);
    await page.getByText("No paper has been run on this hub yet").waitFor();
    assert.equal(await page.locator(".picture").count(), 0);
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(complaints, []);
    await page.close();
  });

  test("the page of a paper without a study says so and offers no run", async () => {
    const { page, complaints } = await site.open();
    await page.goto(`${site.address}/papers/plain`);
    await page.getByText("Not runnable yet").waitFor();
    assert.equal(await page.getByRole("button", { name: "Run", exact: true }).count(), 0);
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(complaints, []);
    await page.close();
  });

  describe("after a run", () => {
    let verdicts: PaperVerdicts[];
    before(async () => {
      const response = await fetch(`${site.address}/api/runs`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ slug: "tiny", scale: "default" }),
      });
      const { id } = (await response.json()) as RunRecord;
      for (let turn = 0; turn < 300; turn++) {
        const { status } = await getJson<RunRecord>(`${site.address}/api/runs/${id}`);
        if (status === "done") break;
        await wait(100);
      }
      verdicts = (await getJson<{ papers: PaperVerdicts[] }>(`${site.address}/api/verdicts`)).papers;
    });

    test("the picture has a mark for the claim, and the table says what the interface does", async () => {
      const { page, complaints } = await site.open();
      await page.goto(`${site.address}/verdicts`);
      const tiny = verdicts.find(({ slug }) => slug === "tiny")!;
      assert.equal(tiny.stale, false);
      assert.equal(tiny.claims.length, 1);
      const row = page.locator(".verdict-table tbody tr", { hasText: tiny.title });
      const text = await row.innerText();
      assert.ok(text.includes(tiny.claims[0]!.statement), text);
      assert.ok(text.includes(tiny.claims[0]!.decision), text);
      assert.match(text, /\+0\.5\S* \[\+0\.\d+, \+0\.\d+\]/);
      await row.getByText("distance").click();
      await row.getByText("Far from any paper").waitFor();
      assert.equal(await page.locator(".lane .mark").count(), 1);
      assert.equal(await page.locator(`.lane .mark.${tiny.claims[0]!.decision}`).count(), 1);
      await page.locator(".lane .mark").hover();
      assert.ok((await page.locator(".picture-read").innerText()).includes(tiny.title));
      // Papers that have not run, or cannot, are there too.
      assert.equal(await page.locator(".verdict-table tbody tr").count(), verdicts.length);
      await page.getByText("Cannot run yet: it has a card, but no study").first().waitFor();
      assert.deepEqual(complaints, []);
      await page.close();
    });

    test("filters and order are in the address, and survive a reload", async () => {
      const { page } = await site.open();
      await page.goto(`${site.address}/verdicts`);
      await page.getByLabel("No verdict").check();
      await page.waitForURL("**/verdicts?decision=none");
      const rows = page.locator(".verdict-table tbody tr");
      await page.waitForFunction(
        (count) => document.querySelectorAll(".verdict-table tbody tr").length === count,
        verdicts.length - 1,
      );
      await page.getByRole("button", { name: "Paper" }).click();
      await page.waitForURL("**/verdicts?decision=none&order=descending");
      await page.reload();
      await rows.first().waitFor();
      assert.equal(await page.locator("th[aria-sort=descending]").innerText(), "Paper\n↓");
      const numbers = (await rows.allInnerTexts()).map((text) => Number(/no\. (\d+)/.exec(text)![1]));
      assert.deepEqual(
        numbers,
        numbers.toSorted((a, b) => b - a),
      );
      await page.getByLabel("Contradicts").check();
      await page.getByText("No claim passes these filters").waitFor();
      await page.getByLabel("Family").selectOption("generative");
      await page.waitForURL("**family=generative**");
      await page.close();
    });

    test("the downloads hold all claims", async () => {
      const { page } = await site.open();
      await page.goto(`${site.address}/verdicts`);
      const csv = await page.getByRole("link", { name: "CSV" }).getAttribute("href");
      const lines = (await (await fetch(site.address + csv)).text()).trim().split("\r\n");
      assert.equal(lines.length, 1 + verdicts.length);
      assert.ok(lines.some((line) => line.includes("tiny") && line.includes("default")));
      await page.close();
    });

    test("axe finds nothing in either theme, and nothing is wider than its window", async () => {
      const { page } = await site.open();
      await page.goto(`${site.address}/verdicts`);
      await page.locator(".verdict-table").waitFor();
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await violations(page), [], colorScheme);
      }
      for (const width of [360, 768, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        assert.equal(await overflow(page), 0, `${width} px`);
        assert.deepEqual(await violations(page), [], `${width} px`);
      }
      await page.close();
    });
  });
});
