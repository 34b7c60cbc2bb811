/**
 * Finds the papers: every file `<family>/<slug>.ts` beside this one is a paper. Its card is read
 * from the file's text, so that listing all papers costs milliseconds and never loads the engine;
 * its study is imported only when someone asks for it.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { createContext, Script } from "node:vm";
import { type Card, families } from "./card.ts";
import type { Study } from "./study.ts";

/** A paper as it lies in its file. */
export interface PaperFile {
  card: Card;
  /** Absolute path of the file. */
  path: string;
  /** Whether the file exports a study beside its card. */
  runnable: boolean;
}

/** The folder that holds the family folders, unless a function is told another. */
export const papersRoot = fileURLToPath(new URL(".", import.meta.url));

/**
 * Reads the cards of all papers, in the order of their numbers.
 *
 * @param root folder that holds one folder a family
 * @throws where a card is missing, malformed, or shares its slug or number; the message names the file
 */
export function readCards(root: string = papersRoot): Card[] {
  return readPaperFiles(root).map((paper) => paper.card);
}

/** As `readCards`, and tells of each paper where it lies and whether it can run. */
export function readPaperFiles(root: string = papersRoot): PaperFile[] {
  if (!existsSync(root)) throw new Error(`papers: folder ${root} does not exist`);
  const papers = families.flatMap((family) =>
    paperNames(join(root, family)).map((name) => {
      const path = join(root, family, name);
      const text = readFileSync(path, "utf8");
      return { card: readCard(text, family, name), path, runnable: /^export const study\b/m.test(text) };
    }),
  );
  requireUnique(papers, "slug");
  requireUnique(papers, "number");
  return papers.sort((a, b) => a.card.number - b.card.number);
}

/** The file of a paper, or undefined where there is none. Reads no card. */
export function findPaper(slug: string, root: string = papersRoot): string | undefined {
  if (!isSlug(slug)) return undefined;
  return families.map((family) => join(root, family, `${slug}.ts`)).find((path) => existsSync(path));
}

/**
 * Imports a paper's file and gives its study.
 *
 * @throws where there is no such paper or its file exports no study
 */
export async function loadStudy(slug: string, root: string = papersRoot): Promise<Study> {
  const path = findPaper(slug, root);
  if (path === undefined) throw new Error(`papers: there is no paper "${slug}"`);
  const { study } = (await import(pathToFileURL(path).href)) as { study?: Study };
  if (study === undefined) throw new Error(`papers: "${slug}" has no study, it cannot run yet`);
  return study;
}

function paperNames(folder: string): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .sort();
}

// Cards are literals: an empty context gives them the language and nothing else, no file, no network.
const emptyContext = createContext(Object.create(null), { codeGeneration: { strings: false, wasm: false } });

function readCard(text: string, family: string, name: string): Card {
  const file = `${family}/${name}`;
  const literal = cardLiteral(text);
  if (literal === undefined) {
    throw new Error(
      `${file}: no card found; expected "export const card: Card = {" at the start of a line, ended by a line "};"`,
    );
  }
  let value: unknown;
  try {
    value = new Script(`(${literal})`).runInContext(emptyContext);
    // Objects of another context have other prototypes; the copy has ours, and proves that it is data.
    value = structuredClone(value);
  } catch (error) {
    throw new Error(`${file}: the card is not a literal: ${(error as Error).message}`);
  }
  const problem = cardProblem(value as Record<string, unknown>, family, name);
  if (problem !== undefined) throw new Error(`${file}: ${problem}`);
  return value as Card;
}

/** The text between `export const card: Card =` and the first line that is exactly `};`. */
function cardLiteral(text: string): string | undefined {
  const lines = text.split(/\r?\n/);
  const first = lines.findIndex((line) => line.startsWith(opening));
  if (first < 0) return undefined;
  const last = lines.indexOf("};", first);
  if (last < 0) return undefined;
  return `${lines[first].slice(opening.length - 1)}\n${lines.slice(first + 1, last).join("\n")}\n}`;
}

const opening = "export const card: Card = {";

const required = {
  number: "number",
  slug: "string",
  title: "string",
  year: "number",
  family: "string",
  kind: "string",
  link: "string",
  summary: "string",
  claim: "string",
  formula: "string",
} as const;

/** What is wrong with a card, in words; undefined where nothing is. */
function cardProblem(card: Record<string, unknown>, family: string, name: string): string | undefined {
  for (const [field, type] of Object.entries(required)) {
    const value = card[field];
    if (typeof value !== type) return `card.${field} is ${show(value)}, expected a ${type}`;
    if (typeof value === "string" && value.trim() === "") return `card.${field} is empty`;
    if (typeof value === "number" && !(Number.isInteger(value) && value > 0))
      return `card.${field} is ${value}, expected a positive integer`;
  }
  for (const field of ["arxiv", "code"])
    if (card[field] !== undefined && typeof card[field] !== "string")
      return `card.${field} is ${show(card[field])}, expected a string or nothing`;
  if (!isTexts(card.exports)) return `card.exports is ${show(card.exports)}, expected an array of strings`;
  if (card.notes !== undefined && !isTexts(card.notes))
    return `card.notes is ${show(card.notes)}, expected an array of strings or nothing`;
  const slug = name.slice(0, -".ts".length);
  if (card.slug !== slug) return `card.slug is "${card.slug}", expected the file's name "${slug}"`;
  if (!isSlug(slug)) return `the file's name must be lower-case letters, digits and single hyphens`;
  if (card.family !== family)
    return `card.family is "${card.family}", expected the folder's name "${family}"`;
  for (const field of ["link", "code"])
    if (card[field] !== undefined && !/^https?:\/\//.test(card[field] as string))
      return `card.${field} is ${show(card[field])}, expected an http or https address`;
  return undefined;
}

function requireUnique(papers: PaperFile[], field: "slug" | "number"): void {
  const seen = new Map<string | number, string>();
  for (const { card } of papers) {
    const file = `${card.family}/${card.slug}.ts`;
    const other = seen.get(card[field]);
    if (other !== undefined) throw new Error(`${file}: card.${field} ${card[field]} is taken by ${other}`);
    seen.set(card[field], file);
  }
}

const isSlug = (slug: string) => /^[a-z0-9]+(-[a-z0-9]+)*$/.test(slug);

const isTexts = (value: unknown) => Array.isArray(value) && value.every((item) => typeof item === "string");

const show = (value: unknown) => JSON.stringify(value) ?? String(value);
