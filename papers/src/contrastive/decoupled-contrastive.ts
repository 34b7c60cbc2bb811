import type { Card } from "../card.ts";

export const card: Card = {
  number: 164,
  slug: "decoupled-contrastive",
  title: "Decoupled Contrastive Learning",
  year: 2021,
  family: "contrastive",
  kind: "objective",
  arxiv: "2110.06848",
  link: "https://arxiv.org/abs/2110.06848",
  code: "https://github.com/raminnakhli/Decoupled-Contrastive-Learning",
  summary:
    "DCL is InfoNCE with the positive pair taken out of the softmax denominator, so the loss is the negated scaled similarity of the two views plus a log-sum over negatives alone. This deletes a multiplier in the gradient that becomes tiny when the positive is easy or negatives are few. A variant, DCLW, also weights the positive term by how dissimilar the two views are.",
  claim:
    "Dropping the positive pair from the denominator gives higher self-supervised accuracy than InfoNCE when batches are small. Accuracy then depends much less on the batch size.",
  formula: String.raw`L_i=-\frac{\langle z^{(1)}_i,z^{(2)}_i\rangle}{\tau}+\log\sum_{l\in\{1,2\}}\sum_{j\ne i}e^{\langle z^{(1)}_i,\,z^{(l)}_j\rangle/\tau}`,
  exports: ["dcl", "dclw", "ntXent", "npcMultiplier", "simclrMnist"],
};
