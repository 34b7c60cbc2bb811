import type { Card } from "../card.ts";

export const card: Card = {
  number: 204,
  slug: "lobass-selection",
  title: "LoBaSS: Gauging Learnability in Supervised Fine-tuning Data",
  year: 2023,
  family: "language-model",
  kind: "sampler",
  arxiv: "2310.13008",
  link: "https://arxiv.org/abs/2310.13008",
  summary:
    "LoBaSS selects fine-tuning data by learnability. Each example is scored by the drop of its response loss from the pretrained model to a copy of it that was briefly fine-tuned on the pool, raw or normalised. The highest-ranked share is kept and the original model is fine-tuned afresh on it; ranking within domains keeps the mix balanced.",
  claim:
    "Fine-tuning on a small share of the data, about 6 %, with the largest loss drop equals or beats fine-tuning on all of it. The ranking is specific to the model, because the right examples are those that this pretrained model can actually learn.",
  formula: String.raw`\operatorname{LS}(d)=L_0(d)-L_1(d),\qquad \operatorname{LS}_n(d)=\frac{L_0(d)-L_1(d)}{L_0(d)}`,
  exports: [
    "data/selection: learnabilityScore",
    "data/selection: lobass",
    "data/selection: selectTop",
    "likelihood/score: responseLoss",
  ],
};
