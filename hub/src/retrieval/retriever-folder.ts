/** A tuned retriever as a folder: the encoder's files, `retriever.json` (how to use them) and a model card. */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { loadStaticEncoder, ONNX_TERMS, type StaticEncoder, saveStaticEncoder } from "nearmiss/retrieval";
import { z } from "zod";
import { modelCard } from "./model-card.ts";
import { DEPTH } from "./rankings.ts";
import type { Tuning } from "./tuning.ts";

const description = z.object({
  format: z.literal("nearmiss-retriever"),
  version: z.literal(1),
  /** "bm25" where the encoder is not shown to help. */
  use: z.enum(["fused", "bm25"]),
  fusion: z.object({
    /** Factor of dense scores; of BM25's it is 1. Both are brought to mean 0 and deviation 1 before. */
    weight: z.number().nonnegative(),
    /** Documents that each retriever contributes. */
    depth: z.int().positive(),
  }),
  bm25: z.object({ k1: z.number().nonnegative(), b: z.number().min(0).max(1) }),
  encoder: z.object({ terms: z.int().positive(), width: z.int().positive() }),
  onnx: z.object({
    file: z.string(),
    inputs: z.record(z.string(), z.string()),
    output: z.string(),
  }),
  versions: z.record(z.string(), z.string()),
});

export type RetrieverDescription = z.infer<typeof description>;

export interface Retriever extends RetrieverDescription {
  model: StaticEncoder;
}

/** Writes a retriever's files into a folder, which is made where there is none. */
export async function saveRetriever(folder: string, model: StaticEncoder, tuning: Tuning): Promise<void> {
  const content: RetrieverDescription = {
    format: "nearmiss-retriever",
    version: 1,
    use: tuning.use,
    fusion: { weight: tuning.fusion.weight, depth: DEPTH },
    bm25: { k1: 1.2, b: 0.75 },
    encoder: tuning.encoder,
    onnx: {
      file: "encoder.onnx",
      inputs: {
        input0: `int32 [1, ${ONNX_TERMS}]: term numbers of tokenizer.json, then zeros`,
        input1: `int32 [1, ${ONNX_TERMS}]: 1 for each term, then zeros`,
      },
      output: `output0, float32 [1, ${tuning.encoder.width}]: the text's vector, of length 1`,
    },
    versions: tuning.versions,
  };
  await saveStaticEncoder(folder, model);
  writeFileSync(join(folder, "retriever.json"), `${JSON.stringify(content, null, 2)}\n`);
  writeFileSync(join(folder, "README.md"), modelCard(basename(folder), content, tuning));
}

/** Whether a folder holds a tuned retriever. */
export const retrieverFile = (folder: string) => join(folder, "retriever.json");

/**
 * Reads a retriever.
 *
 * @throws RangeError for a folder without one, or with one that is broken
 */
export async function loadRetriever(folder: string): Promise<Retriever> {
  const file = retrieverFile(folder);
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, "utf8"));
  } catch (cause) {
    throw new RangeError(
      `${file} cannot be read: ${(cause as Error).message}; expected a folder that nearmiss tune has written`,
      { cause },
    );
  }
  const checked = description.safeParse(content);
  if (!checked.success)
    throw new RangeError(`${file} is no retriever of nearmiss: ${z.prettifyError(checked.error)}`);
  return { ...checked.data, model: await loadStaticEncoder(folder) };
}
