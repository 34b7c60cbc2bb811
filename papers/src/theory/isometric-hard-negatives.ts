import type { Card } from "../card.ts";

export const card: Card = {
  number: 37,
  slug: "isometric-hard-negatives",
  title: "Mathematical Justification of Hard Negative Mining via Isometric Approximation Theorem",
  year: 2022,
  family: "theory",
  kind: "bound",
  arxiv: "2210.11173",
  link: "https://arxiv.org/abs/2210.11173",
  summary:
    "The paper relates the triplet loss on hardest positives and negatives to the distance between an embedding and the set of perfectly triplet-separated embeddings, measured by the largest displacement modulo rigid motion. The isometric approximation theorem gives the hard direction, from small loss to small distance. The same view is used to explain when such training collapses to one point.",
  claim:
    "The loss on hardest triplets and the distance to the set of separated embeddings control each other up to constants, which fails for randomly sampled triplets. As a consequence tested in experiments, larger batches and smaller embedding dimensions make collapse to one point more frequent.",
  formula: String.raw`\delta(f)=\inf_{g\in\mathcal F_{TS}}\sup_x\lVert f(x)-g(x)\rVert\ge\tfrac14\max_av_a,\;\; v_a=\Big[m+\max_p\lVert f_a-f_p\rVert-\min_q\lVert f_a-f_q\rVert\Big]_+`,
  exports: [
    "losses/metric:tripletBatchHard",
    "losses/metric:tripletRandom",
    "losses/metric:tripletSemiHard",
    "diagnostics/geometry:tripletSeparationDistance",
    "diagnostics/geometry:embeddingCollapse",
  ],
};
