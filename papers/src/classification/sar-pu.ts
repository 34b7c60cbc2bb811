import type { Card } from "../card.ts";

export const card: Card = {
  number: 102,
  slug: "sar-pu",
  title: "Beyond the Selected Completely At Random Assumption for Learning from Positive and Unlabeled Data",
  year: 2018,
  family: "classification",
  kind: "algorithm",
  arxiv: "1809.03207",
  link: "https://arxiv.org/abs/1809.03207",
  code: "https://github.com/ML-KULeuven/SAR-PU",
  summary:
    "Learning from positive and unlabelled data when labelling is biased: the propensity e(x), the probability that a positive gets a label, varies with the attributes. Known propensities give an unbiased risk in which a labelled row counts 1/e as positive and 1-1/e as negative. Unknown ones are fitted jointly with the classifier by EM, from selected attributes only.",
  claim:
    "Inverse-propensity weighting of the risk gives an unbiased classifier objective. If the propensity is unknown but depends on few attributes, fitting it jointly with the classifier by EM reaches higher F1 and accuracy than treating unlabelled rows as negative or assuming that positives are labelled completely at random.",
  formula: String.raw`\hat R=\frac1n\sum_i\Big[s_i\Big(\tfrac1{e_i}\ell(f_i,1)+\big(1-\tfrac1{e_i}\big)\ell(f_i,0)\Big)+(1-s_i)\,\ell(f_i,0)\Big]`,
  exports: ["puRisk", "weightedTwoSided", "sarEM", "scar", "estimateLabelFrequency", "labelWithPropensity"],
};
