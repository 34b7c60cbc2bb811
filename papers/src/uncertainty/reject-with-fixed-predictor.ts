import type { Card } from "../card.ts";

export const card: Card = {
  number: 119,
  slug: "reject-with-fixed-predictor",
  title: "Learning to Reject with a Fixed Predictor: Application to Decontextualization",
  year: 2023,
  family: "uncertainty",
  kind: "objective",
  arxiv: "2301.09044",
  link: "https://arxiv.org/abs/2301.09044",
  summary:
    "The predictor is frozen and a separate rejector r decides whether its output is accepted, using labels a that say if an output is acceptable. Rejection costs c, and the training loss is a convex sum of two exponentials that bounds the accept-or-reject cost from above. The rates α and β are tied so that the optimal sign of r flips exactly where the probability of an unacceptable output equals c.",
  claim:
    "For a fixed predictor the surrogate-trained rejector gives higher coverage at equal precision than a threshold on the predictor's confidence. It also outperforms a rejector of the same form trained with cross-entropy.",
  formula: String.raw`L(r,a)=e^{\frac\alpha2(r-a)}+c\,e^{-\beta r},\qquad \beta=\frac\alpha2\Big(e^{\alpha/2}+\frac{1-c}{c}\,e^{-\alpha/2}\Big)`,
  exports: [
    "losses/uncertainty: rejectionSurrogate",
    "uncertainty: calibratedBeta",
    "uncertainty: Rejector",
    "metrics: coverageAtPrecision",
    "metrics: riskCoverage",
    "metrics: aurc",
  ],
};
