/** Turns a card's list of exports into the lines that import them from the `nearmiss` package. */

/**
 * Reads entries of the form "folder/file: name". A folder of the library is an entry of the package
 * ("losses/classification: squentropy" is imported from "nearmiss/losses"); a name without folder
 * comes from the package's root. Returns one statement for each entry point, in the card's order.
 */
export function importLines(exports: string[]): string[] {
  const names = new Map<string, string[]>();
  for (const entry of exports) {
    const { module, name } = readExport(entry);
    const list = names.get(module) ?? [];
    if (!list.includes(name)) list.push(name);
    names.set(module, list);
  }
  return [...names].map(([module, list]) => `import { ${list.join(", ")} } from "${module}";`);
}

function readExport(entry: string): { module: string; name: string } {
  const [path, name] = entry.split(/\s*:\s*/, 2);
  if (name === undefined) return { module: "nearmiss", name: entry.trim() };
  const folder = path!.trim().split("/")[0]!;
  return { module: `nearmiss/${folder}`, name: name.trim() };
}
