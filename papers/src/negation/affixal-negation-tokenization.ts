import type { Card } from "../card.ts";

export const card: Card = {
  number: 163,
  slug: "affixal-negation-tokenization",
  title: "Revisiting subword tokenization: A case study on affixal negation in large language models",
  year: 2024,
  family: "negation",
  kind: "benchmark",
  arxiv: "2404.02421",
  link: "https://arxiv.org/abs/2404.02421",
  code: "https://github.com/joey234/affixal-negation",
  summary:
    "The study asks whether subword tokenizers isolate the negative affix in words such as unhappy or careless, and whether that matters. Each word is labelled as correctly, under- or over-segmented for each tokenizer, on about 2,100 affixal negations and a similar number of non-negated counterparts. Models then classify the words as negated or not, and sentiment is tested on sentences that contain them.",
  claim:
    "Subword tokenizers often fail to separate the negative affix from its stem. Models nevertheless recognise most affixal negations, so the correctness of the tokenization is only loosely related to the accuracy of negation detection.",
  formula: String.raw`\operatorname{acc}(c)=\Pr\big(\hat y(w)=y(w)\,\big|\,\operatorname{seg}(w)=c\big),\qquad c\in\{\text{correct},\text{under},\text{over}\}`,
  exports: [
    "affixalPairs",
    "pseudoAffixWords",
    "nonceWords",
    "segmentationCategory",
    "trainBpe",
    "trainWordPiece",
    "trainUnigram",
    "morphSplit",
    "stratifiedOddsRatio",
  ],
};
