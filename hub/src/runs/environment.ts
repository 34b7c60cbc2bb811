import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { availableParallelism, cpus } from "node:os";

/** What is needed to repeat a run: versions of nearmiss, Node and the engine, and the machine. */
export function environment(): Record<string, string> {
  return {
    nearmiss: packageVersion("nearmiss"),
    node: process.version,
    onnxruntime: packageVersion("onnxruntime-node"),
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model.trim() || "unknown",
    threads: String(availableParallelism()),
  };
}

/** The version of an installed package, read from its folder, which need not export its package.json. */
function packageVersion(name: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const folder of folders) {
    try {
      return JSON.parse(readFileSync(`${folder}/${name}/package.json`, "utf8")).version;
    } catch {
      // Not in this folder.
    }
  }
  return "unknown";
}
