import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { homeAddress, matchRoute, paperAddress, readHomeState, runPageAddress, webAddress } from "./route.ts";

test("each address leads to its page", () => {
  assert.deepEqual(matchRoute("/"), { page: "home" });
  assert.deepEqual(matchRoute("/papers/squentropy"), { page: "paper", slug: "squentropy" });
  assert.deepEqual(matchRoute("/papers/squentropy/"), { page: "paper", slug: "squentropy" });
  assert.deepEqual(matchRoute("/runs/42"), { page: "run", id: "42" });
  for (const address of ["/papers", "/papers/a/b", "/nowhere", "/nowhere/a", "/runs/%E0%A4%A"]) {
    assert.deepEqual(matchRoute(address), { page: "missing" }, address);
  }
});

test("any slug and run id survive the way into an address and back", () => {
  const name = fc.string({ minLength: 1, unit: "binary" }).filter((text) => text.isWellFormed());
  fc.assert(
    fc.property(name, (text) => {
      // The browser's own reading of dots ("..") is not ours to undo.
      fc.pre(!/^\.{1,2}$/.test(text));
      const paper = new URL(paperAddress(text, { run: "7" }), "http://hub");
      assert.deepEqual(matchRoute(paper.pathname), { page: "paper", slug: text });
      assert.equal(paper.search, "?run=7");
      assert.deepEqual(matchRoute(new URL(runPageAddress(text), "http://hub").pathname), {
        page: "run",
        id: text,
      });
    }),
  );
});

test("the collection's state survives the way into an address and back", () => {
  const state = fc.record(
    {
      query: fc.string(),
      family: fc.option(fc.string({ minLength: 1 }), { nil: undefined }),
      runnableOnly: fc.boolean(),
    },
    { noNullPrototype: true },
  );
  fc.assert(
    fc.property(state, (given) => {
      assert.deepEqual(readHomeState(new URL(homeAddress(given), "http://hub").search), given);
    }),
  );
  assert.equal(homeAddress(), "/");
});

test("a run's settings travel to the paper's form", () => {
  assert.equal(paperAddress("a", { scale: "full", seeds: 3 }), "/papers/a?scale=full&seeds=3");
  assert.equal(paperAddress("a", { scale: "full", seeds: undefined }), "/papers/a?scale=full");
});

test("only addresses of the web become links", () => {
  assert.equal(webAddress("https://arxiv.org/abs/2302.03952"), "https://arxiv.org/abs/2302.03952");
  for (const link of [undefined, "", "arxiv", "javascript:alert(1)", "data:text/html,x", "file:///a"]) {
    assert.equal(webAddress(link), undefined, link);
  }
});
