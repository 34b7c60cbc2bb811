import type { Card } from "../card.ts";

export const card: Card = {
  number: 98,
  slug: "nonnegative-networks",
  title: "Why do networks have inhibitory/negative connections?",
  year: 2022,
  family: "theory",
  kind: "model",
  arxiv: "2208.03211",
  link: "https://arxiv.org/abs/2208.03211",
  summary:
    "Proves that networks with non-negative weights and non-decreasing activations compute only functions that never fall when an input rises; biases may have any sign. The region where the output exceeds a level is therefore closed under increasing coordinates, so islands and rings cannot be represented. Allowing some negative weights, such as inhibitory units, restores universal approximation.",
  claim:
    "Networks limited to non-negative weights and non-decreasing activations are not universal approximators at any width; XOR, for one, is out of reach. Once some weights may be negative, the same kind of network is universal again.",
  formula: String.raw`W_l\ge0\ \ \forall l,\ \ \phi\ \text{non-decreasing},\ \ x\le x'\ \Longrightarrow\ F(x)\le F(x')`,
  exports: ["positiveLinear", "daleLinear", "onOffEncode", "isotonicLowerBound", "monotonicityViolations"],
};
