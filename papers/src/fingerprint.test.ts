import assert from "node:assert/strict";
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, test } from "node:test";
import { fingerprint, references } from "./fingerprint.ts";
import { findPaper, readPaperFiles } from "./index.ts";

const folder = mkdtempSync(join(tmpdir(), "nearmiss-fingerprint-"));
after(() => rmSync(folder, { recursive: true }));

const files: Record<string, string> = {
  "paper.ts": `import { a } from "./a.ts";
import type { B } from "./b.ts";
const table = new URL("./table.csv", import.meta.url);
import { wanted, also as other } from "./index.ts";
const later = () => import("tiny-package");
`,
  "a.ts": 'export * from "./deep/c.ts";\nexport const a = 1;\n',
  "index.ts": `/** Passes on. */
export * from "./inner/index.ts";
export { type Unwanted, theirs as also } from "./named.ts";
export * from "./unwanted.ts";
`,
  "inner/index.ts": 'export * from "./wanted.ts";\n// and\nexport { y } from "./unwanted.ts";\n',
  "inner/wanted.ts": "export async function wanted() {}\n",
  "inner/unwanted.ts": "export const y = 1;\n",
  "named.ts": "const theirs = 1;\nexport { theirs };\nexport type Unwanted = 1;\n",
  "unwanted.ts": "export const unwanted = 1;\nexport const wantedToo = 2;\n",
  "b.ts": 'import "./paper.ts";\nexport type B = number;\n',
  "deep/c.ts": 'import "./missing.ts";\nexport const c = 1;\n',
  "table.csv": "1,2\n",
  "beside.ts": "export const beside = 1;\n",
  "package.json": '{ "dependencies": { "tiny-package": "*", "absent-package": "*" } }',
  "node_modules/tiny-package/package.json": '{ "name": "tiny-package", "version": "1.0.0" }',
  "node_modules/tiny-package/index.js": "export {};\n",
};

let count = 0;

/** The fingerprint of `paper.ts` in a folder of its own, with some files changed. */
function of(changes: Record<string, string> = {}): string {
  const root = join(folder, String(count++));
  for (const [name, text] of Object.entries({ ...files, ...changes })) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return fingerprint(join(root, "paper.ts"));
}

describe("fingerprint", () => {
  test("is the same for the same code, wherever it lies", () => {
    assert.equal(of(), of());
    assert.match(of(), /^[0-9a-f]{64}$/);
  });

  const telling = ["paper.ts", "a.ts", "b.ts", "deep/c.ts", "table.csv", "inner/wanted.ts", "named.ts"];
  for (const name of telling)
    test(`changes with ${name}`, () => assert.notEqual(of({ [name]: `${files[name]}\n` }), of()));

  test("changes with the installed version of a package, and not with its text", () => {
    const manifest = "node_modules/tiny-package/package.json";
    assert.notEqual(of({ [manifest]: files[manifest]!.replace("1.0.0", "1.0.1") }), of());
    assert.equal(of({ "node_modules/tiny-package/index.js": "" }), of());
  });

  test("does not change with files that are not imported", () =>
    assert.equal(of({ "beside.ts": "", "new.ts": "" }), of()));

  test("does not change with what a module passes on beside the wanted names", () => {
    assert.equal(of({ "unwanted.ts": "", "inner/unwanted.ts": "export const y = 2;\n" }), of());
    assert.equal(of({ "index.ts": `${files["index.ts"]}export * from "./beside.ts";\n` }), of());
  });

  test("takes in all that a module passes on where everything, or a name that is not found, is imported", () => {
    const all = files["paper.ts"]!.replace("{ wanted, also as other }", "* as everything");
    const unknown = files["paper.ts"]!.replace("also as other", "nowhere");
    for (const paper of [all, unknown])
      assert.notEqual(of({ "paper.ts": paper, "unwanted.ts": "" }), of({ "paper.ts": paper }));
  });

  test("refuses a file that is not there", () => assert.throws(() => fingerprint("/nowhere.ts"), /ENOENT/));

  test("differs between all shipped papers, takes in the library, and is fast", () => {
    const paths = readPaperFiles().flatMap(({ path, runnable }) => (runnable ? [path] : []));
    const started = performance.now();
    assert.equal(new Set(paths.map(fingerprint)).size, paths.length);
    const each = (performance.now() - started) / paths.length;
    assert.ok(each < 500, `${each} ms each`);
    // The same text where no library can be found.
    const alone = join(folder, "squentropy.ts");
    cpSync(findPaper("squentropy")!, alone);
    assert.notEqual(fingerprint(alone), fingerprint(findPaper("squentropy")!));
  });
});

test("references are static and dynamic imports, exports, and files beside the module", () =>
  assert.deepEqual(
    references(
      `import a from "x"; export * from './y.ts'; await import("z/w"); import "v"; new URL("./t.json", import.meta.url)
       import { type B, c as d } from "u"; export type { E } from "./e.ts";`,
    ),
    [
      { specifier: "u", names: ["B", "c"] },
      { specifier: "./e.ts", names: ["E"] },
      ...["x", "./y.ts", "z/w", "v", "./t.json"].map((specifier) => ({ specifier })),
    ],
  ));
