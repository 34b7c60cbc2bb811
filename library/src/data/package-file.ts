import { readdirSync, readFileSync } from "node:fs";
import { findPackageJSON } from "node:module";
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

// Resolving takes longer than reading a small file, and a corpus has thousands of them.
const folders = new Map<string, string>();

function packageFolder(packageName: string): string {
  let folder = folders.get(packageName);
  if (folder === undefined) {
    const description = findPackage(packageName);
    if (description === undefined) {
      const advice = `install it with "npm install ${packageName}"`;
      throw new Error(`This data set is in the npm package ${packageName}: ${advice}`);
    }
    folder = dirname(description);
    folders.set(packageName, folder);
  }
  return folder;
}

/** Where a package's package.json lies; undefined where it is not installed. */
function findPackage(name: string): string | undefined {
  try {
    return findPackageJSON(name, import.meta.url);
  } catch {
    return undefined;
  }
}
