import type { Card } from "../card.ts";

export const card: Card = {
  number: 122,
  slug: "resampling-imperfect-verifiers",
  title: "Inference Scaling fLaws: The Limits of LLM Resampling with Imperfect Verifiers",
  year: 2024,
  family: "inference",
  kind: "bound",
  arxiv: "2411.17501",
  link: "https://arxiv.org/abs/2411.17501",
  summary:
    "The paper models repeated sampling until a verifier, for instance a unit test suite, accepts an answer. Each problem has a solve probability p and pass rates t and f for right and wrong samples; these give the precision of accepted answers and the chance of success within K attempts. A cost ratio κ for wrong answers against abstaining then gives a utility as a function of K.",
  claim:
    "Resampling cannot lift accuracy above the precision of accepted answers, however many attempts are allowed. Weaker models produce false positives more often, and no amount of resampling brings them to what a strong model reaches with one sample. If an accepted wrong answer costs more than abstaining, few attempts are optimal.",
  formula: String.raw`\Pr[\text{right}\mid K]=\pi_i\big(1-(1-q_i)^K\big),\quad \pi_i=\frac{p_it_i}{q_i},\quad q_i=p_it_i+(1-p_i)f_i`,
  exports: [
    "inference: resampleUntilAccepted",
    "inference: resamplingCurve",
    "inference: accuracyCeiling",
    "inference: optimalAttempts",
    "metrics: passAtK",
  ],
};
