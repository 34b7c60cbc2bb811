/**
 * The page of a paper in a real browser against the real hub: read it, run it, read its verdict. Skipped
 * where there is no Chromium.
 */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { Paper, RunRecord } from "../types.ts";
import { getJson, skip, useSite } from "./testing.ts";

describe("a paper's page", { skip, timeout: 180_000 }, () => {
  const site = useSite();

  test("a paper is found, run, and gets its verdict", async () => {
    const { page, complaints } = await site.open();
    // The key for the search leads to it from any page.
    await page.goto(`${site.address}/papers/nowhere`);
    await page.getByRole("heading", { name: "There is no such paper" }).waitFor();
    await page.keyboard.press("/");
    await page.keyboard.type("squentropy");
    await page.waitForURL("**/papers?q=squentropy");
    await page.getByRole("heading", { name: "Found" }).waitFor();
    assert.equal(
      await page.locator("a.paper-link").first().innerText(),
      "Cut your Losses with Squentropy",
      "the best result",
    );
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("Enter");
    await page.waitForURL("**/papers/squentropy");

    assert.equal(await page.locator("h1").innerText(), "Cut your Losses with Squentropy");
    await page.locator(".formula .katex").waitFor();
    assert.match(
      await page.locator(".code").first().innerText(),
      /import \{ .*squentropy.* \} from "nearmiss\/losses"/,
    );

    const { paper } = await getJson<{ paper: Paper }>(`${site.address}/api/papers/squentropy`);
    assert.ok(paper.study, "the hub sends the study's summary");
    await page.getByRole("radio", { name: "smoke" }).check();
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.waitForURL("**/papers/squentropy?run=*");
    await page.locator(".status-word.done").waitFor({ timeout: 120_000 });

    const id = new URL(page.url()).searchParams.get("run")!;
    const record = await getJson<RunRecord>(`${site.address}/api/runs/${id}`);
    assert.equal(record.status, "done");
    assert.equal(record.scale, "smoke");
    assert.equal(record.verdicts.length, paper.study.claims.length);
    await checkVerdicts(page, record);
    assert.ok((await page.locator(".distance").innerText()).includes(paper.study.distance));

    const { arms, metrics, scales, curves } = paper.study;
    const heads = await page.locator(".metrics thead th").allInnerTexts();
    assert.equal(heads.length, Object.keys(arms).length);
    for (const [index, arm] of Object.keys(arms).entries()) {
      assert.ok(heads[index]!.includes(arm), heads[index]);
      assert.ok(heads[index]!.includes(`${scales.smoke.seeds} of ${scales.smoke.seeds} seed`), heads[index]);
    }
    for (const metric of Object.keys(metrics)) {
      const values = page.getByRole("row", { name: metric, exact: false }).first().getByRole("cell");
      assert.equal(await values.count(), heads.length, metric);
      for (const value of await values.allInnerTexts())
        assert.match(value, /^\S*\d\S*\s*(± \d\S*)?$/, metric);
    }
    await page.locator(".chart svg path").first().waitFor({ state: "attached" });
    assert.equal(await page.locator(".chart svg").count(), Object.keys(curves).length);
    // The head's badges come with the list of runs, which is read again after the run.
    await page.locator(".paper-head .badge").first().waitFor();

    await page.getByRole("link", { name: "Page of this run" }).click();
    await page.waitForURL(`**/runs/${id}`);
    await page.locator(".status-word.done").waitFor();
    await checkVerdicts(page, record);
    const download = await page.getByRole("link", { name: "Download as JSON" }).getAttribute("href");
    assert.deepEqual(await getJson(new URL(download!, site.address).href), record);

    const others = complaints.filter((complaint) => !complaint.includes("/papers/nowhere"));
    assert.deepEqual(others, [], "nothing but the missing paper is complained about in the console");
    await page.close();
  });

  test("where a run with the same settings is shown, the button runs it again", async () => {
    const { page, complaints } = await site.open();
    const { runs } = await getJson<{ runs: RunRecord[] }>(`${site.address}/api/runs?slug=squentropy`);
    assert.equal(runs[0]?.status, "done");
    await page.goto(`${site.address}/papers/squentropy?scale=smoke`);
    await page.getByRole("button", { name: "Run again" }).click();
    await page.waitForURL("**/papers/squentropy?run=*");
    const id = new URL(page.url()).searchParams.get("run")!;
    assert.notEqual(id, runs[0].id);
    await page.locator(".status-word.done").waitFor({ timeout: 120_000 });
    // Another scale is another request.
    await page.getByRole("radio", { name: "default" }).check();
    await page.getByRole("button", { name: "Run", exact: true }).waitFor();
    assert.deepEqual(complaints, []);
    await page.close();
  });

  test("a run under way can be stopped, and the page says that there is no verdict", async () => {
    const { page, complaints } = await site.open();
    await page.goto(`${site.address}/papers/squentropy?scale=full`);
    await page.getByRole("button", { name: "Run", exact: true }).click();
    await page.getByRole("progressbar").waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.locator(".status-word.stopped").waitFor({ timeout: 60_000 });
    assert.match(await page.locator(".status").innerText(), /no verdict/);
    assert.equal(await page.locator(".verdict").count(), 0);
    const id = new URL(page.url()).searchParams.get("run")!;
    assert.equal((await getJson<RunRecord>(`${site.address}/api/runs/${id}`)).status, "stopped");
    assert.deepEqual(complaints, []);
    await page.close();
  });

  test("the BibTeX entry is copied as it stands", async () => {
    const { page, complaints } = await site.open();
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.goto(`${site.address}/papers/squentropy`);
    await page.getByRole("button", { name: "Copy the BibTeX entry" }).click();
    await page.getByText("Copied").waitFor();
    const copied = await page.evaluate(() => navigator.clipboard.readText());
    assert.match(copied, /^@misc\{squentropy-2023,\n {2}title = \{\{Cut your Losses with Squentropy\}\}/);
    assert.match(copied, /eprint = \{2302\.03952\}/);
    assert.deepEqual(complaints, []);
    await page.close();
  });
});

const words = {
  supports: "Supports the claim",
  contradicts: "Contradicts the claim",
  inconclusive: "Inconclusive",
};

/** What the page shows of the verdicts is what the record says. */
async function checkVerdicts(page: Page, record: RunRecord): Promise<void> {
  const cards = page.locator(".verdict");
  await cards.first().waitFor();
  assert.equal(await cards.count(), record.verdicts.length);
  for (const [index, verdict] of record.verdicts.entries()) {
    const card = cards.nth(index);
    assert.equal(await card.locator("h3").innerText(), words[verdict.decision]);
    const text = await card.innerText();
    assert.ok(text.includes(verdict.rule), "the rule in words");
    assert.equal(await card.locator(".effect").count(), verdict.effects.length);
    for (const [place, effect] of verdict.effects.entries()) {
      const shown = await card.locator(".effect").nth(place).innerText();
      assert.ok(shown.includes(effect.metric), shown);
      assert.match(shown, /95 % interval, \d+ seed/, shown);
      const zero = card.locator(".effect").nth(place).locator(".axis-zero");
      assert.match((await zero.getAttribute("style")) ?? "", /left: \d/, "zero is marked on the axis");
    }
  }
}
