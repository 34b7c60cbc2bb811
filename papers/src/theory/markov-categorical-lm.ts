import type { Card } from "../card.ts";

export const card: Card = {
  number: 177,
  slug: "markov-categorical-lm",
  title: "A Markov Categorical Framework for Language Modeling",
  year: 2025,
  family: "theory",
  kind: "diagnostic",
  arxiv: "2507.19247",
  link: "https://arxiv.org/abs/2507.19247",
  code: "https://github.com/asiresearch/lm-theory",
  summary:
    "One generation step of a language model is described as a chain of Markov kernels: embedding, backbone and softmax head. From this view the paper derives three quantities that can be measured: how much a hidden state knows about the future once the next token is given, the split of the loss into data entropy and KL, and the geometry of hidden states under a predictive-similarity operator.",
  claim:
    "Hidden states hold information about the token after next that the sampled next token does not reveal, and feature-level speculative decoding exploits this surplus. Training on the negative log-likelihood must learn the conditional entropy of the data. It also turns hidden states towards the top eigenvectors of an operator that compares predictive distributions, as spectral contrastive learning does, but without pairs.",
  formula: String.raw`I(H_t;W_{t+2}\mid W_{t+1})=H(W_{t+2}\mid W_{t+1})-H(W_{t+2}\mid W_{t+1},H_t)`,
  exports: [
    "theory/markov-lm: knownProcess",
    "theory/markov-lm: informationSurplus",
    "theory/markov-lm: predictiveOperator",
    "theory/markov-lm: fisherPullback",
    "theory/markov-lm: subspaceAlignment",
    "theory/markov-lm: cka",
  ],
};
