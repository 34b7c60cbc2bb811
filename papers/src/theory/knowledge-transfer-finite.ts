import type { Card } from "../card.ts";

export const card: Card = {
  number: 169,
  slug: "knowledge-transfer-finite",
  title: "Towards the Fundamental Limits of Knowledge Transfer over Finite Domains",
  year: 2023,
  family: "theory",
  kind: "bound",
  arxiv: "2310.07838",
  link: "https://arxiv.org/abs/2310.07838",
  summary:
    "The paper analyses how fast a tabular student can copy a teacher over finite inputs S and labels A from n samples. Three levels of supervision are compared: hard labels only, hard labels with the probability the teacher gave to each drawn label, and complete soft labels. It gives a learner for each level; the middle one minimises squared errors of log-probabilities, so it copies the teacher on every seen pair and spreads the missing mass over unseen labels.",
  claim:
    "With hard labels, the best worst-case error in total variation scales as √(|S||A|/n). It scales as |S||A|/n once the teacher's probabilities of the drawn labels are visible, and as |S|/n when soft labels are complete. For the middle level, cross-entropy on the partial soft labels is asymptotically biased, whereas the squared log-probability loss attains the optimal rate.",
  formula: String.raw`\hat\pi=\operatorname*{arg\,min}_{\pi}\ \tfrac12\sum_{i=1}^{n}\big[\ln\pi(a_i\mid s_i)-\ln\pi^*(a_i\mid s_i)\big]^2`,
  exports: ["ceSingle", "cePartial", "selPartial", "ceFull", "klFull", "transferInstance", "rateFit"],
};
