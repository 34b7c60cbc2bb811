/**
 * Writes the file of a new paper: a card, and a study that runs but compares a loss with itself, so
 * that its verdict is "inconclusive" until someone fills in the method.
 *
 *     npm run new-paper -- FAMILY SLUG --title TITLE (--arxiv ID | --link URL --year YEAR)
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parseArgs } from "node:util";
import { families } from "../papers/src/card.ts";
import { papersRoot, readCards } from "../papers/src/index.ts";

export interface NewPaper {
  family: string;
  slug: string;
  title: string;
  /** Identifier of the form 1906.02629; gives link and year where they are left out. */
  arxiv?: string;
  link?: string;
  year?: number;
}

/**
 * Writes the file, which gets the next free number.
 *
 * @param root folder of the papers, as `readCards` takes it
 * @returns the file's path
 * @throws where an argument is missing or not what it should be, and where the slug is taken
 */
export function newPaper(paper: NewPaper, root = papersRoot): string {
  const { family, slug, arxiv } = paper;
  const title = paper.title.trim();
  if (!(families as readonly string[]).includes(family))
    throw new Error(`family is "${family}", expected one of ${families.join(", ")}`);
  if (!/^[a-z0-9]+(-[a-z0-9]+)*$/.test(slug))
    throw new Error(`slug is "${slug}", expected lower-case letters, digits and single hyphens`);
  if (title === "") throw new Error("title is missing");
  if (arxiv !== undefined && !/^\d{4}\.\d{4,5}$/.test(arxiv))
    throw new Error(`arxiv is "${arxiv}", expected an identifier such as 1906.02629, without version`);
  const link = paper.link ?? (arxiv && `https://arxiv.org/abs/${arxiv}`);
  if (link === undefined || !/^https?:\/\//.test(link))
    throw new Error(
      `link is ${link ?? "missing"}, expected an http or https address, or an arxiv identifier`,
    );
  // The first two digits of an identifier are those of the year, since 2007.
  const year = paper.year ?? (arxiv === undefined ? undefined : 2000 + Number(arxiv.slice(0, 2)));
  if (year === undefined || !(Number.isInteger(year) && year > 0))
    throw new Error(`year is ${year ?? "missing"}, expected that of the first publication`);
  const cards = readCards(root);
  const taken = cards.find((card) => card.slug === slug);
  if (taken) throw new Error(`slug "${slug}" is taken by ${taken.family}/${slug}.ts`);
  const number = Math.max(0, ...cards.map((card) => card.number)) + 1;
  const path = join(root, family, `${slug}.ts`);
  mkdirSync(join(root, family), { recursive: true });
  writeFileSync(path, template({ number, slug, title, year, family, arxiv, link }), { flag: "wx" });
  return path;
}

const template = ({ number, slug, title, year, family, arxiv, link }: NewPaper & { number: number }) => {
  const text = (value: string) => JSON.stringify(value);
  return `import { softmaxCrossEntropy } from "nearmiss/losses";
import { accuracy, argMax } from "nearmiss/metrics";
import type { Card } from "../card.ts";
import { defineStudy } from "../study.ts";
import { type ClassificationLoss, digits, trainClassifier } from "../tasks/classification.ts";

export const card: Card = {
  number: ${number},
  slug: ${text(slug)},
  title: ${text(title)},
  year: ${year},
  family: ${text(family)},
  kind: "objective",
${arxiv === undefined ? "" : `  arxiv: ${text(arxiv)},\n`}  link: ${text(link!)},
  summary: "TO WRITE: what the method does, in two to four sentences.",
  claim: "TO WRITE: what the paper claims, so that it can be tested, in two to four sentences.",
  formula: String.raw\`\\ell=-\\log p_y\`,
  exports: [],
};

const losses: Record<string, ClassificationLoss> = {
  // TO WRITE: the paper's loss. Until then both arms are the same, which decides nothing.
  method: softmaxCrossEntropy,
  crossEntropy: softmaxCrossEntropy,
};

interface Settings {
  train: number;
  validation: number;
  test: number;
  epochs: number;
  batchSize: number;
  learningRate: number;
}

const settings = { train: 2000, validation: 500, test: 2000, epochs: 5, batchSize: 50, learningRate: 1e-3 };

export const study = defineStudy<Settings>({
  arms: { method: "TO WRITE: the method in a line", crossEntropy: "softmax cross-entropy" },
  scales: {
    smoke: { ...settings, train: 200, test: 200, epochs: 1, seeds: 2 },
    default: { ...settings, seeds: 5 },
    full: { ...settings, train: 5000, epochs: 20, seeds: 20 },
  },
  metrics: { accuracy: "fraction of test digits classified correctly" },
  curves: { "training loss": { x: "step", y: "loss" } },
  claims: [
    {
      id: "accuracy",
      statement: "TO WRITE: the claim in one sentence.",
      rule: "Supports if the paired 95 % interval of the accuracy difference lies above 0, contradicts if below, else inconclusive.",
      comparisons: [{ metric: "accuracy", method: "method", baseline: "crossEntropy", better: "higher" }],
    },
  ],
  distance:
    "TO WRITE: the paper trains (what, on how much); here a network of 236,000 weights sees 2,000 digits.",
  async run({ arm, seed, settings, report, signal }) {
    const task = digits({ ...settings, seed });
    const predict = await trainClassifier({
      ...settings,
      task,
      loss: losses[arm]!,
      seed,
      signal,
      onStep: (step, steps, value) => {
        report.progress(step / steps);
        report.point("training loss", step, value);
      },
    });
    const probabilities = await predict(task.test.x);
    return { accuracy: accuracy(argMax(probabilities, task.classes), task.test.labels) };
  },
});
`;
};

const usage =
  "npm run new-paper -- FAMILY SLUG --title TITLE (--arxiv ID | --link URL --year YEAR)\nSee docs/adding-a-paper.md.";

if (import.meta.main) {
  try {
    const text = { type: "string" } as const;
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: { title: text, arxiv: text, link: text, year: text },
    });
    if (positionals.length !== 2)
      throw new Error(`got ${positionals.length} arguments, expected a family and a slug`);
    const [family, slug] = positionals as [string, string];
    const { title = "", arxiv, link } = values;
    const year = values.year === undefined ? undefined : Number(values.year);
    const path = newPaper(
      { family, slug, title, arxiv, link, year },
      process.env.NEARMISS_PAPERS || papersRoot,
    );
    console.log(`Wrote ${relative(process.cwd(), path)}. Fill in what says TO WRITE, then:`);
    console.log(`  npx nearmiss run ${slug} --scale smoke`);
  } catch (error) {
    console.error(`new-paper: ${(error as Error).message}\n${usage}`);
    process.exitCode = 2;
  }
}
