import type { Card } from "../card.ts";

export const card: Card = {
  number: 180,
  slug: "unbiased-expected-max",
  title: "Showing Your Work Doesn't Always Work",
  year: 2020,
  family: "theory",
  kind: "diagnostic",
  arxiv: "2004.13705",
  link: "https://arxiv.org/abs/2004.13705",
  code: "https://github.com/castorini/meanmax",
  summary:
    "The paper examines estimators of the best validation score to expect when n hyper-parameter settings are tried at random, given B observed scores. Instead of the usual plug-in estimator, which samples with replacement, it averages the maximum over all subsets of size n, a U-statistic with simple weights on the sorted scores. It also checks error signs, wrong rankings of methods and bootstrap coverage.",
  claim:
    "The plug-in estimator of the expected best score is too low on average, underestimates in clearly more than half of all cases, and comes with bootstrap intervals that cover the truth less often than stated. The U-statistic over subsets of size n ≤ B removes the bias. It does not repair the intervals.",
  formula: String.raw`\hat U_n=\binom{B}{n}^{-1}\sum_{j=n}^{B}\binom{j-1}{n-1}\,x_{(j)},\qquad n\le B`,
  exports: [
    "metrics/expected-max: expectedMax",
    "metrics/expected-max: expectedMaxCurve",
    "metrics/expected-max: maxQuantile",
    "metrics/expected-max: bootstrapCI",
    "metrics/expected-max: orderReversal",
  ],
};
