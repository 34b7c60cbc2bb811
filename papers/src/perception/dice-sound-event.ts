import type { Card } from "../card.ts";

export const card: Card = {
  number: 97,
  slug: "dice-sound-event",
  title:
    "Improving Polyphonic Sound Event Detection on Multichannel Recordings with the Sørensen-Dice Coefficient Loss and Transfer Learning",
  year: 2021,
  family: "perception",
  kind: "objective",
  arxiv: "2107.10471",
  link: "https://arxiv.org/abs/2107.10471",
  summary:
    "Trains frame-wise, multi-label detection of sound events with the soft Dice loss, which is one minus a smoothed overlap of predicted activities and targets, in place of cross-entropy. The many inactive frame-class cells then no longer dominate the gradient. Transfer learning and augmentation suited to the recording format complete the recipe.",
  claim:
    "In polyphonic sound event detection, Dice training has a higher F1 and a lower error rate than plain or positively weighted binary cross-entropy and focal loss, for different recording formats and settings. Transfer learning and suitable augmentation bring further improvement.",
  formula: String.raw`L=1-\frac{2\sum_{\Omega}p\,y+s}{\sum_{\Omega}p^{k}+\sum_{\Omega}y+s}`,
  exports: ["softDice", "bceWithLogits", "segmentF1", "errorRate", "syntheticScene"],
};
