import type { Card } from "../card.ts";

export const card: Card = {
  number: 174,
  slug: "ance-tele",
  title: "Reduce Catastrophic Forgetting of Dense Retrieval Training with Teleportation Negatives",
  year: 2022,
  family: "retrieval",
  kind: "sampler",
  arxiv: "2210.17167",
  link: "https://arxiv.org/abs/2210.17167",
  code: "https://github.com/OpenMatch/ANCE-Tele",
  summary:
    "ANCE-Tele trains a dense retriever in episodes and refreshes its hard negatives before each one. The pool joins fresh nearest neighbours of the query, neighbours of the positive document (lookahead) and the whole pool of the previous episode (momentum). Every episode restarts from the initial model, and all but the last are short.",
  claim:
    "When a retriever is trained again and again on freshly mined negatives only, as in ANCE, it learns and forgets groups of negatives in turn. Adding momentum and lookahead negatives lowers the forgetting rate. Training converges faster and MRR is higher than with ANCE.",
  formula: String.raw`\mathcal N_e(q)=\mathcal N_{\text{ANN}}(q)\uplus\mathcal N_{\text{LA}}(d^+)\uplus\mathcal N_{e-1}(q),\qquad \mathcal N_0(q)=\varnothing`,
  exports: [
    "negatives/tele: teleportationPool",
    "negatives/refresh: EpisodeTrainer",
    "diagnostics/forgetting: forgettingRate",
  ],
};
