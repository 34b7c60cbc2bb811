import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { families } from "./card.ts";
import { findPaper, loadStudy, readCards, readPaperFiles } from "./index.ts";

const folders: string[] = [];
after(() => {
  for (const folder of folders) rmSync(folder, { recursive: true });
});

/** A folder of papers: file names to file texts. */
function paperFolder(files: Record<string, string>): string {
  const root = mkdtempSync(join(tmpdir(), "nearmiss-papers-"));
  folders.push(root);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
}

const card = {
  number: 1,
  slug: "tiny",
  title: "A Tiny Paper",
  year: 2020,
  family: "classification",
  kind: "objective",
  link: "https://example.org/tiny",
  summary: "It does little.",
  claim: "Little is enough.",
  formula: String.raw`\frac{a}{b}`,
  exports: ["losses/tiny: tiny"],
};

const file = (changes: object = {}, rest = "") => {
  const fields = Object.entries({ ...card, ...changes }).filter(([, value]) => value !== undefined);
  const lines = fields.map(([key, value]) => `  ${key}: ${JSON.stringify(value)},`);
  return `import type { Card } from "../card.ts";\n\nexport const card: Card = {\n${lines.join("\n")}\n};\n${rest}`;
};

describe("readPaperFiles", () => {
  test("reads card and runnability out of the text, in order of numbers, and leaves tests aside", () => {
    const root = paperFolder({
      "classification/tiny.ts": file({ number: 7 }),
      "classification/tiny.test.ts": "not a paper",
      "retrieval/other.ts": file(
        { number: 3, slug: "other", family: "retrieval" },
        "\nexport const study = 1;\n",
      ),
    });
    const papers = readPaperFiles(root);
    assert.deepEqual(
      papers.map((paper) => [paper.card.slug, paper.runnable]),
      [
        ["other", true],
        ["tiny", false],
      ],
    );
    assert.deepEqual(papers[1].card, { ...card, number: 7 });
  });

  test("does not run the file", () => {
    const root = paperFolder({ "classification/tiny.ts": `throw new Error("ran");\n${file()}` });
    assert.equal(readCards(root)[0].title, "A Tiny Paper");
  });

  test("reads String.raw templates and concatenated strings", () => {
    const text = file().replace(JSON.stringify(card.formula), "String.raw`\\alpha` + `b`");
    assert.equal(readCards(paperFolder({ "classification/tiny.ts": text }))[0].formula, "\\alphab");
  });

  test("gives the literal nothing but the language", () => {
    const text = file().replace('"A Tiny Paper"', "process.version");
    assert.throws(() => readCards(paperFolder({ "classification/tiny.ts": text })), /process is not defined/);
  });

  const refused: [string, string, RegExp][] = [
    ["no card", "export const nothing = 1;\n", /tiny\.ts: no card found/],
    ["unended card", file().replace("\n};", "\n}"), /tiny\.ts: no card found/],
    ["missing field", file({ title: undefined }), /tiny\.ts: card\.title is undefined, expected a string/],
    ["empty field", file({ claim: " " }), /card\.claim is empty/],
    ["fractional number", file({ number: 1.5 }), /card\.number is 1\.5/],
    ["other slug", file({ slug: "small" }), /card\.slug is "small", expected the file's name "tiny"/],
    ["other family", file({ family: "theory" }), /card\.family is "theory"/],
    ["exports not texts", file({ exports: [1] }), /card\.exports is \[1\]/],
    ["script link", file({ link: "javascript:alert(1)" }), /card\.link/],
    ["syntax error", file().replace("number: 1,", "number: ,"), /tiny\.ts: the card is not a literal/],
    ["function", file().replace('"It does little."', "() => 1"), /tiny\.ts: the card is not a literal/],
  ];
  for (const [name, text, message] of refused) {
    test(`refuses: ${name}`, () => {
      const root = paperFolder({ "classification/tiny.ts": text });
      assert.throws(() => readCards(root), message);
    });
  }

  test("refuses a slug or a number that two papers share, naming both files", () => {
    const same = paperFolder({
      "classification/tiny.ts": file(),
      "theory/tiny.ts": file({ family: "theory", number: 2 }),
    });
    assert.throws(() => readCards(same), /theory\/tiny\.ts: card\.slug tiny .* classification\/tiny\.ts/);
    const number = paperFolder({
      "classification/tiny.ts": file(),
      "theory/big.ts": file({ family: "theory", slug: "big" }),
    });
    assert.throws(() => readCards(number), /theory\/big\.ts: card\.number 1 .* classification\/tiny\.ts/);
  });

  test("refuses a folder that does not exist", () => {
    assert.throws(() => readCards("/nowhere/at/all"), /\/nowhere\/at\/all does not exist/);
  });
});

describe("loadStudy", () => {
  const root = paperFolder({
    "classification/tiny.ts": file({}, "\nexport const study = { distance: 'none' };\n"),
    "theory/big.ts": file({ slug: "big", family: "theory", number: 2 }),
  });

  test("imports the file and gives its study", async () => {
    assert.equal((await loadStudy("tiny", root)).distance, "none");
  });

  test("refuses unknown papers, papers without study, and paths", async () => {
    await assert.rejects(loadStudy("huge", root), /no paper "huge"/);
    await assert.rejects(loadStudy("big", root), /"big" has no study/);
    assert.equal(findPaper("../classification/tiny", root), undefined);
  });
});

describe("the shipped papers", () => {
  const papers = readPaperFiles();

  test("hold numbers 1 to 204", () => {
    const numbers = new Set(papers.map((paper) => paper.card.number));
    for (let number = 1; number <= 204; number++) assert.ok(numbers.has(number), `no paper ${number}`);
  });

  test("fill every family", () => {
    assert.deepEqual(new Set(papers.map((paper) => paper.card.family)), new Set(families));
  });
});
