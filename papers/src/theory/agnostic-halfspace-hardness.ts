import type { Card } from "../card.ts";

export const card: Card = {
  number: 110,
  slug: "agnostic-halfspace-hardness",
  title:
    "Near-Optimal Cryptographic Hardness of Agnostically Learning Halfspaces and ReLU Regression under Gaussian Marginals",
  year: 2023,
  family: "theory",
  kind: "bound",
  arxiv: "2302.06512",
  link: "https://arxiv.org/abs/2302.06512",
  summary:
    "The paper reduces a continuous version of Learning With Errors to agnostic learning of halfspaces, and of ReLU regression, with Gaussian inputs. Conditioning on the noisy phase z places inputs in thin parallel layers along a secret direction, and two interleaved layer families carry the two labels. Any learner with an advantage on these labels would tell the samples from uniform ones.",
  claim:
    "If LWE is sub-exponentially hard, no algorithm reaches error OPT + ε on Gaussian inputs much faster than the n^(O(1/ε²)) time in which low-degree polynomial regression already does so. Labels can correlate with a hidden halfspace at about 1/√k while no polynomial of degree below k carries any information on them.",
  formula: String.raw`z=\gamma\,v^\top x+e\bmod 1,\qquad x\sim\mathcal N(0,I_n),\quad e\sim\mathcal N(0,\beta^2)`,
  exports: [
    "data: hiddenDirectionHalfspace",
    "data: continuousLwe",
    "theory: matchingThresholds",
    "theory: hermiteFeatures",
    "theory: polynomialHalfspaceLearner",
  ],
};
