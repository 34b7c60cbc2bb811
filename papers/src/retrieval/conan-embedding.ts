import type { Card } from "../card.ts";

export const card: Card = {
  number: 29,
  slug: "conan-embedding",
  title: "Conan-embedding: General Text Embedding with More and Better Negative Samples",
  year: 2024,
  family: "retrieval",
  kind: "algorithm",
  arxiv: "2408.15710",
  link: "https://arxiv.org/abs/2408.15710",
  summary:
    "During training the mean score of a query's hard negatives is compared with its value at mining time every 100 steps, and negatives that have become easy are replaced by later candidates of the same list. Each step also adds a contrastive loss on a retrieval batch, with negatives shared over devices, to a ranking loss on a similarity batch. Both tasks thus enter every update.",
  claim:
    "Replacing hard negatives as soon as they have become easy improves retrieval nDCG@10 over negatives mined once. One balanced loss per step over a retrieval and a similarity task improves embeddings, including STS Spearman correlation, over alternating random task batches.",
  formula: String.raw`\text{replace if }\;1.15\,S_t<S_0\;\text{ and }\;|S_t|<0.8;\qquad \mathcal L=\mathcal L_{\text{InfoNCE}}+\beta\,\mathcal L_{\text{cos}}`,
  exports: ["negatives: DynamicHardNegatives", "losses/similarity: cosent", "retrieval: trainBalanced"],
};
