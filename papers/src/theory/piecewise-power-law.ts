import type { Card } from "../card.ts";

export const card: Card = {
  number: 51,
  slug: "piecewise-power-law",
  title: "A Meta-Learning Approach to Predicting Performance and Data Requirements",
  year: 2023,
  family: "theory",
  kind: "model",
  arxiv: "2303.01598",
  link: "https://arxiv.org/abs/2303.01598",
  summary:
    "A learning curve in log-log scale is modelled by a quadratic piece at few shots that joins a straight line with equal value and slope at a switch point N. Few-shot data cannot identify the switch, so a random forest trained on complete curves of other tasks predicts the extra parameters from features of the early points. A confidence band around the extrapolation guides how much data to label next.",
  claim:
    "The piecewise law with meta-learned parameters extrapolates performance from few shots with less error than a power law fitted to the same points. Using its confidence band to label in steps reduces the over-estimation of the data needed to reach a target.",
  formula: String.raw`\log v=\begin{cases}a+bx+cx^2&x\le X\\a-cX^2+(b+2cX)\,x&x>X\end{cases},\qquad x=\log n,\;X=\log N`,
  exports: [
    "diagnostics/scaling:powerLaw",
    "diagnostics/scaling:piecewisePowerLaw",
    "nn/forest:RandomForestRegressor",
  ],
};
