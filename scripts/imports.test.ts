/** Imports go one way: hub → papers → library; what the library needs it does not get from above. */
import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, relative, resolve } from "node:path";
import { test } from "node:test";

const root = resolve(import.meta.dirname, "..");
const rooms = ["library", "papers", "hub"];
const packages: Record<string, string> = {
  nearmiss: "library",
  "@nearmiss/papers": "papers",
  "@nearmiss/hub": "hub",
};

/** The room that an import leads to, or undefined for packages from elsewhere. */
function roomOf(file: string, specifier: string): string | undefined {
  if (specifier.startsWith(".")) return relative(root, resolve(dirname(file), specifier)).split("/")[0];
  const name = specifier.startsWith("@")
    ? specifier.split("/").slice(0, 2).join("/")
    : specifier.split("/")[0]!;
  return packages[name];
}

const specifiers = (source: string) =>
  [...source.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"']+)["']/g)].map((match) => match[1]!);

test("the check itself sees static, dynamic and side-effect imports", () => {
  const source = `import a from "x"; export * from './y.ts'; await import("nearmiss/losses"); import "z";`;
  assert.deepEqual(specifiers(source), ["x", "./y.ts", "nearmiss/losses", "z"]);
  assert.equal(roomOf(resolve(root, "library/src/index.ts"), "../../papers/src/card.ts"), "papers");
  assert.equal(roomOf(resolve(root, "library/src/index.ts"), "@nearmiss/papers/card"), "papers");
});

rooms.forEach((room, level) => {
  test(`${room} imports nothing from above it`, () => {
    const files = globSync(`${room}/{src,bin}/**/*.{ts,tsx,mjs}`, { cwd: root }).map((file) =>
      resolve(root, file),
    );
    assert.ok(files.length > 0);
    for (const file of files) {
      for (const specifier of specifiers(readFileSync(file, "utf8"))) {
        const target = roomOf(file, specifier);
        if (target === undefined || target === "node_modules") continue;
        assert.ok(
          rooms.indexOf(target) >= 0 && rooms.indexOf(target) <= level,
          `${relative(root, file)} imports ${specifier}, which belongs to ${target}`,
        );
      }
    }
  });
});
