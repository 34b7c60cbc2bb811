/**
 * The fingerprint of a study's code: equal fingerprints mean equal code, so that on one machine a
 * run's numbers can stand for those of another. It covers the paper's file, the runner, all files that
 * they import from papers and library, whole, and the versions of the packages that those rely on,
 * engine and data sets among them. A changed comment changes it: it errs only towards running again.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, realpathSync, statSync } from "node:fs";
import { createRequire, isBuiltin } from "node:module";
import { dirname, join, resolve, sep } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * SHA-256, as 64 hexadecimal digits, of the code behind a paper's study. Reads files, runs none.
 *
 * @param path the paper's file, as `findPaper` gives it
 * @throws where that file cannot be read
 */
export function fingerprint(path: string): string {
  const hash = createHash("sha256");
  const seen = new Set<string>();
  const manifests = new Set<string>();

  // In the order of the imports, each file once: what lies where on this machine plays no part.
  const visit = (file: string) => {
    if (seen.has(file)) return;
    seen.add(file);
    const manifest = manifestOf(dirname(file));
    if (manifest !== undefined) manifests.add(manifest);
    const content = readFileSync(file);
    hash.update(`file ${content.length}\n`).update(content);
    if (!/\.[cm]?[jt]sx?$/.test(file)) return;
    for (const specifier of references(content.toString())) {
      hash.update(`import ${specifier}\n`);
      const target = resolveOwn(specifier, file);
      if (target !== undefined) visit(target);
    }
  };

  visit(realpathSync(path));
  visit(realpathSync(runner));
  for (const name of [...manifests].flatMap(installedVersions).sort()) hash.update(`package ${name}\n`);
  return hash.digest("hex");
}

/** The runner decides verdicts: a change there is a change of the result. */
const runner = fileURLToPath(new URL("./runner.ts", import.meta.url));

/** What a module's text names: modules that it imports, and files that it reads from beside it. */
export function references(text: string): string[] {
  const imports = text.matchAll(/(?:\bfrom\s*|\bimport\s*\(?\s*)["']([^"'\n]+)["']/g);
  const files = text.matchAll(/\bnew URL\(\s*["'](\.[^"'\n]+)["']\s*,\s*import\.meta\.url/g);
  return [...imports, ...files].map((match) => match[1]!);
}

/** The file that an import leads to where it is not an installed package; undefined for those. */
function resolveOwn(specifier: string, from: string): string | undefined {
  if (isBuiltin(specifier)) return undefined;
  if (specifier.startsWith(".")) return fileAt(resolve(dirname(from), specifier));
  try {
    const path = realpathSync(createRequire(from).resolve(specifier));
    return path.split(sep).includes("node_modules") ? undefined : path;
  } catch {
    // Not installed, for ES modules only, or a word in a comment: versions are looked up by manifest.
    return undefined;
  }
}

function fileAt(path: string): string | undefined {
  try {
    return statSync(path).isFile() ? realpathSync(path) : undefined;
  } catch {
    // The run itself will say that it is missing.
    return undefined;
  }
}

/** The nearest package.json at a folder or above it. */
function manifestOf(folder: string): string | undefined {
  for (let at = folder; ; at = dirname(at)) {
    if (existsSync(join(at, "package.json"))) return join(at, "package.json");
    if (dirname(at) === at) return undefined;
  }
}

/** The package's dependencies as "name version", as they are installed. */
function installedVersions(manifest: string): string[] {
  const { dependencies = {} } = JSON.parse(readFileSync(manifest, "utf8"));
  const require = createRequire(manifest);
  return Object.keys(dependencies).map((name) => {
    const installed = (require.resolve.paths(name) ?? [])
      .map((folder) => join(folder, name, "package.json"))
      .find((path) => existsSync(path));
    return `${name} ${installed === undefined ? "missing" : JSON.parse(readFileSync(installed, "utf8")).version}`;
  });
}
