import type { Card } from "../card.ts";

export const card: Card = {
  number: 8,
  slug: "safe-align",
  title: "Red-Teaming Large Language Models using Chain of Utterances for Safety-Alignment",
  year: 2023,
  family: "language-model",
  kind: "benchmark",
  arxiv: "2308.09662",
  link: "https://arxiv.org/abs/2308.09662",
  code: "https://github.com/declare-lab/red-instruct",
  summary:
    "A red-teaming prompt wraps a harmful question in a dialogue in which a second speaker shows compliant internal thoughts, and a judge measures the share of harmful replies. For alignment, a model is fine-tuned to raise the likelihood of safe and helpful answers (blue) and, in a second variant, also to lower that of harmful answers (red). Since the red term has no lower bound, it needs a limit in practice.",
  claim:
    "The dialogue-shaped prompt raises the attack success rate far above that of direct questions, to about 0.65 for GPT-4 and 0.73 for ChatGPT. Fine-tuning on safe answers while pushing down harmful ones reduces this rate without loss of utility. In the paper's DangerousQA results for Vicuna-7B, the blue-only variant was lower (0.765) than blue plus red (0.855).",
  formula: String.raw`\mathcal L=\mathcal L_{\text{blue}}-\lambda\,\mathcal L_{\text{red}},\qquad \mathcal L_{\bullet}=-\frac1{|r|}\sum_t\log\pi(r_t\mid\cdot)`,
  exports: [
    "losses/unlearning: safeAlign",
    "negation/redEval: buildRedEval",
    "negation/redEval: attackSuccessRate",
    "data/countries: factDialogues",
  ],
};
