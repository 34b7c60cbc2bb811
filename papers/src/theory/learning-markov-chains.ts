import type { Card } from "../card.ts";

export const card: Card = {
  number: 150,
  slug: "learning-markov-chains",
  title: "On Learning Markov Chains",
  year: 2018,
  family: "theory",
  kind: "bound",
  arxiv: "1810.11754",
  link: "https://arxiv.org/abs/1810.11754",
  summary:
    "The paper studies min-max risk when one path of n steps from a chain with k states is observed. Prediction asks for the distribution of the next state in KL risk; estimation asks for the entire transition matrix in a smooth f-divergence. Hard chains linger in a state that is entered only near the end of the path, so exit probabilities must be guessed from few visits.",
  claim:
    "The min-max prediction risk lies between the orders (k·log log n)/n and (k²·log log n)/n, above the rate (k-1)/(2n) of independent samples, and add-constant estimators do worse. Estimating the matrix is impossible in the worst case, but with all entries at least δ the risk is of order k/(nδ).",
  formula: String.raw`\frac{k\log\log n}{n}\ \lesssim\ \min_{\hat P}\max_M\mathbb E\,KL\big(M(X_n,\cdot)\,\|\,\hat P_{X^n}\big)\ \lesssim\ \frac{k^2\log\log n}{n}`,
  exports: [
    "randomChain",
    "samplePath",
    "hardPredictionChain",
    "stationary",
    "addConstant",
    "unseenExit",
    "fDivergence",
    "riskCurve",
    "exactPathRisk",
  ],
};
