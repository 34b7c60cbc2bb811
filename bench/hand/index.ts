import type { Problem } from "../problem.ts";
import { classifierGraph } from "./classifier.ts";
import { contrastiveLossGraph } from "./contrastive-loss.ts";
import { convnetGraph } from "./convnet.ts";
import { languageModelGraph } from "./language-model.ts";
import type { HandGraph, Ways } from "./parts.ts";
import { retrieverGraph } from "./retriever.ts";
import { twoTowersGraph } from "./two-towers.ts";

/** The hand graph of each workload. */
export const handGraphs: Record<string, (problem: Problem, ways?: Ways) => HandGraph> = {
  classifier: classifierGraph,
  "two-towers": twoTowersGraph,
  "contrastive-loss": contrastiveLossGraph,
  "language-model": languageModelGraph,
  convnet: convnetGraph,
  retriever: retrieverGraph,
};

export type { HandGraph, Ways };
