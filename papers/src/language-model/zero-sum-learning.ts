import type { Card } from "../card.ts";

export const card: Card = {
  number: 69,
  slug: "zero-sum-learning",
  title: "Training Dynamics Underlying Language Model Scaling Laws: Loss Deceleration and Zero-Sum Learning",
  year: 2025,
  family: "language-model",
  kind: "diagnostic",
  arxiv: "2506.05447",
  link: "https://arxiv.org/abs/2506.05447",
  code: "https://github.com/mirandrom/zsl",
  summary:
    "Fits the training loss over steps with a smoothly broken power law, which returns the break step, the loss at the break and the slope after it. Alongside, an index D measures how far changes in per-token loss (or per-example gradients) cancel: 1 means complete cancellation, 0 means that all changes share one sign.",
  claim:
    "Early in language-model training the log-log loss curve bends to a much flatter slope, so a broken power law fits better than a single one. At that point per-token loss changes begin to cancel each other. Wider models bend at a lower loss and stay steeper afterwards.",
  formula: String.raw`D(\Delta\ell)=1-\frac{\left|\sum_i\Delta\ell_i\right|}{\sum_i|\Delta\ell_i|},\qquad\log L(t)=\log b-c_0\log t-c_1f_1\log\!\big(1+(t/d_1)^{1/f_1}\big)`,
  exports: [
    "destructiveInterference",
    "lossChangeMagnitude",
    "gradientInterference",
    "fitBrokenPowerLaw",
    "fitPowerLaw",
    "logMovingAverage",
    "logSubsample",
  ],
};
