import type { Card } from "../card.ts";

export const card: Card = {
  number: 57,
  slug: "dual-head-kd",
  title: "Dual-Head Knowledge Distillation: Enhancing Logits Utilization with an Auxiliary Head",
  year: 2024,
  family: "compression",
  kind: "objective",
  arxiv: "2411.08937",
  link: "https://arxiv.org/abs/2411.08937",
  code: "https://github.com/penghui-yang/DHKD",
  summary:
    "Distils a teacher into a student with two heads on one backbone. The main head learns from labels by cross-entropy and is the only one used at test time; the auxiliary head fits the teacher's logits with a smooth, Huber-like loss obtained from a binary KL per class. Optionally, the part of the distillation gradient that opposes the cross-entropy gradient is projected out.",
  claim:
    "Putting a logit-matching loss and cross-entropy on one linear head gives lower accuracy than either loss alone, since their gradients conflict there. With the logit loss moved to an auxiliary head, accuracy exceeds that of Hinton distillation, which itself exceeds cross-entropy training.",
  formula: String.raw`L=\gamma\,\mathrm{CE}(s,y)+\alpha\,T^2\sum_k\log\cosh\frac{s'_k-t_k}{2T}`,
  exports: [
    "losses/distill:hintonKD",
    "losses/distill:logitBinaryKL",
    "losses/distill:dualHead",
    "optim:projectConflicting",
    "diagnostics:neuralCollapse",
  ],
};
