import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

/**
 * Reads a file out of an installed npm package: the data sets of this folder come as packages.
 *
 * @throws Error naming the package where it is not installed
 */
export function readPackageFile(packageName: string, file: string): Buffer {
  return readFileSync(join(packageFolder(packageName), file));
}

/** Reads a JSON file out of an installed npm package. */
export function readPackageJson<T>(packageName: string, file: string): T {
  return JSON.parse(readPackageFile(packageName, file).toString("utf8")) as T;
}

/** Names of the files in a folder of an installed npm package, in code unit order. */
export function listPackageFiles(packageName: string, folder: string): string[] {
  return readdirSync(join(packageFolder(packageName), folder)).sort();
}

const require = createRequire(import.meta.url);
// Resolving takes longer than reading a small file, and a corpus has thousands of them.
const folders = new Map<string, string>();

function packageFolder(packageName: string): string {
  let folder = folders.get(packageName);
  if (folder === undefined) {
    try {
      folder = dirname(require.resolve(`${packageName}/package.json`));
    } catch (cause) {
      const advice = `install it with "npm install ${packageName}"`;
      throw new Error(`This data set is in the npm package ${packageName}: ${advice}`, { cause });
    }
    folders.set(packageName, folder);
  }
  return folder;
}
