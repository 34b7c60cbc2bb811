import type { Card } from "../card.ts";

export const card: Card = {
  number: 144,
  slug: "unstar",
  title: "UnStar: Unlearning with Self-Taught Anti-Sample Reasoning for LLMs",
  year: 2024,
  family: "language-model",
  kind: "algorithm",
  arxiv: "2410.17050",
  link: "https://arxiv.org/abs/2410.17050",
  code: "https://github.com/MachineUnlearn/UnStar",
  summary:
    "To erase one association, the model writes paraphrased questions about it, replacement answers and rationales that argue for the wrong answer. Questions that still leak the fact, judged by exact, fuzzy and embedding matches, become anti-samples for adapter tuning with token cross-entropy. Questions that no longer leak are rephrased to look for remaining leaks, and the loop repeats.",
  claim:
    "Tuning on anti-samples with rationales removes a targeted fact faster and with less harm to neighbouring facts than methods that reverse the loss, such as gradient ascent. The rationale is the cause of the efficiency: anti-samples without it work less well.",
  formula: String.raw`L(\theta)=-\sum_{(q,\tilde a,\rho)}\ \sum_t\log p_\theta\big(u_t\mid q,u_{<t}\big),\qquad u=[\tilde a;\rho],\quad \tilde a\ne a^*`,
  exports: ["antiSamples", "leakTest", "iterativeAntiSampleUnlearning", "factCorpus", "forgetRetain"],
};
