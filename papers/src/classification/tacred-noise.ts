import type { Card } from "../card.ts";

export const card: Card = {
  number: 48,
  slug: "tacred-noise",
  title: "Noise in Relation Classification Dataset TACRED: Characterization and Reduction",
  year: 2023,
  family: "classification",
  kind: "algorithm",
  arxiv: "2311.12298",
  link: "https://arxiv.org/abs/2311.12298",
  summary:
    "Suspect no_relation labels in a relation-extraction set are found as nearest neighbours in representation space. The intrinsic strategy starts from positives that a cross-validated model calls negative, the extrinsic one from a small clean subset. Suspects are either removed or given the label of their neighbours.",
  claim:
    "In TACRED most label noise touches the no_relation class, and removing or relabelling suspect negatives raises F1 by several points over training on the noisy data. Elimination is safer than relabelling in the intrinsic strategy, while relabelling works when a clean subset is available.",
  formula: String.raw`N_{IS}=\bigcup_{q\in Q}\operatorname{NN}_k\!\left(\phi(q);\{x:y_x=0\}\right),\qquad Q=\{x:y_x\ne0,\;f(x)=0\}`,
  exports: [
    "data/cleaning:intrinsicNoisyNegatives",
    "data/cleaning:extrinsicNoisy",
    "data/cleaning:relabelByNeighbours",
    "metrics:microF1",
    "retrieval:knn",
  ],
};
