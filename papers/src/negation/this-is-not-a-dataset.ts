import type { Card } from "../card.ts";

export const card: Card = {
  number: 92,
  slug: "this-is-not-a-dataset",
  title: "This is not a Dataset: A Large Negation Benchmark to Challenge Large Language Models",
  year: 2023,
  family: "negation",
  kind: "benchmark",
  arxiv: "2310.15941",
  link: "https://arxiv.org/abs/2310.15941",
  code: "https://github.com/hitz-zentroa/This-is-not-a-Dataset",
  summary:
    "Builds true/false sentences from WordNet relations such as synonymy, hypernymy and part-of, with a true object and a distractor for each fact, in affirmative form and under several kinds of negation. Besides accuracy by negation type it reports coherence per block: affirmative predictions must agree among themselves, negated ones too, and the two must be opposite.",
  claim:
    "Language models do well on affirmative sentences but poorly on negated ones, which form about two thirds of the benchmark, and they lean on surface cues. Fine-tuning improves the scores without generalising from one negation type to another.",
  formula: String.raw`\text{coherent}(b)=\mathbf 1\big[\hat y_i=\hat y_{i'},\ \hat y_j=\hat y_{j'},\ \hat y_i\ne\hat y_j\ \ \forall\,i,i'\in\text{aff}(b),\ j,j'\in\text{neg}(b)\big]`,
  exports: ["notADataset", "truthScorer", "coherenceScorer", "negateClause", "negationCues"],
};
