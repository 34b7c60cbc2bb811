/** A new paper's file, and the one that the guide shows, are sound, run, and decide what they should. */
import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import { loadStudy, readCards, readPaperFiles } from "../papers/src/index.ts";
import { runStudy } from "../papers/src/runner.ts";
import { newPaper } from "./new-paper.ts";

const repository = join(import.meta.dirname, "..");
const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/**
 * An empty folder of papers that can import what papers import. It lies in the repository, where
 * packages are found and types can be checked.
 */
function emptyCollection(): string {
  const cache = join(repository, ".cache");
  mkdirSync(cache, { recursive: true });
  const root = mkdtempSync(join(cache, "papers-"));
  folders.push(root);
  for (const name of readdirSync(join(repository, "papers", "src")))
    if (name === "tasks" || (name.endsWith(".ts") && !name.endsWith(".test.ts")))
      symlinkSync(join(repository, "papers", "src", name), join(root, name));
  return root;
}

const paper = {
  family: "theory",
  slug: "a-new-one",
  title: 'A "New" One: \\ and `ticks` $x',
  arxiv: "2401.01234",
};

/** Problems that the compiler sees in a file. */
const typeProblems = (path: string) => {
  const options =
    "--ignoreConfig --noEmit --strict --noUnusedLocals --noUnusedParameters --skipLibCheck --target es2024 --module nodenext --moduleResolution nodenext --allowImportingTsExtensions --erasableSyntaxOnly --verbatimModuleSyntax --types node";
  const tsc = join(repository, "node_modules", "typescript", "bin", "tsc");
  const { stdout, stderr } = spawnSync(process.execPath, [tsc, ...options.split(" "), path], {
    encoding: "utf8",
  });
  return stdout + stderr;
};

const runSmoke = async (slug: string, root: string) =>
  runStudy({ slug, study: await loadStudy(slug, root), scale: "smoke" });

test("the check of types sees an error", () => {
  const path = newPaper(paper, emptyCollection());
  writeFileSync(path, readFileSync(path, "utf8").replace("seeds: 5", 'seeds: "5"'));
  assert.match(typeProblems(path), /error TS/);
});

describe("newPaper", () => {
  test("writes a card with the next number, and a study that runs and decides nothing", async () => {
    const root = emptyCollection();
    const path = newPaper(paper, root);
    assert.equal(path, join(root, "theory", "a-new-one.ts"));
    const second = newPaper(
      { family: "negation", slug: "two", title: "Two", link: "http://x.org", year: 1999 },
      root,
    );
    const [one, two] = readCards(root);
    assert.deepEqual([one!.number, one!.title, one!.year], [1, paper.title, 2024]);
    assert.deepEqual([one!.arxiv, one!.link], ["2401.01234", "https://arxiv.org/abs/2401.01234"]);
    assert.deepEqual([two!.number, two!.arxiv, two!.link, two!.year], [2, undefined, "http://x.org", 1999]);
    for (const file of [path, second]) assert.equal(typeProblems(file), "");

    const { trials, verdicts } = await runSmoke("a-new-one", root);
    assert.equal(trials.length, 4);
    assert.deepEqual(
      verdicts.map(({ decision, effects }) => [decision, effects[0]!.difference]),
      [["inconclusive", 0]],
    );
  });

  const refused: [string, object, RegExp][] = [
    ["an unknown family", { family: "cooking" }, /family is "cooking", expected one of classification, /],
    ["a slug with capitals", { slug: "A" }, /slug is "A", expected lower-case/],
    ["a path", { slug: "../x" }, /slug is "\.\.\/x"/],
    ["no title", { title: " " }, /title is missing/],
    ["a version", { arxiv: "2401.01234v2" }, /arxiv is "2401\.01234v2"/],
    ["neither identifier nor link", { arxiv: undefined }, /link is missing/],
    ["a link that is none", { link: "x.org" }, /link is x\.org/],
    ["a link without year", { arxiv: undefined, link: "http://x.org" }, /year is missing/],
    ["a year that is none", { year: 20.5 }, /year is 20\.5/],
  ];
  for (const [name, changes, message] of refused)
    test(`refuses ${name}`, () => {
      const root = emptyCollection();
      assert.throws(() => newPaper({ ...paper, ...changes }, root), message);
      assert.deepEqual(readCards(root), []);
    });

  test("refuses a slug that is taken, in whatever family, and leaves its file alone", () => {
    const root = emptyCollection();
    const text = readFileSync(newPaper(paper, root), "utf8");
    assert.throws(
      () => newPaper({ ...paper, family: "negation", title: "Other" }, root),
      /taken by theory\/a-new-one\.ts/,
    );
    assert.equal(readFileSync(join(root, "theory", "a-new-one.ts"), "utf8"), text);
  });

  test("is a command", () => {
    const root = emptyCollection();
    const command = join(import.meta.dirname, "new-paper.ts");
    const options = { encoding: "utf8", env: { ...process.env, NEARMISS_PAPERS: root } } as const;
    const args = [command, "theory", "b", "--title", "B", "--arxiv", "1906.02629"];
    assert.match(execFileSync(process.execPath, args, options), /^Wrote .*theory\/b\.ts\./);
    assert.equal(readCards(root)[0]!.slug, "b");
    const wrong = spawnSync(process.execPath, [command, "theory"], options);
    assert.deepEqual([wrong.status, wrong.stdout], [2, ""]);
    assert.match(wrong.stderr, /got 1 arguments, expected a family and a slug\nnpm run new-paper/);
  });
});

test("the guide's example is sound and runs", async () => {
  const root = emptyCollection();
  const guide = readFileSync(join(repository, "docs", "adding-a-paper.md"), "utf8");
  const example = /```ts\n([\s\S]*?)```/.exec(guide)![1]!;
  const path = newPaper({ ...paper, family: "classification", slug: "label-smoothing" }, root);
  writeFileSync(path, example);
  assert.equal(typeProblems(path), "");
  assert.equal(readCards(root)[0]!.slug, "label-smoothing");
  const { trials, verdicts } = await runSmoke("label-smoothing", root);
  assert.equal(trials.length, 4);
  assert.notEqual(verdicts[0]!.effects[0]!.difference, 0);
});

test("no shipped paper has a part left to write", () => {
  for (const { card, path } of readPaperFiles())
    assert.doesNotMatch(readFileSync(path, "utf8"), /TO WRITE/, card.slug);
});
