/** The method index and methods' pages in a real browser. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Method } from "../../methods/methods.ts";
import { getJson, overflow, skip, useSite, violations } from "../testing.ts";

describe("the method pages", { skip, timeout: 120_000 }, () => {
  const site = useSite();

  test("a method is found by words; its page has its import, source, papers and identities", async () => {
    const { page, complaints } = await site.open();
    await page.goto(`${site.address}/methods`);
    await page.getByLabel("Search methods").fill("one label out of several");
    await page.waitForURL("**q=one**");
    await page.getByRole("link", { name: "softmaxFocal" }).click();
    await page.waitForURL("**/methods/softmaxFocal");
    assert.equal(await page.locator("h1").innerText(), "softmaxFocal");
    assert.match(
      await page.locator(".code").innerText(),
      /import \{ softmaxFocal \} from "nearmiss\/losses"/,
    );
    await page.getByText("Lin et al.").waitFor();
    const { methods } = await getJson<{ methods: Method[] }>(`${site.address}/api/methods`);
    const { papers, identities } = methods.find(({ name }) => name === "softmaxFocal")!;
    assert.equal(await page.locator(".method-papers li").count(), papers.length);
    assert.equal(await page.locator(".identity").count(), identities.length);
    await page.locator(".identity .katex").first().waitFor();
    await page.locator(".identity").getByRole("link", { name: "softmaxCrossEntropy" }).first().click();
    await page.waitForURL("**/methods/softmaxCrossEntropy");
    assert.deepEqual(complaints, []);
    await page.goto(`${site.address}/methods/nowhere`);
    await page.getByRole("heading", { name: "There is no such method" }).waitFor();
    await page.close();
  });

  test("kinds and identities are chosen in the address, each with its count", async () => {
    const { page } = await site.open();
    await page.goto(`${site.address}/methods?kind=miner`);
    await page.locator(".method").first().waitFor();
    const { methods } = await getJson<{ methods: Method[] }>(`${site.address}/api/methods`);
    assert.equal(
      await page.locator(".method").count(),
      methods.filter(({ kind }) => kind === "miner").length,
    );
    await page.getByLabel(/^Identities/).check();
    await page.waitForURL("**/methods?show=identities");
    const shown = await page.locator(".identity").count();
    const lead = await page.locator(".section-lead").innerText();
    assert.ok(lead.includes(`${shown} identities`), lead);
    await page.close();
  });

  test("many are listed by name and topic; a word brings their sentences", async () => {
    const { page } = await site.open();
    await page.goto(`${site.address}/methods?kind=objective`);
    await page.locator(".method-names dt", { hasText: /^hard negative nce$/ }).waitFor();
    assert.equal(await page.locator(".method").count(), 0);
    await page.getByLabel("Search methods").fill("softmaxFocal");
    await page.locator(".method").first().waitFor();
    assert.equal(await page.locator(".method-names").count(), 0);
    await page.close();
  });

  test("axe finds nothing in either theme, and nothing is wider than its window", async () => {
    const { page } = await site.open();
    for (const [path, ready] of [
      ["/methods?kind=metric&q=error", ".method"],
      ["/methods", ".method-names"],
      ["/methods?show=identities&q=huber", ".identity .katex"],
      ["/methods/softmaxCrossEntropy", ".method-papers li"],
    ] as const) {
      await page.goto(site.address + path);
      await page.locator(ready).first().waitFor();
      for (const colorScheme of ["light", "dark"] as const) {
        await page.emulateMedia({ colorScheme });
        assert.deepEqual(await violations(page), [], `${path} ${colorScheme}`);
      }
      for (const width of [360, 768, 1440]) {
        await page.setViewportSize({ width, height: 900 });
        assert.equal(await overflow(page), 0, `${path} at ${width} px`);
      }
    }
    await page.close();
  });
});
