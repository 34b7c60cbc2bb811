/**
 * A corpus prepared for searching, kept in its retriever's folder: `index.safetensors` (vectors and BM25's
 * postings), `index.json` (BM25's terms) and `documents.jsonl` (what is shown of each document).
 */
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fromData, type Tensor, values } from "nearmiss";
import { parseJsonl } from "nearmiss/data";
import { readSafetensors, saveSafetensors } from "nearmiss/nn";
import { type Bm25Index, bm25Index, encodeTexts, unitRows, type Vectors, vectors } from "nearmiss/retrieval";
import { words } from "nearmiss/text";
import { z } from "zod";
import { type Corpus, wholeText } from "./corpus.ts";
import type { Retriever } from "./retriever-folder.ts";

/** What is shown of a document. */
export interface Shown {
  id: string;
  title: string;
  /** The text's first characters. */
  start: string;
}

export interface SearchIndex {
  corpus: string;
  documents: Shown[];
  bm25: Bm25Index;
  /** Of length 1; absent where BM25 is used alone. */
  vectors?: Vectors;
}

const START = 160;

const description = z.object({
  format: z.literal("nearmiss-index"),
  version: z.literal(1),
  corpus: z.string(),
  documents: z.int().positive(),
  bm25: z.object({ k1: z.number(), b: z.number(), terms: z.array(z.string()) }),
});

/** Makes an index in memory. */
export function searchIndex({ use, bm25, model }: Retriever, { name, documents }: Corpus): SearchIndex {
  const texts = documents.map(wholeText);
  return {
    corpus: name,
    documents: documents.map(({ id, title, text }) => ({ id, title, start: text.slice(0, START) })),
    bm25: bm25Index(texts, bm25),
    ...(use === "fused" && { vectors: unitRows(encodeTexts(model, texts)) }),
  };
}

const postings = ["offsets", "documents", "frequencies", "lengths"] as const;
const numbers = ["scores", "inverseDocumentFrequencies"] as const;

/** Writes an index into a folder; one that is there is replaced, and stays whole until then. */
export function saveIndex(folder: string, { corpus, documents, bm25, vectors: rows }: SearchIndex): void {
  const column = (data: Int32Array | Float32Array) => fromData(data, [data.length]);
  // The engine has no unsigned integers; the bits are the same.
  const signed = ({ buffer, byteOffset, length }: Uint32Array) =>
    new Int32Array(buffer as ArrayBuffer, byteOffset, length);
  const tensors: Record<string, Tensor> = {};
  for (const name of postings) tensors[name] = column(signed(bm25[name]));
  for (const name of numbers) tensors[name] = column(bm25[name]);
  if (rows) tensors.vectors = fromData(rows.data, [rows.count, rows.width]);
  const content: z.infer<typeof description> = {
    format: "nearmiss-index",
    version: 1,
    corpus,
    documents: documents.length,
    bm25: { k1: bm25.options.k1, b: bm25.options.b, terms: [...bm25.terms.keys()] },
  };
  const files = {
    "documents.jsonl": documents.map((document) => `${JSON.stringify(document)}\n`).join(""),
    "index.safetensors": saveSafetensors(tensors),
    "index.json": `${JSON.stringify(content)}\n`,
  };
  for (const [name, bytes] of Object.entries(files)) writeFileSync(join(folder, `${name}.new`), bytes);
  for (const name of Object.keys(files)) renameSync(join(folder, `${name}.new`), join(folder, name));
}

export const hasIndex = (folder: string) => existsSync(join(folder, "index.json"));

/**
 * Reads an index.
 *
 * @throws RangeError for one that is broken
 */
export function loadIndex(folder: string): SearchIndex {
  const read = <T>(name: string, use: (bytes: Buffer) => T): T => {
    const file = join(folder, name);
    try {
      return use(readFileSync(file));
    } catch (cause) {
      throw new RangeError(
        `${file} cannot be read: ${(cause as Error).message}; nearmiss index writes it anew`,
        { cause },
      );
    }
  };
  const {
    corpus,
    documents: size,
    bm25,
  } = read("index.json", (bytes) => description.parse(JSON.parse(bytes.toString())));
  const documents = read("documents.jsonl", (bytes) => parseJsonl<Shown>(bytes.toString()));
  return read("index.safetensors", (bytes) => {
    const { tensors } = readSafetensors(new Uint8Array(bytes));
    const data = (name: string) => {
      const found = tensors.get(name);
      if (!found) throw new RangeError(`"${name}" is absent`);
      return values(found);
    };
    const unsigned = (name: string) => new Uint32Array((data(name) as Int32Array).buffer as ArrayBuffer);
    const table = tensors.get("vectors");
    if (
      documents.length !== size ||
      unsigned("lengths").length !== size ||
      (table && table.shape[0] !== size)
    )
      throw new RangeError(`its parts are of different corpora: index.json has ${size} documents`);
    return {
      corpus,
      documents,
      bm25: {
        options: { k1: bm25.k1, b: bm25.b, tokenize: words },
        size,
        terms: new Map(bm25.terms.map((term, i) => [term, i])),
        offsets: unsigned("offsets"),
        documents: unsigned("documents"),
        frequencies: unsigned("frequencies"),
        lengths: unsigned("lengths"),
        scores: data("scores") as Float32Array,
        inverseDocumentFrequencies: data("inverseDocumentFrequencies") as Float32Array,
      },
      ...(table && { vectors: vectors(values(table) as Float32Array, table.shape[1]!) }),
    };
  });
}
