import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";

const require = createRequire(import.meta.url);

/**
 * Reads a file out of an installed npm package: the data sets of this folder come as packages.
 *
 * @throws Error naming the package where it is not installed
 */
export function readPackageFile(packageName: string, file: string): Buffer {
  let folder: string;
  try {
    folder = dirname(require.resolve(`${packageName}/package.json`));
  } catch (cause) {
    throw new Error(`This data set is in the npm package ${packageName}: install it with "npm install ${packageName}"`, {
      cause,
    });
  }
  return readFileSync(join(folder, file));
}

/** Reads a JSON file out of an installed npm package. */
export function readPackageJson<T>(packageName: string, file: string): T {
  return JSON.parse(readPackageFile(packageName, file).toString("utf8")) as T;
}
