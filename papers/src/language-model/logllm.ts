import type { Card } from "../card.ts";

export const card: Card = {
  number: 141,
  slug: "logllm",
  title: "LogLLM: Log-based Anomaly Detection Using Large Language Models",
  year: 2024,
  family: "language-model",
  kind: "model",
  arxiv: "2411.08561",
  link: "https://arxiv.org/abs/2411.08561",
  code: "https://github.com/guanwei49/LogLLM",
  summary:
    "Log messages are cleaned with regular expressions that mask variable parts, so no log parser is needed, and each message is encoded into one vector by a text encoder. A linear projector maps these vectors into the input space of a decoder language model, which completes a sentence with normal or anomalous. Training is staged: first the decoder adapters on a small balanced set, then projector and encoder, then all parts together.",
  claim:
    "Encoder, projector and decoder trained in stages detect anomalous log sequences with higher F1 than a parser followed by a classifier over template ids. Accuracy falls less when the wording of the logs changes.",
  formula: String.raw`c_i=\operatorname{Enc}(m_i),\quad X=[\,E_{head},\,Wc_1+b,\dots,Wc_n+b,\,E_{question}\,],\quad L=-\sum_t\log p(a_t\mid X,a_{<t})`,
  exports: [
    "PrefixDecoder",
    "stagedTraining",
    "maskLogVariables",
    "sessionize",
    "syntheticLogs",
    "balancedIndices",
  ],
};
