import type { Card } from "../card.ts";

export const card: Card = {
  number: 65,
  slug: "tdg-negative-distillation",
  title:
    "Turning Dust into Gold: Distilling Complex Reasoning Capabilities from LLMs by Leveraging Negative Data",
  year: 2023,
  family: "language-model",
  kind: "algorithm",
  arxiv: "2312.12832",
  link: "https://arxiv.org/abs/2312.12832",
  code: "https://github.com/Yiwei98/TDG",
  summary:
    "Exploits a teacher's wrong rationales in three stages. A LoRA adapter trained on wrong rationales is frozen and mixed per token, possibly with negative sign, into one trained on right rationales (NAT). Self-distillation then stresses samples on which the negative and the mixed model disagree (NCE), and a ranker trained on right versus wrong rationales weights votes over sampled answers (ASC).",
  claim:
    "Each use of negative data raises accuracy over its positive-only counterpart: negative-assisted training over fine-tuning on correct rationales, calibrated over plain self-distillation, and adaptive over plain self-consistency voting. The setting is the distillation of reasoning from a large language model into a smaller one.",
  formula: String.raw`L=\tfrac12L_{\mathrm{CE}}+\tfrac12T^2\big(\tfrac12+b\big)\overline{\mathrm{CE}(p_{\mathrm{NAT}},p_{\text{student}})},\quad b=\tanh\overline{\mathrm{KL}(p_{\text{neg}}\|p_{\mathrm{NAT}})}`,
  exports: [
    "nn/lora:loraLinear",
    "nn/lora:dualLora",
    "losses/distill:calibratedKD",
    "inference/vote:selfConsistency",
    "inference/vote:adaptiveSelfConsistency",
  ],
};
