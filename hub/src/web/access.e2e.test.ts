/**
 * Every page in both themes for axe, and at three widths for its layout. Skipped where there is no
 * Chromium.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Page } from "playwright-core";
import { testPapers } from "../runs/testing.ts";
import type { RunRecord } from "../types.ts";
import { overflow, skip, useSite, violations } from "./testing.ts";

const themes = ["light", "dark"] as const;
const widths = [360, 768, 1440];

/** Pages by name, each with what is there once it is loaded. */
const pages: Record<string, { path: string; ready: string }> = {
  "first page": { path: "/", ready: "a.family" },
  list: { path: "/papers?runnable=true", ready: ".papers .paper" },
  search: { path: "/papers?q=hard+negatives", ready: ".papers mark" },
  "nothing found": { path: "/papers?q=zzzzqqqq", ready: ".results .notice" },
  paper: { path: "/papers/squentropy", ready: ".run-form" },
  about: { path: "/about", ready: "h1" },
  missing: { path: "/nowhere/at/all", ready: "body" },
};

const check = async (page: Page, name: string) => {
  for (const width of widths) {
    await page.setViewportSize({ width, height: 900 });
    assert.equal(await overflow(page), 0, `${name} at ${width} px is too wide`);
  }
};

describe("the pages for everyone", { skip, timeout: 180_000 }, () => {
  const site = useSite();
  for (const theme of themes)
    test(`in the ${theme} theme axe finds nothing, and no page is wider than its window`, async () => {
      const { page } = await site.open({ theme });
      for (const [name, { path, ready }] of Object.entries(pages)) {
        await page.goto(site.address + path);
        await page.locator(ready).first().waitFor();
        await page.waitForLoadState("networkidle");
        assert.deepEqual(await violations(page), [], `${name} (${theme})`);
        if (theme === "light") await check(page, name);
        await page.setViewportSize({ width: 1280, height: 900 });
      }
      await page.keyboard.press("?");
      assert.deepEqual(await violations(page), [], `keys (${theme})`);
      await page.close();
    });
});

describe("runs for everyone", { skip, timeout: 120_000 }, () => {
  const site = useSite({ papers: testPapers() });
  test("queued, running, done, failed and stopped runs are clean for axe, and fit", async () => {
    const start = async (slug: string, scale = "smoke") => {
      const response = await fetch(`${site.address}/api/runs`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ slug, scale }),
      });
      return ((await response.json()) as RunRecord).id;
    };
    const { page } = await site.open();
    const visit = async (id: string, status: string) => {
      await page.goto(`${site.address}/runs/${id}`);
      await page.locator(`.status-word.${status}`).waitFor();
      for (const theme of themes) {
        await page.emulateMedia({ colorScheme: theme });
        assert.deepEqual(await violations(page), [], `${status} (${theme})`);
      }
      await check(page, status);
    };
    const done = await start("tiny");
    await visit(done, "done");
    await page.locator(".chart svg").waitFor();
    await visit(await start("failing"), "failed");
    const slow = await start("slow");
    const queued = await start("tiny", "default");
    await visit(slow, "running");
    await visit(queued, "queued");
    await page.goto(`${site.address}/runs/${slow}`);
    await page.getByRole("button", { name: "Stop" }).click();
    await visit(slow, "stopped");
    await page.goto(`${site.address}/papers/tiny`);
    await page.locator(".verdict").first().waitFor();
    for (const theme of themes) {
      await page.emulateMedia({ colorScheme: theme });
      assert.deepEqual(await violations(page), [], `paper with a verdict (${theme})`);
    }
    await check(page, "paper with a verdict");
    await page.close();
  });
});
