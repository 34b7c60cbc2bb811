import type { Card } from "../card.ts";

export const card: Card = {
  number: 59,
  slug: "contrastive-icl",
  title: "Customizing Language Model Responses with Contrastive In-Context Learning",
  year: 2024,
  family: "inference",
  kind: "algorithm",
  arxiv: "2401.17390",
  link: "https://arxiv.org/abs/2401.17390",
  summary:
    "Shows a language model pairs of wanted and unwanted answers, marked as good and bad, and can first ask it to put into words what separates the two before it replies. The bad answers come from low-voted human replies, from another style, or from what the same model writes zero-shot, in which case no labels are needed.",
  claim:
    "At an equal number of positive examples, adding negative examples and a prior analysis of the contrast conveys a hidden intent better than few-shot prompting with positives alone or zero-shot prompting. The measures are embedding similarity and BERTScore against a reference answer, and ratings by a language model.",
  formula: String.raw`\hat y\sim p_\theta\big(y\mid (x_i,y_i^+,y_i^-)_{i=1}^{k},\ \text{analysis},\ x\big)`,
  exports: [
    "inference/prompt:contrastivePrompt",
    "data/styleTasks:sampleIntent",
    "data/styleTasks:render",
    "data/styleTasks:ambiguousSupport",
    "inference/icl:evaluatePrompts",
    "retrieval:rocchio",
  ],
};
