import type { Card } from "../card.ts";

export const card: Card = {
  number: 4,
  slug: "uv-cot-score-dpo",
  title: "Unsupervised Visual Chain-of-Thought Reasoning via Preference Optimization",
  year: 2025,
  family: "perception",
  kind: "algorithm",
  arxiv: "2504.18397",
  link: "https://arxiv.org/abs/2504.18397",
  code: "https://github.com/kesenzhao/UV-CoT",
  summary:
    "The model samples several candidate boxes per question, answers from each crop, and a separate evaluator scores the answers, so no box labels are needed. Boxes with clearly different scores form preference pairs for a DPO loss whose margin is the gap between the two scores. Pairs are regenerated from fresh questions in every round, with the reference policy reset to the start of that round.",
  claim:
    "Learning where to look from score-ranked own boxes gives higher answer accuracy than answering from the whole image, and also than training on annotated boxes. Adding the score gap as an offset to the DPO loss is claimed to beat plain DPO, which uses only the order of a pair.",
  formula: String.raw`\mathcal L=-\log\sigma\!\Big(\beta\Big[\log\tfrac{\pi_\theta(b_w)}{\pi_{\text{ref}}(b_w)}-\log\tfrac{\pi_\theta(b_l)}{\pi_{\text{ref}}(b_l)}\Big]-\big[g(s_w)-g(s_l)\big]\Big)`,
  exports: [
    "losses/preference: scoreDpo",
    "algorithms/preference: buildPreferencePairs",
    "algorithms/preference: iterateOnPolicy",
    "data/mnistCanvas: taggedDigits",
    "nn/vision: cropResize",
  ],
};
