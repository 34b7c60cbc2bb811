/** Whether the tuned retriever earns its keep, in plain words. */
import { between } from "../compare/text.ts";
import type { Tuned } from "./tune.ts";
import type { Tuning } from "./tuning.ts";

const sources: Record<Tuning["queries"]["source"], string> = {
  judged: "judged queries",
  pairs: "held-back queries of the given pairs",
  "self-made": "held-back queries that the corpus made of its own titles and sentences",
};

export const sourceText = (source: Tuning["queries"]["source"]) => sources[source];

/** What is said of queries that documents made of themselves. */
export const selfMadeCaution =
  "These figures are from self-made pairs, whose words come from the documents: they are easier for BM25 than what people ask. --judged or --pairs measures with real queries.";

export function verdictOf({ findings }: Tuned, queries: Tuning["queries"]): string {
  const { use, results, fusion } = findings;
  const gain = results.find(({ name }) => name === "fused")!.differences!["nDCG@10"];
  const where = `on ${queries.heldBack} ${sourceText(queries.source)}`;
  if (use === "fused")
    return `Tuned and fused with BM25, the retriever beats BM25 alone ${where}: nDCG@10 ${between(gain, true)}, ${gain.better} queries better and ${gain.worse} worse.`;
  if (fusion.weight === 0)
    return `The tuned retriever does not help BM25: validation queries give it no weight. The folder says to use BM25 alone.`;
  const worse = gain.high < 0 ? "is worse than BM25 alone" : "is not shown to beat BM25 alone";
  return `Tuned and fused with BM25, the retriever ${worse} ${where}: nDCG@10 ${between(gain, true)}. The folder says to use BM25 alone.`;
}
