/**
 * Runs the tests: `node scripts/test.ts [part of a path …]`. Prints what fails and, at the end, the ten files
 * that took longest and a line "N passed, N failed". Browser tests skip themselves, saying so, where there is
 * no Chromium.
 */
import { globSync } from "node:fs";
import { relative, resolve } from "node:path";
import { run } from "node:test";

const wanted = process.argv.slice(2);
const files = globSync([
  "library/src/**/*.test.ts",
  "papers/src/**/*.test.ts",
  "hub/src/**/*.test.ts",
  "scripts/*.test.ts",
  "bench/*.test.ts",
])
  .filter((file) => wanted.length === 0 || wanted.some((part) => file.includes(part)))
  .sort();
if (files.length === 0) {
  console.error(`no test file matches ${wanted.join(" ")}`);
  process.exit(2);
}

// Every file is a process of its own; this saves each the reading of the same code.
process.env.NODE_COMPILE_CACHE ??= resolve("node_modules/.cache/compile");

const seed = new URL("test-seed.ts", import.meta.url).href;
let passed = 0;
let skipped = 0;
const seconds = new Map<string, number>();
const failures: string[] = [];
const started = performance.now();
for await (const { type, data } of run({ files, concurrency: 2, execArgv: ["--import", seed] })) {
  if (type === "test:stderr") process.stderr.write(data.message);
  if (type === "test:summary" && data.file) seconds.set(data.file, data.duration_ms / 1000);
  if ((type !== "test:pass" && type !== "test:fail") || data.details.type === "suite") continue;
  if (type === "test:fail") {
    failures.push(`${data.file}: ${data.name}`);
    console.log(`✖ ${data.file}: ${data.name}\n${indented(data.details.error)}`);
  } else if (data.skip !== undefined) {
    skipped++;
    console.log(`- skipped: ${data.name}${typeof data.skip === "string" ? ` (${data.skip})` : ""}`);
  } else {
    passed++;
  }
}
console.log(`\n${files.length} files in ${((performance.now() - started) / 1000).toFixed(0)} s`);
const slowest = [...seconds].sort(([, a], [, b]) => b - a).slice(0, 10);
if (files.length > 10)
  for (const [file, time] of slowest) console.log(`${time.toFixed(0).padStart(5)} s ${relative(".", file)}`);
for (const failure of failures) console.log(`✖ ${failure}`);
console.log(`${passed} passed, ${failures.length} failed, ${skipped} skipped`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;

function indented(error: Error & { cause?: unknown }): string {
  const cause =
    error.cause instanceof Error ? (error.cause.stack ?? error.cause.message) : String(error.cause ?? error);
  return cause.replaceAll(/^/gm, "    ");
}
