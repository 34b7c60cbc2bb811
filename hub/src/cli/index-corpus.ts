/** `nearmiss index MODEL CORPUS`: prepares a corpus for searching with a tuned retriever. */
import type { CorpusOptions } from "../retrieval/corpus.ts";
import { loadRetriever } from "../retrieval/retriever-folder.ts";
import { saveIndex, searchIndex } from "../retrieval/search-index.ts";
import { type Format, print, say } from "./output.ts";
import { corpusFrom, fromFile } from "./retrieval-input.ts";

export async function indexCorpus(
  folder: string,
  path: string,
  options: CorpusOptions & { format: Format },
): Promise<void> {
  const retriever = await fromFile(() => loadRetriever(folder));
  const corpus = await corpusFrom(path, options);
  const started = performance.now();
  const index = searchIndex(retriever, corpus);
  saveIndex(folder, index);
  const done = {
    model: folder,
    corpus: path,
    documents: corpus.documents.length,
    terms: index.bm25.terms.size,
    use: retriever.use,
    notes: corpus.notes,
    seconds: (performance.now() - started) / 1000,
  };
  print(options.format, done, ({ documents, terms, use, notes, seconds }) =>
    [
      `${folder}: ${documents} documents indexed, ${terms} terms, for ${use === "fused" ? "BM25 and vectors" : "BM25 alone"}, ${seconds.toFixed(1)} s`,
      ...notes,
    ].join("\n"),
  );
  say(`nearmiss query ${folder} "…" searches them.`);
}
